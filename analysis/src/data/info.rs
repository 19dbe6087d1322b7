//! What the Data page shows of the samples in use: gathered once when they are opened, so that the window never decodes a
//! picture or runs a model to draw.

use std::{path::PathBuf, sync::Arc};

pub use super::preview::{Preview, PreviewInput, Shading};
use super::{
    DataCheck, Dataset, Feed, Sanity, UsedRecipe,
    source::{DataKind, DataSource},
};
use crate::{error::Result, job::Warning, say, t, tensor::ModelInput, text::Text};

/// Samples that have a preview.
const PREVIEWS: usize = 8;

/// The samples in use, in words, numbers and pictures.
#[derive(Clone, Debug)]
pub struct DataInfo {
    /// Where they come from.
    pub source: DataSource,
    /// What the source is ("folder of pictures").
    pub kind: Text,
    /// Whether values come from arrays, whose axes may differ from the model's.
    pub is_array: bool,
    /// Samples in use.
    pub samples: usize,
    /// Samples the source has; at least `samples`.
    pub available: usize,
    /// Whether every sample has a label.
    pub labels: bool,
    /// Names of the classes; empty when none came with the data.
    pub class_names: Arc<Vec<String>>,
    /// Preprocessing; `None` when the data are used as they are.
    pub recipe: Option<UsedRecipe>,
    /// The model inputs, in order.
    pub inputs: Vec<ModelInput>,
    /// What feeds each of them, same order.
    pub feeds: Vec<Feed>,
    /// Ranges, means and deviations of what the model receives.
    pub check: DataCheck,
    /// The float model's answers; `None` where its output is no class scores, or it has not been run.
    pub sanity: Option<Sanity>,
    /// The first samples.
    pub previews: Vec<Preview>,
    /// The vocabulary that token ids are shown with: its file and its number of tokens.
    pub vocabulary: Option<(PathBuf, usize)>,
    /// Whether the program made them up.
    pub synthetic: bool,
    /// What was noticed while opening.
    pub warnings: Vec<Warning>,
}

impl DataInfo {
    /// Gathers everything about `dataset`. `available` is how many samples the source has before any limit.
    ///
    /// # Errors
    /// Those of [`Dataset::sample`], for the previews.
    pub fn gather(
        source: &DataSource,
        dataset: &Dataset,
        available: usize,
        check: DataCheck,
        sanity: Option<Sanity>,
    ) -> Result<Self> {
        let previews = (0..dataset.len().min(PREVIEWS)).map(|i| Preview::of(dataset, i)).collect::<Result<_>>()?;
        Ok(Self {
            source: source.clone(),
            kind: kind_words(dataset.kind()),
            is_array: matches!(dataset.kind(), DataKind::Arrays | DataKind::NpyFiles | DataKind::TestSets),
            samples: dataset.len(),
            available: available.max(dataset.len()),
            labels: dataset.labels().is_some(),
            class_names: Arc::new(dataset.class_names().map(|names| names.names.clone()).unwrap_or_default()),
            recipe: dataset.recipe().cloned(),
            inputs: dataset.inputs().to_vec(),
            feeds: dataset.feeds().to_vec(),
            check,
            sanity,
            previews,
            vocabulary: dataset.vocabulary().map(|found| (found.path().to_owned(), found.size())),
            synthetic: dataset.kind() == DataKind::Synthetic,
            warnings: dataset.warnings().to_vec(),
        })
    }

    /// The class's name, or its number where there is no name, or where the names are those of other classes.
    pub fn class_name(&self, class: usize) -> String {
        let name = self.class_names.get(class).filter(|_| self.misfit().is_none());
        name.cloned().unwrap_or_else(|| t!("class {}", class))
    }

    /// The model's number of classes, where the data's names are for another number.
    pub fn misfit(&self) -> Option<usize> {
        let classes = self.sanity.as_ref()?.classes;
        (!self.class_names.is_empty() && self.class_names.len() != classes).then_some(classes)
    }
}

fn kind_words(kind: DataKind) -> Text {
    match kind {
        DataKind::Pictures => say!("pictures"),
        DataKind::Arrays => say!("array file"),
        DataKind::NpyFiles => say!("folder of array files"),
        DataKind::TestSets => say!("ONNX test data"),
        DataKind::Synthetic => say!("synthetic samples"),
    }
}
