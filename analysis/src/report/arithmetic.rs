//! The integer arithmetic of one layer, for its page: every number the page shows, none left to derive.

use crate::{
    integer::LsbDifferences,
    quant::{Bits, Rounding},
    text::Text,
};

/// The integer arithmetic of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerArithmetic {
    /// The layer.
    pub layer: String,
    /// What there is to show.
    pub content: ArithmeticContent,
}

/// Integer arithmetic, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum ArithmeticContent {
    /// Of a Conv, Gemm or `MatMul` whose input and weights are integers.
    Integer(Box<IntegerArithmetic>),
    /// One sentence that says why not, and what would change it.
    NotApplicable(Text),
}

/// What a machine computes for the layer: `q_y = clamp(round(M·a) + Z_y)`, `a = Σ (q_x − Z_x)(q_w − Z_w) + q_b`.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerArithmetic {
    /// The tensor read, through the quantizer that this layer reads it with.
    pub input: TensorGrid,
    /// The constant operand; its scale is that of channel 0.
    pub weights: TensorGrid,
    /// The output; `None` where it is float, and the accumulator is scaled but never requantized.
    pub output: Option<TensorGrid>,
    /// Gemm's alpha, part of every multiplier; 1 elsewhere.
    pub alpha: f32,
    /// How the bias is added.
    pub bias: BiasForm,
    /// Codes that the output is clamped to.
    pub clamp: (i32, i32),
    /// The operator whose bounds narrow the clamp (`Relu`, `Clip`).
    pub fused: Option<String>,
    /// Products that each output adds up.
    pub taps: usize,
    /// One entry an output channel.
    pub channels: Vec<ChannelArithmetic>,
    /// The largest accumulator any input could give, over all channels.
    pub worst: Reach,
    /// The largest accumulator met; `None` without samples in memory.
    pub seen: Option<Reach>,
    /// What the integer run was computed on.
    pub coverage: Coverage,
    /// LSB differences from fake quantization, one entry a rounding; empty for a float output.
    pub roundings: Vec<RoundingDifferences>,
    /// For a float output: how far the accumulator is from the float computation.
    pub float_check: Option<FloatCheck>,
    /// Pairs of 8-bit products added in 16 bits.
    pub pairs: PairSaturation,
    /// What to know, and what to do about it; most serious first.
    pub remarks: Vec<Remark>,
}

/// A tensor's grid in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorGrid {
    /// Its name.
    pub tensor: String,
    /// Its format.
    pub bits: Bits,
    /// Scale S.
    pub scale: f32,
    /// Zero-point Z.
    pub zero_point: i32,
    /// Smallest and largest code.
    pub grid: (i32, i32),
}

/// How a bias is added onto the accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BiasForm {
    /// There is none.
    None,
    /// As the int32 of the configuration, on the accumulator's scale.
    Integer,
    /// The configuration keeps it float (or scales it by Gemm's beta); here it is rounded to steps of the accumulator.
    Rounded,
}

/// One output channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelArithmetic {
    /// Its index.
    pub index: usize,
    /// `S_w`.
    pub weight_scale: f32,
    /// `Z_w`.
    pub weight_zero_point: i32,
    /// `S_b = S_x·S_w`, times alpha: one step of the accumulator.
    pub bias_scale: f64,
    /// The multiplier; `None` for a float output.
    pub multiplier: Option<MultiplierFacts>,
    /// The largest magnitude any input could give, and the bits it needs.
    pub worst: (u64, u32),
    /// The largest magnitude met; `None` without samples.
    pub seen: Option<(u64, u32)>,
}

/// A multiplier and its fixed-point form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiplierFacts {
    /// `M = S_b/S_y`.
    pub real: f64,
    /// `M0` in Q0.31.
    pub m0: i32,
    /// `M0` as a fraction in [0.5, 1).
    pub fraction: f64,
    /// Right shift `n`; negative shifts left.
    pub shift: i32,
    /// `(M0·2^(−n) − M)/M`.
    pub relative_error: f64,
    /// Right shift of the nearest power of two.
    pub nearest_shift: i32,
}

/// A largest accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Its magnitude.
    pub magnitude: u64,
    /// Bits of the two's complement integer that holds it.
    pub bits: u32,
    /// The channel that reaches it; ties: the lowest index.
    pub channel: usize,
}

/// How much of the layer's output was computed in integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Samples looked at.
    pub samples: usize,
    /// Output elements computed.
    pub outputs: u64,
    /// Output elements of these samples.
    pub of: u64,
}

/// One way of requantizing against fake quantization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundingDifferences {
    /// The way.
    pub rounding: Rounding,
    /// Integer code minus fake-quantized code.
    pub differences: LsbDifferences,
}

/// The accumulator of a float output against the float computation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatCheck {
    /// Largest distance, in steps of the accumulator.
    pub largest_difference: f64,
    /// The same as a share of what float32 sums may be off by; at most 1 unless something is wrong.
    pub largest_share: f64,
}

/// Pairs of u8×s8 products that are added in int16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairSaturation {
    /// There is no such kernel for these formats or this operator: a text of the catalogue.
    NotApplicable(&'static str),
    /// Counts over the weights and the outputs computed.
    Counted {
        /// Pairs in the weights.
        pairs: usize,
        /// Of these, pairs that some input saturates.
        can_saturate: usize,
        /// Sums of two products that did, in the outputs computed.
        saturated: u64,
    },
}

/// Something to know about the layer's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How serious it is.
    pub level: RemarkLevel,
    /// A stable machine name.
    pub code: &'static str,
    /// What was found, with the numbers.
    pub text: Text,
    /// What to do about it; empty where there is nothing to do.
    pub advice: Text,
}

/// How serious a [`Remark`] is, most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkLevel {
    /// Results are wrong on some machine.
    Wrong,
    /// Results can become wrong.
    Risk,
    /// Good to know.
    Note,
}

impl LsbDifferences {
    /// Share of outputs that differ at all, in 0..=1; 0 of 0 is 0.
    pub fn different_share(&self) -> f64 {
        let outputs = self.outputs();
        if outputs == 0 { 0.0 } else { (outputs - self.equal) as f64 / outputs as f64 }
    }
}
