//! DEFLATE (RFC 1951) decompression into memory, for the compressed arrays of an `.npz`.
//!
//! The output never grows beyond the size that the archive's directory promised, so a bomb ends as an error. Codes are
//! decoded canonically, one bit at a time by code length (as in zlib's `puff`): slower than table look-up, but an array is read once.

use crate::t;

/// Longest code, in bits (RFC 1951 §3.2.7).
const MAX_BITS: usize = 15;
/// Smallest length and extra bits of the length symbols 257…285 (§3.2.5).
const LENGTH_BASE: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// Smallest distance of the distance symbols 0…29; their extra bits are `max(symbol/2 - 1, 0)`.
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
];
/// The order in which code-length code lengths are stored (§3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Decompresses `input` to exactly `size` bytes.
///
/// # Errors
/// A sentence when the stream is broken, ends early, or holds more or less than `size` bytes.
pub(super) fn inflate(input: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let mut bits = Bits { input, buffer: 0, held: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out, size)?,
            1 => {
                let (lengths, distances) = fixed_codes();
                compressed(&mut bits, &mut out, size, &lengths, &distances)?;
            }
            2 => {
                let (lengths, distances) = dynamic_codes(&mut bits)?;
                compressed(&mut bits, &mut out, size, &lengths, &distances)?;
            }
            _ => return Err(t!("has a broken compressed stream (reserved block type)").to_owned()),
        }
        if last {
            break;
        }
    }
    if out.len() == size { Ok(out) } else { Err(t!("decompresses to {} bytes instead of {}", out.len(), size)) }
}

/// The input as a stream of bits, lowest first.
struct Bits<'a> {
    input: &'a [u8],
    buffer: u32,
    /// Bits in `buffer`.
    held: u32,
}

impl Bits<'_> {
    /// The next `n` ≤ 16 bits.
    fn take(&mut self, n: u32) -> Result<u32, String> {
        while self.held < n {
            let (&byte, rest) = self.input.split_first().ok_or(t!("ends inside its compressed stream"))?;
            self.buffer |= u32::from(byte) << self.held;
            self.held += 8;
            self.input = rest;
        }
        let value = self.buffer & ((1 << n) - 1);
        self.buffer >>= n;
        self.held -= n;
        Ok(value)
    }

    /// The next `n` bits as a count.
    fn number(&mut self, n: u32) -> Result<usize, String> {
        self.take(n).map(|v| v as usize)
    }
}

/// A canonical code: how many codes there are of each length, and the symbols in code order.
struct Code {
    counts: [u16; MAX_BITS + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// From each symbol's code length (0: unused). `None` if more codes are asked for than there are bits.
    fn new(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0_u16; MAX_BITS + 1];
        for &length in lengths {
            *counts.get_mut(usize::from(length))? += 1;
        }
        counts[0] = 0;
        let mut left = 1_i32;
        for &count in &counts[1..] {
            left = left * 2 - i32::from(count);
            if left < 0 {
                return None;
            }
        }
        let mut symbols: Vec<u16> = (0_u16..).zip(lengths).filter(|(_, l)| **l > 0).map(|(s, _)| s).collect();
        symbols.sort_by_key(|&s| lengths[usize::from(s)]);
        Some(Self { counts, symbols })
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, String> {
        let (mut code, mut first, mut index) = (0_i32, 0_i32, 0_i32);
        for &count in &self.counts[1..] {
            // A code is at most 15 bits: it fits i32.
            code |= i32::from(bits.take(1)? == 1);
            let count = i32::from(count);
            if code - count < first {
                let at = usize::try_from(index + code - first).ok();
                let symbol = at.and_then(|at| self.symbols.get(at));
                return symbol.map(|&s| usize::from(s)).ok_or_else(broken_code);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(broken_code())
    }
}

fn broken_code() -> String {
    t!("has a broken compressed stream (no such code)").to_owned()
}

fn too_large(size: usize) -> String {
    t!("decompresses to more than the {} bytes its directory promises", size)
}

/// A block that is not compressed (§3.2.4).
fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>, size: usize) -> Result<(), String> {
    // The rest of the current byte is padding; whole bytes are never held, since `take` reads one only when short.
    bits.take(bits.held)?;
    let (length, check) = (bits.number(16)?, bits.number(16)?);
    if length ^ check != 0xffff {
        return Err(t!("has a broken compressed stream (stored length)").to_owned());
    }
    let (bytes, rest) = bits.input.split_at_checked(length).ok_or(t!("ends inside its compressed stream"))?;
    if out.len() + length > size {
        return Err(too_large(size));
    }
    out.extend_from_slice(bytes);
    bits.input = rest;
    Ok(())
}

/// A block of literals and copies (§3.2.5).
fn compressed(bits: &mut Bits<'_>, out: &mut Vec<u8>, size: usize, lit: &Code, dist: &Code) -> Result<(), String> {
    loop {
        let symbol = lit.symbol(bits)?;
        if let Ok(literal) = u8::try_from(symbol) {
            if out.len() >= size {
                return Err(too_large(size));
            }
            out.push(literal);
            continue;
        }
        let Some(k) = symbol.checked_sub(257) else { return Ok(()) };
        let (Some(&base), Some(&extra)) = (LENGTH_BASE.get(k), LENGTH_EXTRA.get(k)) else { return Err(broken_code()) };
        let length = usize::from(base) + bits.number(extra.into())?;
        let k = dist.symbol(bits)?;
        let Some(&base) = DISTANCE_BASE.get(k) else { return Err(broken_code()) };
        let distance = usize::from(base) + bits.number(u32::try_from((k / 2).saturating_sub(1)).unwrap_or(0))?;
        let Some(start) = out.len().checked_sub(distance) else {
            return Err(t!("has a broken compressed stream (it copies from before its start)").to_owned());
        };
        if out.len() + length > size {
            return Err(too_large(size));
        }
        // Byte by byte: a copy may overlap what it writes (distance 1, length 5 repeats one byte five times).
        for i in start..start + length {
            out.push(out[i]);
        }
    }
}

/// The codes of §3.2.6.
fn fixed_codes() -> (Code, Code) {
    let lengths: Vec<u8> = (0..288)
        .map(|s| match s {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        })
        .collect();
    let empty = || Code { counts: [0; MAX_BITS + 1], symbols: Vec::new() };
    (Code::new(&lengths).unwrap_or_else(empty), Code::new(&[5; 30]).unwrap_or_else(empty))
}

/// The codes in front of a block of type 2 (§3.2.7).
fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Code, Code), String> {
    let n_lengths = bits.number(5)? + 257;
    let n_distances = bits.number(5)? + 1;
    let n_codes = bits.number(4)? + 4;
    let mut lengths = [0_u8; 19];
    for &place in ORDER.iter().take(n_codes) {
        lengths[place] = u8::try_from(bits.take(3)?).unwrap_or(0);
    }
    let code = Code::new(&lengths).ok_or_else(broken_code)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < n_lengths + n_distances {
        let (value, times) = match code.symbol(bits)? {
            16 => (*lengths.last().ok_or_else(broken_code)?, 3 + bits.number(2)?),
            17 => (0, 3 + bits.number(3)?),
            18 => (0, 11 + bits.number(7)?),
            length => (u8::try_from(length).unwrap_or(0), 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    if lengths.len() > n_lengths + n_distances {
        return Err(broken_code());
    }
    let (lit, dist) = lengths.split_at(n_lengths);
    Code::new(lit).zip(Code::new(dist)).ok_or_else(broken_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_fixed_and_overlapping_copies() {
        // Block header: last=1, type=00, padded to a byte; length 2, its complement; "hi".
        assert_eq!(inflate(&[1, 2, 0, 0xfd, 0xff, b'h', b'i'], 2).unwrap(), b"hi");
        // zlib.compress(b"aaaaaaaaaa")[2:-4], made by Python: literals, then a copy with distance 1.
        assert_eq!(inflate(&[0x4b, 0x4c, 0x84, 0x01, 0x00], 10).unwrap(), b"aaaaaaaaaa");
    }

    #[test]
    fn never_more_than_promised() {
        assert!(inflate(&[0x4b, 0x4c, 0x84, 0x01, 0x00], 9).unwrap_err().contains("more than the 9 bytes"));
        assert!(inflate(&[0x4b, 0x4c, 0x84, 0x01, 0x00], 11).unwrap_err().contains("10 bytes instead of 11"));
        assert!(inflate(&[1, 2, 0, 0xfd, 0xff, b'h', b'i'], 1).unwrap_err().contains("more than the 1 bytes"));
    }

    #[test]
    fn broken_streams_are_errors() {
        assert!(inflate(&[], 1).is_err());
        assert!(inflate(&[7], 1).unwrap_err().contains("reserved"));
        assert!(inflate(&[1, 2, 0, 0, 0], 2).unwrap_err().contains("stored length"));
        // Every prefix of a good stream, and a good stream with each byte turned over, ends without a panic.
        let good = [0x4b, 0x4c, 0x84, 0x01, 0x00];
        assert!((0..good.len() - 1).all(|n| inflate(&good[..n], 10).is_err()));
        for i in 0..good.len() {
            for flip in 1..=255_u8 {
                let mut bytes = good;
                bytes[i] ^= flip;
                assert!(inflate(&bytes, 10).is_ok_and(|out| out.len() == 10) || inflate(&bytes, 10).is_err());
            }
        }
    }
}
