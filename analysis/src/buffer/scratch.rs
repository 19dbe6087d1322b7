//! Memory that a loop needs for a moment and needs again at once: a thread has its own, which therefore stays in its
//! processor's cache. From a pool it would come from wherever the last tensor left a place, mostly memory never touched.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

use bytemuck::{Pod, Zeroable};

/// Blocks that a thread keeps: a loop needs two at a time.
const KEPT_BLOCKS: usize = 2;
/// A larger block is given back to the system: 2 MiB, as much as a processor's own cache has room for.
const MOST_KEPT_FLOATS: usize = 1 << 19;

/// As much as every vector extension reads at a time.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE_FLOATS]);

const LINE_FLOATS: usize = 16;

thread_local! {
    static KEPT: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// `len` values, from the start of a cache line on.
#[derive(Debug)]
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

impl Scratch {
    /// Values that will be overwritten: what they are is not said.
    pub(crate) fn take(len: usize) -> Self {
        let mut lines = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        let count = len.div_ceil(LINE_FLOATS);
        if lines.len() < count {
            lines.resize(count, Line::zeroed());
        }
        Self { lines, len }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if lines.len() * LINE_FLOATS > MOST_KEPT_FLOATS {
            return;
        }
        // A thread that ends has nowhere to keep it, and frees it.
        let _ = KEPT.try_with(|kept| {
            if let Ok(mut kept) = kept.try_borrow_mut()
                && kept.len() < KEPT_BLOCKS
            {
                kept.push(lines);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_takes_its_own_again_and_never_twice_at_a_time() {
        let mut first = Scratch::take(100);
        let mut second = Scratch::take(50);
        first.fill(1.0);
        second.fill(2.0);
        let address = second.as_ptr();
        assert_eq!((first.len(), second.len(), address.addr() % 64), (100, 50, 0));
        assert!(first.iter().all(|&value| value == 1.0) && second.iter().all(|&value| value == 2.0));
        drop((first, second));
        let again = Scratch::take(40);
        assert_eq!((again.as_ptr(), again.len()), (address, 40));
        let other = std::thread::Builder::new().name("other".into()).spawn(|| Scratch::take(40).as_ptr().addr());
        assert_ne!(other.unwrap().join().unwrap(), address.addr());
    }

    #[test]
    fn large_ones_are_given_back() {
        drop(Scratch::take(MOST_KEPT_FLOATS + 1));
        assert_eq!(KEPT.with_borrow(Vec::len), 0);
        drop((Scratch::take(1), Scratch::take(2), Scratch::take(0)));
        assert_eq!(KEPT.with_borrow(Vec::len), KEPT_BLOCKS);
    }
}
