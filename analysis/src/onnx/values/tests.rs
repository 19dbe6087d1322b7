//! Typed fields, raw bytes, and shapes that lie. Raw round trips of every type are tested with `pack`.

use super::*;

fn proto(kind: DataType, dims: &[i64]) -> TensorProto {
    TensorProto { name: Some("t".into()), data_type: Some(kind as i32), dims: dims.to_vec(), ..TensorProto::default() }
}

fn error(tensor: &TensorProto) -> String {
    tensor_values(tensor).unwrap_err().to_string()
}

#[test]
fn typed_fields_of_every_type() {
    let ints = |kind, values: &[i32]| {
        tensor_values(&TensorProto { int32_data: values.to_vec(), ..proto(kind, &[2]) }).unwrap().data
    };
    assert_eq!(ints(DataType::Int8, &[-128, 127]), TensorData::Int8(vec![-128, 127]));
    assert_eq!(ints(DataType::Uint8, &[0, 255]), TensorData::Uint8(vec![0, 255]));
    assert_eq!(ints(DataType::Int16, &[-1, 1]), TensorData::Int16(vec![-1, 1]));
    assert_eq!(ints(DataType::Uint16, &[0, 65_535]), TensorData::Uint16(vec![0, 65_535]));
    assert_eq!(ints(DataType::Int32, &[i32::MIN, 1]), TensorData::Int32(vec![i32::MIN, 1]));
    assert_eq!(ints(DataType::Bool, &[1, 0]), TensorData::Bool(vec![true, false]));
    // 0x3c00 is 1 in float16, 0x3f80 is 1 in bfloat16.
    assert_eq!(ints(DataType::Float16, &[0x3c00, 0]), TensorData::Float16(vec![f16::ONE, f16::ZERO]));
    assert_eq!(ints(DataType::Bfloat16, &[0x3f80, 0]), TensorData::BFloat16(vec![bf16::ONE, bf16::ZERO]));

    let unsigned = TensorProto { uint64_data: vec![7, 1 << 32], ..proto(DataType::Uint64, &[2]) };
    assert_eq!(tensor_values(&unsigned).unwrap().data, TensorData::Uint64(vec![7, 1 << 32]));
    assert!(error(&TensorProto { data_type: Some(DataType::Uint32 as i32), ..unsigned }).contains("4294967296"));
    let unsigned = TensorProto { uint64_data: vec![7, 8], ..proto(DataType::Uint32, &[2]) };
    assert_eq!(tensor_values(&unsigned).unwrap().data, TensorData::Uint32(vec![7, 8]));
    let signed = TensorProto { int64_data: vec![-1], ..proto(DataType::Int64, &[]) };
    assert_eq!(tensor_values(&signed).unwrap(), Tensor { shape: vec![], data: TensorData::Int64(vec![-1]) });
    let double = TensorProto { double_data: vec![0.5], ..proto(DataType::Double, &[1]) };
    assert_eq!(tensor_values(&double).unwrap().data, TensorData::Float64(vec![0.5]));
    // 4-bit values are packed in int32_data too, two to a number: 0xe1 is 1, -2.
    let nibbles = TensorProto { int32_data: vec![0xe1, 3], ..proto(DataType::Int4, &[3]) };
    assert_eq!(integer_values(&nibbles).unwrap(), [1, -2, 3]);
}

#[test]
fn floats_are_borrowed_where_they_lie_aligned() {
    // 1.0 = 00 00 80 3f. Bytes of a Vec<f32> are aligned; from the second byte on they are not.
    let backing: Vec<u8> = [1.0_f32; 3].iter().flat_map(|v| v.to_le_bytes()).collect();
    let whole = Bytes::from(backing);
    let shift = whole.as_ptr().align_offset(4);
    let aligned = TensorProto { raw_data: Some(whole.slice(shift..shift + 8)), ..proto(DataType::Float, &[2]) };
    let typed = TensorProto { float_data: vec![1.0, 1.0], ..proto(DataType::Float, &[2]) };
    assert!(matches!(float_values(&typed).unwrap(), Cow::Borrowed([1.0, 1.0])));
    if shift == 0 {
        assert!(matches!(float_values(&aligned).unwrap(), Cow::Borrowed([1.0, 1.0])));
    }
    // 00 80 3f 00 read from the second byte on is 0x003f8000, a tiny number.
    let tiny = f32::from_bits(0x003f_8000);
    let odd = TensorProto { raw_data: Some(whole.slice(shift + 1..shift + 5)), ..proto(DataType::Float, &[1]) };
    assert_eq!(float_values(&odd).unwrap(), Cow::<[f32]>::Owned(vec![tiny]));
    assert!(matches!(float_values(&odd).unwrap(), Cow::Owned(_)));
}

#[test]
fn other_floats_are_widened() {
    let half = TensorProto { int32_data: vec![0x3c00, 0xc000], ..proto(DataType::Float16, &[2]) };
    assert_eq!(*float_values(&half).unwrap(), [1.0, -2.0]);
    let brain = TensorProto { int32_data: vec![0x3f80], ..proto(DataType::Bfloat16, &[1]) };
    assert_eq!(*float_values(&brain).unwrap(), [1.0]);
    let double = TensorProto { double_data: vec![0.1], ..proto(DataType::Double, &[1]) };
    assert_eq!(*float_values(&double).unwrap(), [0.1_f32]);
    assert!(float_values(&proto(DataType::Int8, &[0])).unwrap_err().to_string().contains("int8"));
}

#[test]
fn shapes_that_lie_are_refused_without_allocating() {
    let raw =
        |dims: &[i64]| TensorProto { raw_data: Some(Bytes::from_static(&[0; 8])), ..proto(DataType::Float, dims) };
    assert!(tensor_values(&raw(&[2])).is_ok());
    assert_eq!(error(&raw(&[3])), "tensor `t` cannot be read: its shape [3] takes 12 bytes, but it has 8");
    assert!(error(&raw(&[-1])).contains("impossible"));
    assert!(error(&raw(&[1 << 40])).contains("takes"));
    assert!(error(&raw(&[1 << 62, 2])).contains("more elements"));
    assert!(error(&raw(&[i64::MAX])).contains("more elements"));
    assert!(error(&raw(&[0, 1 << 40, 1 << 40])).contains("more elements"));
    assert!(error(&raw(&[0])).contains("takes 0"));
    assert!(tensor_values(&proto(DataType::Float, &[4, 0])).unwrap().is_empty());
    assert!(error(&proto(DataType::Float, &[1])).contains("but it has 0"));
}

#[test]
fn what_cannot_be_read_says_why() {
    let text = TensorProto {
        string_data: vec![Bytes::from_static(b"a"), Bytes::from_static(b"\xff")],
        ..proto(DataType::String, &[2])
    };
    assert!(error(&text).contains("text 1 is not UTF-8"));
    let misfit = TensorProto { int32_data: vec![128], ..proto(DataType::Int8, &[1]) };
    assert!(error(&misfit).contains("128 does not fit int8"));
    assert!(error(&proto(DataType::Float8e4m3fn, &[1])).contains("float8e4m3fn"));
    assert!(error(&TensorProto { data_type: Some(99), ..TensorProto::default() }).contains("number 99"));
    let external = TensorProto { data_location: Some(1), ..proto(DataType::Float, &[1]) };
    assert!(error(&external).contains("outside the model"));
    let segment =
        TensorProto { segment: Some(super::super::proto::Segment::default()), ..proto(DataType::Float, &[0]) };
    assert!(error(&segment).contains("segment"));
}

#[test]
fn sizes_in_bytes_round_up_to_whole_bytes() {
    let size = |kind, dims: &[i64]| byte_length(&proto(kind, dims));
    assert_eq!(size(DataType::Float, &[3]), Ok(Some(12)));
    assert_eq!(size(DataType::Int4, &[3]), Ok(Some(2)));
    assert_eq!(size(DataType::Uint2, &[5]), Ok(Some(2)));
    // 6 bits × 4 = 24 bits = 3 bytes; × 5 = 30 bits = 4 bytes.
    assert_eq!(size(DataType::Float6e2m3, &[4]), Ok(Some(3)));
    assert_eq!(size(DataType::Float6e2m3, &[5]), Ok(Some(4)));
    assert_eq!(size(DataType::String, &[5]), Ok(None));
    assert!(size(DataType::Complex128, &[i64::MAX]).is_err());
}
