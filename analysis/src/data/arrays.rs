//! Named arrays (`.npz`, a single `.npy`, a folder with one `.npy` an input) as samples: which array feeds which input.
//!
//! Inputs are matched by name; only a single-input model takes an array of any name. Arrays that are left over are named in
//! a warning, since a misspelt `attention_mask` would otherwise vanish. An array with one sample serves every sample.

use std::{collections::BTreeMap, sync::Arc};

use image::RgbImage;

use super::{
    feed::{ArrayFeed, Feed},
    labels::{ARRAYS, LabelOptions, Labels, of_array},
    picture::{Layout, PictureShape, describe},
    recipe::Recipe,
    samples::{Bound, Samples},
};
use crate::{
    error::{Error, Result},
    job::Warning,
    mark, say,
    tensor::{ModelInput, Tensor},
    text::{Text, Value},
};

/// Arrays by name, with the file they come from.
#[derive(Debug)]
pub(super) struct Arrays {
    /// The file or folder, for messages.
    pub(super) place: String,
    pub(super) arrays: BTreeMap<String, Tensor>,
}

/// Arrays bound to a model's inputs.
#[derive(Debug)]
struct ArraySamples {
    source: Arc<Arrays>,
    /// Array name and feed, in model-input order.
    feeds: Vec<(String, ArrayFeed)>,
    len: usize,
}

impl Samples for ArraySamples {
    fn len(&self) -> usize {
        self.len
    }

    fn name(&self, i: usize) -> Text {
        i.value()
    }

    fn tensors(&self, i: usize) -> Result<Vec<Tensor>> {
        let tensor = |(name, feed): &(String, ArrayFeed)| {
            // Every feed was made from an array of this map.
            let array =
                self.source.arrays.get(name).ok_or_else(|| Error::data(say!("no array {}", format!("{name:?}"))))?;
            feed.tensor(&array.data, i)
        };
        self.feeds.iter().map(tensor).collect()
    }

    fn picture(&self, i: usize) -> Option<RgbImage> {
        self.feeds.iter().find_map(|(name, feed)| {
            let (values, shape) = feed.picture(&self.source.arrays.get(name)?.data, i)?;
            picture(&values, &shape)
        })
    }
}

/// Binds `source` to `inputs`.
///
/// # Errors
/// [`Error::Data`] listing the model's inputs and the arrays when they do not match.
pub(super) fn bind(
    source: &Arc<Arrays>,
    inputs: &[ModelInput],
    recipe: Option<&Recipe>,
    options: &LabelOptions,
) -> Result<Bound> {
    let names = matched(source, inputs, recipe, options)?;
    let mut feeds = Vec::new();
    for (input, name) in inputs.iter().zip(&names) {
        // `matched` returns names of this map.
        let Some(array) = source.arrays.get(name) else { continue };
        let feed = ArrayFeed::plan(name, &array.shape, array.element_type(), input, recipe)
            .map_err(|e| at_place(&source.place, e))?;
        feeds.push((name.clone(), feed));
    }
    let used = feeds.iter().find_map(|(_, feed)| feed.recipe()).cloned();
    if let (Some(recipe), None) = (recipe, &used) {
        let listed: Vec<String> = inputs.iter().map(describe).collect();
        return Err(Error::config(
            say!("recipe {}", recipe.name),
            say!("no input takes pictures: {}", listed.join("; ")),
        ));
    }
    let (len, mut warnings) = lengths(&feeds)?;
    let rows = feeds.iter().map(|(_, f)| f.fit.rows).max().unwrap_or(0);
    let block = feeds.iter().filter(|(_, f)| f.fit.rows == rows).map(|(_, f)| f.fit.per_sample).max().unwrap_or(1);
    let mut labels = Labels::default();
    let label_array = label_array(source, &names, options)?;
    if let Some((name, tensor)) = label_array {
        of_array(name, tensor, rows, options, &mut labels)?;
    }
    warnings.append(&mut labels.warnings);
    let unused =
        source.arrays.keys().filter(|n| !names.contains(n) && label_array.is_none_or(|(l, _)| l != n.as_str()));
    let unused: Vec<&str> = unused.map(String::as_str).collect();
    if !unused.is_empty() {
        warnings.push(Warning::new("data-array-unused", say!("{}: not used: {}", source.place, unused.join(", "))));
    }
    let shown = feeds
        .iter()
        .map(|(name, feed)| {
            let mut note = feed.note();
            if feed.fit.samples() == 1 && len > 1 {
                let parts = [note, say!("the same for every sample")];
                note = Text::joined(mark!("; "), parts.into_iter().filter(|part| !part.is_empty()));
            }
            Feed { input: feed.input.name.clone(), array: name.clone(), shape: feed.fit.sample_shape.clone(), note }
        })
        .collect();
    let samples = Box::new(ArraySamples { source: Arc::clone(source), feeds, len });
    Ok(Bound { samples, feeds: shown, recipe: used, labels, block, warnings })
}

/// Puts the file's name in front of a data error.
fn at_place(place: &str, error: Error) -> Error {
    match error {
        Error::Data { reason } => Error::data(Text::joined(": ", [place.value(), reason])),
        other => other,
    }
}

/// The array of each input, in input order.
fn matched(
    source: &Arrays,
    inputs: &[ModelInput],
    recipe: Option<&Recipe>,
    options: &LabelOptions,
) -> Result<Vec<String>> {
    let names: Option<Vec<String>> =
        inputs.iter().map(|i| source.arrays.contains_key(&i.name).then(|| i.name.clone())).collect();
    if let Some(names) = names {
        return Ok(names);
    }
    let is_label = |n: &str| ARRAYS.contains(&n) || options.column.as_deref() == Some(n);
    if let [input] = inputs {
        let candidates: Vec<&String> = source.arrays.keys().filter(|n| !is_label(n)).collect();
        if let [only] = candidates[..] {
            return Ok(vec![only.clone()]);
        }
        let fits = |name: &&&String| {
            let planned = |array: &Tensor| ArrayFeed::plan(name, &array.shape, array.element_type(), input, recipe);
            source.arrays.get(**name).is_some_and(|array| planned(array).is_ok())
        };
        let fitting: Vec<&&String> = candidates.iter().filter(fits).collect();
        if let [only] = fitting[..] {
            return Ok(vec![(*only).clone()]);
        }
    }
    let wanted: Vec<String> = inputs.iter().map(describe).collect();
    let found: Vec<String> =
        source.arrays.iter().map(|(n, t)| format!("{n}: {} {:?}", t.element_type().name(), t.shape)).collect();
    let found = if found.is_empty() { say!("no arrays") } else { found.join("; ").into() };
    Err(Error::data(say!(
        "{}: the model needs one array for each input, named as the input: {}. Found: {}",
        source.place,
        wanted.join("; "),
        found
    )))
}

/// The array that holds labels: the asked one, else `labels`, `label` or `y`.
fn label_array<'a>(
    source: &'a Arrays,
    used: &[String],
    options: &'a LabelOptions,
) -> Result<Option<(&'a str, &'a Tensor)>> {
    let get = |name: &'a str| source.arrays.get(name).map(|t| (name, t)).filter(|_| !used.iter().any(|u| u == name));
    match options.column.as_deref() {
        Some(asked) => get(asked).map(Some).ok_or_else(|| {
            Error::config(
                say!("label column"),
                say!("{}: there is no label array {}", source.place, format!("{asked:?}")),
            )
        }),
        None => Ok(ARRAYS.into_iter().find_map(get)),
    }
}

/// How many samples all arrays agree on; warns of rows that do not fill a batch.
fn lengths(feeds: &[(String, ArrayFeed)]) -> Result<(usize, Vec<Warning>)> {
    let len = feeds.iter().map(|(_, f)| f.fit.samples()).max().unwrap_or(0);
    let mut warnings = Vec::new();
    for (name, feed) in feeds {
        let own = feed.fit.samples();
        if own != len && own != 1 {
            let all: Vec<String> = feeds.iter().map(|(n, f)| format!("{n} {}", f.fit.samples())).collect();
            return Err(Error::data(say!("the arrays hold different numbers of samples: {}", all.join(", "))));
        }
        let left = feed.fit.rows % feed.fit.per_sample;
        if own > 1 && left > 0 {
            let message = say!(
                "the last {} rows of {} do not fill the model's batch of {} and are left out",
                left,
                name,
                feed.fit.per_sample
            );
            warnings.push(Warning::new("data-batch-rest", message));
        }
    }
    Ok((len, warnings))
}

/// A picture of an array row: bytes as they are, other numbers stretched from their minimum to their maximum.
pub(super) fn picture(values: &[f64], shape: &PictureShape) -> Option<RgbImage> {
    let (channels, width, height) = (shape.channels?, shape.width?, shape.height?);
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let bytes = low >= 0.0 && high > 1.0 && high <= 255.0;
    let (low, span) = if bytes { (0.0, 255.0) } else { (low, (high - low).max(f64::MIN_POSITIVE)) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0…255; NaN becomes 0")]
    let byte = |v: f64| ((v - low) / span * 255.0).round().clamp(0.0, 255.0) as u8;
    let at = |c: usize, i: usize| {
        let c = c.min(channels - 1);
        let k = if shape.layout == Layout::Nchw { c * width * height + i } else { i * channels + c };
        values.get(k).map_or(0, |&v| byte(v))
    };
    let pixels = (0..width * height).flat_map(|i| [at(0, i), at(1, i), at(2, i)]).collect();
    RgbImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, pixels)
}
