//! The values of a `TensorProto`, wherever it keeps them.
//!
//! Shapes come from the file and are not to be trusted: sizes are computed with overflow checks and compared with the
//! data before anything is allocated. Values outside the file must have been read before
//! ([`super::read_external`]).

use std::borrow::Cow;

use bytes::Bytes;
use half::{bf16, f16};

use super::{
    external::is_external,
    pack::unpack_4bit,
    proto::{DataType, TensorProto},
    shared::as_floats,
};
use crate::{
    error::{Error, Result},
    say,
    tensor::{ElementType, Tensor, TensorData},
    text::Text,
};

/// The tensor's values in memory, of its own element type.
///
/// # Errors
/// [`Error::Model`] naming the tensor when shape and data disagree, a stored value does not fit its element type, text
/// is not UTF-8, or the element type is one that [`ElementType`] does not have.
pub fn tensor_values(tensor: &TensorProto) -> Result<Tensor> {
    values(tensor).map_err(|reason| named(tensor, &reason))
}

/// The values of a float32 tensor, without a copy where they lie aligned in memory, and of a float16, bfloat16 or
/// float64 tensor converted (float64 rounded to the nearest float32).
///
/// # Errors
/// [`Error::Model`] naming the tensor when it is not of a float type or shape and data disagree.
pub fn float_values(tensor: &TensorProto) -> Result<Cow<'_, [f32]>> {
    let convert = || -> Result<Cow<'_, [f32]>, Text> {
        let source = Source::of(tensor)?;
        Ok(match element_type(tensor)? {
            ElementType::Float32 => source.floats()?,
            ElementType::Float16 => source.halves()?.into_iter().map(|b| f16::from_bits(b).to_f32()).collect(),
            ElementType::BFloat16 => source.halves()?.into_iter().map(|b| bf16::from_bits(b).to_f32()).collect(),
            #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is what is asked for")]
            ElementType::Float64 => source.doubles()?.into_iter().map(|value| value as f32).collect(),
            other => return Err(say!("it holds {} where floats are needed", other.name())),
        })
    };
    convert().map_err(|reason| named(tensor, &reason))
}

/// The values of a tensor of 4-, 8- or 16-bit integers or of int32, widened: quantized weights and zero-points.
///
/// # Errors
/// [`Error::Model`] naming the tensor when it is of another type or shape and data disagree.
pub fn integer_values(tensor: &TensorProto) -> Result<Vec<i32>> {
    let convert = || -> Result<Vec<i32>, Text> {
        let code = tensor.data_type.and_then(|code| DataType::try_from(code).ok());
        if let Some(kind @ (DataType::Int4 | DataType::Uint4)) = code {
            let source = Source::of(tensor)?;
            let packed = source.integers(source.count.div_ceil(2), u8::from_le_bytes)?;
            return Ok(unpack_4bit(&packed, source.count, kind == DataType::Int4));
        }
        Ok(match values(tensor)?.data {
            TensorData::Int8(values) => values.into_iter().map(i32::from).collect(),
            TensorData::Uint8(values) => values.into_iter().map(i32::from).collect(),
            TensorData::Int16(values) => values.into_iter().map(i32::from).collect(),
            TensorData::Uint16(values) => values.into_iter().map(i32::from).collect(),
            TensorData::Int32(values) => values,
            _ => return Err(say!("it holds {} where quantized integers are needed", type_name(tensor))),
        })
    };
    convert().map_err(|reason| named(tensor, &reason))
}

/// Bytes that the tensor's values take in `raw_data`; `None` for text and unknown element types.
///
/// # Errors
/// A sentence when its shape is impossible.
pub(super) fn byte_length(tensor: &TensorProto) -> Result<Option<u64>, Text> {
    let count = element_count(tensor)? as u64;
    let bits = tensor.data_type.and_then(|code| DataType::try_from(code).ok()).and_then(DataType::bits);
    bits.map(|bits| {
        let total = count.checked_mul(u64::from(bits)).ok_or_else(|| too_large(tensor))?;
        Ok(total.div_ceil(8))
    })
    .transpose()
}

fn values(tensor: &TensorProto) -> Result<Tensor, Text> {
    let source = Source::of(tensor)?;
    let data = match element_type(tensor)? {
        ElementType::Float32 => TensorData::Float32(source.floats()?.into_owned()),
        ElementType::Float64 => TensorData::Float64(source.doubles()?),
        ElementType::Float16 => TensorData::Float16(source.halves()?.into_iter().map(f16::from_bits).collect()),
        ElementType::BFloat16 => TensorData::BFloat16(source.halves()?.into_iter().map(bf16::from_bits).collect()),
        ElementType::Uint8 => TensorData::Uint8(source.integers(source.count, u8::from_le_bytes)?),
        ElementType::Int8 => TensorData::Int8(source.integers(source.count, i8::from_le_bytes)?),
        ElementType::Uint16 => TensorData::Uint16(source.integers(source.count, u16::from_le_bytes)?),
        ElementType::Int16 => TensorData::Int16(source.integers(source.count, i16::from_le_bytes)?),
        ElementType::Int32 => TensorData::Int32(source.integers(source.count, i32::from_le_bytes)?),
        ElementType::Int64 => TensorData::Int64(source.numbers(&tensor.int64_data, i64::from_le_bytes)?),
        ElementType::Uint64 => TensorData::Uint64(source.numbers(&tensor.uint64_data, u64::from_le_bytes)?),
        ElementType::Uint32 => TensorData::Uint32(source.unsigned()?),
        ElementType::Bool => TensorData::Bool(
            source.integers(source.count, u8::from_le_bytes)?.into_iter().map(|byte| byte != 0).collect(),
        ),
        ElementType::String => TensorData::String(source.strings()?),
    };
    let shape = tensor.dims.iter().map(|dim| usize::try_from(*dim)).collect::<Result<_, _>>();
    Ok(Tensor { shape: shape.map_err(|_error| too_large(tensor))?, data })
}

/// Where a tensor's values are, and how many they must be.
struct Source<'a> {
    tensor: &'a TensorProto,
    count: usize,
    /// The raw bytes, unless a typed field has the values.
    raw: Option<&'a Bytes>,
}

impl<'a> Source<'a> {
    fn of(tensor: &'a TensorProto) -> Result<Self, Text> {
        if tensor.segment.is_some() {
            return Err(say!("it is one segment of a larger tensor, which onnxruntime does not support either"));
        }
        if is_external(tensor) && tensor.raw_data.is_none() {
            return Err(say!("its values are outside the model and were not read"));
        }
        // Raw bytes that are there but empty beside a filled typed field mean the typed field.
        let raw = tensor.raw_data.as_ref().filter(|raw| !raw.is_empty());
        Ok(Self { tensor, count: element_count(tensor)?, raw })
    }

    fn check(&self, found: usize, expected: usize, what: &str) -> Result<(), Text> {
        if found == expected {
            return Ok(());
        }
        Err(say!("its shape {} takes {} {}, but it has {}", format!("{:?}", self.tensor.dims), expected, what, found))
    }

    /// `count` raw values of `N` bytes each.
    fn raw_numbers<T, const N: usize>(&self, raw: &[u8], count: usize, of: fn([u8; N]) -> T) -> Result<Vec<T>, Text> {
        let expected = count.checked_mul(N).ok_or_else(|| too_large(self.tensor))?;
        self.check(raw.len(), expected, "bytes")?;
        Ok(raw.as_chunks().0.iter().map(|bytes| of(*bytes)).collect())
    }

    /// Values of a type that has a typed field of its own.
    fn numbers<T: Copy, const N: usize>(&self, typed: &[T], of: fn([u8; N]) -> T) -> Result<Vec<T>, Text> {
        match self.raw {
            Some(raw) => self.raw_numbers(raw, self.count, of),
            None => self.check(typed.len(), self.count, "values").map(|()| typed.to_vec()),
        }
    }

    fn doubles(&self) -> Result<Vec<f64>, Text> {
        self.numbers(&self.tensor.double_data, f64::from_le_bytes)
    }

    /// Bit patterns of float16 or bfloat16.
    fn halves(&self) -> Result<Vec<u16>, Text> {
        self.integers(self.count, u16::from_le_bytes)
    }

    /// `count` values of a type that shares `int32_data`.
    fn integers<T: TryFrom<i32>, const N: usize>(&self, count: usize, of: fn([u8; N]) -> T) -> Result<Vec<T>, Text> {
        if let Some(raw) = self.raw {
            return self.raw_numbers(raw, count, of);
        }
        let typed = &self.tensor.int32_data;
        self.check(typed.len(), count, "values")?;
        typed.iter().map(|value| T::try_from(*value).map_err(|_error| self.misfit(value))).collect()
    }

    fn unsigned(&self) -> Result<Vec<u32>, Text> {
        if self.raw.is_some() {
            return self.numbers(&[], u32::from_le_bytes);
        }
        let typed = &self.tensor.uint64_data;
        self.check(typed.len(), self.count, "values")?;
        typed.iter().map(|value| u32::try_from(*value).map_err(|_error| self.misfit(value))).collect()
    }

    fn floats(&self) -> Result<Cow<'a, [f32]>, Text> {
        let Some(raw) = self.raw else {
            self.check(self.tensor.float_data.len(), self.count, "values")?;
            return Ok(Cow::Borrowed(&self.tensor.float_data));
        };
        match as_floats(raw) {
            Some(floats) if floats.len() == self.count => Ok(Cow::Borrowed(floats)),
            _ => self.numbers(&[], f32::from_le_bytes).map(Cow::Owned),
        }
    }

    fn strings(&self) -> Result<Vec<String>, Text> {
        let texts = &self.tensor.string_data;
        self.check(texts.len(), self.count, "texts")?;
        let text = |(index, bytes): (usize, &Bytes)| {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_error| say!("its text {} is not UTF-8", index))
        };
        texts.iter().enumerate().map(text).collect()
    }

    fn misfit(&self, value: &impl ToString) -> Text {
        say!("its value {} does not fit {}", value.to_string(), type_name(self.tensor))
    }
}

/// Number of elements by the shape.
fn element_count(tensor: &TensorProto) -> Result<usize, Text> {
    let mut count = Some(1_usize);
    for dim in &tensor.dims {
        let dim =
            usize::try_from(*dim).map_err(|_error| say!("its shape {} is impossible", format!("{:?}", tensor.dims)))?;
        // A zero is left out here: [0, 2^40, 2^40] has no elements, but its product in another order overflows.
        count = count.and_then(|count| count.checked_mul(dim.max(1)));
    }
    let count = count.filter(|count| isize::try_from(*count).is_ok()).ok_or_else(|| too_large(tensor))?;
    Ok(if tensor.dims.contains(&0) { 0 } else { count })
}

fn too_large(tensor: &TensorProto) -> Text {
    say!("its shape {} has more elements than memory has bytes", format!("{:?}", tensor.dims))
}

fn element_type(tensor: &TensorProto) -> Result<ElementType, Text> {
    tensor
        .data_type
        .and_then(ElementType::from_onnx)
        .ok_or_else(|| say!("its element type is {}, which this program does not compute with", type_name(tensor)))
}

fn type_name(tensor: &TensorProto) -> Text {
    let code = tensor.data_type.unwrap_or_default();
    DataType::try_from(code).map_or_else(|_error| say!("number {}", code), |kind| kind.name().into())
}

fn named(tensor: &TensorProto, reason: &Text) -> Error {
    Error::model(say!("tensor `{}` cannot be read: {}", tensor.name(), reason))
}

#[cfg(test)]
mod tests;
