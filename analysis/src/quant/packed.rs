//! Quantized tensors as the integers that they are: a quarter or half of what their float32 take.
//!
//! A code is kept as its distance from the smallest of its container, so that one unsigned form serves every grid. The
//! value is made again by the multiplication that made it, so not a bit is lost.

use super::{kernel::Kernel, params::QuantParams, wide::wide};

/// 2²³: what a float32 that was added to it has in its lowest bits is an integer.
const INTEGER_BITS: f32 = 8_388_608.0;

/// Writes the codes of values that came out of fake quantization with these parameters, less the container's smallest.
///
/// # Panics
/// If the two differ in length.
pub(crate) fn pack<T: Code>(values: &[f32], params: &QuantParams, codes: &mut [T]) {
    assert_eq!(values.len(), codes.len(), "pack: values and codes are the same tensor's");
    T::pack(values, &Kernel::new(params), codes);
}

/// Writes the values of such codes.
///
/// # Panics
/// If the two differ in length.
pub(crate) fn unpack<T: Code>(codes: &[T], params: &QuantParams, values: &mut [f32]) {
    assert_eq!(values.len(), codes.len(), "unpack: values and codes are the same tensor's");
    T::unpack(codes, &Kernel::new(params), values);
}

/// What a code is kept in: as many bits as its container has.
pub(crate) trait Code: Copy + PartialEq {
    fn pack(values: &[f32], kernel: &Kernel, codes: &mut [Self]);
    fn unpack(codes: &[Self], kernel: &Kernel, values: &mut [f32]);
}

impl Code for u8 {
    fn pack(values: &[f32], kernel: &Kernel, codes: &mut [Self]) {
        pack_bytes(values, kernel, codes);
    }

    fn unpack(codes: &[Self], kernel: &Kernel, values: &mut [f32]) {
        unpack_bytes(codes, kernel, values);
    }
}

impl Code for u16 {
    fn pack(values: &[f32], kernel: &Kernel, codes: &mut [Self]) {
        pack_words(values, kernel, codes);
    }

    fn unpack(codes: &[Self], kernel: &Kernel, values: &mut [f32]) {
        unpack_words(codes, kernel, values);
    }
}

wide! {
    fn pack_bytes(values: &[f32], kernel: &Kernel, codes: &mut [u8]) = pack_bytes_body;
}

wide! {
    fn pack_words(values: &[f32], kernel: &Kernel, codes: &mut [u16]) = pack_words_body;
}

wide! {
    fn unpack_bytes(codes: &[u8], kernel: &Kernel, values: &mut [f32]) = unpack_body;
}

wide! {
    fn unpack_words(codes: &[u16], kernel: &Kernel, values: &mut [f32]) = unpack_body;
}

#[expect(clippy::cast_possible_truncation, reason = "a code of eight bits")]
#[inline(always)]
fn pack_bytes_body(values: &[f32], kernel: &Kernel, codes: &mut [u8]) {
    codes.iter_mut().zip(values).for_each(|(code, value)| *code = position(kernel, *value) as u8);
}

#[expect(clippy::cast_possible_truncation, reason = "a code of sixteen bits")]
#[inline(always)]
fn pack_words_body(values: &[f32], kernel: &Kernel, codes: &mut [u16]) {
    codes.iter_mut().zip(values).for_each(|(code, value)| *code = position(kernel, *value) as u16);
}

/// A code's distance from the smallest of its container, in the lowest bits. A cast of the float would saturate, which no
/// vector instruction does.
#[inline(always)]
fn position(kernel: &Kernel, value: f32) -> u32 {
    (kernel.steps(value) - kernel.first() + INTEGER_BITS).to_bits()
}

#[inline(always)]
fn unpack_body<T: Copy + Into<f32>>(codes: &[T], kernel: &Kernel, values: &mut [f32]) {
    for (value, code) in values.iter_mut().zip(codes) {
        *value = kernel.of_steps((*code).into() + kernel.first());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Grid, Range, SymmetricRule, affine, fake_quantize_in_place, symmetric, wide::with_each};

    fn survives<T: Code + Default>(params: &QuantParams, values: &[f32]) -> Vec<T> {
        let mut quantized = values.to_vec();
        fake_quantize_in_place(&mut quantized, params);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let mut each = with_each(|| {
            let (mut codes, mut again) = (vec![T::default(); values.len()], vec![f32::NAN; values.len()]);
            pack(&quantized, params, &mut codes);
            unpack(&codes, params, &mut again);
            assert_eq!(bits(&again), bits(&quantized), "{params:?}");
            codes
        });
        each.remove(0).1
    }

    #[test]
    fn codes_by_hand() {
        // S = 0.5, Z = −128 on int8: 1.0 is code −126, two above the smallest.
        let (params, _) = affine(Range::new(0.0, 127.5), Grid::signed(8).unwrap());
        assert_eq!((params.scale, params.zero_point), (0.5, -128));
        assert_eq!(survives::<u8>(&params, &[0.0, 1.0, 127.5, 500.0, -3.0, f32::NAN]), [0, 2, 255, 255, 0, 0]);
    }

    #[test]
    fn not_a_bit_is_lost() {
        let values: Vec<f32> = (0..1003).map(|i| (i as f32 * 0.37).sin() * 2.0_f32.powi(i % 40 - 20)).collect();
        for bits in [2, 3, 4, 7, 8, 16] {
            for grid in [Grid::signed(bits), Grid::signed_narrow(bits), Grid::unsigned(bits)].map(Result::unwrap) {
                // Up to scales at which a few steps are infinite, and down to the smallest.
                for size in [1e-37, 1e-6, 0.3, 7.0, 1e9, 3e38] {
                    let scaled: Vec<f32> = values.iter().map(|v| v * size).collect();
                    let made = [
                        affine(Range::new(-0.2 * size, size), grid).0,
                        affine(Range::new(-size, 0.0), grid).0,
                        symmetric(size, grid, SymmetricRule::Span).0,
                    ];
                    for params in made {
                        if bits == 16 {
                            survives::<u16>(&params, &scaled);
                        } else {
                            survives::<u8>(&params, &scaled);
                        }
                    }
                }
            }
        }
    }
}
