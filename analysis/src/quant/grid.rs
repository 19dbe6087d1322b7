//! Which integers a quantizer may produce.
//!
//! A [`Grid`] is the interval that values are clamped to; it may be narrower than the integer type it is stored in
//! (3 bits live in an int8), see [`Grid::container_bits`]. How the scale follows from a range is not decided here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::floats::FloatFormat;
use crate::{
    error::{Error, Result},
    say,
    text::Value,
};

/// What a user may ask for as a width: an integer grid, or no quantizer at all.
///
/// Ordered as a user would rank them: integers by width, then floats by width, float32 last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bits {
    /// Integers of this many bits: 2 to 8, or 16. Made by [`Bits::int`], which refuses other widths.
    Int(u8),
    /// A float of 8 or 16 bits.
    Small(FloatFormat),
    /// float32: no quantizer.
    Float,
}

impl Bits {
    /// Every format that can be chosen, coarsest first.
    pub const ALL: [Self; 13] = [
        Self::Int(2),
        Self::Int(3),
        Self::Int(4),
        Self::Int(5),
        Self::Int(6),
        Self::Int(7),
        Self::Int(8),
        Self::Int(16),
        Self::Small(FloatFormat::Float8E4M3),
        Self::Small(FloatFormat::Float8E5M2),
        Self::Small(FloatFormat::BFloat16),
        Self::Small(FloatFormat::Float16),
        Self::Float,
    ];

    /// Integers and float32, which most work is done with.
    pub const COMMON: [Self; 9] = [
        Self::Int(2),
        Self::Int(3),
        Self::Int(4),
        Self::Int(5),
        Self::Int(6),
        Self::Int(7),
        Self::Int(8),
        Self::Int(16),
        Self::Float,
    ];

    /// An integer width.
    ///
    /// # Errors
    /// [`Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn int(bits: u8) -> Result<Self> {
        if is_width(bits) { Ok(Self::Int(bits)) } else { Err(refuse_width(bits)) }
    }

    /// Bits an element takes: the integer width, or 32 for float.
    pub fn width(self) -> u32 {
        match self {
            Self::Int(bits) => u32::from(bits),
            Self::Small(format) => format.bits(),
            Self::Float => 32,
        }
    }

    /// Whether there is no quantizer.
    pub fn is_float(self) -> bool {
        self == Self::Float
    }
}

/// Whether this program has an integer grid of `bits` bits.
fn is_width(bits: u8) -> bool {
    matches!(bits, 2..=8 | 16)
}

fn refuse_width(bits: impl Value) -> Error {
    let floats = FloatFormat::ALL.map(FloatFormat::name).join(", ");
    Error::config(say!("bit width"), say!("{} is not a width; use 2 to 8, 16, {} or \"float\"", bits, floats))
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(bits) => write!(f, "{bits}"),
            Self::Small(format) => f.write_str(format.name()),
            Self::Float => f.write_str("float"),
        }
    }
}

impl FromStr for Bits {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "float" {
            return Ok(Self::Float);
        }
        if let Ok(format) = text.parse() {
            return Ok(Self::Small(format));
        }
        text.parse().ok().filter(|bits| is_width(*bits)).map(Self::Int).ok_or_else(|| refuse_width(text))
    }
}

/// As in a configuration file: the number, or the string `"float"`.
impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(bits) => serializer.serialize_u8(*bits),
            Self::Small(format) => serializer.serialize_str(format.name()),
            Self::Float => serializer.serialize_str("float"),
        }
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bit width: 2 to 8, 16, a small float such as \"float16\", or \"float\"")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Bits, E> {
                let bits = u8::try_from(value).ok().filter(|bits| is_width(*bits));
                bits.map(Bits::Int).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            // TOML hands every integer over as signed.
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Bits, E> {
                match u64::try_from(value) {
                    Ok(value) => self.visit_u64(value),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Bits, E> {
                // "8" is a number here, not a string.
                match value.parse() {
                    Ok(bits @ (Bits::Float | Bits::Small(_))) => Ok(bits),
                    _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Whether a quantizer has a zero-point of its own choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// The range is `[-max|r|, max|r|]`; the zero-point is the grid's middle (0 for signed grids).
    Symmetric,
    /// The range is `[r_min, r_max]` widened to contain 0; the zero-point is where 0 falls.
    Affine,
}

/// The integers that values are clamped to, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    bits: u8,
    signed: bool,
    q_min: i32,
    q_max: i32,
}

impl Grid {
    /// `−2^(b−1) … 2^(b−1)−1`: all codes of a signed integer.
    ///
    /// # Errors
    /// [`Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn signed(bits: u8) -> Result<Self> {
        Bits::int(bits)?;
        let half = 1_i32 << (bits - 1);
        Ok(Self { bits, signed: true, q_min: -half, q_max: half - 1 })
    }

    /// `−(2^(b−1)−1) … 2^(b−1)−1`: a signed integer without its most negative code, so that negation stays inside.
    ///
    /// # Errors
    /// [`Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn signed_narrow(bits: u8) -> Result<Self> {
        let full = Self::signed(bits)?;
        Ok(Self { q_min: -full.q_max, ..full })
    }

    /// `0 … 2^b−1`.
    ///
    /// # Errors
    /// [`Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn unsigned(bits: u8) -> Result<Self> {
        Bits::int(bits)?;
        Ok(Self { bits, signed: false, q_min: 0, q_max: (1_i32 << bits) - 1 })
    }

    /// The nominal width, which a narrow grid keeps.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether codes are two's complement.
    pub fn is_signed(self) -> bool {
        self.signed
    }

    /// The smallest code.
    pub fn q_min(self) -> i32 {
        self.q_min
    }

    /// The largest code.
    pub fn q_max(self) -> i32 {
        self.q_max
    }

    /// How many codes there are.
    pub fn levels(self) -> u32 {
        self.q_max.abs_diff(self.q_min) + 1
    }

    /// Bits of the integer type that `QuantizeLinear` writes for this grid on an activation: 8 or 16.
    pub fn container_bits(self) -> u8 {
        if self.bits <= 8 { 8 } else { 16 }
    }

    /// The codes of that integer type, where `QuantizeLinear` saturates: int8, uint8, int16 or uint16.
    pub fn container(self) -> Self {
        let bits = self.container_bits();
        let half = 1_i32 << (bits - 1);
        let (q_min, q_max) = if self.signed { (-half, half - 1) } else { (0, 2 * half - 1) };
        Self { bits, signed: self.signed, q_min, q_max }
    }

    /// Whether the container has codes that this grid has not. The export then writes a Clip before `QuantizeLinear`.
    pub fn is_narrower_than_container(self) -> bool {
        let container = self.container();
        self.q_min > container.q_min || self.q_max < container.q_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_grids_of_each_width() {
        // b = 3: full −4…3 (8 codes), narrow −3…3 (7), unsigned 0…7 (8).
        let ends = |grid: Grid| (grid.q_min(), grid.q_max(), grid.levels());
        assert_eq!(ends(Grid::signed(3).unwrap()), (-4, 3, 8));
        assert_eq!(ends(Grid::signed_narrow(3).unwrap()), (-3, 3, 7));
        assert_eq!(ends(Grid::unsigned(3).unwrap()), (0, 7, 8));
        assert_eq!(ends(Grid::signed(8).unwrap()), (-128, 127, 256));
        assert_eq!(ends(Grid::signed_narrow(16).unwrap()), (-32767, 32767, 65535));
        assert_eq!(ends(Grid::unsigned(16).unwrap()), (0, 65535, 65536));
    }

    #[test]
    fn only_full_grids_of_8_and_16_bits_fill_their_container() {
        for bits in [2, 3, 4, 5, 6, 7] {
            assert!(Grid::signed(bits).unwrap().is_narrower_than_container());
            assert!(Grid::unsigned(bits).unwrap().is_narrower_than_container());
        }
        for bits in [8, 16] {
            assert!(!Grid::signed(bits).unwrap().is_narrower_than_container());
            assert!(!Grid::unsigned(bits).unwrap().is_narrower_than_container());
            assert!(Grid::signed_narrow(bits).unwrap().is_narrower_than_container());
        }
    }

    #[test]
    fn other_widths_are_refused_everywhere() {
        for bits in [0_u8, 1, 9, 15, 17, 32, 255] {
            assert!(matches!(Bits::int(bits), Err(Error::Config { .. })));
            assert!(Grid::signed(bits).is_err() && Grid::unsigned(bits).is_err() && Grid::signed_narrow(bits).is_err());
            assert!(bits.to_string().parse::<Bits>().is_err());
            assert!(serde_json::from_str::<Bits>(&bits.to_string()).is_err());
        }
        for text in ["", "Float", "-4", "8.0", "264"] {
            assert!(text.parse::<Bits>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Bits>("264").is_err(), "not 264 mod 256 = 8");
    }

    #[test]
    fn widths_round_trip_as_text_and_json() {
        for bits in Bits::ALL {
            assert_eq!(bits.to_string().parse::<Bits>().unwrap(), bits);
            let json = serde_json::to_string(&bits).unwrap();
            assert_eq!(serde_json::from_str::<Bits>(&json).unwrap(), bits);
        }
        assert_eq!(
            serde_json::to_string(&Bits::ALL[2..]).unwrap(),
            r#"[4,5,6,7,8,16,"float8e4m3","float8e5m2","bfloat16","float16","float"]"#
        );
        assert!(Bits::ALL.is_sorted());
        assert_eq!(serde_json::to_string(&Scheme::Affine).unwrap(), r#""affine""#);
    }
}
