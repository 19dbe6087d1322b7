//! DEFLATE (RFC 1951) decompression into memory, for the compressed arrays of an `.npz`.
//!
//! The output never grows beyond the size that the archive's directory promised, so a bomb ends as an error.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{say, text::Text};

/// Room for the first bytes; doubled while more come, so that memory follows what is there and not what is promised.
const FIRST_BYTES: usize = 1 << 16;

/// Decompresses `input` to exactly `size` bytes.
///
/// # Errors
/// A sentence when the stream is broken, ends early, or holds more or less than `size` bytes.
pub(super) fn inflate(input: &[u8], size: usize) -> Result<Vec<u8>, Text> {
    let (mut state, mut out, mut left) = (Decompress::new(false), Vec::new(), input);
    loop {
        let (before, unread) = (out.len(), left.len());
        // One more than promised, so that what is too much is seen.
        out.reserve((size.saturating_add(1) - before).min(before.max(FIRST_BYTES)));
        let read_before = state.total_in();
        let Ok(status) = state.decompress_vec(left, &mut out, FlushDecompress::None) else {
            return Err(say!("has a broken compressed stream"));
        };
        let read = usize::try_from(state.total_in() - read_before).unwrap_or(unread);
        left = left.get(read..).unwrap_or_default();
        if out.len() > size {
            return Err(say!("decompresses to more than the {} bytes its directory promises", size));
        }
        match status {
            Status::StreamEnd if out.len() == size => return Ok(out),
            Status::StreamEnd => return Err(say!("decompresses to {} bytes instead of {}", out.len(), size)),
            _ if (out.len(), left.len()) == (before, unread) => return Err(say!("ends inside its compressed stream")),
            _ => {}
        }
    }
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
        assert!(inflate(&[7], 1).unwrap_err().contains("broken"));
        assert!(inflate(&[1, 2, 0, 0, 0], 2).unwrap_err().contains("broken"));
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
