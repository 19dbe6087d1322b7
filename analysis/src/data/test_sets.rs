//! ONNX test-data folders: `test_data_set_0/input_0.pb`, …, each file one `TensorProto`.
//!
//! Each folder is one call with complete inputs, batch included. `input_k.pb` belongs to the model's k-th input unless the
//! names stored in the tensors say otherwise. `output_k.pb` are expectations of the float model and no data; they are left alone.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use half::{bf16, f16};
use prost::Message as _;

use super::files;
use crate::{
    error::{Error, Result},
    say,
    tensor::{ElementType, ModelInput, Tensor, TensorData},
    text::Text,
};

/// The fields of `onnx.TensorProto` that test data use; external data do not occur there.
#[derive(Clone, PartialEq, prost::Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    string_data: Vec<Bytes>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", tag = "9")]
    raw_data: Bytes,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    uint64_data: Vec<u64>,
}

/// The test sets in `folder` (or `folder` itself when it holds `input_0.pb`), by number.
///
/// # Errors
/// [`Error::Io`] when a folder cannot be listed.
pub(super) fn find(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_set = |path: &Path| path.join("input_0.pb").is_file();
    if is_set(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let mut sets: Vec<PathBuf> = files::entries(folder)?.into_iter().filter(|p| is_set(p)).collect();
    sets.sort_by_key(|p| (number(p), p.clone()));
    Ok(sets)
}

/// The number at the end of a name (`test_data_set_10` after `_9`).
fn number(path: &Path) -> u64 {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok()).unwrap_or(0)
}

/// The tensors of one set in the order of `inputs`.
///
/// # Errors
/// [`Error::Format`] for a broken file, [`Error::Data`] when an input has none.
pub(super) fn load(set: &Path, inputs: &[ModelInput]) -> Result<Vec<Tensor>> {
    let mut tensors = Vec::new();
    for k in 0..inputs.len() {
        let path = set.join(format!("input_{k}.pb"));
        if !path.is_file() {
            let reason = say!("{} has {} inputs, the model {}", set.display(), k, inputs.len());
            return Err(Error::data(reason));
        }
        let bytes = files::read(&path)?;
        tensors.push(parse(bytes.into()).map_err(|reason| Error::format(&path, reason))?);
    }
    let order: Option<Vec<usize>> =
        inputs.iter().map(|input| tensors.iter().position(|(name, _)| *name == input.name)).collect();
    // Without names for all inputs the numbers count.
    let order = order.unwrap_or((0..inputs.len()).collect());
    Ok(order.into_iter().filter_map(|k| tensors.get(k).map(|(_, t)| t.clone())).collect())
}

/// A `TensorProto`'s name and tensor.
fn parse(bytes: Bytes) -> std::result::Result<(String, Tensor), Text> {
    let proto = TensorProto::decode(bytes).map_err(|e| say!("is not an ONNX tensor ({})", e))?;
    let Some(element_type) = ElementType::from_onnx(proto.data_type) else {
        return Err(say!("has elements of ONNX type {}, which this program does not compute with", proto.data_type));
    };
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let count = shape.as_ref().and_then(|s| s.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)));
    let (Some(shape), Some(count)) = (shape, count) else {
        return Err(say!("has the impossible shape {}", format!("{:?}", proto.dims)));
    };
    let name = proto.name.clone();
    let data = if proto.raw_data.is_empty() { typed(proto, element_type) } else { raw(&proto.raw_data, element_type) };
    let held = super::elements::count(&data);
    if held != count {
        return Err(say!("holds {} values, its shape {} needs {}", held, format!("{shape:?}"), count));
    }
    Ok((name, Tensor { shape, data }))
}

/// Little-endian bytes.
fn raw(bytes: &[u8], element_type: ElementType) -> TensorData {
    use ElementType as E;
    fn read<T, const N: usize>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&c| from(c)).collect()
    }
    match element_type {
        E::Float32 => TensorData::Float32(read(bytes, f32::from_le_bytes)),
        E::Float64 => TensorData::Float64(read(bytes, f64::from_le_bytes)),
        E::Float16 => TensorData::Float16(read(bytes, f16::from_le_bytes)),
        E::BFloat16 => TensorData::BFloat16(read(bytes, bf16::from_le_bytes)),
        E::Uint8 => TensorData::Uint8(bytes.to_vec()),
        E::Int8 => TensorData::Int8(read(bytes, i8::from_le_bytes)),
        E::Uint16 => TensorData::Uint16(read(bytes, u16::from_le_bytes)),
        E::Int16 => TensorData::Int16(read(bytes, i16::from_le_bytes)),
        E::Uint32 => TensorData::Uint32(read(bytes, u32::from_le_bytes)),
        E::Int32 => TensorData::Int32(read(bytes, i32::from_le_bytes)),
        E::Uint64 => TensorData::Uint64(read(bytes, u64::from_le_bytes)),
        E::Int64 => TensorData::Int64(read(bytes, i64::from_le_bytes)),
        E::Bool => TensorData::Bool(bytes.iter().map(|&b| b != 0).collect()),
        // The specification forbids raw texts; no values then contradict the shape.
        E::String => TensorData::String(Vec::new()),
    }
}

/// The typed fields, which hold small types widened (`int32_data` holds float16 bit patterns too).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the format stores small types widened to 32 bits"
)]
fn typed(proto: TensorProto, element_type: ElementType) -> TensorData {
    use ElementType as E;
    let small = proto.int32_data.iter();
    match element_type {
        E::Float32 => TensorData::Float32(proto.float_data),
        E::Float64 => TensorData::Float64(proto.double_data),
        E::Float16 => TensorData::Float16(small.map(|&v| f16::from_bits(v as u16)).collect()),
        E::BFloat16 => TensorData::BFloat16(small.map(|&v| bf16::from_bits(v as u16)).collect()),
        E::Uint8 => TensorData::Uint8(small.map(|&v| v as u8).collect()),
        E::Int8 => TensorData::Int8(small.map(|&v| v as i8).collect()),
        E::Uint16 => TensorData::Uint16(small.map(|&v| v as u16).collect()),
        E::Int16 => TensorData::Int16(small.map(|&v| v as i16).collect()),
        E::Int32 => TensorData::Int32(proto.int32_data),
        E::Bool => TensorData::Bool(small.map(|&v| v != 0).collect()),
        E::Uint32 => TensorData::Uint32(proto.uint64_data.iter().map(|&v| v as u32).collect()),
        E::Uint64 => TensorData::Uint64(proto.uint64_data),
        E::Int64 => TensorData::Int64(proto.int64_data),
        E::String => {
            let texts = proto.string_data.iter();
            TensorData::String(texts.map(|t| String::from_utf8_lossy(t).into_owned()).collect())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::testing::input;

    /// A float32 `input_k.pb`.
    pub(in crate::data) fn float_file(name: &str, dims: &[i64], values: &[f32]) -> Vec<u8> {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into();
        TensorProto { dims: dims.to_vec(), data_type: 1, name: name.to_owned(), raw_data, ..Default::default() }
            .encode_to_vec()
    }

    #[test]
    fn sets_in_number_order_and_inputs_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for k in [10, 2] {
            let set = folder.path().join(format!("test_data_set_{k}"));
            std::fs::create_dir(&set).unwrap();
            std::fs::write(set.join("input_0.pb"), float_file("b", &[1], &[2.0])).unwrap();
            std::fs::write(set.join("input_1.pb"), float_file("a", &[1], &[1.0])).unwrap();
            std::fs::write(set.join("output_0.pb"), b"no tensor").unwrap();
        }
        let sets = find(folder.path()).unwrap();
        assert!(sets[0].ends_with("test_data_set_2") && sets[1].ends_with("test_data_set_10"));
        let (a, b) = (input("a", ElementType::Float32, &[1]), input("b", ElementType::Float32, &[1]));
        let tensors = load(&sets[0], &[a.clone(), b]).unwrap();
        assert_eq!((tensors[0].as_f32(), tensors[1].as_f32()), (Some(&[1.0_f32][..]), Some(&[2.0_f32][..])));
        // Names that are not the model's: the numbers count.
        let tensors = load(&sets[0], &[a, input("c", ElementType::Float32, &[1])]).unwrap();
        assert_eq!(tensors[0].as_f32(), Some(&[2.0_f32][..]));
    }

    #[test]
    fn typed_fields_are_read() {
        let read = |proto: TensorProto| parse(proto.encode_to_vec().into()).unwrap().1.data;
        let base = TensorProto { dims: vec![2], ..Default::default() };
        // float16 1.0 = 0x3c00 = 15360, −2.0 = 0xc000 = 49152.
        let half = TensorProto { data_type: 10, int32_data: vec![15_360, 49_152], ..base.clone() };
        assert_eq!(read(half), TensorData::Float16(vec![f16::from_f32(1.0), f16::from_f32(-2.0)]));
        let bytes = TensorProto { data_type: 3, int32_data: vec![-1, 127], ..base.clone() };
        assert_eq!(read(bytes), TensorData::Int8(vec![-1, 127]));
        assert_eq!(read(TensorProto { data_type: 7, int64_data: vec![-5, 6], ..base }), TensorData::Int64(vec![-5, 6]));
    }

    #[test]
    fn hostile_tensors_are_sentences() {
        let says = |bytes: Vec<u8>, words: &str| {
            let error = parse(bytes.into()).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        says(float_file("x", &[i64::MAX, i64::MAX], &[]), "impossible shape");
        says(float_file("x", &[-1], &[1.0]), "impossible shape");
        says(float_file("x", &[1 << 40], &[1.0]), "holds 1 values");
        says(b"\xff\xff\xff\xff".to_vec(), "not an ONNX tensor");
        let good = float_file("x", &[2], &[1.0, 2.0]);
        assert!((1..good.len()).all(|n| parse(good[..n].to_vec().into()).is_err()));
    }
}
