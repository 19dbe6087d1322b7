//! One element through a narrow float format, with no branch, so that loops over it vectorise.
//!
//! A normal result is rounded on the float32's own bits: adding half of the dropped bits, less one unless the last kept
//! bit is odd, is round-half-to-even, and a carry into the exponent is right as it is. Below the smallest normal the
//! step no longer shrinks with the value; there, adding and subtracting a float32 whose last bit is that step rounds.
//! What is easy to get wrong: onnxruntime keeps the sign of a NaN but not its payload (float16 payloads survive in the
//! vector part of its Cast and not in the rest, so no rule could match both).

use super::{clipping::Clipping, floats::FloatFormat, wide::wide};

/// Elements handled together; sums are kept per lane, as in `kernel`, so that the machine's registers do not show.
const LANES: usize = 8;
const SIGN: u32 = 1 << 31;
const QUIET_NAN: u32 = 0x7FC0_0000;
const FLOAT32_MANTISSA_BITS: u32 = 23;
const FLOAT32_BIAS: u32 = 127;

/// The constants of one quantizer, derived once per call.
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatKernel {
    format: FloatFormat,
    scale: f32,
    /// A magnitude above it counts as clipped; infinite where overflow itself tells.
    edge: f32,
    largest: f32,
    /// What exceeds `largest` after rounding becomes: `largest`, or infinity.
    beyond: f32,
    smallest_normal: f32,
    /// A power of two whose last mantissa bit is the smallest subnormal.
    step_magnet: f32,
    /// Mantissa bits that are dropped.
    dropped: u32,
}

impl FloatKernel {
    pub(super) fn new(format: FloatFormat, scale: f32) -> Self {
        let dropped = FLOAT32_MANTISSA_BITS - format.mantissa_bits();
        let largest = format.largest_finite();
        let power_of_two = |exponent: u32| f32::from_bits(exponent << FLOAT32_MANTISSA_BITS);
        let scale = if format.has_scale() { scale } else { 1.0 };
        Self {
            format,
            scale,
            edge: if format.has_scale() { edge(format, scale) } else { f32::INFINITY },
            largest,
            beyond: if format.has_scale() { largest } else { f32::INFINITY },
            smallest_normal: format.smallest_normal(),
            step_magnet: power_of_two(FLOAT32_BIAS + 1 - format.exponent_bias() + dropped),
            dropped,
        }
    }

    /// The format's value nearest to a magnitude, ties to the even code. Any number for NaN.
    #[inline(always)]
    fn nearest(&self, magnitude: f32) -> f32 {
        let bits = magnitude.to_bits();
        let last_kept = (bits >> self.dropped) & 1;
        let raised = bits + ((1 << (self.dropped - 1)) - 1) + last_kept;
        let normal = f32::from_bits(raised >> self.dropped << self.dropped);
        let subnormal = (magnitude + self.step_magnet) - self.step_magnet;
        let rounded = if magnitude < self.smallest_normal { subnormal } else { normal };
        if rounded > self.largest { self.beyond } else { rounded }
    }

    /// What the exported pair of nodes makes of `value`.
    #[inline(always)]
    pub(super) fn value(&self, value: f32) -> f32 {
        let sign = value.to_bits() & SIGN;
        let rounded = self.nearest((value / self.scale).abs());
        let magnitude = (rounded * self.scale).to_bits();
        f32::from_bits(sign | if value.is_nan() { QUIET_NAN } else { magnitude })
    }

    /// The bits that stand for `value`, in the low [`FloatFormat::bits`].
    #[expect(clippy::cast_possible_truncation, reason = "codes have at most 16 bits, quotients of subnormals fewer")]
    #[expect(clippy::cast_sign_loss, reason = "a magnitude")]
    pub(super) fn code(&self, value: f32) -> u16 {
        let sign = (value.is_sign_negative() as u16) << (self.format.bits() - 1);
        if value.is_nan() {
            return sign | nan_code(self.format);
        }
        let rounded = self.nearest((value / self.scale).abs());
        let magnitude = if rounded == f32::INFINITY {
            infinity_code(self.format)
        } else if rounded < self.smallest_normal {
            (rounded / self.format.smallest_subnormal()) as u16
        } else {
            ((rounded.to_bits() - rebias(self.format)) >> self.dropped) as u16
        };
        sign | magnitude
    }

    /// What `Cast` or `DequantizeLinear` makes of a code.
    pub(super) fn decoded(&self, code: u16) -> f32 {
        let sign_bit = 1 << (self.format.bits() - 1);
        let magnitude = code & (sign_bit - 1);
        let value = if is_nan_code(self.format, magnitude) {
            return f32::from_bits(QUIET_NAN | if code & sign_bit == 0 { 0 } else { SIGN });
        } else if magnitude == infinity_code(self.format) && self.format != FloatFormat::Float8E4M3 {
            f32::INFINITY
        } else if magnitude >> self.format.mantissa_bits() == 0 {
            f32::from(magnitude) * self.format.smallest_subnormal()
        } else {
            f32::from_bits((u32::from(magnitude) << self.dropped) + rebias(self.format))
        };
        let scaled = value * self.scale;
        if code & sign_bit == 0 { scaled } else { -scaled }
    }
}

/// The difference of the two formats' exponent biases, where a float32 has its exponent.
fn rebias(format: FloatFormat) -> u32 {
    (FLOAT32_BIAS - format.exponent_bias()) << FLOAT32_MANTISSA_BITS
}

/// All exponent bits set and no mantissa bit. In E4M3FN that is 256.
fn infinity_code(format: FloatFormat) -> u16 {
    ((1 << format.exponent_bits()) - 1) << format.mantissa_bits()
}

/// What onnxruntime writes for a NaN.
fn nan_code(format: FloatFormat) -> u16 {
    match format {
        FloatFormat::Float8E4M3 | FloatFormat::Float8E5M2 => 0x7F,
        FloatFormat::BFloat16 => 0x7FC0,
        FloatFormat::Float16 => 0x7E00,
    }
}

fn is_nan_code(format: FloatFormat, magnitude: u16) -> bool {
    match format {
        FloatFormat::Float8E4M3 => magnitude == 0x7F,
        _ => magnitude > infinity_code(format),
    }
}

/// The largest float32 not above `(largest finite + half the last step)·S`.
fn edge(format: FloatFormat, scale: f32) -> f32 {
    let largest = format.largest_finite();
    // The binade of `largest` begins at its bits without mantissa.
    let binade = f32::from_bits(largest.to_bits() >> FLOAT32_MANTISSA_BITS << FLOAT32_MANTISSA_BITS);
    let half_step = f64::from(binade) / f64::from(2_u32 << format.mantissa_bits());
    // At most 5 bits times 24: exact in float64.
    let exact = (f64::from(largest) + half_step) * f64::from(scale);
    #[expect(clippy::cast_possible_truncation, reason = "corrected on the next line")]
    let near = exact as f32;
    if f64::from(near) > exact { near.next_down() } else { near }
}

/// Running sums, one a lane.
#[derive(Default)]
struct Tally {
    rounding: [f64; LANES],
    clipping: [f64; LANES],
    clipped: [u32; LANES],
    nan: [u32; LANES],
}

impl Tally {
    #[inline(always)]
    fn one(&mut self, kernel: &FloatKernel, value: f32, lane: usize) -> f32 {
        let result = kernel.value(value);
        let error = f64::from(result) - f64::from(value);
        let square = error * error;
        // Both false for NaN.
        let finite = (value.abs() <= f32::MAX) & (result.abs() <= f32::MAX);
        let outside = (value.abs() > kernel.edge) | (result.abs() > f32::MAX);
        self.rounding[lane] += if finite & !outside { square } else { 0.0 };
        self.clipping[lane] += if finite & outside { square } else { 0.0 };
        self.clipped[lane] += u32::from(outside);
        self.nan[lane] += u32::from(value.is_nan());
        result
    }

    fn total(&self) -> Clipping {
        Clipping {
            clipped: self.clipped.iter().map(|n| u64::from(*n)).sum(),
            nan: self.nan.iter().map(|n| u64::from(*n)).sum(),
            clipped_error_energy: self.clipping.iter().sum(),
            rounding_error_energy: self.rounding.iter().sum(),
        }
    }
}

impl FloatKernel {
    /// A block of at most 2³² elements.
    pub(super) fn block(&self, values: &mut [f32]) -> Clipping {
        in_place_block(values, self)
    }
}

wide! {
    fn in_place_block(values: &mut [f32], kernel: &FloatKernel) -> Clipping = in_place_body;
}

#[inline(always)]
fn in_place_body(values: &mut [f32], kernel: &FloatKernel) -> Clipping {
    let mut tally = Tally::default();
    let (eights, rest) = values.as_chunks_mut::<LANES>();
    for eight in eights {
        for (lane, value) in eight.iter_mut().enumerate() {
            *value = tally.one(kernel, *value, lane);
        }
    }
    for (lane, value) in rest.iter_mut().enumerate() {
        *value = tally.one(kernel, *value, lane);
    }
    tally.total()
}
