//! Memory of the float32 tensors between segments.
//!
//! A fresh page costs more than what is done with it: touching new memory takes 2–4 ns a float32 (4 KiB pages, a fault
//! each), quantizing a value and adding it to every error sum 1.3 ns. So memory is mapped in large pieces, for which the
//! system is asked for huge pages, and what some tensors give back the next ones take.

mod pool;
mod region;
mod scratch;

use std::ops::{Deref, DerefMut};

pub(crate) use pool::Pool;
use region::Block;
pub(crate) use scratch::Scratch;

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

/// Integers that a float's memory can hold: plain, and aligned no stricter.
pub(crate) trait Integer: sealed::Sealed + Copy {}
impl Integer for u8 {}
impl Integer for u16 {}

mod sealed {
    pub(crate) trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
}

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
            Storage::Pooled { block, .. } => block.as_ref().map_or(0, Block::capacity),
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
            pool.give(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
