//! Encodes messages straight into a file, so that saving a model does not first build a second copy of it in memory.
//!
//! prost writes into a [`BufMut`], which cannot fail; a failed write is therefore kept and reported at the end, and
//! nothing more is written after it.

use std::io::{self, Write};

use bytes::{BufMut, buf::UninitSlice};

/// Bytes gathered before they are written.
const CAPACITY: usize = 1 << 16;

/// A [`BufMut`] over a [`Write`].
#[derive(Debug)]
pub(super) struct Sink<W: Write> {
    out: W,
    buffer: Vec<u8>,
    outcome: io::Result<()>,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, buffer: Vec::with_capacity(CAPACITY), outcome: Ok(()) }
    }

    /// Writes what is gathered.
    ///
    /// # Errors
    /// The first write that failed, now or before.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.outcome?;
        self.out.flush()
    }

    fn flush(&mut self) {
        if self.outcome.is_ok() {
            self.outcome = self.out.write_all(&self.buffer);
        }
        self.buffer.clear();
    }
}

#[expect(unsafe_code, reason = "BufMut is an unsafe trait; there is no other way to have prost write to a file")]
// SAFETY: `chunk_mut` and `advance_mut` are those of `Vec<u8>`, called in pairs on the same buffer; `flush` only
// happens before a chunk is handed out.
unsafe impl<W: Write> BufMut for Sink<W> {
    fn remaining_mut(&self) -> usize {
        usize::MAX
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        if self.buffer.len() >= CAPACITY {
            self.flush();
        }
        self.buffer.chunk_mut()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller has initialised `count` bytes of the chunk, which was the buffer's own.
        unsafe { self.buffer.advance_mut(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then is full.
    struct Disk {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.room -= count;
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_arrives_in_order() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut disk = Disk { room: usize::MAX, written: Vec::new() };
        let mut sink = Sink::new(&mut disk);
        sink.put_u8(7);
        sink.put_slice(&bytes);
        sink.put(bytes::Bytes::from_static(b"end"));
        sink.finish().unwrap();
        assert_eq!(disk.written[0], 7);
        assert_eq!(disk.written[1..=bytes.len()], bytes);
        assert_eq!(disk.written[1 + bytes.len()..], *b"end");
    }

    #[test]
    fn a_full_disk_is_reported_and_written_to_no_more() {
        let mut disk = Disk { room: 100_000, written: Vec::new() };
        let mut sink = Sink::new(&mut disk);
        sink.put_slice(&vec![1; 300_000]);
        sink.put_slice(&vec![2; 300_000]);
        assert_eq!(sink.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.written, vec![1; 100_000]);
    }
}
