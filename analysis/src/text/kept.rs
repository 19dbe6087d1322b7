//! Texts that outlive the frame they were made in: errors, warnings, notes of a report, notices, steps of the history.
//!
//! What is kept is the English with its values, not its words: they are made when the text is read, once for each
//! language, so that a switch of language reaches what was said before it.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Language, filled, language, text};

/// A text that is kept: written with [`say!`](crate::say), read as a `str` in the language in use. Cheap to clone.
#[derive(Clone)]
pub struct Text(Arc<Inner>);

struct Inner {
    kind: Kind,
    /// The words in each language, once they were asked for.
    words: [OnceLock<Box<str>>; Language::ALL.len()],
}

enum Kind {
    /// The same in every language: a name, a number, what a library says.
    Plain(Box<str>),
    /// A text of the catalogue and the values of its `{}`.
    Said(&'static str, Box<[Text]>),
    /// Several, one after another, with this text of the catalogue between them.
    Joined(&'static str, Box<[Text]>),
    /// What this says when it is asked.
    Made(Box<dyn Fn() -> String + Send + Sync>),
}

impl Text {
    /// A text of the catalogue; where it is written it is marked with [`mark!`](crate::mark), or with
    /// [`say!`](crate::say) itself.
    pub fn of(english: &'static str) -> Self {
        Self::said(english, [])
    }

    /// What [`say!`](crate::say) makes.
    pub fn said<const N: usize>(english: &'static str, values: [Self; N]) -> Self {
        Self::new(Kind::Said(english, Box::new(values)))
    }

    /// `parts` with `between` between them, a text of the catalogue or a mere sign.
    pub fn joined(between: &'static str, parts: impl IntoIterator<Item = impl Into<Self>>) -> Self {
        Self::new(Kind::Joined(between, parts.into_iter().map(Into::into).collect()))
    }

    /// What `make` says in the language in use: for words that a function chooses, and for errors with their causes. It
    /// is asked once for each language, so what it says must depend on nothing else.
    pub fn made(make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self::new(Kind::Made(Box::new(make)))
    }

    /// Its words in the language in use.
    pub fn as_str(&self) -> &str {
        let place = usize::from(language() != Language::English);
        match &self.0.kind {
            Kind::Plain(text) => text,
            Kind::Said(english, values) if values.is_empty() => text(english),
            _ => self.0.words.get(place).map_or("", |words| words.get_or_init(|| self.worded().into())),
        }
    }

    fn worded(&self) -> String {
        match &self.0.kind {
            Kind::Said(english, values) => {
                let values: Vec<&dyn fmt::Display> = values.iter().map(|value| value as &dyn fmt::Display).collect();
                filled(english, &values)
            }
            Kind::Joined(between, parts) => parts.iter().map(Self::as_str).collect::<Vec<_>>().join(text(between)),
            Kind::Made(make) => make(),
            Kind::Plain(_) => self.as_str().to_owned(),
        }
    }

    fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner { kind, words: Default::default() }))
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

// What reads alike is alike.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(Kind::Plain(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(Kind::Plain(text.into()))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

/// In the language of now; for what is drawn at once or leaves the program.
impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

/// In the language in use: the command line's is English.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// What can stand for a `{}` of a kept text. Texts stay texts; everything else is the same in every language.
pub trait Value {
    /// The value as a text.
    fn value(&self) -> Text;
}

impl Value for Text {
    fn value(&self) -> Text {
        self.clone()
    }
}

impl<T: Value + ?Sized> Value for &T {
    fn value(&self) -> Text {
        (**self).value()
    }
}

/// Types whose words are the same in every language.
macro_rules! plain {
    ($($kind:ty),+ $(,)?) => {
        $(impl Value for $kind {
            fn value(&self) -> Text {
                Text::from(self.to_string())
            }
        })+
    };
}

plain!(str, String, Cow<'_, str>, char, u8, u16, u32, u64, usize, i8, i32, i64, i128, isize, f32, f64);
// What libraries say stays as they say it.
plain!(std::path::Display<'_>, std::io::Error, std::str::Utf8Error, prost::DecodeError, serde_json::Error);
plain!(std::num::ParseIntError, serde::de::value::Error);
plain!(crate::quant::Bits, crate::target::Combination);

/// A text in the user's language that is kept, with `t!`'s arguments: `say!("set {} to {}", layers, bits)`. A value that
/// is a text itself must be a [`Text`](crate::text::Text) too, not what `t!` makes of it.
#[macro_export]
macro_rules! say {
    ($text:literal) => { $crate::text::Text::of($text) };
    ($text:literal, $($value:expr),+ $(,)?) => {
        $crate::text::Text::said($text, [$($crate::text::Value::value(&$value)),+])
    };
}
