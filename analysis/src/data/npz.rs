//! The `.npz` archive: a zip file of `.npy` members, read without trusting its directory.
//!
//! Sizes come from the central directory (NumPy leaves those of the local headers to zip64 extras). Members are stored or
//! deflated, as NumPy writes them; each is checked against its CRC-32, so a flipped bit is an error and not a strange sample.
//! DEFLATE cannot shrink below 1:1032, so a member that promises more than that is refused before it is unpacked.

use std::collections::BTreeMap;

use super::{inflate::inflate, npy};
use crate::{say, tensor::Tensor, text::Text};

/// The first bytes of a zip file that has members.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// An archive that unpacks to more than this is refused: it belongs into `.npy` files, which are read one at a time. The sum
/// counts, not the member: a thousand directory entries may point at the same packed bytes.
const MAX_BYTES: usize = 4 << 30;

/// One member, as the central directory describes it.
struct Member<'a> {
    name: String,
    method: u16,
    crc: u32,
    packed: &'a [u8],
    size: usize,
}

/// Every array of the archive by name, without the `.npy`. Members that are no arrays are left out.
///
/// # Errors
/// A sentence that says what is wrong, to be put behind the file's name.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, Text> {
    let members = members(bytes)?;
    let total = members.iter().fold(0_usize, |sum, m| sum.saturating_add(m.size));
    if total > MAX_BYTES {
        return Err(say!("unpacks to {} bytes; beyond {} use a folder of .npy files", total, MAX_BYTES));
    }
    let mut arrays = BTreeMap::new();
    for member in members {
        let Some(name) = member.name.strip_suffix(".npy") else { continue };
        let array = unpack(&member)
            .and_then(|bytes| npy::parse(&bytes))
            .map_err(|e| say!("array {} {}", format!("{name:?}"), e))?;
        arrays.insert(name.to_owned(), array);
    }
    Ok(arrays)
}

/// The member's bytes, checked.
fn unpack(member: &Member<'_>) -> Result<Vec<u8>, Text> {
    let bytes = match member.method {
        0 if member.packed.len() == member.size => member.packed.to_vec(),
        0 => return Err(say!("has two sizes in the archive's directory")),
        8 if member.size / 1032 > member.packed.len() + 1 => {
            return Err(say!("promises {} bytes, more than its {} can hold", member.size, member.packed.len()));
        }
        8 => inflate(member.packed, member.size)?,
        other => return Err(say!("is packed by method {}; NumPy writes stored or deflated", other)),
    };
    if crc32fast::hash(&bytes) == member.crc { Ok(bytes) } else { Err(say!("is damaged (its checksum differs)")) }
}

/// Reads the central directory.
fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>, Text> {
    let broken = || say!("is not a whole .npz archive (its directory is missing or cut off)");
    let (count, start) = directory(bytes).ok_or_else(broken)?;
    let mut members = Vec::new();
    let mut at = start;
    for _ in 0..count {
        let (member, next) = member(bytes, at).ok_or_else(broken)?;
        members.push(member);
        at = next;
    }
    Ok(members)
}

/// How many members the directory has and where it starts: from the end record, or the zip64 one it points to.
fn directory(bytes: &[u8]) -> Option<(u64, usize)> {
    // The end record is 22 bytes and a comment of at most 65535.
    let tail = bytes.len().saturating_sub(22 + 65535);
    let end = (tail..=bytes.len().checked_sub(22)?).rev().find(|&i| bytes[i..].starts_with(b"PK\x05\x06"))?;
    let count = u64::from(u16_at(bytes, end + 10)?);
    let start = u64::from(u32_at(bytes, end + 16)?);
    let locator = end.checked_sub(20).filter(|&i| bytes[i..].starts_with(b"PK\x06\x07"));
    let (count, start) = match locator {
        Some(locator) => {
            let record = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
            bytes.get(record..)?.strip_prefix(b"PK\x06\x06")?;
            (u64_at(bytes, record.checked_add(32)?)?, u64_at(bytes, record.checked_add(48)?)?)
        }
        None => (count, start),
    };
    Some((count, usize::try_from(start).ok()?))
}

/// The directory entry at `at` and where the next one starts.
fn member(bytes: &[u8], at: usize) -> Option<(Member<'_>, usize)> {
    bytes.get(at..)?.strip_prefix(b"PK\x01\x02")?;
    let lengths = [u16_at(bytes, at + 28)?, u16_at(bytes, at + 30)?, u16_at(bytes, at + 32)?].map(usize::from);
    let [name_length, extra_length, comment_length] = lengths;
    let name = bytes.get(at + 46..at + 46 + name_length)?;
    let mut extra = bytes.get(at + 46 + name_length..at + 46 + name_length + extra_length)?;
    let mut fields = [u32_at(bytes, at + 24)?, u32_at(bytes, at + 20)?, u32_at(bytes, at + 42)?].map(u64::from);
    // The zip64 extra (id 1) holds those of size, packed size and offset that did not fit, in this order.
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let body = extra.get(4..4 + length)?;
        if id == 1 {
            let wide = fields.iter_mut().filter(|f| **f == u64::from(u32::MAX));
            for (k, field) in wide.enumerate() {
                *field = u64_at(body, 8 * k)?;
            }
        }
        extra = extra.get(4 + length..)?;
    }
    let [size, packed, offset] = fields.map(usize::try_from);
    let (size, packed, offset) = (size.ok()?, packed.ok()?, offset.ok()?);
    bytes.get(offset..)?.strip_prefix(MAGIC)?;
    let local = usize::from(u16_at(bytes, offset + 26)?) + usize::from(u16_at(bytes, offset + 28)?);
    let data = offset.checked_add(30 + local)?;
    let member = Member {
        name: String::from_utf8_lossy(name).into_owned(),
        method: u16_at(bytes, at + 10)?,
        crc: u32_at(bytes, at + 16)?,
        packed: bytes.get(data..data.checked_add(packed)?)?,
        size,
    };
    Some((member, at + 46 + name_length + extra_length + comment_length))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::TensorData;
    use ndarray::{Array2, array};
    use ndarray_npy::NpzWriter;
    use std::io::Cursor;

    /// An archive by a writer that is not ours.
    fn archive(packed: bool) -> Vec<u8> {
        let cursor = Cursor::new(Vec::new());
        let mut writer = if packed { NpzWriter::new_compressed(cursor) } else { NpzWriter::new(cursor) };
        // Not monotone and not constant, so that deflate uses literals, copies and its own codes.
        let x = Array2::from_shape_fn((40, 25), |(i, j)| u8::try_from((i * i + 7 * j) % 251).unwrap());
        writer.add_array("x", &x).unwrap();
        writer.add_array("y", &array![3_i64, 1, 2]).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn reads_stored_and_deflated_members() {
        for packed in [false, true] {
            let arrays = parse(&archive(packed)).unwrap();
            assert_eq!(arrays.keys().collect::<Vec<_>>(), ["x", "y"]);
            assert_eq!(arrays["y"].data, TensorData::Int64(vec![3, 1, 2]));
            let TensorData::Uint8(x) = &arrays["x"].data else { panic!("x is uint8") };
            // Element (12, 3): 144 + 21 = 165; (39, 24): 1521 + 168 = 1689 = 6·251 + 183.
            assert_eq!((x[12 * 25 + 3], x[39 * 25 + 24], x.len()), (165, 183, 1000));
        }
    }

    #[test]
    fn damaged_archives_are_sentences() {
        for packed in [false, true] {
            let good = archive(packed);
            for length in 0..good.len() {
                assert!(parse(&good[..length]).is_err(), "{length} bytes were accepted");
            }
            for i in 0..good.len() {
                let mut bytes = good.clone();
                bytes[i] ^= 0x55;
                // Either an error or the very same numbers (a date or an attribute was hit): never other numbers.
                if let Ok(arrays) = parse(&bytes) {
                    for (name, array) in arrays {
                        let known = parse(&good).unwrap();
                        assert!(known.get(&name).is_none_or(|a| *a == array), "byte {i} changed {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let mut bytes = archive(true);
        let entry = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        bytes[entry + 24..entry + 28].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
        assert!(parse(&bytes).unwrap_err().contains("more than its"));
    }
}
