//! A quantized tensor as integers, and as floats while somebody reads them.
//!
//! onnxruntime is fed floats, so a pass makes them and reads them several times: they are held beside the codes until the
//! pass has read the tensor for the last time. What rests between two passes is the codes alone.

use std::sync::{Arc, OnceLock};

use crate::buffer::Buffer;
use crate::quant::{
    QuantParams,
    packed::{pack, unpack},
};

/// The integers of a tensor with what makes values of them.
#[derive(Debug)]
pub(crate) struct Codes {
    packed: Arc<Packed>,
    /// The values, where somebody asked for them.
    values: OnceLock<Buffer>,
}

#[derive(Debug)]
struct Packed {
    buffer: Buffer,
    /// Integers in the buffer that are used.
    len: usize,
    params: QuantParams,
}

impl Codes {
    /// Of values that came out of fake quantization with these parameters.
    pub(super) fn of(values: Buffer, params: QuantParams) -> Self {
        let len = values.len();
        let mut buffer = values.another((len * bytes_a_code(&params)).div_ceil(size_of::<f32>()));
        if bytes_a_code(&params) == 1 {
            pack(&values, &params, &mut buffer.integers_mut::<u8>()[..len]);
        } else {
            pack(&values, &params, &mut buffer.integers_mut::<u16>()[..len]);
        }
        Self { packed: Arc::new(Packed { buffer, len, params }), values: values.into() }
    }

    /// The values, made now if nobody has asked before.
    pub(super) fn values(&self) -> &[f32] {
        self.values.get_or_init(|| self.packed.values())
    }

    /// The same codes without their values.
    pub(super) fn resting(&self) -> Self {
        Self { packed: Arc::clone(&self.packed), values: OnceLock::new() }
    }

    /// Lets go of the values.
    pub(super) fn rest(&mut self) {
        self.values.take();
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        let floats = self.packed.buffer.capacity() + self.values.get().map_or(0, Buffer::capacity);
        (size_of::<f32>() * floats) as u64
    }

    /// Whether both have the same integers of the same parameters; then their values have the same bits. The converse
    /// does not hold: two scales can both give zeros.
    pub(super) fn has_codes_of(&self, other: &Self) -> bool {
        let (a, b) = (&*self.packed, &*other.packed);
        if std::ptr::eq(a, b) {
            return true;
        }
        let bytes = a.len * bytes_a_code(&a.params);
        a.params == b.params
            && a.len == b.len
            && a.buffer.integers::<u8>()[..bytes] == b.buffer.integers::<u8>()[..bytes]
    }
}

impl Packed {
    fn values(&self) -> Buffer {
        let mut values = self.buffer.another(self.len);
        if bytes_a_code(&self.params) == 1 {
            unpack(&self.buffer.integers::<u8>()[..self.len], &self.params, &mut values);
        } else {
            unpack(&self.buffer.integers::<u16>()[..self.len], &self.params, &mut values);
        }
        values
    }
}

fn bytes_a_code(params: &QuantParams) -> usize {
    usize::from(params.grid.container_bits() / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Grid, Range, affine, fake_quantize_in_place};

    fn codes(bits: u8, high: f32) -> (Codes, Vec<f32>) {
        let (params, _) = affine(Range::new(-1.0, high), Grid::unsigned(bits).unwrap());
        let mut values: Vec<f32> = (0..77).map(|i| (i as f32 * 0.7).sin()).collect();
        fake_quantize_in_place(&mut values, &params);
        (Codes::of(values.clone().into(), params), values)
    }

    #[test]
    fn values_come_back_after_a_rest() {
        for bits in [4, 8, 16] {
            let (mut codes, values) = codes(bits, 1.0);
            let awake = codes.bytes();
            codes.rest();
            let packed = (77 * usize::from(bits.max(8)) / 8).div_ceil(4) as u64 * 4;
            assert_eq!((awake, codes.bytes()), (packed + 4 * 77, packed));
            assert_eq!(codes.resting().values(), values);
            assert_eq!(codes.bytes(), packed, "a copy's values are its own");
            assert_eq!(codes.values(), values);
        }
    }

    #[test]
    fn codes_are_compared_with_their_parameters() {
        let (a, _) = codes(8, 1.0);
        assert!(a.has_codes_of(&a.resting()) && a.has_codes_of(&codes(8, 1.0).0));
        assert!(!a.has_codes_of(&codes(8, 2.0).0) && !a.has_codes_of(&codes(16, 1.0).0));
    }
}
