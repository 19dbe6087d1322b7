//! Memory of the float32 tensors between segments.
//!
//! A fresh page costs more than what is done with it: touching new memory takes 2–4 ns a float32 (4 KiB pages, a fault
//! each), quantizing a value and adding it to every error sum 1.3 ns. So memory is mapped in large pieces, for which the
//! system is asked for huge pages, and what one tensor gives back the next one of its size takes.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use memmap2::MmapMut;

/// Bytes of one mapping: many tensors share it. A larger tensor has one of its own.
const MAPPING_BYTES: usize = 32 << 20;
/// Blocks start at cache lines.
const LINE: usize = 16;
/// Floats in large blocks that nobody uses, beyond which they are given back to the system: 64 MiB.
const MOST_FREE: usize = 16 << 20;

/// float32 values, in a [`Pool`] or in memory of their own.
#[derive(Debug)]
pub(crate) struct Buffer {
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Own(Vec<f32>),
    Pooled { block: Option<Block>, len: usize, pool: Pool },
}

/// Part of a mapping that one buffer owns.
#[derive(Debug)]
struct Block {
    start: NonNull<f32>,
    capacity: usize,
    /// Keeps the memory mapped.
    _mapping: Arc<Mapping>,
}

/// Its bytes are handed out once each, as blocks; it is never read or written through this.
#[derive(Debug)]
struct Mapping {
    map: MmapMut,
}

/// Integers that a float's memory can hold: plain, and aligned no stricter.
pub(crate) trait Integer: sealed::Sealed + Copy {}
impl Integer for u8 {}
impl Integer for u16 {}

mod sealed {
    pub(crate) trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
}

#[expect(unsafe_code, reason = "a block is the only way to its bytes, as a Box is")]
// SAFETY: blocks do not overlap and own their floats, which are plain data.
unsafe impl Send for Block {}
#[expect(unsafe_code, reason = "a block is the only way to its bytes, as a Box is")]
// SAFETY: a shared block gives shared floats only.
unsafe impl Sync for Block {}

/// Where buffers come from and go back to. Clones are the same pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool(Arc<Mutex<Free>>);

#[derive(Debug, Default)]
struct Free {
    /// Blocks without an owner, by capacity. Those that share a mapping stay until [`Pool::release`]: one that goes alone
    /// gives nothing back to the system.
    blocks: BTreeMap<usize, Vec<Block>>,
    /// Floats in those that have a mapping of their own.
    large: usize,
    /// The mapping that new blocks are cut from: its first free float, and how many follow.
    rest: Option<(Arc<Mapping>, NonNull<f32>, usize)>,
}

#[expect(unsafe_code, reason = "the rest of a mapping is a block that has not been cut yet")]
// SAFETY: as for `Block`.
unsafe impl Send for Free {}

impl Buffer {
    /// Another of `len` values, from where this one came.
    pub(crate) fn another(&self, len: usize) -> Self {
        match &self.storage {
            Storage::Own(_) => vec![0.0; len].into(),
            Storage::Pooled { pool, .. } => pool.take(len),
        }
    }

    /// The memory of the values as integers of another size.
    #[expect(unsafe_code, reason = "floats as plain memory")]
    pub(crate) fn integers<T: Integer>(&self) -> &[T] {
        let len = size_of_val(&self[..]) / size_of::<T>();
        // SAFETY: the floats are initialised memory of so many integers, no stricter aligned; any bits are an integer.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), len) }
    }

    /// As [`Buffer::integers`], to write them.
    #[expect(unsafe_code, reason = "floats as plain memory")]
    pub(crate) fn integers_mut<T: Integer>(&mut self) -> &mut [T] {
        let len = size_of_val(&self[..]) / size_of::<T>();
        // SAFETY: as in `integers`, and any bits are a float too; `&mut self` is the only way here.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), len) }
    }

    /// Floats held, those of the block beyond the values included.
    pub(crate) fn capacity(&self) -> usize {
        match &self.storage {
            Storage::Own(values) => values.capacity(),
            Storage::Pooled { block, .. } => block.as_ref().map_or(0, |block| block.capacity),
        }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(values: Vec<f32>) -> Self {
        Self { storage: Storage::Own(values) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.storage {
            Storage::Own(values) => values,
            Storage::Pooled { block: Some(block), len, .. } => block.values(*len),
            Storage::Pooled { block: None, .. } => &[],
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        match &mut self.storage {
            Storage::Own(values) => values,
            Storage::Pooled { block: Some(block), len, .. } => block.values_mut(*len),
            Storage::Pooled { block: None, .. } => &mut [],
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Storage::Pooled { block, pool, .. } = &mut self.storage
            && let Some(block) = block.take()
        {
            pool.free().give(block);
        }
    }
}

impl Block {
    #[expect(unsafe_code, reason = "the values live in a mapping")]
    fn values(&self, len: usize) -> &[f32] {
        debug_assert!(len <= self.capacity, "a block holds its buffer");
        // SAFETY: `capacity` floats from `start` on are mapped while `_mapping` lives, are this block's alone, aligned to
        // a cache line and initialised: a mapping starts as zeros.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), len) }
    }

    #[expect(unsafe_code, reason = "the values live in a mapping")]
    fn values_mut(&mut self, len: usize) -> &mut [f32] {
        debug_assert!(len <= self.capacity, "a block holds its buffer");
        // SAFETY: as in `values`; `&mut self` is the only way here.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), len) }
    }
}

impl Pool {
    /// `len` values that will be overwritten: what they are is not said.
    pub(crate) fn take(&self, len: usize) -> Buffer {
        let block = (len > 0).then(|| self.free().take(capacity_for(len))).flatten();
        match block {
            Some(block) => Buffer { storage: Storage::Pooled { block: Some(block), len, pool: self.clone() } },
            // Nothing was asked for, or the system maps no more: allocating says what it always says then.
            None => vec![0.0; len].into(),
        }
    }

    /// Gives the memory that nobody uses back to the system.
    pub(crate) fn release(&self) {
        *self.free() = Free::default();
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        // Between any two statements under the lock the free blocks are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    fn take(&mut self, capacity: usize) -> Option<Block> {
        if let Some(block) = self.blocks.get_mut(&capacity).and_then(Vec::pop) {
            self.large -= if is_large(capacity) { capacity } else { 0 };
            return Some(block);
        }
        self.cut(capacity)
    }

    fn give(&mut self, block: Block) {
        self.large += if is_large(block.capacity) { block.capacity } else { 0 };
        self.blocks.entry(block.capacity).or_default().push(block);
        while self.large > MOST_FREE {
            let Some(mut entry) = self.blocks.last_entry() else { break };
            match entry.get_mut().pop() {
                Some(block) => self.large -= block.capacity,
                None => drop(entry.remove()),
            }
        }
    }

    #[expect(unsafe_code, reason = "cuts a mapping into blocks")]
    fn cut(&mut self, capacity: usize) -> Option<Block> {
        if self.rest.as_ref().is_none_or(|(_, _, left)| *left < capacity) {
            let fresh = Mapping::new(capacity)?;
            // A mapping for one large tensor does not replace one with room for many.
            if is_large(capacity) {
                let start = fresh.start()?;
                return Some(Block { start, capacity, _mapping: fresh });
            }
            self.rest = Some((Arc::clone(&fresh), fresh.start()?, fresh.map.len() / size_of::<f32>()));
        }
        let (mapping, start, left) = self.rest.as_mut()?;
        let block = Block { start: *start, capacity, _mapping: Arc::clone(mapping) };
        // SAFETY: `capacity` floats are left from `start` on, so the end is inside the mapping or just behind it.
        *start = unsafe { start.add(capacity) };
        *left -= capacity;
        Some(block)
    }
}

impl Mapping {
    fn new(capacity: usize) -> Option<Arc<Self>> {
        let bytes = if is_large(capacity) { size_of::<f32>() * capacity } else { MAPPING_BYTES };
        let map = MmapMut::map_anon(bytes).ok()?;
        // A wish: without huge pages it is only slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(Arc::new(Self { map }))
    }

    fn start(&self) -> Option<NonNull<f32>> {
        // Page-aligned, so it is aligned for floats.
        NonNull::new(self.map.as_ptr().cast_mut().cast())
    }
}

/// Whether a block of so many floats has a mapping of its own.
fn is_large(capacity: usize) -> bool {
    size_of::<f32>() * capacity > MAPPING_BYTES / 4
}

/// Whole cache lines, and so few different capacities (eight a power of two) that tensors of nearly one size share blocks.
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
    fn floats_lend_their_memory_to_integers() {
        let pool = Pool::default();
        for mut buffer in [pool.take(3), Buffer::from(vec![0.0; 3])] {
            buffer.integers_mut::<u16>().copy_from_slice(&[1, 2, 3, 4, 5, 0x3f80]);
            assert_eq!(buffer.integers::<u8>()[8..], [5, 0, 0x80, 0x3f]);
            assert_eq!(buffer[2], f32::from_bits(0x3f80_0005));
            assert_eq!(buffer.another(7).len(), 7);
        }
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
        let large = pool.free().large;
        assert!(large <= MOST_FREE && large > MOST_FREE / 2, "{large}");
        let outlives = pool.take(100);
        drop(pool.take(50));
        pool.release();
        assert!(pool.free().large == 0 && pool.free().blocks.is_empty());
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
