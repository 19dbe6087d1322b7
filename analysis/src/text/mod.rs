//! Texts in the user's language. A text is written in English where it is used, inside `t!`, and looked up in the
//! language's own file, `assets/texts/zh-CN.toml`; `assets/texts/en.txt` lists all of them. A test reads the sources and
//! fails where either file lacks one, or has one that nobody uses.
//!
//! What is drawn at once is written in `t!`. What is kept (an error, a warning, a step of the history) is written in `say!`,
//! which keeps the text and its values and finds the words when it is read: a switch of language reaches it.
//!
//! The language is the whole program's, like its theme: the window sets it, and everything drawn afterwards is in it. The
//! command line stays in English, so that what scripts read does not depend on a person's settings.

mod catalogue;
mod kept;

use std::{
    fmt::{Display, Write as _},
    sync::atomic::{AtomicU8, Ordering},
};

pub use self::kept::{Text, Value};
use serde::{Deserialize, Serialize};

/// A language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// As written in the sources.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All of them, as they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its own name for itself: who cannot read the window has to find it.
    pub fn title(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }
}

static LANGUAGE: AtomicU8 = AtomicU8::new(0);

/// Uses this language from now on.
pub fn set_language(language: Language) {
    LANGUAGE.store(u8::from(language == Language::Chinese), Ordering::Relaxed);
}

/// The language in use.
pub fn language() -> Language {
    if LANGUAGE.load(Ordering::Relaxed) == 0 { Language::English } else { Language::Chinese }
}

/// `english` in the language in use; itself where it has no translation. Texts that are not written in `t!` where they
/// are used (tables, reasons) are marked with [`mark!`](crate::mark) where they are written.
pub fn text(english: &'static str) -> &'static str {
    match language() {
        Language::English => english,
        Language::Chinese => catalogue::chinese(english).unwrap_or(english),
    }
}

/// [`text`] with `{}` replaced by the values in order; `{0}`, `{1}` … stand for them by place, where another language
/// wants another order.
pub fn filled(english: &'static str, values: &[&dyn Display]) -> String {
    fill(text(english), values)
}

fn fill(pattern: &str, values: &[&dyn Display]) -> String {
    let mut filled = String::with_capacity(pattern.len() + 16 * values.len());
    let (mut rest, mut next) = (pattern, 0);
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        rest = from;
        let Some(close) = from.find('}') else { break };
        let place = match &from[1..close] {
            "" => {
                next += 1;
                next - 1
            }
            number => number.parse().unwrap_or(usize::MAX),
        };
        match values.get(place) {
            // Writing into a String does not fail.
            Some(value) => drop(write!(filled, "{value}")),
            None => filled.push_str(&from[..=close]),
        }
        rest = &from[close + 1..];
    }
    filled.push_str(rest);
    filled
}

/// A text in the user's language: `t!("Undo")`, or with values for its `{}`: `t!("{} of {} shown", shown, all)`.
#[macro_export]
macro_rules! t {
    ($text:literal) => { $crate::text::text($text) };
    ($text:literal, $($value:expr),+ $(,)?) => {
        $crate::text::filled($text, &[$(&$value as &dyn ::std::fmt::Display),+])
    };
}

/// Marks a text that is looked up elsewhere, with [`text::text`](crate::text::text).
#[macro_export]
macro_rules! mark {
    ($text:literal) => {
        $text
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_language_wants_them() {
        assert_eq!(fill("{} of {} shown", &[&3, &12]), "3 of 12 shown");
        assert_eq!(fill("共 {1} 层，显示 {0} 层", &[&3, &12]), "共 12 层，显示 3 层");
        assert_eq!(fill("no {such} place, {2}, {", &[&1]), "no {such} place, {2}, {");
        assert_eq!(fill("{{", &[&1]), "{{");
    }

    #[test]
    fn english_is_what_is_written() {
        assert_eq!(crate::t!("Undo"), "Undo");
        assert_eq!(crate::t!("Undo {}", "the last step"), "Undo the last step");
        assert_eq!(text(crate::mark!("Redo")), "Redo");
    }
}
