//! Hand-made bytes, good and bad. Keys: `number << 3 | wire type`, so `graph` (7, length-delimited) is 0x3a.

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::onnx::{
    proto::{AttributeProto, GraphProto, ModelProto, NodeProto},
    samples,
};

fn model(bytes: &[u8]) -> Result<Walk, Damage> {
    walk(bytes, Kind::Model)
}

#[test]
fn unknown_fields_are_counted_with_their_path() {
    // ir_version 8; graph of 6 bytes: one empty node, unknown field 99 (key 99<<3|0 = 792 = 98 06) = 1 … and at the top
    // level a group 30 (key 30<<3|3 = 243 = f3 01, end f4 01) that holds field 1.
    let bytes = [0x08, 8, 0x3a, 5, 0x0a, 0, 0x98, 0x06, 1, 0xf3, 0x01, 0x08, 1, 0xf4, 0x01];
    let walk = model(&bytes).unwrap();
    let expected = BTreeMap::from([(("ModelProto".to_owned(), 30), 1), (("ModelProto.graph".to_owned(), 99), 1)]);
    assert_eq!(walk.unknown, expected);
    assert!(ModelProto::decode(bytes.as_slice()).is_ok());
}

#[test]
fn a_cut_file_says_how_much_is_missing() {
    // graph claims 10 bytes, 2 are there: 8 are missing.
    let damage = model(&[0x08, 8, 0x3a, 10, 0x0a, 0]).unwrap_err();
    assert_eq!(damage.missing, Some(8));
    assert_eq!((damage.offset, damage.path.as_str(), damage.began_well), (2, "ModelProto", true));
    // The same lie inside a whole graph is damage, not truncation: the node claims 9 bytes of a graph of 2.
    let damage = model(&[0x3a, 2, 0x0a, 9, 0x08, 8]).unwrap_err();
    assert_eq!((damage.missing, damage.path.as_str()), (None, "ModelProto.graph"));
}

#[test]
fn huge_lengths_are_refused_without_allocating() {
    // A graph of 2^63 bytes, and a doc string of 2^64 - 1.
    let graph = [0x3a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert_eq!(model(&graph).unwrap_err().missing, Some(1 << 63));
    let doc = [0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(model(&doc).unwrap_err().missing, Some(u64::MAX));
    // An eleventh byte is no number at all.
    let long = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(model(&long).unwrap_err().problem.contains("64 bits"));
}

/// An `If` in an `If` …: `n` graphs, each in an attribute of a node of the one around it.
fn nested(n: usize) -> Vec<u8> {
    let mut inner = GraphProto::default().encode_to_vec();
    for _ in 1..n {
        // graph { node { attribute { g = inner } } }, built as bytes so that building does not recurse either.
        for key in [0x32, 0x2a, 0x0a] {
            let mut outer = vec![key];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            outer.append(&mut inner);
            inner = outer;
        }
    }
    let mut bytes = vec![0x3a];
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.append(&mut inner);
    bytes
}

#[test]
fn nesting_is_limited_where_the_decoder_limits_it() {
    // n graphs are 1 + 3(n - 1) messages deep: 34 graphs are exactly 100.
    for n in [1, 2, 33, 34] {
        assert!(model(&nested(n)).is_ok(), "{n}");
        assert!(ModelProto::decode(nested(n).as_slice()).is_ok(), "{n}");
    }
    for n in [35, 36, 3_000] {
        assert!(model(&nested(n)).unwrap_err().problem.contains("nested"), "{n}");
        assert!(ModelProto::decode(nested(n).as_slice()).is_err(), "{n}");
    }
}

#[test]
fn wrong_kinds_and_broken_text_are_named() {
    // graph (7) as a number.
    assert!(model(&[0x38, 1]).unwrap_err().problem.contains("`graph`"));
    // producer_name (2) of the two bytes ff fe.
    let damage = model(&[0x08, 8, 0x12, 2, 0xff, 0xfe]).unwrap_err();
    assert_eq!(damage.problem, "its field `producer_name` is not UTF-8 text");
    assert!(ModelProto::decode(&[0x08, 8, 0x12, 2, 0xff, 0xfe][..]).is_err());
    // Field number 0; a group that ends without having begun.
    assert!(model(&[0x00, 1]).is_err());
    assert!(model(&[0xf4, 0x01]).is_err());
}

#[test]
fn empty_messages_count_what_they_grow_to() {
    let nodes = 1000_u64;
    let mut graph = Vec::new();
    (0..nodes).for_each(|_| graph.extend_from_slice(&[0x0a, 0]));
    let walk = walk(&graph, Kind::Graph).unwrap();
    assert_eq!(walk.decoded_bytes, nodes * size_of::<NodeProto>() as u64);
    // A packed list: 3 varints of 1, 2 and 1 bytes are three int64, 24 bytes. Field 7 (int64_data), key 0x3a.
    let list = super::walk(&[0x3a, 4, 1, 0x80, 1, 2], Kind::Tensor).unwrap();
    assert_eq!(list.decoded_bytes, 24);
    assert!(super::walk(&[0x3a, 2, 1, 0x80], Kind::Tensor).is_err());
    assert!(super::walk(&[0x22, 3, 0, 0, 0], Kind::Tensor).is_err());
    // u64::MAX is nine bytes of ff and a 1; with a 2 it would have 65 bits.
    let mut longest = [0x3a, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert!(super::walk(&longest, Kind::Tensor).is_ok());
    longest[11] = 2;
    assert!(super::walk(&longest, Kind::Tensor).is_err());
}

proptest! {
    /// Whatever the bytes: no panic, and what the walk accepts the decoder accepts.
    #[test]
    fn walking_is_at_least_as_strict_as_decoding(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if walk(&bytes, Kind::Attribute).is_ok() {
            prop_assert!(AttributeProto::decode(bytes.as_slice()).is_ok(), "{bytes:?}");
        }
    }

    /// A good file with one byte changed, which reaches far deeper than noise does.
    #[test]
    fn one_flipped_byte_never_panics(at in any::<usize>(), to in any::<u8>()) {
        let mut bytes = samples::full_model().encode_to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        if model(&bytes).is_ok() {
            prop_assert!(ModelProto::decode(bytes.as_slice()).is_ok());
        }
    }
}
