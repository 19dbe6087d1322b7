//! [`Dataset`]: samples bound to a model's inputs, the front of this room.
//!
//! Opening settles everything that could change the number or the meaning of samples: what decodes, which array feeds which
//! input, labels, the recipe. Values are then made when asked for, since thousands of pictures do not fit in memory.
//! A sample is one call of the model: with a fixed batch of 8 it holds 8 pictures or rows, and then no single label.

use std::{collections::BTreeMap, path::PathBuf};

use image::{RgbImage, imageops};

use super::{
    arrays,
    elements::first_non_finite,
    feed::{self, Feed},
    guess::{Guess, Hints, guess},
    images,
    names::ClassNames,
    picture::PictureShape,
    recipe::Recipe,
    samples::{Bound, Sample, UsedRecipe},
    source::{self, DataKind, DataOptions, DataSource, Opened},
    synthetic, tensor_files,
    token_ids::{self, Spelling},
    vocabulary::Vocabulary,
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::ModelInput,
    text::Text,
};

/// Longest side of a thumbnail in pixels.
const THUMBNAIL: u32 = 96;

/// Samples for one model.
#[derive(Debug)]
pub struct Dataset {
    opened: Opened,
    /// What opening the source had to say; kept apart from what binding says.
    opened_warnings: Vec<Warning>,
    inputs: Vec<ModelInput>,
    options: DataOptions,
    bound: Bound,
    recipe: Option<UsedRecipe>,
    /// One entry a sample.
    sample_labels: Vec<Option<usize>>,
    /// The same when every sample has one.
    labels: Option<Vec<usize>>,
    warnings: Vec<Warning>,
    len: usize,
    /// Folders where a vocabulary may lie.
    places: Vec<PathBuf>,
    pub(super) spelling: Option<Spelling>,
}

impl Dataset {
    /// Opens `source` for a model with `inputs` (without those that are initializers), at most `limit` samples of it.
    ///
    /// # Errors
    /// As [`Dataset::open_with`].
    pub fn open(
        source: &DataSource,
        inputs: &[ModelInput],
        recipe: Option<&Recipe>,
        limit: Option<usize>,
    ) -> Result<Self> {
        let options = DataOptions { recipe: recipe.cloned(), limit, ..DataOptions::default() };
        Self::open_with(source, inputs, &options)
    }

    /// Opens `source` with all options.
    ///
    /// # Errors
    /// [`Error::Data`] when the data do not fit the model (it lists the inputs and what was found), [`Error::Format`] and
    /// [`Error::Io`] naming the file, [`Error::Config`] for a recipe, label column or class order that cannot take effect.
    pub fn open_with(source: &DataSource, inputs: &[ModelInput], options: &DataOptions) -> Result<Self> {
        if inputs.is_empty() {
            return Err(Error::data(say!("the model has no inputs, so no data can feed it")));
        }
        let (opened, opened_warnings) = match source {
            DataSource::Path(path) => source::open(path, inputs, options.limit)?,
            DataSource::Synthetic { samples, seed } => {
                (Opened::Synthetic { samples: *samples, seed: *seed }, Vec::new())
            }
        };
        let mut dataset = Self::bind(opened, opened_warnings, inputs.to_vec(), options.clone())?;
        if let DataSource::Path(path) = source {
            dataset.places = token_ids::places(path, options.model_folder.as_deref());
        }
        dataset.look_at_values()?;
        Ok(dataset)
    }

    /// The same data under another recipe; `None` is what opening without one gives. Pictures are not checked again.
    ///
    /// # Errors
    /// As [`Dataset::open_with`].
    pub fn with_recipe(&self, recipe: Option<&Recipe>) -> Result<Self> {
        let mut dataset = Self { places: self.places.clone(), ..self.on_trial(recipe)? };
        dataset.look_at_values()?;
        Ok(dataset)
    }

    /// As [`Dataset::with_recipe`] without looking at every value, for a few samples that are thrown away again.
    pub(super) fn on_trial(&self, recipe: Option<&Recipe>) -> Result<Self> {
        let options = DataOptions { recipe: recipe.cloned(), ..self.options.clone() };
        Self::bind(self.opened.clone(), self.opened_warnings.clone(), self.inputs.clone(), options)
    }

    fn bind(
        opened: Opened,
        opened_warnings: Vec<Warning>,
        inputs: Vec<ModelInput>,
        options: DataOptions,
    ) -> Result<Self> {
        let asked = options.recipe.as_ref();
        let guessed = |input: &ModelInput| guess(input, Hints { model_name: options.model_name.as_deref() });
        let chosen = |input: &ModelInput| asked.cloned().unwrap_or_else(|| guessed(input).recipe);
        let bound = match &opened {
            Opened::Images(source) => images::bind(source, &inputs, chosen, &options.labels)?,
            Opened::Arrays(source) => arrays::bind(source, &inputs, asked, &options.labels)?,
            Opened::Npy(source) => tensor_files::bind_npy(source, &inputs, asked, &options.labels)?,
            Opened::TestSets { folder, sets } => {
                tensor_files::bind_test_sets(folder, sets, &inputs, asked, &options.labels)?
            }
            Opened::Synthetic { samples, seed } => {
                let bound = synthetic::bind(*samples, *seed, &inputs, chosen)?;
                if let (Some(recipe), None) = (asked, &bound.recipe) {
                    return Err(Error::config(say!("recipe {}", recipe.name), say!("no input takes pictures")));
                }
                bound
            }
        };
        let picture_input = inputs.iter().find(|i| PictureShape::of(i, None).is_some()).or(inputs.first());
        let recipe = bound.recipe.clone().map(|recipe| match (asked, picture_input) {
            (None, Some(input)) => UsedRecipe { recipe, guessed: true, reason: guessed(input).reason },
            _ => UsedRecipe { recipe, guessed: false, reason: say!("chosen by the user") },
        });
        feed::check_symbols(&inputs, &bound.feeds)?;
        let len = bound.samples.len().min(options.limit.unwrap_or(usize::MAX)).max(1);
        let mut dataset = Self {
            warnings: opened_warnings.iter().chain(&bound.warnings).cloned().collect(),
            opened,
            opened_warnings,
            inputs,
            options,
            bound,
            recipe,
            sample_labels: Vec::new(),
            labels: None,
            len,
            places: Vec::new(),
            spelling: None,
        };
        dataset.settle_labels()?;
        Ok(dataset)
    }

    /// Gives each sample its label and says where there are none.
    fn settle_labels(&mut self) -> Result<()> {
        let classes = &self.bound.labels.classes;
        if self.bound.block > 1 && !classes.is_empty() {
            let message = say!(
                "the model's batch is {}: a sample is {0} pictures or rows and has no single label",
                self.bound.block
            );
            self.warnings.push(Warning::new("labels-batched", message));
            self.sample_labels = vec![None; self.len];
            return Ok(());
        }
        if classes.is_empty() && self.options.labels.column.is_some() {
            return Err(Error::config(say!("label column"), say!("no sample has a label in it")));
        }
        if classes.is_empty() && self.options.labels.classes.is_some() {
            return Err(Error::config(say!("class order"), say!("the data have no labels that it could apply to")));
        }
        self.sample_labels = (0..self.len).map(|i| classes.get(i).copied().flatten()).collect();
        self.labels = self.sample_labels.iter().copied().collect();
        let known = self.sample_labels.iter().flatten().count();
        if known > 0 && known < self.len {
            let message = say!("{} of {} samples have a label; accuracy counts only those", known, self.len);
            self.warnings.push(Warning::new("labels-partial", message));
        }
        Ok(())
    }

    /// Makes every sample of numeric sources once: a value that cannot be cast is an error now and not in the middle of an
    /// analysis, and NaN is said before anyone wonders. Pictures hold neither. Token ids get their vocabulary.
    fn look_at_values(&mut self) -> Result<()> {
        if matches!(self.kind(), DataKind::Pictures | DataKind::Synthetic) {
            return Ok(());
        }
        let mut bad: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        let mut spans = vec![None; self.inputs.len()];
        for i in 0..self.len {
            for (k, tensor) in self.bound.samples.tensors(i)?.iter().enumerate() {
                if first_non_finite(&tensor.data).is_some() {
                    bad.entry(k).or_insert((i, 0)).1 += 1;
                }
                if let Some(span) = spans.get_mut(k) {
                    *span = token_ids::widened(*span, tensor);
                }
            }
        }
        for (k, (first, n)) in bad {
            let input = self.inputs.get(k).map_or("", |i| i.name.as_str());
            let name = self.bound.samples.name(first);
            let message =
                say!("input {}: NaN or infinite values in {} samples, the first is sample {}", input, n, name);
            self.warnings.push(Warning::new("data-not-finite", message));
        }
        let (spelling, warning) = token_ids::find(&self.places, &self.inputs, &spans, &self.options.tables);
        self.spelling = spelling;
        self.warnings.extend(warning);
        Ok(())
    }

    /// How many samples there are; at least one.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: opening fails without samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sample `i`, read or decoded now.
    ///
    /// # Errors
    /// [`Error::Data`] for `i` beyond the end, [`Error::Format`] or [`Error::Io`] for a file that changed since opening or a
    /// picture beyond the thousand that are decoded at opening.
    pub fn sample(&self, i: usize) -> Result<Sample> {
        if i >= self.len {
            return Err(Error::data(say!("there is no sample {}, the data hold {}", i, self.len)));
        }
        let label = self.sample_labels.get(i).copied().flatten();
        Ok(Sample { tensors: self.bound.samples.tensors(i)?, name: self.bound.samples.name(i), label })
    }

    /// The name of sample `i`, without making it.
    pub fn name(&self, i: usize) -> Text {
        self.bound.samples.name(i)
    }

    /// The true class of every sample; `None` unless all have one. See also [`Sample::label`].
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// Names of the classes that came with the data.
    pub fn class_names(&self) -> Option<&ClassNames> {
        self.bound.labels.names.as_ref()
    }

    /// The vocabulary that token ids are shown with.
    pub fn vocabulary(&self) -> Option<&Vocabulary> {
        self.spelling.as_ref().map(|spelling| &*spelling.vocabulary)
    }

    /// What kind of data this is.
    pub fn kind(&self) -> DataKind {
        self.opened.kind()
    }

    /// The model inputs that are fed, in order.
    pub fn inputs(&self) -> &[ModelInput] {
        &self.inputs
    }

    /// The preprocessing in use; `None` when the data are used as they are.
    pub fn recipe(&self) -> Option<&UsedRecipe> {
        self.recipe.as_ref()
    }

    /// What was skipped, left aside or looks wrong.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Which array feeds which input, symbolic axes resolved, in model-input order.
    pub fn feeds(&self) -> &[Feed] {
        &self.bound.feeds
    }

    /// The picture behind sample `i` before preprocessing, at most 96 pixels a side; of a batch the first.
    pub fn thumbnail(&self, i: usize) -> Option<RgbImage> {
        let picture = self.bound.samples.picture(i).filter(|_| i < self.len)?;
        let (w, h) = picture.dimensions();
        let longest = w.max(h);
        if longest <= THUMBNAIL {
            return Some(picture);
        }
        let scaled = |side: u32| (side * THUMBNAIL).div_ceil(longest).max(1);
        Some(imageops::thumbnail(&picture, scaled(w), scaled(h)))
    }

    /// The guess for `input` whatever is in use.
    pub(super) fn guess(&self, input: &ModelInput) -> Guess {
        guess(input, Hints { model_name: self.options.model_name.as_deref() })
    }
}
