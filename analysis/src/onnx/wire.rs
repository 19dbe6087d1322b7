//! Walks an ONNX file's wire format before it is decoded.
//!
//! The decoder alone would not do: it says neither where a file is damaged nor which fields it dropped, and a file of
//! two-byte empty nodes grows a hundredfold when decoded. The walk allocates nothing that depends on lengths the file
//! claims, uses no recursion, and reads no weights (packed integers excepted, which it counts). What it accepts the
//! decoder accepts.

use std::collections::BTreeMap;

use super::schema::{Holds, Kind};
use crate::{say, text::Text};

/// Nesting that the decoder accepts (prost's and protobuf's own limit), an `If` in an `If` in an `If`… of 33.
const DEPTH_LIMIT: usize = 100;

/// What the walk found in a file that can be decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Fields the schema does not know: message path and field number, and how often each occurs.
    pub unknown: BTreeMap<(String, u32), u64>,
    /// Bytes that the decoded messages will take in memory, without text and raw bytes.
    pub decoded_bytes: u64,
}

/// Why and where a file cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Byte of the file at which the offending field starts.
    pub offset: usize,
    /// Path of the message it is in (`ModelProto.graph.node`).
    pub path: String,
    /// What is wrong, as the end of a sentence.
    pub problem: Text,
    /// How many bytes are missing when the file ends too early; `None` for any other damage.
    pub missing: Option<u64>,
    /// Whether an ONNX field was read before: if not, the file is most likely no ONNX at all.
    pub began_well: bool,
}

/// A message being walked over.
struct Frame {
    kind: Kind,
    end: usize,
    /// Name of the field that holds it; empty for the outermost.
    field: &'static str,
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Frame>,
    walk: Walk,
    fields_read: u64,
}

/// Walks over `bytes` as one message of `kind`.
///
/// # Errors
/// The first [`Damage`].
pub(super) fn walk(bytes: &[u8], kind: Kind) -> Result<Walk, Damage> {
    let outermost = Frame { kind, end: bytes.len(), field: "" };
    let mut walker = Walker { bytes, at: 0, stack: vec![outermost], walk: Walk::default(), fields_read: 0 };
    while let Some(frame) = walker.stack.last() {
        if walker.at == frame.end {
            walker.stack.pop();
        } else {
            let (kind, end) = (frame.kind, frame.end);
            walker.field(kind, end)?;
        }
    }
    Ok(walker.walk)
}

impl Walker<'_> {
    /// Reads one field of a message that ends at `end`.
    fn field(&mut self, kind: Kind, end: usize) -> Result<(), Damage> {
        let start = self.at;
        let key = self.varint(start, end)?;
        let wire = key & 7;
        let number = u32::try_from(key >> 3).ok().filter(|n| (1..1 << 29).contains(n));
        let Some(number) = number else {
            return Err(self.damage(start, say!("there is no field number {}", key >> 3)));
        };
        let Some(&(_, name, holds)) = kind.field(number) else {
            *self.walk.unknown.entry((self.path(), number)).or_default() += 1;
            return self.skip(start, end, number, wire);
        };
        match (holds, wire) {
            (Holds::Int | Holds::Ints, 0) => {
                self.varint(start, end)?;
                self.walk.decoded_bytes += if holds == Holds::Ints { 8 } else { 0 };
            }
            (Holds::Float | Holds::Floats, 5) => self.advance(start, end, 4)?,
            (Holds::Doubles, 1) => self.advance(start, end, 8)?,
            (Holds::Ints | Holds::Floats | Holds::Doubles, 2) => self.packed(start, end, name, holds)?,
            (Holds::Text | Holds::Bytes, 2) => self.text_or_bytes(start, end, name, holds)?,
            (Holds::Message(inner), 2) => self.enter(start, end, name, inner)?,
            _ => return Err(self.damage(start, say!("its field `{}` is stored as another kind of value", name))),
        }
        self.fields_read += 1;
        Ok(())
    }

    /// Starts on the message in field `name`.
    fn enter(&mut self, start: usize, end: usize, name: &'static str, kind: Kind) -> Result<(), Damage> {
        let length = self.length(start, end, name)?;
        if self.stack.len() > DEPTH_LIMIT {
            return Err(self.damage(start, say!("messages are nested more than {} deep", DEPTH_LIMIT)));
        }
        self.walk.decoded_bytes += kind.size();
        self.stack.push(Frame { kind, end: self.at + length, field: name });
        Ok(())
    }

    /// Reads over a list in packed form.
    fn packed(&mut self, start: usize, end: usize, name: &'static str, holds: Holds) -> Result<(), Damage> {
        let length = self.length(start, end, name)?;
        let content = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        let (whole, decoded) = match holds {
            Holds::Floats => (length % 4 == 0, length as u64),
            Holds::Doubles => (length % 8 == 0, length as u64),
            _ => match count_varints(content) {
                Some(count) => (true, 8 * count),
                None => (false, 0),
            },
        };
        if !whole {
            return Err(self.damage(start, say!("its field `{}` is no whole list of numbers", name)));
        }
        self.walk.decoded_bytes += decoded;
        self.at += length;
        Ok(())
    }

    /// Reads over text, which must be UTF-8, or bytes, which may be anything.
    fn text_or_bytes(&mut self, start: usize, end: usize, name: &'static str, holds: Holds) -> Result<(), Damage> {
        let length = self.length(start, end, name)?;
        let content = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        if holds == Holds::Text && std::str::from_utf8(content).is_err() {
            return Err(self.damage(start, say!("its field `{}` is not UTF-8 text", name)));
        }
        // The handle itself: a `String` is 24 bytes, a `Bytes` 32.
        self.walk.decoded_bytes += 32;
        self.at += length;
        Ok(())
    }

    /// Skips an unknown field; groups (wire types 3 and 4) may nest.
    fn skip(&mut self, start: usize, end: usize, number: u32, wire: u64) -> Result<(), Damage> {
        let mut groups = Vec::new();
        let (mut number, mut wire) = (number, wire);
        loop {
            match wire {
                0 => drop(self.varint(start, end)?),
                1 => self.advance(start, end, 8)?,
                2 => {
                    let length = self.length(start, end, "unknown")?;
                    self.at += length;
                }
                3 if groups.len() < DEPTH_LIMIT / 2 => groups.push(number),
                4 if groups.last() == Some(&number) => drop(groups.pop()),
                5 => self.advance(start, end, 4)?,
                _ => return Err(self.damage(start, say!("field {} has no readable type (wire type {})", number, wire))),
            }
            if groups.is_empty() {
                return Ok(());
            }
            let key = self.varint(start, end)?;
            number = u32::try_from(key >> 3).unwrap_or(0);
            wire = if number == 0 { 7 } else { key & 7 };
        }
    }

    /// Reads the length of field `name` and checks that so much is there.
    fn length(&mut self, start: usize, end: usize, name: &str) -> Result<usize, Damage> {
        let claimed = self.varint(start, end)?;
        let left = end - self.at;
        match usize::try_from(claimed) {
            Ok(length) if length <= left => Ok(length),
            _ => {
                let problem = say!("its field `{}` claims {} bytes where only {} are left", name, claimed, left);
                let mut damage = self.damage(start, problem);
                // Only where the enclosing message ends with the file can the file have been cut; elsewhere it lies.
                damage.missing = (end == self.bytes.len()).then(|| claimed - left as u64);
                Err(damage)
            }
        }
    }

    fn advance(&mut self, start: usize, end: usize, by: usize) -> Result<(), Damage> {
        if by > end - self.at {
            return Err(self.ended(start, end));
        }
        self.at += by;
        Ok(())
    }

    fn varint(&mut self, start: usize, end: usize) -> Result<u64, Damage> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = match self.bytes.get(self.at) {
                Some(byte) if self.at < end => *byte,
                _ => return Err(self.ended(start, end)),
            };
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damage(start, say!("a number is longer than 64 bits")))
    }

    fn ended(&self, start: usize, end: usize) -> Damage {
        let mut damage = self.damage(start, say!("it ends inside a field"));
        damage.missing = (end == self.bytes.len()).then_some(1);
        damage
    }

    fn damage(&self, offset: usize, problem: Text) -> Damage {
        Damage { offset, path: self.path(), problem, missing: None, began_well: self.fields_read > 0 }
    }

    /// `ModelProto.graph.node`: the message being read.
    fn path(&self) -> String {
        let mut path = self.stack.first().map_or("", |frame| frame.kind.name()).to_owned();
        for frame in self.stack.iter().skip(1) {
            path.push('.');
            path.push_str(frame.field);
        }
        path
    }
}

/// How many varints `content` is made of; `None` unless it is whole ones of at most 64 bits each.
fn count_varints(content: &[u8]) -> Option<u64> {
    let (mut count, mut length) = (0, 0);
    for byte in content {
        length += 1;
        // Nine bytes hold 63 bits, so the tenth can only be 0 or 1.
        if length == 10 && *byte > 1 {
            return None;
        }
        if *byte < 0x80 {
            count += 1;
            length = 0;
        }
    }
    (length == 0).then_some(count)
}

#[cfg(test)]
mod tests;
