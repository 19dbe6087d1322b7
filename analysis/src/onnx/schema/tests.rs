//! Holds the table to the messages it describes.

use super::*;
use prost::Message as _;

/// The smallest content of a field, with its key.
fn sample((number, _, holds): &Field) -> Vec<u8> {
    let mut out = Vec::new();
    let (wire, body): (u32, &[u8]) = match holds {
        Int | Ints => (0, &[1]),
        Float | Floats => (5, &[0, 0, 0x80, 0x3f]),
        Doubles => (1, &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
        Text | Bytes => (2, &[1, b'a']),
        Message(_) => (2, &[0]),
    };
    prost::encoding::encode_varint(u64::from(number << 3 | wire), &mut out);
    out.extend_from_slice(body);
    out
}

macro_rules! check_rows {
    ($($kind:ident $message:ident),*) => {$(
        for row in Kind::$kind.fields() {
            let bytes = sample(row);
            let message = proto::$message::decode(bytes.as_slice())
                .unwrap_or_else(|e| panic!("{}.{}: {e}", stringify!($message), row.1));
            let again = message.encode_to_vec();
            // Packed lists come back packed: the same content in another form.
            let unpacked = again == bytes;
            let packed = again.len() == bytes.len() + 1 && again[2..] == bytes[1..];
            assert!(unpacked || packed, "{}.{} was dropped: {again:?}", stringify!($message), row.1);
        }
        assert!(Kind::$kind.fields().is_sorted_by_key(|f| f.0));
    )*};
}

#[test]
fn every_row_is_a_field_of_its_message() {
    for_each_kind!(check_rows);
}

#[test]
fn only_tensor_data_is_packed() {
    // onnx.proto has `[packed = true]` on these five fields and nowhere else.
    let packed: Vec<_> = Kind::Tensor
        .fields()
        .iter()
        .filter(|row| matches!(row.2, Ints | Floats | Doubles))
        .filter(|row| {
            let bytes = sample(row);
            proto::TensorProto::decode(bytes.as_slice()).unwrap().encode_to_vec() != bytes
        })
        .map(|row| row.1)
        .collect();
    assert_eq!(packed, ["float_data", "int32_data", "int64_data", "double_data", "uint64_data"]);
    for row in Kind::Attribute.fields().iter().filter(|row| matches!(row.2, Ints | Floats)) {
        let bytes = sample(row);
        assert_eq!(proto::AttributeProto::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes);
    }
}
