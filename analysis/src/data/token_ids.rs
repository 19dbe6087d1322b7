//! Which inputs are token ids, and whether the vocabulary at hand is theirs.
//!
//! A vocabulary of another model turns numbers into wrong words that read like right ones. So it must fit: no sample may
//! hold a number beyond it, and where the model looks the numbers up in a table, that has about as many rows (a few more
//! are common, for the sake of memory). One that does not fit is named in a warning and left aside.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    elements::{Number, numbers},
    vocabulary::Vocabulary,
};
use crate::{
    job::Warning,
    say,
    tensor::{ModelInput, Tensor},
    text::Text,
};

/// Names of inputs that are token ids, and names of their kind that are not.
const IDS: [&str; 4] = ["ids", "tokens", "token", "id"];
const NO_IDS: [&str; 4] = ["position", "type", "segment", "mask"];

/// A vocabulary and the inputs it spells, by their place.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    pub(super) vocabulary: Arc<Vocabulary>,
    inputs: Vec<usize>,
}

impl Spelling {
    /// What the ids of input `place` say, a row of the last axis after the other; `None` where it holds no ids.
    pub(super) fn text(&self, place: usize, tensor: &Tensor) -> Option<String> {
        let length = tensor.shape.last().copied().filter(|n| *n > 0 && self.inputs.contains(&place))?;
        let ids: Vec<i128> = whole(tensor)?;
        let rows: Vec<String> = ids.chunks(length).map(|row| self.vocabulary.text(row)).collect();
        Some(rows.join(" | "))
    }
}

/// Whole numbers of a tensor; `None` for one of another type.
fn whole(tensor: &Tensor) -> Option<Vec<i128>> {
    let whole = |number| match number {
        Number::Int(value) => Some(value),
        Number::Float(_) => None,
    };
    numbers(&tensor.data).map(whole).collect::<Option<Vec<_>>>().filter(|ids| ids.len() == tensor.len())
}

/// The smallest and largest whole number an input receives over all samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: i128,
    pub(super) high: i128,
}

/// `known` widened by what `tensor` holds.
pub(super) fn widened(known: Option<Span>, tensor: &Tensor) -> Option<Span> {
    let ids = whole(tensor)?;
    let (low, high) = (ids.iter().min().copied()?, ids.iter().max().copied()?);
    Some(known.map_or(Span { low, high }, |span| Span { low: span.low.min(low), high: span.high.max(high) }))
}

/// Where a vocabulary lies: beside the model, in the data folder or beside the data.
pub(super) fn places(data: &Path, model_folder: Option<&Path>) -> Vec<PathBuf> {
    let places = [model_folder, Some(data).filter(|data| data.is_dir()), data.parent()];
    places.into_iter().flatten().map(Path::to_owned).collect()
}

/// Looks for the vocabulary of `inputs`, whose values span `spans`; `tables` are the rows that inputs choose from.
pub(super) fn find(
    places: &[PathBuf],
    inputs: &[ModelInput],
    spans: &[Option<Span>],
    tables: &BTreeMap<String, usize>,
) -> (Option<Spelling>, Option<Warning>) {
    let Some(path) = places.iter().find_map(|place| Vocabulary::find(place)) else { return (None, None) };
    let whole = |place: &usize| spans.get(*place).copied().flatten().is_some();
    let whole: Vec<usize> = (0..inputs.len()).filter(whole).collect();
    if whole.is_empty() {
        return (None, None);
    }
    let warning = |reason: Text| Some(Warning::new("vocabulary", reason));
    let vocabulary = match Vocabulary::read(&path) {
        Ok(vocabulary) => vocabulary,
        Err(error) => return (None, warning(say!("{}; token ids stay numbers", error))),
    };
    let size = vocabulary.size();
    let mut chosen: Vec<usize> = whole.iter().copied().filter(|place| names_ids(&inputs[*place].name)).collect();
    if chosen.is_empty() {
        let fits = |place: &usize| spans[*place].is_some_and(|span| span.low >= 0 && span.high < size as i128);
        // A mask or a switch lies within every vocabulary.
        chosen = whole.into_iter().filter(|place| fits(place) && spans[*place].is_some_and(|s| s.high > 1)).collect();
    }
    for &place in &chosen {
        let name = &inputs[place].name;
        let largest = spans[place].map_or(0, |span| span.high);
        let misfit = match tables.get(name) {
            Some(&rows) if size > rows || 10 * size < 9 * rows => {
                say!("{} has {} tokens, the model's input {} chooses from {}", path.display(), size, name, rows)
            }
            _ if largest >= size as i128 => {
                say!("{} has {} tokens, the samples' input {} holds {}", path.display(), size, name, largest)
            }
            _ => continue,
        };
        return (None, warning(say!("{}; it does not fit, so token ids stay numbers", misfit)));
    }
    let spelling = Spelling { vocabulary: Arc::new(vocabulary), inputs: chosen };
    (Some(spelling).filter(|spelling| !spelling.inputs.is_empty()), None)
}

/// `input_ids`, `tokens`, `decoder.input.ids`; not `token_type_ids`.
fn names_ids(name: &str) -> bool {
    let lower = name.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric());
    words().any(|word| IDS.contains(&word)) && !words().any(|word| NO_IDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DataOptions, DataSource, Dataset, info::Preview, testing::input},
        tensor::ElementType,
    };

    /// A folder with `vocab.txt` of these tokens and `ids.npz` of one sample of each row.
    fn opened(tokens: &str, name: &str, rows: &ndarray::Array2<i64>, tables: &[(&str, usize)]) -> Dataset {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vocab.txt"), tokens).unwrap();
        let path = folder.path().join("ids.npz");
        let mut writer = ndarray_npy::NpzWriter::new(std::fs::File::create(&path).unwrap());
        writer.add_array(name, rows).unwrap();
        writer.finish().unwrap();
        let tables = tables.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
        let options = DataOptions { tables, ..DataOptions::default() };
        Dataset::open_with(&DataSource::Path(path), &[input(name, ElementType::Int64, &[-1, 3])], &options).unwrap()
    }

    const TOKENS: &str = "[PAD]\nhel\n##lo\nworld\n";

    #[test]
    fn ids_are_told_by_their_name_or_their_values() {
        assert!(["input_ids", "tokens", "decoder.input_ids", "Input.IDs"].into_iter().all(names_ids));
        assert!(!["token_type_ids", "position_ids", "attention_mask", "width", "x"].into_iter().any(names_ids));
        let rows = ndarray::array![[1, 2, 3], [3, 0, 0]];
        for name in ["input_ids", "x"] {
            let dataset = opened(TOKENS, name, &rows, &[]);
            let texts = [0, 1].map(|i| Preview::of(&dataset, i).unwrap().inputs[0].text.clone());
            assert_eq!(texts, [Some("hello world".into()), Some("world".into())], "{name}");
        }
        let mask = opened(TOKENS, "attention_mask", &ndarray::array![[1, 1, 0]], &[]);
        assert_eq!(Preview::of(&mask, 0).unwrap().inputs[0].text, None);
        assert!(mask.warnings().iter().all(|warning| warning.code != "vocabulary"));
    }

    #[test]
    fn another_models_vocabulary_is_said_and_not_used() {
        let rows = ndarray::array![[1, 2, 3]];
        let said = |dataset: &Dataset| {
            assert_eq!(Preview::of(dataset, 0).unwrap().inputs[0].text, None);
            let found = dataset.warnings().iter().find(|warning| warning.code == "vocabulary");
            found.map(|warning| warning.message.clone()).unwrap_or_default()
        };
        let beyond = opened(TOKENS, "ids", &ndarray::array![[1, 2, 4]], &[]);
        assert!(said(&beyond).contains("vocab.txt has 4 tokens, the samples' input ids holds 4"), "{}", said(&beyond));
        let rows_of_model = opened(TOKENS, "ids", &rows, &[("ids", 5)]);
        assert!(said(&rows_of_model).contains("has 4 tokens, the model's input ids chooses from 5"));
        assert!(said(&opened("\n", "ids", &rows, &[])).contains("holds no tokens"));
        let same = opened(TOKENS, "ids", &rows, &[("ids", 4)]);
        assert_eq!(same.vocabulary().map(Vocabulary::size), Some(4));
        assert_eq!(Preview::of(&same, 0).unwrap().inputs[0].text.as_deref(), Some("hello world"));
    }
}
