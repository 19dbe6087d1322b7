//! Samples in files of their own: a folder of `.npy` files, or ONNX test-data sets. Read when asked for.
//!
//! Sequences may differ in length from file to file, so each file is laid over the model's input anew. One file is kept in
//! memory, because a file with several samples is asked for them one after the other.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use image::RgbImage;

use super::{
    arrays::picture,
    convert,
    feed::{ArrayFeed, Feed},
    files,
    fit::Fit,
    labels::{LabelOptions, Labels, of_array},
    npy,
    picture::describe,
    recipe::Recipe,
    samples::{Bound, Samples},
    test_sets,
};
use crate::{
    error::{Error, Result},
    say,
    tensor::{ModelInput, Tensor},
    text::Text,
};

/// A folder with one sample or more a file.
#[derive(Debug)]
pub(super) struct NpyFolder {
    pub(super) folder: PathBuf,
    /// Sorted; `labels.npy` is not among them.
    pub(super) files: Vec<PathBuf>,
    /// At most this many samples.
    pub(super) limit: Option<usize>,
}

/// Reads one `.npy` file.
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] with what is wrong.
pub(super) fn read_npy(path: &Path) -> Result<Tensor> {
    npy::parse(&files::read(path)?).map_err(|reason| Error::format(path, reason))
}

#[derive(Debug)]
struct NpySamples {
    source: Arc<NpyFolder>,
    input: ModelInput,
    recipe: Option<Recipe>,
    /// For each sample its file and its place in it.
    places: Vec<(usize, usize)>,
    kept: Mutex<Option<(usize, Arc<Tensor>)>>,
}

impl NpySamples {
    fn file(&self, k: usize) -> Result<Arc<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, tensor)) = kept.filter(|(at, _)| *at == k) {
            debug_assert_eq!(at, k);
            return Ok(tensor);
        }
        let path = self.source.files.get(k).ok_or_else(|| Error::data(say!("there is no file {}", k)))?;
        let tensor = Arc::new(read_npy(path)?);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((k, Arc::clone(&tensor)));
        Ok(tensor)
    }

    fn plan(&self, k: usize, tensor: &Tensor) -> Result<ArrayFeed> {
        let name = self.source.files.get(k).map_or_else(String::new, |p| files::relative(p, &self.source.folder));
        ArrayFeed::plan(&name, &tensor.shape, tensor.element_type(), &self.input, self.recipe.as_ref())
    }

    fn place(&self, i: usize) -> Result<(usize, usize)> {
        self.places.get(i).copied().ok_or_else(|| Error::data(say!("there is no sample {}", i)))
    }
}

impl Samples for NpySamples {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn name(&self, i: usize) -> Text {
        let Some(&(k, inner)) = self.places.get(i) else { return Text::default() };
        let name = self.source.files.get(k).map_or_else(String::new, |p| files::relative(p, &self.source.folder));
        let several = self.places.iter().filter(|(other, _)| *other == k).count() > 1;
        if several { format!("{name}#{inner}").into() } else { name.into() }
    }

    fn tensors(&self, i: usize) -> Result<Vec<Tensor>> {
        let (k, inner) = self.place(i)?;
        let tensor = self.file(k)?;
        Ok(vec![self.plan(k, &tensor)?.tensor(&tensor.data, inner)?])
    }

    fn picture(&self, i: usize) -> Option<RgbImage> {
        let (k, inner) = self.place(i).ok()?;
        let tensor = self.file(k).ok()?;
        let (values, shape) = self.plan(k, &tensor).ok()?.picture(&tensor.data, inner)?;
        picture(&values, &shape)
    }
}

/// Binds a folder of `.npy` files to the only input of a model.
///
/// # Errors
/// [`Error::Data`] for models with several inputs and files that do not fit, and what reading can fail with.
pub(super) fn bind_npy(
    source: &Arc<NpyFolder>,
    inputs: &[ModelInput],
    recipe: Option<&Recipe>,
    options: &LabelOptions,
) -> Result<Bound> {
    let [input] = inputs else {
        let wanted: Vec<String> = inputs.iter().map(|i| format!("{}.npy ({})", i.name, describe(i))).collect();
        let reason = say!("{}: this model needs one file an input: {}", source.folder.display(), wanted.join("; "));
        return Err(Error::data(reason));
    };
    let (source, input, recipe) = (Arc::clone(source), input.clone(), recipe.cloned());
    let mut samples = NpySamples { source, input, recipe, places: Vec::new(), kept: Mutex::default() };
    let limit = samples.source.limit.unwrap_or(usize::MAX);
    let mut first: Option<ArrayFeed> = None;
    for k in 0..samples.source.files.len() {
        if samples.places.len() >= limit {
            break;
        }
        let tensor = samples.file(k)?;
        let feed = samples.plan(k, &tensor)?;
        samples.places.extend((0..feed.fit.samples()).map(|inner| (k, inner)));
        first.get_or_insert(feed);
    }
    samples.places.truncate(limit);
    let Some(feed) = first else {
        return Err(Error::data(say!("{}: there are no .npy files", samples.source.folder.display())));
    };
    if let (Some(recipe), None) = (&samples.recipe, feed.recipe()) {
        let reason = say!("the input takes no pictures: {}", describe(&samples.input));
        return Err(Error::config(say!("recipe {}", recipe.name), reason));
    }
    let mut labels = Labels::default();
    let array = samples.source.folder.join("labels.npy");
    if array.is_file() {
        let tensor = read_npy(&array)?;
        // Labels are one a sample here, also of samples beyond the limit.
        let rows = tensor.shape.first().copied().filter(|&n| n > samples.places.len() && samples.places.len() == limit);
        of_array("labels.npy", &tensor, rows.unwrap_or(samples.places.len()), options, &mut labels)?;
    } else if let Some(column) = &options.column {
        let reason = say!("{}: only labels.npy is read beside .npy files, and there is none", format!("{column:?}"));
        return Err(Error::config(say!("label column"), reason));
    }
    let warnings = std::mem::take(&mut labels.warnings);
    let Fit { sample_shape, .. } = feed.fit.clone();
    let shown =
        Feed { input: samples.input.name.clone(), array: "*.npy".to_owned(), shape: sample_shape, note: feed.note() };
    let recipe = feed.recipe().cloned();
    Ok(Bound { samples: Box::new(samples), feeds: vec![shown], recipe, labels, block: 1, warnings })
}

#[derive(Debug)]
struct TestSets {
    folder: PathBuf,
    sets: Vec<PathBuf>,
    inputs: Vec<ModelInput>,
}

impl Samples for TestSets {
    fn len(&self) -> usize {
        self.sets.len()
    }

    fn name(&self, i: usize) -> Text {
        self.sets.get(i).map_or_else(Text::default, |p| {
            let name = files::relative(p, &self.folder);
            let name = if name.is_empty() { files::relative(p, p.parent().unwrap_or(p)) } else { name };
            name.into()
        })
    }

    fn tensors(&self, i: usize) -> Result<Vec<Tensor>> {
        let set = self.sets.get(i).ok_or_else(|| Error::data(say!("there is no sample {}", i)))?;
        let place = |input: &ModelInput| say!("{}: input {}", set.display(), input.name);
        let tensors = test_sets::load(set, &self.inputs)?;
        let fitted = self.inputs.iter().zip(tensors).map(|(input, tensor)| {
            // A test set is a whole call: its shape is the input's, axis for axis.
            let fits = input.dims.as_ref().is_none_or(|dims| super::fit::same(&tensor.shape, dims));
            if !fits {
                return Err(Error::data(say!(
                    "{}: shape {} is not that of {}",
                    place(input),
                    format!("{:?}", tensor.shape),
                    describe(input)
                )));
            }
            let data = convert::cast(tensor.data, input.element_type).map_err(|refused| {
                let wanted = input.element_type.name();
                Error::data(say!("{}: element {} is {}, no {}", place(input), refused.index, refused.value, wanted))
            })?;
            Ok(Tensor { shape: tensor.shape, data })
        });
        fitted.collect()
    }

    fn picture(&self, _: usize) -> Option<RgbImage> {
        None
    }
}

/// Binds ONNX test-data sets. They hold the model's own inputs, so there is nothing to preprocess.
///
/// # Errors
/// [`Error::Config`] for a recipe or a label column, which could not take effect, and what the first set fails with.
pub(super) fn bind_test_sets(
    folder: &Path,
    sets: &[PathBuf],
    inputs: &[ModelInput],
    recipe: Option<&Recipe>,
    options: &LabelOptions,
) -> Result<Bound> {
    if let Some(recipe) = recipe {
        let reason = "ONNX test-data sets hold the model's inputs as they are; there is nothing to preprocess";
        return Err(Error::config(say!("recipe {}", recipe.name), reason));
    }
    if let Some(column) = &options.column {
        return Err(Error::config(
            say!("label column"),
            say!("{}: ONNX test-data sets have no labels", format!("{column:?}")),
        ));
    }
    let samples = TestSets { folder: folder.to_owned(), sets: sets.to_vec(), inputs: inputs.to_vec() };
    let first = samples.tensors(0)?;
    let feed = |(k, (input, tensor)): (usize, (&ModelInput, Tensor))| Feed {
        input: input.name.clone(),
        array: format!("input_{k}.pb"),
        shape: tensor.shape,
        note: Text::default(),
    };
    let feeds = inputs.iter().zip(first).enumerate().map(feed).collect();
    Ok(Bound {
        samples: Box::new(samples),
        feeds,
        recipe: None,
        labels: Labels::default(),
        block: 1,
        warnings: Vec::new(),
    })
}
