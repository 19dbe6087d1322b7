//! TOML that remembers where everything stands: every refusal names the file, the line and the key.
//!
//! The file is read value by value instead of through serde, whose errors know a line but not the key's path, and whose
//! `deny_unknown_fields` suggests nothing.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{format::Choice, names::suggestion};
use crate::{
    error::{Error, Result},
    say,
    text::{Text, Value},
};

/// The text that is read, and its name.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    text: &'a str,
    place: &'a str,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str, place: &'a str) -> Self {
        Self { text, place }
    }

    /// The tables and values of the text.
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'a>>> {
        DeTable::parse(self.text).map_err(|error| {
            let line = line_of(self.text, error.span().map_or(0, |span| span.start));
            let at = self.text.lines().nth(line - 1).unwrap_or_default().trim();
            Error::config(self.at(line), say!("{} (at `{}`)", error.message().trim(), at))
        })
    }

    fn at(self, line: usize) -> Text {
        say!("{}, line {}", self.place, line)
    }

    fn refuse(self, offset: usize, path: &str, reason: impl Into<Text>) -> Error {
        Error::config(
            self.at(line_of(self.text, offset)),
            Text::joined(": ", [format!("`{path}`").into(), reason.into()]),
        )
    }
}

/// The line, from 1, that the byte at `offset` is on.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&b| b == b'\n').count()
}

/// A table: hands out its keys, none of which is unknown.
pub(super) struct Section<'a> {
    document: Document<'a>,
    path: String,
    offset: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The whole file, with keys still to be checked.
    pub(super) fn root(document: Document<'a>, root: &'a Spanned<DeTable<'a>>) -> Self {
        Self { document, path: String::new(), offset: 0, table: root.get_ref() }
    }

    /// Refuses the first key that is not `known`, with the nearest that is.
    pub(super) fn refuse_unknown(&self, known: &[&str]) -> Result<()> {
        let unknown = self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let hint = suggestion(key.get_ref(), known.iter().copied());
        let reason = say!("unknown key{}; known here are {}", hint, known.join(", "));
        Err(self.document.refuse(key.span().start, &self.path_of(key.get_ref()), reason))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What the key holds, if it is there.
    pub(super) fn find(&self, key: &str) -> Option<Entry<'a>> {
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(self.entry(name, value))
    }

    /// What the key holds; `what` says in the error what is missing.
    pub(super) fn need(&self, key: &str, what: impl Value) -> Result<Entry<'a>> {
        let missing = || self.document.refuse(self.offset, &self.path_of(key), say!("is missing: {}", what));
        self.find(key).ok_or_else(missing)
    }

    /// Every key with what it holds, in the file's order.
    pub(super) fn entries(&self) -> Vec<(&'a str, Entry<'a>)> {
        let mut all: Vec<_> =
            self.table.iter().map(|(name, value)| (name.get_ref().as_ref(), self.entry(name, value))).collect();
        all.sort_by_key(|(_, entry)| entry.span.0);
        all
    }

    fn entry(&self, name: &Spanned<std::borrow::Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        // A table's own span is only its header, and a dotted key's table has none; its name is always there.
        let span = if value.get_ref().is_table() { name.span() } else { value.span() };
        Entry {
            document: self.document,
            path: self.path_of(name.get_ref()),
            span: (span.start, span.end),
            value: value.get_ref(),
        }
    }
}

/// A value and where it stands.
pub(super) struct Entry<'a> {
    document: Document<'a>,
    path: String,
    span: (usize, usize),
    value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    /// An error at this value.
    pub(super) fn refuse(&self, reason: impl Into<Text>) -> Error {
        self.document.refuse(self.span.0, &self.path, reason)
    }

    /// The value as the file writes it.
    pub(super) fn shown(&self) -> &'a str {
        self.document.text.get(self.span.0..self.span.1).unwrap_or_default()
    }

    fn expected(&self, what: impl Value) -> Error {
        let found = match self.value {
            DeValue::Array(_) => say!("a list"),
            DeValue::Table(_) => say!("a table"),
            _ => self.shown().into(),
        };
        self.refuse(say!("{} is not {}", found, what))
    }

    /// The value as an integer, or nothing where it is none.
    pub(super) fn as_integer(&self) -> Option<i64> {
        let integer = self.value.as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    pub(super) fn integer(&self) -> Result<i64> {
        self.as_integer().ok_or_else(|| self.expected(say!("a whole number")))
    }

    /// A finite number, written as an integer or not.
    #[expect(clippy::cast_precision_loss, reason = "whole numbers beyond 2^53 are no scale or range anybody has")]
    pub(super) fn number(&self) -> Result<f64> {
        let number = match self.value {
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => self.as_integer().map(|integer| integer as f64),
        };
        number.filter(|n: &f64| n.is_finite()).ok_or_else(|| self.expected(say!("a finite number")))
    }

    pub(super) fn flag(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.expected(say!("true or false")))
    }

    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.expected(say!("a text in quotes")))
    }

    /// Whether the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// The table under this key, in which only `known` keys may stand.
    pub(super) fn section(&self, known: &[&str]) -> Result<Section<'a>> {
        let section = self.open_section()?;
        section.refuse_unknown(known)?;
        Ok(section)
    }

    /// The table under this key, whose keys are names that the file chooses.
    pub(super) fn open_section(&self) -> Result<Section<'a>> {
        let DeValue::Table(table) = self.value else { return Err(self.expected(say!("a table"))) };
        Ok(Section { document: self.document, path: self.path.clone(), offset: self.span.0, table })
    }

    pub(super) fn list(&self) -> Result<Vec<Self>> {
        let array = self.value.as_array().ok_or_else(|| self.expected(say!("a list in brackets")))?;
        let element = |value: &'a Spanned<DeValue<'a>>| Self {
            document: self.document,
            path: self.path.clone(),
            span: (value.span().start, value.span().end),
            value: value.get_ref(),
        };
        Ok(array.iter().map(element).collect())
    }

    /// The meaning of a word among `words`.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let hint = suggestion(text, words.iter().map(|(word, _)| *word));
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(say!("`{}` is not known{}; use {}", text, hint, or_list(&list)))
        })
    }

    /// One value, or a list of alternatives with the default first.
    pub(super) fn choice<T: PartialEq>(&self, read: impl Fn(&Self) -> Result<T>) -> Result<Choice<T>> {
        if self.value.as_array().is_none() {
            return read(self).map(Choice::only);
        }
        let mut values: Vec<T> = Vec::new();
        for entry in self.list()? {
            let value = read(&entry)?;
            if values.contains(&value) {
                return Err(entry.refuse(say!("{} stands there twice", entry.shown())));
            }
            values.push(value);
        }
        let mut values = values.into_iter();
        let default =
            values.next().ok_or_else(|| self.refuse(say!("the list is empty; its first entry is the default")))?;
        Ok(Choice { default, others: values.collect() })
    }
}

/// `a`, `a or b`, `a, b or c`.
fn or_list(words: &[&str]) -> Text {
    match words {
        [] => Text::default(),
        [only] => format!("`{only}`").into(),
        [front @ .., last] => {
            let front: Vec<String> = front.iter().map(|word| format!("`{word}`")).collect();
            say!("{} or `{}`", front.join(", "), last)
        }
    }
}
