//! The texts of other languages, read once from the files that are built in.

use std::{collections::HashMap, sync::OnceLock};

const CHINESE: &str = include_str!("../../../assets/texts/zh-CN.toml");

/// What a text is in Simplified Chinese; `None` where it is not translated.
pub(super) fn chinese(english: &str) -> Option<&'static str> {
    static TEXTS: OnceLock<HashMap<String, String>> = OnceLock::new();
    // The file is the program's own, and a test reads it: a broken one leaves the window in English.
    let texts = TEXTS.get_or_init(|| toml::from_str(CHINESE).unwrap_or_default());
    texts.get(english).map(String::as_str)
}
