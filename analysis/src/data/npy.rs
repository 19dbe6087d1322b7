//! The `.npy` format (versions 1 to 3), read without trusting its header.
//!
//! The header is a Python literal of unlimited size and nesting, and it promises a shape that the file need not hold.
//! So it is scanned without recursion, and nothing is allocated before the promised bytes are known to be there:
//! `shape: (4000000000, 4000000000)` in a 200-byte file costs an error message, not memory. Fortran order is put into row-major order.

use half::f16;

use super::elements::{gather, permuted_order};
use crate::{
    say,
    tensor::{Tensor, TensorData},
    text::Text,
};

/// The first bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// A header longer than this is refused: it holds three keys, NumPy writes 128 bytes and itself refuses beyond 10 000.
const MAX_HEADER: usize = 1 << 16;

/// What the header promises.
#[derive(Debug, PartialEq)]
struct Header {
    /// NumPy's type string, such as `<f4`.
    descr: String,
    /// Whether the first axis runs fastest.
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads a whole `.npy` file.
///
/// # Errors
/// A sentence that says what is wrong, to be put behind the file's name.
pub(super) fn parse(bytes: &[u8]) -> Result<Tensor, Text> {
    let (header, body) = split(bytes)?;
    let count = header.shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    let size = item_size(&header.descr)?;
    let needed = count.and_then(|n| n.checked_mul(size));
    let (Some(count), Some(needed)) = (count, needed) else {
        return Err(say!("its shape {} is larger than any memory", format!("{:?}", header.shape)));
    };
    let Some(body) = body.get(..needed) else {
        return Err(say!(
            "is truncated: shape {} of {} needs {} bytes, {} are there",
            format!("{:?}", header.shape),
            header.descr,
            needed,
            body.len()
        ));
    };
    let data = decode(&header.descr, count, body)?;
    // An empty array has no order; its other axes may be absurdly long, so they are not walked.
    if header.fortran && header.shape.len() > 1 && count > 0 {
        let reversed: Vec<usize> = header.shape.iter().rev().copied().collect();
        let axes: Vec<usize> = (0..reversed.len()).rev().collect();
        let data = gather(&data, &permuted_order(&reversed, &axes));
        return Ok(Tensor { shape: header.shape, data });
    }
    Ok(Tensor { shape: header.shape, data })
}

/// Splits the file into its header and the values behind it.
fn split(bytes: &[u8]) -> Result<(Header, &[u8]), Text> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(say!("is not a .npy file (its first bytes are not NumPy's)"))?;
    let cut = say!("ends inside its header");
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            (usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX), rest)
        }
        [v, ..] if !(1..=3).contains(v) => return Err(say!("has the unknown .npy version {}", v)),
        _ => return Err(cut.to_owned()),
    };
    if length > MAX_HEADER {
        return Err(say!("has a header of {} bytes; at most {} are read", length, MAX_HEADER));
    }
    let (text, body) = rest.split_at_checked(length).ok_or(cut)?;
    let text = std::str::from_utf8(text).map_err(|e| say!("has a header that is not text ({})", e))?;
    Ok((header(text)?, body))
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, its keys in any order.
fn header(text: &str) -> Result<Header, Text> {
    let mut scan = Scan(text.trim());
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    scan.expect('{')?;
    while !scan.eat('}') {
        let key = scan.quoted()?;
        scan.expect(':')?;
        match key {
            "descr" if scan.peek('[') => {
                return Err(say!("holds records (a structured type), not one array"));
            }
            "descr" => descr = Some(scan.quoted()?.to_owned()),
            "fortran_order" => fortran = Some(scan.word() == "True"),
            "shape" => shape = Some(scan.tuple()?),
            other => return Err(say!("has the unknown header key {}", format!("{other:?}"))),
        }
        if !scan.eat(',') {
            scan.expect('}')?;
            break;
        }
    }
    match (descr, fortran, shape) {
        (Some(descr), Some(fortran), Some(shape)) => Ok(Header { descr, fortran, shape }),
        _ => Err(say!("has a header without descr, fortran_order or shape")),
    }
}

/// What of the header text is still to be read.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn peek(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        self.0.starts_with(c)
    }

    fn eat(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Result<(), Text> {
        if self.eat(c) {
            Ok(())
        } else {
            Err(say!("has a broken header: no {} before {}", format!("{c:?}"), format!("{:?}", self.near())))
        }
    }

    fn quoted(&mut self) -> Result<&'a str, Text> {
        let quote = if self.eat('\'') {
            '\''
        } else {
            self.expect('"')?;
            '"'
        };
        let found = self.0.split_once(quote);
        let (text, rest) =
            found.ok_or_else(|| say!("has a broken header: no text before {}", format!("{:?}", self.near())))?;
        self.0 = rest;
        Ok(text)
    }

    fn word(&mut self) -> &'a str {
        self.0 = self.0.trim_start();
        let end = self.0.find(|c: char| !c.is_alphanumeric()).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    fn tuple(&mut self) -> Result<Vec<usize>, Text> {
        self.expect('(')?;
        let mut dims = Vec::new();
        while !self.eat(')') {
            // Python 2 wrote long integers as 3L.
            let word = self.word().trim_end_matches('L');
            dims.push(word.parse().map_err(|e| say!("has a broken shape: {} ({})", format!("{word:?}"), e))?);
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(dims)
    }

    fn near(&self) -> String {
        self.0.chars().take(20).collect()
    }
}

/// Bytes an element; checks the type string on the way.
fn item_size(descr: &str) -> Result<usize, Text> {
    let refused = || {
        let known = say!("bool, integers, float16/32/64 and text are read");
        let hint = if descr.contains('O') { say!(" (a pickled Python object)") } else { Text::default() };
        say!("has elements of type {}{}; {}", format!("{descr:?}"), hint, known)
    };
    let kind = descr.trim_start_matches(['<', '>', '|', '=']);
    match kind {
        "b1" | "i1" | "u1" => Ok(1),
        "i2" | "u2" | "f2" => Ok(2),
        "i4" | "u4" | "f4" => Ok(4),
        "i8" | "u8" | "f8" => Ok(8),
        _ => {
            let (unit, digits) = match kind.split_at_checked(1) {
                Some(("U", digits)) => (4, digits),
                Some(("S", digits)) => (1, digits),
                _ => return Err(refused()),
            };
            let n: usize = digits.parse().ok().filter(|n| (1..=MAX_HEADER).contains(n)).ok_or_else(refused)?;
            Ok(n * unit)
        }
    }
}

/// `count` elements of type `descr` from exactly the bytes they take.
fn decode(descr: &str, count: usize, body: &[u8]) -> Result<TensorData, Text> {
    let big = descr.starts_with('>');
    let kind = descr.trim_start_matches(['<', '>', '|', '=']);
    Ok(match kind {
        "b1" => TensorData::Bool(body.iter().map(|&b| b != 0).collect()),
        "u1" => TensorData::Uint8(body.to_vec()),
        "i1" => TensorData::Int8(body.iter().map(|&b| i8::from_le_bytes([b])).collect()),
        "u2" => TensorData::Uint16(values(body, big, u16::from_le_bytes)),
        "i2" => TensorData::Int16(values(body, big, i16::from_le_bytes)),
        "f2" => TensorData::Float16(values(body, big, f16::from_le_bytes)),
        "u4" => TensorData::Uint32(values(body, big, u32::from_le_bytes)),
        "i4" => TensorData::Int32(values(body, big, i32::from_le_bytes)),
        "f4" => TensorData::Float32(values(body, big, f32::from_le_bytes)),
        "u8" => TensorData::Uint64(values(body, big, u64::from_le_bytes)),
        "i8" => TensorData::Int64(values(body, big, i64::from_le_bytes)),
        "f8" => TensorData::Float64(values(body, big, f64::from_le_bytes)),
        _ => {
            let item = item_size(descr)?;
            let texts = body.chunks_exact(item).take(count);
            TensorData::String(if kind.starts_with('U') {
                texts.map(|t| utf32(t, big)).collect()
            } else {
                texts.map(|t| String::from_utf8_lossy(t).trim_end_matches('\0').to_owned()).collect()
            })
        }
    })
}

/// Fixed-size values, little-endian unless `big`.
fn values<T, const N: usize>(body: &[u8], big: bool, from: impl Fn([u8; N]) -> T) -> Vec<T> {
    let chunks = body.as_chunks::<N>().0.iter();
    chunks
        .map(|&chunk| {
            let mut chunk = chunk;
            if big {
                chunk.reverse();
            }
            from(chunk)
        })
        .collect()
}

/// One of NumPy's zero-padded UTF-32 texts.
fn utf32(text: &[u8], big: bool) -> String {
    let chars = values(text, big, u32::from_le_bytes);
    let text: String = chars.into_iter().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, ShapeBuilder as _, array};
    use ndarray_npy::WriteNpyExt as _;

    fn file(header: &str, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), body].concat()
    }

    #[test]
    fn reads_what_another_writer_wrote() {
        let mut bytes = Vec::new();
        array![[1.5_f32, 2.0, -3.0], [4.0, 5.0, 6.0]].write_npy(&mut bytes).unwrap();
        let tensor = parse(&bytes).unwrap();
        assert_eq!(tensor, Tensor::float32(vec![2, 3], vec![1.5, 2.0, -3.0, 4.0, 5.0, 6.0]));
        // Column-major storage of the same numbers reads as the same tensor.
        let fortran = Array::from_shape_fn((2, 3).f(), |(i, j)| i64::try_from(10 * i + j).unwrap());
        let mut bytes = Vec::new();
        fortran.write_npy(&mut bytes).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("True"));
        assert_eq!(parse(&bytes).unwrap().data, TensorData::Int64(vec![0, 1, 2, 10, 11, 12]));
    }

    #[test]
    fn big_endian_half_text_and_scalars() {
        let big = file("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", &[0, 1, 1, 0]);
        assert_eq!(parse(&big).unwrap().data, TensorData::Int16(vec![1, 256]));
        // float16 1.5 = 0x3e00.
        let half = file("{'descr': '<f2', 'fortran_order': False, 'shape': ()}", &[0x00, 0x3e]);
        let half = parse(&half).unwrap();
        assert_eq!((half.shape.len(), half.data), (0, TensorData::Float16(vec![f16::from_f32(1.5)])));
        let body: Vec<u8> = ['h', 'i', '\0'].iter().flat_map(|&c| u32::from(c).to_le_bytes()).collect();
        let text = file("{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", &body);
        assert_eq!(parse(&text).unwrap().data, TensorData::String(vec!["hi".to_owned()]));
    }

    #[test]
    fn hostile_headers_are_sentences() {
        let says = |bytes: &[u8], words: &str| {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        let dims = "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000, 4000000000)}";
        says(&file(dims, &[0; 8]), "larger than any memory");
        let dims = "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4)}";
        says(&file(dims, &[0; 8]), "is truncated");
        says(&file(&format!("{{'descr': '<f4', 'shape': {}", "(".repeat(30_000)), &[]), "broken shape");
        says(&file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", &[0; 8]), "pickled");
        says(&file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", &[]), "records");
        says(&[MAGIC, &[2, 0, 255, 255, 255, 255]].concat(), "has a header of");
        says(&[MAGIC, &[1, 0, 200]].concat(), "ends inside");
        says(&[MAGIC, &[9, 0, 200, 0]].concat(), "version 9");
        says(b"PK\x03\x04", "not a .npy");
        let good = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", &[0; 8]);
        for length in 0..good.len() {
            assert!(parse(&good[..length]).is_err(), "{length} bytes were accepted");
        }
    }
}
