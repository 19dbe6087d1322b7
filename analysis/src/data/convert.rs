//! Element-type casts from what a file holds to what a model input takes.
//!
//! A cast is allowed when every value survives it, and from a wider float to a narrower one, where rounding is what the
//! user would do by hand; both are said in the feed's note. Everything else is refused with the first value that would
//! change: 3.5 for an int64 input is a mistake in the data, not something to truncate in silence.

use half::{bf16, f16};

use super::elements::{Number, numbers};
use crate::{
    say,
    tensor::{ElementType, TensorData},
    text::Text,
};

/// Why a cast is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    /// Position of the first value that would change, row-major.
    pub(super) index: usize,
    /// That value as text.
    pub(super) value: Text,
}

/// `data` as `to`; the same type is passed through.
///
/// # Errors
/// [`Refused`] with the first value that `to` cannot hold.
pub(super) fn cast(data: TensorData, to: ElementType) -> Result<TensorData, Refused> {
    use ElementType as E;
    // Pictures are uint8 and most inputs float32: this pair runs for every sample, so it skips the exact numbers.
    if let (TensorData::Uint8(v), E::Float32) = (&data, to) {
        return Ok(TensorData::Float32(v.iter().map(|&x| f32::from(x)).collect()));
    }
    if element_type(&data) == to {
        return Ok(data);
    }
    if matches!(data, TensorData::String(_)) {
        return Err(Refused { index: 0, value: say!("a text") });
    }
    Ok(match to {
        E::Float32 => TensorData::Float32(floats(&data, narrow, f64::from)?),
        E::Float64 => TensorData::Float64(floats(&data, |x| x, |x| x)?),
        E::Float16 => TensorData::Float16(floats(&data, f16::from_f64, f16::to_f64)?),
        E::BFloat16 => TensorData::BFloat16(floats(&data, bf16::from_f64, bf16::to_f64)?),
        E::Uint8 => TensorData::Uint8(integers(&data, |v| u8::try_from(v).ok())?),
        E::Int8 => TensorData::Int8(integers(&data, |v| i8::try_from(v).ok())?),
        E::Uint16 => TensorData::Uint16(integers(&data, |v| u16::try_from(v).ok())?),
        E::Int16 => TensorData::Int16(integers(&data, |v| i16::try_from(v).ok())?),
        E::Uint32 => TensorData::Uint32(integers(&data, |v| u32::try_from(v).ok())?),
        E::Int32 => TensorData::Int32(integers(&data, |v| i32::try_from(v).ok())?),
        E::Uint64 => TensorData::Uint64(integers(&data, |v| u64::try_from(v).ok())?),
        E::Int64 => TensorData::Int64(integers(&data, |v| i64::try_from(v).ok())?),
        E::Bool => TensorData::Bool(integers(&data, |v| (v == 0 || v == 1).then_some(v == 1))?),
        E::String => return Err(Refused { index: 0, value: say!("a number") }),
    })
}

/// What the feed's note says about this pair of types; `None` when nothing is cast.
pub(super) fn note(from: ElementType, to: ElementType) -> Option<Text> {
    let narrowed = float_bits(from) > float_bits(to) && float_bits(to) > 0;
    (from != to).then(|| {
        let how = if narrowed { say!("rounded") } else { say!("no value changed") };
        say!("{} cast to {} ({})", from.name(), to.name(), how)
    })
}

/// The element type of bare values.
pub(super) fn element_type(data: &TensorData) -> ElementType {
    match data {
        TensorData::Float32(_) => ElementType::Float32,
        TensorData::Float64(_) => ElementType::Float64,
        TensorData::Float16(_) => ElementType::Float16,
        TensorData::BFloat16(_) => ElementType::BFloat16,
        TensorData::Uint8(_) => ElementType::Uint8,
        TensorData::Int8(_) => ElementType::Int8,
        TensorData::Uint16(_) => ElementType::Uint16,
        TensorData::Int16(_) => ElementType::Int16,
        TensorData::Uint32(_) => ElementType::Uint32,
        TensorData::Int32(_) => ElementType::Int32,
        TensorData::Uint64(_) => ElementType::Uint64,
        TensorData::Int64(_) => ElementType::Int64,
        TensorData::Bool(_) => ElementType::Bool,
        TensorData::String(_) => ElementType::String,
    }
}

/// The nearest float32, halves to even.
#[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest float32 is the purpose")]
pub(super) fn narrow(x: f64) -> f32 {
    x as f32
}

/// Storage bits of a float type, 0 for the others; bfloat16 counts below float16 since it rounds harder.
fn float_bits(t: ElementType) -> u32 {
    match t {
        ElementType::Float64 => 64,
        ElementType::Float32 => 32,
        ElementType::Float16 => 16,
        ElementType::BFloat16 => 15,
        _ => 0,
    }
}

/// Values as floats. Integers must survive exactly; floats may round, but a finite one must not become infinite.
fn floats<T: Copy>(data: &TensorData, to: impl Fn(f64) -> T, back: impl Fn(T) -> f64) -> Result<Vec<T>, Refused> {
    convert_each(data, |number| {
        let cast = to(number.as_f64());
        let kept = match number {
            // `as` saturates, so a value that became infinite never compares equal.
            #[expect(clippy::cast_possible_truncation, reason = "compared with the integer it came from")]
            Number::Int(v) => back(cast) as i128 == v,
            Number::Float(x) => !x.is_finite() || back(cast).is_finite(),
        };
        kept.then_some(cast)
    })
}

/// Values as integers; floats must be whole numbers.
fn integers<T>(data: &TensorData, to: impl Fn(i128) -> Option<T>) -> Result<Vec<T>, Refused> {
    convert_each(data, |number| match number {
        Number::Int(v) => to(v),
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^100, so exact")]
        Number::Float(x) => (x.fract() == 0.0 && x.abs() < 1e30).then_some(x as i128).and_then(&to),
    })
}

fn convert_each<T>(data: &TensorData, f: impl Fn(Number) -> Option<T>) -> Result<Vec<T>, Refused> {
    numbers(data)
        .enumerate()
        .map(|(index, number)| {
            f(number).ok_or_else(|| {
                let value = match number {
                    Number::Int(v) => v.to_string().into(),
                    Number::Float(v) => v.to_string().into(),
                };
                Refused { index, value }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_to_float_must_be_exact() {
        // 2^24 + 1 is the first integer that float32 cannot hold.
        let good = cast(TensorData::Int32(vec![-3, 1 << 24]), ElementType::Float32);
        assert_eq!(good, Ok(TensorData::Float32(vec![-3.0, 16_777_216.0])));
        let bad = cast(TensorData::Int32(vec![0, (1 << 24) + 1]), ElementType::Float32);
        assert_eq!(bad, Err(Refused { index: 1, value: "16777217".into() }));
        // 2049 needs 12 significant bits, float16 has 11.
        assert!(cast(TensorData::Uint16(vec![2048]), ElementType::Float16).is_ok());
        assert!(cast(TensorData::Uint16(vec![2049]), ElementType::Float16).is_err());
    }

    #[test]
    fn floats_to_integers_must_be_whole() {
        assert_eq!(cast(TensorData::Float64(vec![7.0, -1.0]), ElementType::Int64), Ok(TensorData::Int64(vec![7, -1])));
        let bad = cast(TensorData::Float32(vec![1.0, 3.5]), ElementType::Int64);
        assert_eq!(bad, Err(Refused { index: 1, value: "3.5".into() }));
        assert!(cast(TensorData::Float32(vec![f32::NAN]), ElementType::Int64).is_err());
        assert!(cast(TensorData::Float64(vec![-1.0]), ElementType::Uint8).is_err());
    }

    #[test]
    fn wide_floats_round_but_do_not_overflow() {
        // 0.1 in double, rounded to single, is single's own 0.1.
        assert_eq!(cast(TensorData::Float64(vec![0.1]), ElementType::Float32), Ok(TensorData::Float32(vec![0.1])));
        // float16 ends at 65504.
        let bad = cast(TensorData::Float32(vec![1e6]), ElementType::Float16);
        assert_eq!(bad, Err(Refused { index: 0, value: "1000000".into() }));
        assert!(cast(TensorData::Float64(vec![f64::NAN]), ElementType::Float32).is_ok());
    }

    #[test]
    fn booleans_and_texts() {
        assert_eq!(cast(TensorData::Int64(vec![0, 1]), ElementType::Bool), Ok(TensorData::Bool(vec![false, true])));
        assert!(cast(TensorData::Int64(vec![2]), ElementType::Bool).is_err());
        assert!(cast(TensorData::String(vec!["a".to_owned()]), ElementType::Float32).is_err());
        assert!(cast(TensorData::Uint8(vec![1]), ElementType::String).is_err());
    }

    #[test]
    fn notes_say_whether_values_round() {
        assert_eq!(note(ElementType::Float32, ElementType::Float32), None);
        let lossless = note(ElementType::Uint8, ElementType::Float32);
        assert_eq!(lossless.as_deref(), Some("uint8 cast to float32 (no value changed)"));
        let rounded = note(ElementType::Float64, ElementType::Float32);
        assert_eq!(rounded.as_deref(), Some("float64 cast to float32 (rounded)"));
    }
}
