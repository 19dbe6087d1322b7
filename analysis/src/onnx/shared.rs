//! float32 values that several owners share: the constants of a model, which the file, a layer's quantized weights and
//! the sessions that compute with them all read, and which may be larger than everything else in memory.
//!
//! They begin at the start of a cache line, where there is a choice: onnxruntime reads a line at a time, and reading two
//! for each cost a text model a twentieth of its time.

use std::ops::Deref;

use bytes::Bytes;

use crate::buffer::{Buffer, Pool};

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// float32 values in memory that clones share.
#[derive(Clone, Debug, Default)]
pub struct SharedFloats(Bytes);

// A model file is little-endian, and its values are read in place; onnxruntime asks the same of a machine.
const _: () = assert!(cfg!(target_endian = "little"), "Quantlens needs a little-endian machine");

impl SharedFloats {
    /// `len` values in memory of `pool`, which `fill` writes; it finds anything.
    pub(crate) fn filled(pool: &Pool, len: usize, fill: impl FnOnce(&mut [f32])) -> Self {
        let mut values = pool.take(len);
        fill(&mut values);
        Self(Bytes::from_owner(Owner(values)))
    }

    /// Values as a model file holds them: where they lie, if that is an address for numbers, or in a copy. `None` where the
    /// last is not whole.
    pub fn from_raw(raw: &Bytes) -> Option<Self> {
        if as_floats(raw).is_some() {
            return Some(Self(raw.clone()));
        }
        let (values, []) = raw.as_chunks() else { return None };
        Some(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Values as a model file holds them: where they lie, if a cache line begins there, or in a copy that `pool` has room
    /// for. `None` where the last is not whole.
    pub(crate) fn at_line(raw: &Bytes, pool: &Pool) -> Option<Self> {
        if raw.as_ptr().align_offset(LINE_BYTES) == 0 && as_floats(raw).is_some() {
            return Some(Self(raw.clone()));
        }
        let (values, []) = raw.as_chunks() else { return None };
        let fill = |out: &mut [f32]| {
            out.iter_mut().zip(values).for_each(|(out, bytes)| *out = f32::from_le_bytes(*bytes));
        };
        Some(Self::filled(pool, values.len(), fill))
    }

    /// The values as a model file holds them, without a copy.
    pub fn raw(&self) -> Bytes {
        self.0.clone()
    }
}

impl From<Vec<f32>> for SharedFloats {
    fn from(values: Vec<f32>) -> Self {
        Self(Bytes::from_owner(Owner(values.into())))
    }
}

impl FromIterator<f32> for SharedFloats {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for SharedFloats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        as_floats(&self.0).unwrap_or_default()
    }
}

impl PartialEq for SharedFloats {
    fn eq(&self, other: &Self) -> bool {
        // The same memory is equal whatever is in it, and models compare theirs at every change.
        (self.0.as_ptr() == other.0.as_ptr() && self.0.len() == other.0.len()) || self[..] == other[..]
    }
}

struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// `raw` as float32 in place, when it is aligned and whole.
pub(super) fn as_floats(raw: &[u8]) -> Option<&[f32]> {
    bytemuck::try_cast_slice(raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_values_are_not_copied_and_others_are_right() {
        let pool = Pool::default();
        let values = SharedFloats::filled(&pool, 2, |out| out.copy_from_slice(&[1.5, -2.0]));
        let raw = values.raw();
        for again in [SharedFloats::from_raw(&raw), SharedFloats::at_line(&raw, &pool)] {
            assert!(std::ptr::eq(again.unwrap().as_ptr(), values.as_ptr()));
        }
        // All offsets but one are off a line, wherever the bytes lie, and three of four off an address for numbers.
        for start in 0..64 {
            let mut bytes = vec![7; start];
            bytes.extend_from_slice(&raw);
            let odd = Bytes::from(bytes).slice(start..);
            assert_eq!(SharedFloats::from_raw(&odd).unwrap(), values);
            let moved = SharedFloats::at_line(&odd, &pool).unwrap();
            assert_eq!((&moved, moved.as_ptr().align_offset(LINE_BYTES)), (&values, 0));
        }
    }

    #[test]
    fn half_a_value_is_none() {
        assert!(SharedFloats::from_raw(&Bytes::from_static(&[0; 7])).is_none());
        assert!(SharedFloats::from_raw(&Bytes::new()).unwrap().is_empty());
    }
}
