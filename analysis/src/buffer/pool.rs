//! Where buffers come from and go back to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Buffer, Storage,
    region::{Block, Region},
};

/// Blocks start at cache lines.
const LINE: usize = 16;
/// Floats in large blocks that nobody uses, beyond which they are given back to the system: 64 MiB.
const MOST_FREE: usize = 16 << 20;

/// Memory for buffers. Clones are the same pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool(Arc<Mutex<Regions>>);

/// Those that blocks are cut from, the oldest first: what is given back is soon taken again, while it is in the cache.
#[derive(Debug, Default)]
struct Regions(Vec<Region>);

impl Pool {
    /// `len` values that will be overwritten: what they are is not said.
    pub(crate) fn take(&self, len: usize) -> Buffer {
        let block = (len > 0).then(|| self.regions().take(capacity_for(len))).flatten();
        let storage = match block {
            Some(block) => Storage::Pooled { block: Some(block), len, pool: self.clone() },
            // Nothing was asked for, or the system maps no more: allocating says what it always says then.
            None => Storage::Own(vec![0.0; len]),
        };
        Buffer { storage }
    }

    /// Takes back what a buffer had.
    pub(super) fn give(&self, block: Block) {
        self.regions().give(block);
    }

    /// Gives the memory that nobody uses back to the system.
    pub(crate) fn release(&self) {
        self.regions().0.retain(Region::is_used);
    }

    fn regions(&self) -> MutexGuard<'_, Regions> {
        // Between any two statements under the lock every region is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Regions {
    fn take(&mut self, capacity: usize) -> Option<Block> {
        if let Some(block) = self.0.iter_mut().find_map(|region| region.take(capacity)) {
            return Some(block);
        }
        let mut region = Region::new(capacity)?;
        let block = region.take(capacity);
        self.0.push(region);
        block
    }

    fn give(&mut self, block: Block) {
        if let Some(region) = self.0.iter_mut().find(|region| region.has(&block)) {
            region.give(block);
        }
        while self.large() > MOST_FREE {
            let unused = self.0.iter().enumerate().filter(|(_, region)| region.is_large() && !region.is_used());
            let Some((largest, _)) = unused.max_by_key(|(_, region)| region.capacity()) else { break };
            self.0.remove(largest);
        }
    }

    /// Floats in large blocks that nobody uses.
    fn large(&self) -> usize {
        let unused = self.0.iter().filter(|region| region.is_large() && !region.is_used());
        unused.map(Region::capacity).sum()
    }
}

/// Whole cache lines, and so few different capacities (eight a power of two) that what one tensor leaves fits the next.
fn capacity_for(len: usize) -> usize {
    let step = (1_usize << len.ilog2().saturating_sub(3)).max(LINE);
    len.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_and_taken_again() {
        let pool = Pool::default();
        let mut first = pool.take(1000);
        first.fill(1.5);
        let (address, capacity) = (first.as_ptr(), first.capacity());
        assert_eq!((first.len(), capacity, address.addr() % 64), (1000, 1024, 0));
        let second = pool.take(1000);
        assert_ne!(second.as_ptr(), address);
        drop(first);
        let third = pool.take(1001);
        assert_eq!((third.as_ptr(), third.len()), (address, 1001));
        assert_eq!(pool.take(0).len(), 0);
    }

    #[test]
    fn what_two_leave_side_by_side_a_larger_one_takes() {
        let pool = Pool::default();
        let (first, second, third) = (pool.take(1024), pool.take(512), pool.take(512));
        let address = first.as_ptr();
        drop(first);
        // The smallest place that is large enough, where there are two.
        let small = pool.take(16);
        assert_eq!(small.as_ptr(), address);
        drop((small, second));
        let large = pool.take(1536);
        assert_eq!(large.as_ptr(), address);
        drop((large, third));
        assert_eq!(pool.regions().0.len(), 1);
    }

    #[test]
    fn buffers_do_not_overlap() {
        let pool = Pool::default();
        let lengths = [1, 15, 16, 17, 70_000, 3_000_000, 9, 8_000_000, 100];
        let mut buffers: Vec<Buffer> = lengths.iter().map(|&len| pool.take(len)).collect();
        for (number, buffer) in buffers.iter_mut().enumerate() {
            buffer.fill(number as f32);
        }
        for (number, (buffer, len)) in buffers.iter().zip(lengths).enumerate() {
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&v| v == number as f32), "{number}");
        }
    }

    #[test]
    fn few_large_blocks_are_kept_without_an_owner() {
        let pool = Pool::default();
        let buffers: Vec<Buffer> = (0..10).map(|_| pool.take(MOST_FREE / 4)).collect();
        drop(buffers);
        let large = pool.regions().large();
        assert!(large <= MOST_FREE && large > MOST_FREE / 2, "{large}");
        let outlives = pool.take(100);
        drop(pool.take(50));
        pool.release();
        assert!(pool.regions().large() == 0 && pool.regions().0.len() == 1);
        assert!(outlives.iter().all(|v| v.is_finite()));
    }

    #[test]
    fn sizes_are_rounded_up_by_an_eighth_at_most() {
        assert_eq!(capacity_for(1), 16);
        assert_eq!(capacity_for(1 << 20), 1 << 20);
        for len in [17, 129, 1000, 65_537, 1_000_003] {
            let capacity = capacity_for(len);
            assert!(capacity >= len && capacity <= (len + len / 8).max(len + LINE), "{len} {capacity}");
            assert_eq!(capacity % LINE, 0);
        }
    }
}
