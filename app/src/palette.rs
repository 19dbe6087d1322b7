//! What the command palette finds for a text: commands first, then layers by name, then recent files. `>` asks for
//! commands only, `@` for layers only.

use std::path::{Path, PathBuf};

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use crate::{action::Action, command::Command, document::Document, selection::SelectMode};

/// The sign before a text that asks for commands only.
pub const COMMANDS_ONLY: char = '>';
/// The sign before a text that asks for layers only.
pub const LAYERS_ONLY: char = '@';
/// More than so many layers are not listed: who wants another one types on.
const LAYERS: usize = 50;

/// What an entry stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A command of the table.
    Action(Action),
    /// The layer of this name.
    Layer(String),
    /// A model on the recent list.
    Recent(PathBuf),
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it does.
    pub target: Target,
    /// What it is called.
    pub text: String,
    /// What stands behind it in grey: the operator of a layer, the folder of a file.
    pub detail: String,
    /// Why it cannot be used now.
    pub refusal: Option<&'static str>,
    /// Characters of `text` that the typed ones fell on, by position.
    pub marks: Vec<u32>,
    /// Its English name, where `text` is in another language: who knows it finds it by that as well.
    pub english: Option<String>,
}

impl Entry {
    /// What choosing it sends.
    pub fn command(&self) -> Command {
        match &self.target {
            Target::Action(action) => Command::Run(*action),
            Target::Layer(name) => Command::Select { layer: name.clone(), mode: SelectMode::Replace, reveal: true },
            Target::Recent(path) => Command::OpenModel(path.clone()),
        }
    }
}

/// What fits `typed`, best first within commands, layers and files.
pub fn find(doc: &Document, typed: &str) -> Vec<Entry> {
    let (kind, wanted) = match typed.chars().next() {
        Some(sign @ (COMMANDS_ONLY | LAYERS_ONLY)) => (Some(sign), &typed[sign.len_utf8()..]),
        _ => (None, typed),
    };
    let mut search = Search::new(wanted.trim());
    let mut found = Vec::new();
    if kind != Some(LAYERS_ONLY) {
        found.extend(search.rank(Action::every().filter(is_listed).map(|action| action_entry(doc, action))));
    }
    // Without a text a thousand layers would bury the commands' end.
    if kind == Some(LAYERS_ONLY) || (kind.is_none() && !wanted.trim().is_empty()) {
        found.extend(
            search
                .rank(doc.layers().iter().map(|layer| Entry {
                    target: Target::Layer(layer.name.clone()),
                    text: layer.name.clone(),
                    detail: layer.op.clone(),
                    refusal: None,
                    marks: Vec::new(),
                    english: None,
                }))
                .into_iter()
                .take(LAYERS),
        );
    }
    if kind.is_none() {
        found.extend(search.rank(doc.recent.iter().map(|path| recent_entry(path))));
    }
    found
}

/// Moves with a key are no commands that one would look for.
fn is_listed(action: &Action) -> bool {
    !matches!(
        action,
        Action::Recent(_)
            | Action::Escape
            | Action::Palette
            | Action::PreviousLayer
            | Action::NextLayer
            | Action::ExtendUp
            | Action::ExtendDown
    )
}

fn action_entry(doc: &Document, action: Action) -> Entry {
    let detail = action.menu().map_or("", crate::action::Menu::title).to_owned();
    let (text, english) = (action.title(), action.english());
    Entry {
        target: Target::Action(action),
        english: (english != text).then_some(english),
        text,
        detail,
        refusal: action.refusal(doc),
        marks: Vec::new(),
    }
}

fn recent_entry(path: &Path) -> Entry {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let folder = path.parent().map_or_else(String::new, |folder| folder.display().to_string());
    Entry {
        target: Target::Recent(path.to_owned()),
        text: name,
        detail: folder,
        refusal: None,
        marks: Vec::new(),
        english: None,
    }
}

/// A typed text, ready to be matched.
struct Search {
    matcher: Matcher,
    /// `None` where nothing was typed: everything fits, in its own order.
    pattern: Option<Pattern>,
}

impl Search {
    fn new(wanted: &str) -> Self {
        let pattern = (!wanted.is_empty())
            .then(|| Pattern::new(wanted, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy));
        Self { matcher: Matcher::new(Config::DEFAULT), pattern }
    }

    /// Those that fit, best first; of equals what cannot be used now comes last, and else they keep their order. Who types
    /// "redo" wants to read why it cannot be used, and not another command.
    fn rank(&mut self, entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
        let Some(pattern) = &self.pattern else { return entries.collect() };
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, Entry)> = entries
            .filter_map(|mut entry| {
                let shown = Utf32Str::new(&entry.text, &mut buffer);
                let shown = pattern.indices(shown, &mut self.matcher, &mut entry.marks);
                match shown {
                    Some(_) => {
                        entry.marks.sort_unstable();
                        entry.marks.dedup();
                    }
                    None => entry.marks.clear(),
                }
                let english = entry.english.as_deref().map(|english| Utf32Str::new(english, &mut buffer));
                let english = english.and_then(|english| pattern.score(english, &mut self.matcher));
                Some((shown.max(english)?, entry))
            })
            .collect();
        found.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), entry.refusal.is_some()));
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn texts(doc: &Document, typed: &str) -> Vec<String> {
        find(doc, typed).into_iter().map(|entry| entry.text).collect()
    }

    #[test]
    fn commands_come_first_and_letters_may_be_left_out() {
        let doc = testing::document(12);
        assert_eq!(texts(&doc, "exq").first().map(String::as_str), Some("Export quantized model…"));
        assert_eq!(texts(&doc, "SETT").first().map(String::as_str), Some("Settings…"));
        let found = find(&doc, "redo");
        assert_eq!(found[0].refusal, Some("Nothing to redo"), "listed all the same");
        assert_eq!(found[0].marks, [0, 1, 2, 3]);
        assert!(find(&doc, "qqqqqq").is_empty());
    }

    #[test]
    fn a_command_in_another_language_is_found_by_its_english_name_too() {
        let entry = |text: &str, english: &str| Entry {
            target: Target::Action(Action::Settings),
            text: text.into(),
            detail: String::new(),
            refusal: None,
            marks: Vec::new(),
            english: Some(english.into()),
        };
        let found = |typed: &str| {
            let entries = [entry("关于 sets", "About sets"), entry("设置…", "Settings…"), entry("退出", "Quit")];
            let found = Search::new(typed).rank(entries.into_iter());
            found.into_iter().map(|entry| (entry.text, entry.marks)).collect::<Vec<_>>()
        };
        assert_eq!(found("settings"), [("设置…".to_owned(), Vec::new())]);
        assert_eq!(found("设"), [("设置…".to_owned(), vec![0])]);
        assert_eq!(found("quit"), [("退出".to_owned(), Vec::new())]);
        // Both fit; the better of an entry's two names counts.
        let both: Vec<String> = found("set").into_iter().map(|(text, _)| text).collect();
        assert_eq!(both.len(), 2, "{both:?}");
    }

    #[test]
    fn signs_ask_for_one_kind() {
        let mut doc = testing::document(12);
        doc.recent.push(PathBuf::from("/models/export.onnx"));
        let kinds = |typed: &str| {
            let found = find(&doc, typed);
            let has = |is: fn(&Target) -> bool| found.iter().any(|entry| is(&entry.target));
            (
                has(|t| matches!(t, Target::Action(_))),
                has(|t| matches!(t, Target::Layer(_))),
                has(|t| matches!(t, Target::Recent(_))),
            )
        };
        assert_eq!(kinds(">"), (true, false, false));
        assert_eq!(kinds("@"), (false, true, false));
        assert_eq!(kinds("export"), (true, false, true));
        assert_eq!(kinds(""), (true, false, true));
        let layer = doc.layers()[3].name.clone();
        let found = find(&doc, &format!("@{layer}"));
        assert_eq!(found[0].text, layer);
        let command = Command::Select { layer, mode: SelectMode::Replace, reveal: true };
        assert_eq!(found[0].command(), command);
    }
}
