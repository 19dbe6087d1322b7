//! Class names from a text file: one a line, with or without the class's number and `WordNet` id.
//!
//! The forms are told apart by the whole file, not line by line: in a file of digit names (`0`, `1`, …) the numbers *are*
//! the names, in `0 n01440764 tench` they are positions and lines may stand in any order.

use std::path::{Path, PathBuf};

use super::files;
use crate::{
    error::{Error, Result},
    say, t,
    text::Text,
};

/// File names that are looked for beside the data, in this order.
const FILES: [&str; 5] = ["names.txt", "classes.txt", "labels.txt", "imagenet_classes.txt", "synset.txt"];

/// More classes than any classifier has; a larger number in a file is not a class.
const MAX_CLASSES: usize = 1 << 20;

/// Names of the classes `0…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames {
    /// Name of each class; `class 7` where the file leaves a gap.
    pub names: Vec<String>,
    /// `WordNet` id of each class (`n01440764`), empty where there is none.
    ids: Vec<String>,
}

impl ClassNames {
    /// These names, numbered in their order.
    pub fn from_list(names: Vec<String>) -> Self {
        let ids = vec![String::new(); names.len()];
        Self { names, ids }
    }

    /// Reads a names file: `name`, `index name`, `wnid name` or `index wnid name` a line, separated by tabs or blanks.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Format`] for a file without names or with an impossible or repeated number.
    pub fn read(path: &Path) -> Result<Self> {
        parse(&files::read_text(path)?).map_err(|reason| Error::format(path, reason))
    }

    /// The names file beside the data in `folder`, if there is one.
    pub fn find(folder: &Path) -> Option<PathBuf> {
        FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }

    /// The class of a name or `WordNet` id; letter case, `_`, `-` and blanks do not count.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let wanted = plain(name);
        let mut both = self.names.iter().zip(&self.ids);
        // "tench, Tinca tinca" is found by "tench" too.
        both.position(|(n, id)| {
            plain(n) == wanted || *id == name.trim() || n.split_once(',').is_some_and(|(n, _)| plain(n) == wanted)
        })
    }

    /// The name of class `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(String::as_str)
    }
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}

fn parse(text: &str) -> std::result::Result<ClassNames, Text> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    if lines.is_empty() {
        return Err(say!("holds no class names"));
    }
    let numbered: Option<Vec<(usize, &str)>> = lines
        .iter()
        .map(|line| {
            let (number, name) = line.split_once([' ', '\t', ',', ':'])?;
            Some((number.trim().parse().ok()?, name.trim())).filter(|(_, name)| !name.is_empty())
        })
        .collect();
    let entries = numbered.unwrap_or_else(|| lines.iter().copied().enumerate().collect());
    let last = entries.iter().map(|(n, _)| *n).max().unwrap_or(0);
    if last >= MAX_CLASSES {
        return Err(say!("numbers a class {}", last));
    }
    let mut names = vec![None; last + 1];
    let mut ids = vec![String::new(); last + 1];
    // Every number is at most `last`, the last index of both lists.
    for (number, rest) in entries {
        let (id, name) = match rest.split_once([' ', '\t']) {
            Some((id, name)) if is_wordnet(id) => (id, name.trim()),
            _ => ("", rest),
        };
        if names[number].replace(name.to_owned()).is_some() {
            return Err(say!("names class {} twice", number));
        }
        id.clone_into(&mut ids[number]);
    }
    let names = names.into_iter().enumerate().map(|(k, name)| name.unwrap_or_else(|| t!("class {}", k))).collect();
    Ok(ClassNames { names, ids })
}

/// `n` and eight digits.
fn is_wordnet(word: &str) -> bool {
    word.strip_prefix('n').is_some_and(|d| d.len() == 8 && d.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::shared;

    #[test]
    fn four_forms() {
        assert_eq!(parse("cat\ndog\n\n").unwrap().names, ["cat", "dog"]);
        assert_eq!(parse("2 dog\n0 tabby cat\n").unwrap().names, ["tabby cat", "class 1", "dog"]);
        let full = parse("0\tn01440764\ttench\n1\tn01443537\tgoldfish").unwrap();
        assert_eq!(
            (full.get(1), full.index_of("n01443537"), full.index_of("Tench")),
            (Some("goldfish"), Some(1), Some(0))
        );
        let synset = parse("n01440764 tench, Tinca tinca\nn01484850 great white shark").unwrap();
        assert_eq!((synset.index_of("tench"), synset.index_of("great_white-shark")), (Some(0), Some(1)));
        // Digits are names here, not numbers of nameless classes.
        assert_eq!(parse("9\n8\n").unwrap().names, ["9", "8"]);
    }

    #[test]
    fn refused_files() {
        assert!(parse(" \n").unwrap_err().contains("no class names"));
        assert!(parse("0 a\n0 b").unwrap_err().contains("twice"));
        assert!(parse("4000000000 a\n").unwrap_err().contains("4000000000"));
    }

    #[test]
    fn imagenet_names() {
        let Some(path) = shared("imagenet_names", "models/images/imagenet_classes.txt") else { return };
        let names = ClassNames::read(&path).unwrap();
        assert_eq!(
            (names.names.len(), names.get(387), names.index_of("espresso")),
            (1000, Some("lesser_panda"), Some(967))
        );
    }
}
