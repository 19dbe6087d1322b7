//! Number formats as a target allows them: a default and what else may be chosen.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::quant::{Bits, Codes, Scheme, Sign, SymmetricRule};

/// Alternatives, of which one holds where nothing is said. Never empty, nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice<T> {
    /// What holds where nothing is said.
    pub default: T,
    /// What may be chosen instead, in the file's order.
    pub others: Vec<T>,
}

impl<T: PartialEq> Choice<T> {
    /// The only one.
    pub fn only(value: T) -> Self {
        Self { default: value, others: Vec::new() }
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// Whether `value` may be chosen.
    pub fn allows(&self, value: &T) -> bool {
        self.iter().any(|known| known == value)
    }
}

/// How finely scales follow the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// One scale for the tensor.
    PerTensor,
    /// One for each output channel.
    PerChannel,
    /// One for each block of [`NumberFormat::group_sizes`] elements along the input axis, for each output channel.
    PerGroup,
}

/// How a symmetric scale follows from `amax = max|r|`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScaleRules {
    /// On signed grids.
    pub signed: SymmetricRule,
    /// On unsigned grids.
    pub unsigned: SymmetricRule,
    /// On signed grids of these widths instead, by bits.
    pub by_bits: BTreeMap<u8, SymmetricRule>,
}

impl ScaleRules {
    /// The rule on a grid of this sign and width.
    pub fn of(&self, sign: Sign, bits: u8) -> SymmetricRule {
        match sign {
            Sign::Signed => self.by_bits.get(&bits).copied().unwrap_or(self.signed),
            Sign::Unsigned => self.unsigned,
        }
    }
}

impl Default for ScaleRules {
    fn default() -> Self {
        Self { signed: SymmetricRule::MaxCode, unsigned: SymmetricRule::Span, by_bits: BTreeMap::new() }
    }
}

/// The formats of activations, or those of weights. Scheme, sign, codes, power of two and rule concern the integers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberFormat {
    /// Widths.
    pub bits: Choice<Bits>,
    /// With or without a zero-point.
    pub scheme: Choice<Scheme>,
    /// Signed or unsigned codes.
    pub sign: Choice<Sign>,
    /// With or without the most negative code; unsigned grids have all of theirs.
    pub codes: Choice<Codes>,
    /// Scales of a tensor.
    pub granularity: Choice<Granularity>,
    /// Elements of a block, where [`Granularity::PerGroup`] is among the granularities.
    pub group_sizes: Option<Choice<u32>>,
    /// Whether every scale is a power of two, rounded up to the next one so that nothing is clipped by it.
    pub power_of_two: bool,
    /// Scales of the symmetric scheme.
    pub scale_rule: ScaleRules,
}

impl NumberFormat {
    /// The integer widths, the default first where it is one.
    pub fn integer_bits(&self) -> impl Iterator<Item = u8> {
        self.bits.iter().filter_map(|bits| if let Bits::Int(bits) = bits { Some(*bits) } else { None })
    }
}

/// Integer widths that the target multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Combination {
    /// Bits of the activation.
    pub activation_bits: u8,
    /// Bits of the weight.
    pub weight_bits: u8,
}

/// As in a file: `A16W8`.
impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}W{}", self.activation_bits, self.weight_bits)
    }
}

impl Serialize for Combination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What becomes of the bias of a layer whose input and weight are integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// It stays float.
    Float,
    /// int32 with `S_b = S_x·S_w`, `Z_b = 0`.
    Int32 {
        /// What happens where a value does not fit.
        overflow: BiasOverflow,
    },
}

/// What mends a bias that does not fit int32 on the scale `S_x·S_w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasOverflow {
    /// `S_w` is raised until it fits; to the next power of two where scales are such.
    RaiseWeightScale,
    /// The bias stays float.
    Float,
}
