//! Makes `TensorProto`s: always `raw_data`, little-endian, as exporters write today.

use bytes::Bytes;

use super::{
    proto::{DataType, TensorProto},
    shared::SharedFloats,
};
use crate::{
    error::{Error, Result},
    tensor::{Tensor, TensorData},
};

/// `tensor` as a message called `name`.
pub fn tensor_proto(name: &str, tensor: &Tensor) -> TensorProto {
    let mut proto = TensorProto {
        // A Vec has at most isize::MAX elements, so a length always fits.
        dims: tensor.shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
        data_type: Some(tensor.element_type().onnx_code()),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    };
    let raw = match &tensor.data {
        TensorData::Float32(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Float64(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Float16(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::BFloat16(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Uint8(values) => raw(values, |v| [v]),
        TensorData::Int8(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Uint16(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Int16(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Uint32(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Int32(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Uint64(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Int64(values) => raw(values, |v| v.to_le_bytes()),
        TensorData::Bool(values) => raw(values, |v| [u8::from(v)]),
        TensorData::String(values) => {
            proto.string_data = values.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
            return proto;
        }
    };
    proto.raw_data = Some(raw);
    proto
}

/// float32 values as a message called `name`, without a copy.
pub fn float_proto(name: &str, shape: &[usize], values: &SharedFloats) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
        data_type: Some(DataType::Float as i32),
        name: Some(name.to_owned()),
        raw_data: Some(values.raw()),
        ..TensorProto::default()
    }
}

/// A tensor of integers stored as `kind` (4, 8, 16 or 32 bits, signed or not below 32): quantized weights, biases and
/// zero-points. 4-bit values go two to a byte, the first in the low half; an odd one out leaves the high half zero.
///
/// # Errors
/// [`Error::Model`] naming the tensor when a value does not fit `kind`, `kind` is no such type, or the shape does not
/// multiply to the number of values.
pub fn integer_tensor<T: Copy + Into<i32>>(
    name: &str,
    dims: &[usize],
    kind: DataType,
    values: &[T],
) -> Result<TensorProto> {
    let fail = |reason: String| Error::model(format!("tensor `{name}` cannot be made: {reason}"));
    if dims.iter().try_fold(1_usize, |count, dim| count.checked_mul(*dim)) != Some(values.len()) {
        return Err(fail(format!("its shape {dims:?} does not hold {} values", values.len())));
    }
    let (low, high) = grid(kind).ok_or_else(|| fail(format!("{} is no quantized integer type", kind.name())))?;
    if let Some(value) = values.iter().map(|v| (*v).into()).find(|v| !(low..=high).contains(v)) {
        return Err(fail(format!("{value} does not fit {}, which holds {low} to {high}", kind.name())));
    }
    // Every value was just found to fit, so cutting it to its low bytes loses nothing.
    let raw = match kind {
        DataType::Int4 | DataType::Uint4 => pack_4bit(values),
        DataType::Int8 | DataType::Uint8 => raw(values, |v| low_bytes::<1>(v.into())),
        DataType::Int16 | DataType::Uint16 => raw(values, |v| low_bytes::<2>(v.into())),
        _ => raw(values, |v| low_bytes::<4>(v.into())),
    };
    Ok(TensorProto {
        // A slice has at most isize::MAX elements, so a length always fits.
        dims: dims.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
        data_type: Some(kind as i32),
        name: Some(name.to_owned()),
        raw_data: Some(raw),
        ..TensorProto::default()
    })
}

/// Least and greatest value of an integer type that weights, biases or zero-points may have.
fn grid(kind: DataType) -> Option<(i32, i32)> {
    Some(match kind {
        DataType::Int4 => (-8, 7),
        DataType::Uint4 => (0, 15),
        DataType::Int8 => (-128, 127),
        DataType::Uint8 => (0, 255),
        DataType::Int16 => (-32_768, 32_767),
        DataType::Uint16 => (0, 65_535),
        DataType::Int32 => (i32::MIN, i32::MAX),
        _ => return None,
    })
}

fn low_bytes<const N: usize>(value: i32) -> [u8; N] {
    let bytes = value.to_le_bytes();
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

fn raw<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Bytes {
    let mut out = Vec::with_capacity(values.len().saturating_mul(N));
    values.iter().for_each(|value| out.extend_from_slice(&bytes(*value)));
    Bytes::from(out)
}

fn pack_4bit<T: Copy + Into<i32>>(values: &[T]) -> Bytes {
    let low_half = |value: T| low_bytes::<1>(value.into())[0] & 0x0f;
    let pair = |pair: &[T]| match pair {
        [low, high] => low_half(*low) | low_half(*high) << 4,
        rest => rest.first().map_or(0, |low| low_half(*low)),
    };
    values.chunks(2).map(pair).collect()
}

/// The first `count` 4-bit values of `packed`, which has at least that many, low half first.
pub(super) fn unpack_4bit(packed: &[u8], count: usize, signed: bool) -> Vec<i32> {
    let widen = |half: u8| if signed && half >= 8 { i32::from(half) - 16 } else { i32::from(half) };
    packed.iter().flat_map(|byte| [widen(byte & 0x0f), widen(byte >> 4)]).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{integer_values, tensor_values};
    use half::{bf16, f16};

    #[test]
    fn int4_packs_low_half_first() {
        // 1 → 0x1, -2 → 0xe: byte 0xe1; 7 → 0x7, -8 → 0x8: byte 0x87; 3 alone: 0x03.
        let tensor = integer_tensor("w", &[5], DataType::Int4, &[1_i8, -2, 7, -8, 3]).unwrap();
        assert_eq!(tensor.raw_data.as_deref(), Some(&[0xe1, 0x87, 0x03][..]));
        assert_eq!(integer_values(&tensor).unwrap(), [1, -2, 7, -8, 3]);
        // 15 → 0xf, 1 → 0x1: byte 0x1f.
        let tensor = integer_tensor("w", &[2], DataType::Uint4, &[15_u8, 1]).unwrap();
        assert_eq!(tensor.raw_data.as_deref(), Some(&[0x1f][..]));
        assert_eq!(integer_values(&tensor).unwrap(), [15, 1]);
    }

    #[test]
    fn wider_integers_are_little_endian() {
        // -2 = 0xfffe, 258 = 0x0102.
        let tensor = integer_tensor("w", &[2], DataType::Int16, &[-2_i16, 258]).unwrap();
        assert_eq!(tensor.raw_data.as_deref(), Some(&[0xfe, 0xff, 0x02, 0x01][..]));
        for (kind, values) in [
            (DataType::Int8, vec![-128, 127]),
            (DataType::Uint8, vec![0, 255]),
            (DataType::Uint16, vec![0, 65_535]),
            (DataType::Int32, vec![i32::MIN, i32::MAX]),
        ] {
            let tensor = integer_tensor("w", &[1, 2], kind, &values).unwrap();
            assert_eq!(integer_values(&tensor).unwrap(), values);
            assert_eq!(tensor.dims, [1, 2]);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let error =
            |dims: &[usize], kind, values: &[i32]| integer_tensor("w7", dims, kind, values).unwrap_err().to_string();
        assert!(error(&[1], DataType::Int4, &[8]).contains("`w7`"));
        assert!(error(&[1], DataType::Uint8, &[-1]).contains("0 to 255"));
        assert!(error(&[2], DataType::Int8, &[1]).contains("[2]"));
        assert!(error(&[1], DataType::Float, &[1]).contains("float is no"));
        assert!(integer_tensor("empty", &[0], DataType::Int4, &[0_i32; 0]).is_ok());
    }

    #[test]
    fn every_element_type_comes_back() {
        let all = [
            TensorData::Float32(vec![1.5, f32::MIN_POSITIVE]),
            TensorData::Float64(vec![1.5, f64::MAX]),
            TensorData::Float16(vec![f16::from_f32(1.5), f16::MAX]),
            TensorData::BFloat16(vec![bf16::from_f32(1.5), bf16::MAX]),
            TensorData::Uint8(vec![1, 255]),
            TensorData::Int8(vec![1, -128]),
            TensorData::Uint16(vec![1, 65_535]),
            TensorData::Int16(vec![1, -32_768]),
            TensorData::Uint32(vec![1, u32::MAX]),
            TensorData::Int32(vec![1, i32::MIN]),
            TensorData::Uint64(vec![1, u64::MAX]),
            TensorData::Int64(vec![1, i64::MIN]),
            TensorData::Bool(vec![true, false]),
            TensorData::String(vec!["ü".to_owned(), String::new()]),
        ];
        for data in all {
            let tensor = Tensor { shape: vec![2, 1], data };
            let proto = tensor_proto("t", &tensor);
            assert_eq!(tensor_values(&proto).unwrap(), tensor);
        }
    }
}
