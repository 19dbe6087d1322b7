//! Memory of tensors that were replaced, for the next ones.
//!
//! A fresh page costs more than what is done with it: touching new memory takes 2–4 ns a float32 (4 KiB pages, a fault
//! each), quantizing a value and adding it to every error sum 1.3 ns. A changed plan replaces tensors by others of the
//! same lengths, so what one gives back the next one takes.

use std::sync::Arc;

use super::Value;

/// Buffers that are kept: enough for what a segment replaces, too few to weigh beside the cached tensors.
const KEPT: usize = 4;
/// Buffers shorter than this, 64 KiB, are cheap to allocate.
const WORTH_KEEPING: usize = 1 << 14;

/// Buffers without an owner.
#[derive(Debug, Default)]
pub(super) struct Spare {
    buffers: Vec<Vec<f32>>,
}

impl Spare {
    /// `len` values that will be overwritten: what they are is not said.
    pub(super) fn take(&mut self, len: usize) -> Vec<f32> {
        // Not a longer one: what it holds beyond its values would be in no account of memory.
        match self.buffers.iter().position(|buffer| buffer.len() == len) {
            Some(index) => self.buffers.swap_remove(index),
            None => vec![0.0; len],
        }
    }

    /// Keeps the memory of a value that nobody else holds.
    pub(super) fn give(&mut self, value: Arc<Value>) {
        if let Some(Value::Float { data, .. }) = Arc::into_inner(value)
            && data.len() >= WORTH_KEEPING
        {
            if self.buffers.len() == KEPT {
                self.buffers.remove(0);
            }
            self.buffers.push(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(len: usize) -> Arc<Value> {
        Arc::new(Value::Float { shape: vec![], data: vec![1.0; len] })
    }

    #[test]
    fn memory_is_taken_where_it_fits() {
        let len = WORTH_KEEPING;
        let mut spare = Spare::default();
        spare.give(value(len));
        let address = spare.buffers[0].as_ptr();
        for other in [len - 1, len + 1, 0] {
            assert_eq!(spare.take(other), vec![0.0; other]);
        }
        assert_eq!(spare.buffers.len(), 1);
        let taken = spare.take(len);
        assert_eq!((taken.len(), taken.as_ptr()), (len, address));
        assert!(spare.buffers.is_empty());
    }

    #[test]
    fn a_shared_value_is_left_alone_and_few_are_kept() {
        let mut spare = Spare::default();
        let shared = value(WORTH_KEEPING);
        spare.give(Arc::clone(&shared));
        spare.give(value(WORTH_KEEPING - 1));
        assert!(spare.buffers.is_empty());
        assert_eq!(shared.floats().map(<[f32]>::len), Some(WORTH_KEEPING));
        (0..10).for_each(|_| spare.give(value(WORTH_KEEPING)));
        assert_eq!(spare.buffers.len(), KEPT);
    }
}
