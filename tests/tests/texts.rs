//! Every text of the window stands in the list of each language, and nothing stands there that nobody says.
//! `UPDATE_TEXTS=1 cargo test --test texts` writes the list of the English ones anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts in `t!("…")`, `say!("…")` and `mark!("…")` of a source.
fn texts_of(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for opening in ["t!(", "say!(", "mark!("] {
        let mut rest = source;
        while let Some(at) = rest.find(opening) {
            let before = rest[..at].chars().next_back();
            let after = rest[at + opening.len()..].trim_start();
            rest = &rest[at + opening.len()..];
            // `assert!(` ends like `t!(`.
            let is_macro = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            if let (true, Some(literal)) = (is_macro, after.strip_prefix('"')) {
                texts.push(unescaped(literal));
            }
        }
    }
    texts
}

/// A string literal up to its closing quote.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some('u') => {
                    let code: String = chars.by_ref().skip_while(|c| *c == '{').take_while(|c| *c != '}').collect();
                    text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

/// All texts in the sources of the core and the window.
fn said() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["analysis/src", "app/src"] {
        sources(&root().join(folder), &mut files);
    }
    // Its own examples are no texts of the window.
    files.retain(|file| !file.ends_with("analysis/src/text/mod.rs"));
    files.iter().flat_map(|file| texts_of(&std::fs::read_to_string(file).unwrap())).collect()
}

/// Where an error or its reason is written.
const ERRORS: [&str; 12] = [
    "Error::model(",
    "Error::data(",
    "Error::format(",
    "Error::config(",
    "bail!(",
    "anyhow!(",
    "context(",
    "Err(",
    "ok_or(",
    "ok_or_else(",
    "map_err(",
    "refuse(",
];

/// Files whose errors stay in English, and why.
const ENGLISH: [(&str, &str); 8] = [
    ("app/src/batch/", "the command line, which scripts read"),
    ("app/src/figure/", "a figure's size is the program's own, and so is the embedded font"),
    ("app/src/testing", "made up for tests"),
    ("fixtures.rs", "made up for tests"),
    ("tests.rs", "tests"),
    ("analysis/src/engine/", "onnxruntime's own words, or what would be a defect of this program"),
    ("analysis/src/integer/", "shapes were checked by the graph before; a defect of this program"),
    ("analysis/src/onnx/pack.rs", "values were quantized to the type before; a defect of this program"),
];

/// The prose in the errors of a source that is not in `say!` or `mark!`. An error is kept: in `t!` it would stay in the
/// language that it was made in.
fn untold(source: &str) -> Vec<String> {
    let source = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    for opening in ERRORS {
        for (at, _) in source.match_indices(opening) {
            let line = source[..at].rsplit('\n').next().unwrap_or_default();
            if !line.trim_start().starts_with("//") {
                found.extend(prose(&source[at + opening.len()..]));
            }
        }
    }
    found
}

/// The literals of two words and more in the arguments that `rest` begins with, up to their closing bracket.
fn prose(rest: &str) -> Vec<String> {
    let (mut found, mut depth, mut told) = (Vec::new(), 1_usize, None);
    let mut at = 0;
    while let Some(c) = rest[at..].chars().next().filter(|_| depth > 0) {
        match c {
            '"' => {
                let text = unescaped(&rest[at + 1..]);
                let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
                if told.is_none() && text.split_whitespace().filter(is_word).count() > 1 {
                    found.push(text);
                }
                at += literal_length(&rest[at..]);
                continue;
            }
            '(' => {
                let name = rest[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '!').next();
                let is_told = matches!(name, Some("say!" | "mark!"));
                told = told.or(is_told.then_some(depth));
                depth += 1;
            }
            ')' => {
                depth -= 1;
                told = told.filter(|from| *from < depth);
            }
            // A character in quotes may be a bracket or a quote; a lifetime has no second quote.
            '\'' => {
                let close = rest[at + 1..].char_indices().take(3).find(|(place, c)| *place > 0 && *c == '\'');
                at += close.map_or(0, |(place, _)| place + 1);
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    found
}

/// Bytes of the literal that `source` begins with, quotes included.
fn literal_length(source: &str) -> usize {
    let mut escaped = false;
    let end = source.char_indices().skip(1).find(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    end.map_or(source.len(), |(at, _)| at + 1)
}

fn chinese() -> BTreeMap<String, String> {
    toml::from_str(&std::fs::read_to_string(root().join("assets/texts/zh-CN.toml")).unwrap()).unwrap()
}

#[test]
fn texts_are_found_in_a_source() {
    let source = r#"assert!("no"); t!("one"); x(t!(
        "two \"quoted\" and \
         long", value)); mark!("three"); say!("four"); let format!("five")"#;
    assert_eq!(texts_of(source), ["one", "two \"quoted\" and long", "four", "three"]);
}

#[test]
fn prose_in_errors_is_found() {
    let source = r#"
        // Err("no code at all")
        return Err(Error::data(format!("two words of {x}", y(')'))));
        a.ok_or_else(|| say!("this is fine ({})", format!("and this {}", '"')))?;
        Error::config("layer", say!("fine too")); assert!(ok, "not an error's");
        Error::data(t!("this one stays"));
        Err("a\" bad one".to_owned())
#[cfg(test)]
mod tests { Err("a test may") }"#;
    // Once for Error::data and once for Err.
    assert_eq!(untold(source), ["two words of {x}", "this one stays", "two words of {x}", "a\" bad one"]);
}

#[test]
fn errors_are_in_the_users_language() {
    let mut files = Vec::new();
    for folder in ["analysis/src", "app/src"] {
        sources(&root().join(folder), &mut files);
    }
    let mut idle: BTreeSet<&str> = ENGLISH.iter().map(|(place, _)| *place).collect();
    let mut untranslated = Vec::new();
    for file in files {
        let path = file.display().to_string().replace('\\', "/");
        let texts = untold(&std::fs::read_to_string(&file).unwrap());
        match ENGLISH.iter().find(|(place, _)| path.contains(place)) {
            Some((place, _)) if !texts.is_empty() => drop(idle.remove(place)),
            Some(_) => {}
            None => untranslated.extend(texts.into_iter().map(|text| format!("{path}: {text}"))),
        }
    }
    assert!(untranslated.is_empty(), "wrap them in say!, or say in ENGLISH why not: {untranslated:#?}");
    assert!(idle.is_empty(), "nothing is left in English there: {idle:?}");
}

/// What stands in the brackets of each `say!` of a source.
fn kept(source: &str) -> Vec<&str> {
    let ends = |rest: &str| {
        let mut depth = 1_usize;
        let mut at = 0;
        while let Some(c) = rest[at..].chars().next() {
            match c {
                '"' => {
                    at += literal_length(&rest[at..]);
                    continue;
                }
                '(' => depth += 1,
                ')' if depth == 1 => break,
                ')' => depth -= 1,
                _ => {}
            }
            at += c.len_utf8();
        }
        at
    };
    let after = source.match_indices("say!(").map(|(at, opening)| &source[at + opening.len()..]);
    after.map(|rest| &rest[..ends(rest)]).collect()
}

#[test]
fn a_kept_text_has_no_value_that_is_frozen() {
    assert_eq!(kept(r#"say!("a ) {}", b(t!("c"))) + say!("d")"#), [r#""a ) {}", b(t!("c"))"#, r#""d""#]);
    let mut files = Vec::new();
    for folder in ["analysis/src", "app/src"] {
        sources(&root().join(folder), &mut files);
    }
    let mut frozen = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let is_frozen = |inner: &&str| [" t!(", "(t!(", "plural(", "text::text("].iter().any(|s| inner.contains(s));
        frozen.extend(kept(&source).into_iter().filter(is_frozen).map(|inner| format!("{}: {inner}", file.display())));
    }
    assert!(frozen.is_empty(), "a value of say! in words must be a Text: {frozen:#?}");
}

#[test]
fn english_lists_every_text() {
    let path = root().join("assets/texts/en.txt");
    let lines: String = said().iter().map(|text| text.replace('\n', "\\n") + "\n").collect();
    if std::env::var_os("UPDATE_TEXTS").is_some() {
        std::fs::write(&path, &lines).unwrap();
    }
    let listed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(listed == lines, "assets/texts/en.txt is not what the sources say; UPDATE_TEXTS=1 renews it");
}

#[test]
fn chinese_has_every_text_and_no_other() {
    let (said, chinese) = (said(), chinese());
    let missing: Vec<&String> = said.iter().filter(|text| !chinese.contains_key(*text)).collect();
    let idle: Vec<&String> = chinese.keys().filter(|text| !said.contains(*text)).collect();
    assert!(missing.is_empty(), "{} missing: {missing:#?}", missing.len());
    assert!(idle.is_empty(), "nobody says {idle:#?}");
}

#[test]
fn a_translation_has_the_values_of_its_text() {
    for (english, chinese) in chinese() {
        let places = |text: &str| {
            let parts: Vec<&str> =
                text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|p| p.0).collect();
            let mut places: Vec<String> = parts
                .iter()
                .enumerate()
                .map(|(place, name)| if name.is_empty() { place.to_string() } else { (*name).to_owned() })
                .collect();
            places.sort();
            places
        };
        let (wanted, mut got) = (places(&english), places(&chinese));
        // A plural's "s" may have no place in another language, but no value may be invented.
        got.dedup();
        assert!(got.iter().all(|place| wanted.contains(place)), "`{english}` → `{chinese}`");
        assert!(!chinese.trim().is_empty(), "`{english}`");
    }
}

#[test]
fn every_character_has_a_glyph() {
    let ctx = egui::Context::default();
    quantlens::theme::install(&ctx);
    let mut output = ctx.run_ui(egui::RawInput::default(), |_| ());
    output.textures_delta.clear();
    let font = egui::FontId::proportional(13.0);
    for (english, chinese) in chinese() {
        let missing: String =
            chinese.chars().filter(|c| *c != '\n' && !ctx.fonts_mut(|fonts| fonts.has_glyph(&font, *c))).collect();
        assert!(missing.is_empty(), "`{english}`: `{missing}`; assets/font/chinese.py cuts the font anew");
    }
}
