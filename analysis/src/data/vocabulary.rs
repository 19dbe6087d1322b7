//! A text model's vocabulary, from `vocab.txt` or a Hugging Face `tokenizer.json`: what token numbers say.
//!
//! Three families of tokenizers mark words in three ways: `WordPiece` continues one with `##`, byte-level BPE begins one with
//! `Ġ` (and writes every byte as a character of its own), `SentencePiece` begins one with `▁`. The whole vocabulary tells
//! which, since single tokens of any of them may hold the marks of another.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::files;
use crate::{
    error::{Error, Result},
    say,
    text::Text,
};

/// File names that are looked for, in this order: the second knows added tokens too.
const FILES: [&str; 2] = ["tokenizer.json", "vocab.txt"];
/// Larger files are no vocabulary; the largest known has 33 MB.
const MAX_BYTES: u64 = 1 << 27;
/// More tokens than any vocabulary has.
const MAX_TOKENS: usize = 1 << 20;

/// How words are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    /// `##` continues a word.
    Continued,
    /// `Ġ` is a blank, and every character a byte.
    Bytes,
    /// `▁` is a blank.
    Blanks,
}

/// The tokens `0…` of a text model.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    path: PathBuf,
    /// `None` where the file leaves a gap.
    tokens: Vec<Option<String>>,
    marks: Marks,
}

impl Vocabulary {
    /// The vocabulary in `folder`, if there is one.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }

    /// Reads a file: of the ending `.json` a tokenizer, else one token a line.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Format`] for a file that holds no tokens or numbers one impossibly.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |reason: Text| Error::format(path, reason);
        let bytes = std::fs::metadata(path).map_err(|e| Error::io(path, e))?.len();
        if bytes > MAX_BYTES {
            return Err(refuse(say!("has {} bytes, more than any vocabulary", bytes)));
        }
        let text = files::read_text(path)?;
        let is_json = files::has_ending(path, &["json"]);
        let tokens = if is_json { tokenizer(&text) } else { lines(&text) }.map_err(refuse)?;
        if !tokens.iter().flatten().any(|token| !token.is_empty()) {
            return Err(refuse(say!("holds no tokens")));
        }
        Ok(Self { marks: marks(&tokens), path: path.to_owned(), tokens })
    }

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One more than the largest number of a token.
    pub fn size(&self) -> usize {
        self.tokens.len()
    }

    /// What the token numbers say, without the padding at their end. A number that is no token's is `#number`.
    pub fn text(&self, ids: &[i128]) -> String {
        let words: Vec<(String, bool)> = self.without_padding(ids).iter().map(|id| self.token(*id)).collect();
        if self.marks == Marks::Bytes {
            return spelled(&words);
        }
        let mut text = String::new();
        for (word, is_token) in &words {
            let continued = word.strip_prefix("##").filter(|rest| !rest.is_empty() && *is_token);
            match (self.marks, continued) {
                (Marks::Continued, Some(rest)) => text += rest,
                (Marks::Continued, None) => text.extend([" ", word]),
                _ => text += &word.replace('▁', " "),
            }
        }
        text.trim().to_owned()
    }

    /// The token of a number, and whether there is one.
    fn token(&self, id: i128) -> (String, bool) {
        let token = usize::try_from(id).ok().and_then(|id| self.tokens.get(id)?.clone());
        token.map_or_else(|| (format!("#{id}"), false), |token| (token, true))
    }

    /// The numbers up to the padding: tokens that are called so, or one special token over and over.
    fn without_padding<'a>(&self, mut ids: &'a [i128]) -> &'a [i128] {
        let named = |id: i128| self.token(id).0.trim_matches(['[', ']', '<', '>', '|']).eq_ignore_ascii_case("pad");
        while let [rest @ .., last] = ids {
            let repeated = rest.last() == Some(last) && is_special(&self.token(*last).0);
            if !named(*last) && !repeated {
                break;
            }
            ids = rest;
        }
        ids
    }
}

/// `[SEP]`, `</s>`, `<|endoftext|>`.
fn is_special(token: &str) -> bool {
    token.len() > 2
        && (token.starts_with('[') && token.ends_with(']') || token.starts_with('<') && token.ends_with('>'))
}

/// Bytes of byte-level tokens as text; special tokens and numbers as they stand.
fn spelled(words: &[(String, bool)]) -> String {
    let mut bytes = Vec::new();
    for (word, is_token) in words {
        let spelt: Option<Vec<u8>> = word.chars().map(byte_of).collect();
        match spelt.filter(|_| *is_token && !is_special(word)) {
            Some(spelt) => bytes.extend(spelt),
            None => bytes.extend(word.as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The byte that byte-level BPE writes as `c`: visible Latin-1 characters are themselves, the other 68 bytes follow from
/// U+0100 on, in their order.
fn byte_of(c: char) -> Option<u8> {
    let is_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u8::try_from(u32::from(c)) {
        Ok(byte) => is_itself(byte).then_some(byte),
        Err(_) => {
            let place = usize::try_from(u32::from(c) - 0x100).ok()?;
            (0..=u8::MAX).filter(|byte| !is_itself(*byte)).nth(place)
        }
    }
}

/// The marks that most tokens have.
fn marks(tokens: &[Option<String>]) -> Marks {
    let count = |start: &str| tokens.iter().flatten().filter(|token| token.starts_with(start)).count();
    let (continued, bytes, blanks) = (count("##"), count("Ġ"), count("▁"));
    match continued.max(bytes).max(blanks) {
        most if most == continued => Marks::Continued,
        most if most == bytes => Marks::Bytes,
        _ => Marks::Blanks,
    }
}

/// One token a line; an empty line counts, since the line's number is the token's.
fn lines(text: &str) -> Result<Vec<Option<String>>, Text> {
    let tokens: Vec<Option<String>> =
        text.split_terminator('\n').map(|line| Some(line.trim_end().to_owned())).collect();
    if tokens.len() > MAX_TOKENS { Err(say!("numbers a token {}", tokens.len() - 1)) } else { Ok(tokens) }
}

/// What is read of a `tokenizer.json`.
#[derive(Deserialize)]
struct Tokenizer {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Model {
    vocab: Tokens,
}

/// `WordPiece` and BPE give numbers, Unigram an order.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tokens {
    Numbered(BTreeMap<String, u64>),
    Listed(Vec<(String, f64)>),
}

/// A token beyond the trained ones.
#[derive(Deserialize)]
struct Added {
    id: u64,
    content: String,
}

fn tokenizer(text: &str) -> Result<Vec<Option<String>>, Text> {
    let read: Tokenizer =
        serde_json::from_str(text).map_err(|error| say!("is no tokenizer.json with a vocabulary: {}", error))?;
    let mut numbered: Vec<(u64, String)> = match read.model.vocab {
        Tokens::Numbered(tokens) => tokens.into_iter().map(|(token, id)| (id, token)).collect(),
        Tokens::Listed(tokens) => (0..).zip(tokens.into_iter().map(|(token, _)| token)).collect(),
    };
    numbered.extend(read.added_tokens.into_iter().map(|added| (added.id, added.content)));
    let mut tokens = Vec::new();
    for (id, token) in numbered {
        let place = usize::try_from(id).ok().filter(|place| *place < MAX_TOKENS);
        let place = place.ok_or_else(|| say!("numbers a token {}", id))?;
        if place >= tokens.len() {
            tokens.resize(place + 1, None);
        }
        tokens[place] = Some(token);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Vocabulary> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        assert_eq!(Vocabulary::find(folder.path()).as_deref(), Some(&*path));
        Vocabulary::read(&path)
    }

    #[test]
    fn wordpiece_continues_words() {
        let words = read("vocab.txt", "[PAD]\r\n[CLS]\r\n[SEP]\r\nquant\r\n##ize\r\n\r\nall\r\n##\r\n").unwrap();
        assert_eq!(words.size(), 8);
        assert_eq!(words.text(&[1, 6, 3, 4, 2, 0, 0, 0]), "[CLS] all quantize [SEP]");
        // No token: beyond the end, below 0. Padding between words stays; `##` alone continues nothing.
        assert_eq!(words.text(&[3, 0, 4, 8, -1, 7]), "quant [PAD]ize #8 #-1 ##");
        assert_eq!((words.text(&[0, 0]), words.text(&[])), (String::new(), String::new()));
    }

    #[test]
    fn bytes_and_blanks() {
        // é is 0xc3 0xa9, both of which are written as themselves; 0x0a is the eleventh of the others, so U+010A.
        let bpe = r#"{"model": {"type": "BPE", "vocab": {"Caf": 0, "Ã©": 1, "Ġau": 2, "Ġlait": 3, "Ċ": 4}},
            "added_tokens": [{"id": 6, "content": "<|endoftext|>", "special": true}]}"#;
        let bpe = read("tokenizer.json", bpe).unwrap();
        assert_eq!(bpe.size(), 7);
        assert_eq!(bpe.text(&[0, 1, 2, 3, 6, 6, 6]), "Café au lait<|endoftext|>");
        assert_eq!(bpe.text(&[2, 4, 0, 5]), "au\nCaf#5");
        let unigram = r#"{"model": {"vocab": [["<pad>", 0.0], ["▁so", -1.5], ["▁we", -2], ["ll", -3.25]]}}"#;
        assert_eq!(read("tokenizer.json", unigram).unwrap().text(&[1, 2, 3, 0]), "so well");
    }

    #[test]
    fn hostile_files_are_refused() {
        let refused = |name: &str, content: &[u8]| read(name, content).unwrap_err().to_string();
        assert!(refused("vocab.txt", b"").contains("holds no tokens"));
        assert!(refused("vocab.txt", b"\n\n").contains("holds no tokens"));
        for json in
            ["", "{", "[]", "{\"model\": {}}", "{\"model\": {\"vocab\": {\"a\": -1}}}", "{\"model\": {\"vocab\": 3}}"]
        {
            assert!(refused("tokenizer.json", json.as_bytes()).contains("is no tokenizer.json"), "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(refused("tokenizer.json", deep.as_bytes()).contains("is no tokenizer.json"));
        let huge = br#"{"model": {"vocab": {"a": 18446744073709551615}}}"#;
        assert!(refused("tokenizer.json", huge).contains("numbers a token 18446744073709551615"));
        // Bytes that are no text are replaced, not trusted.
        assert_eq!(read("vocab.txt", b"\xff\xfe\nok\n").unwrap().text(&[1]), "ok");
    }
}
