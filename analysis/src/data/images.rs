//! A folder of pictures as samples, decoded when asked for.
//!
//! Whether a file decodes is found out at opening, because the number of samples must not change later; with thousands of
//! pictures that alone would take minutes, so beyond [`FULL_CHECKS`] only headers are read and a sample may still fail by name.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use image::{ImageReader, Limits, RgbImage};
use rayon::prelude::*;

use super::{
    convert, elements,
    feed::Feed,
    files,
    labels::{LabelOptions, of_pictures},
    picture::{PictureShape, describe},
    pixels,
    recipe::{Channels, Recipe},
    samples::{Bound, Samples, check_size},
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::{ModelInput, Tensor, TensorData},
    text::Text,
};

/// So many pictures are decoded at opening.
const FULL_CHECKS: usize = 1024;

/// Pictures that decode, sorted by path.
#[derive(Debug)]
pub(super) struct Images {
    /// The folder (of a single file: its folder).
    pub(super) folder: PathBuf,
    /// Paths below the folder, `/` between parts: the samples' names.
    pub(super) names: Vec<String>,
    /// All pictures of the folder, also those beyond the limit: `labels.npy` counts them.
    all: Vec<String>,
    /// For each of `names` its place in `all`.
    positions: Vec<usize>,
    /// What was skipped.
    warnings: Vec<Warning>,
}

impl Images {
    /// The pictures among `paths` that decode: the first `limit` of them, or evenly spread ones where each class has a
    /// folder (the first 32 of sorted folders would all be class 0).
    ///
    /// # Errors
    /// [`Error::Data`] when none decodes, with the first reason.
    pub(super) fn open(folder: &Path, paths: &[PathBuf], limit: Option<usize>, spread: bool) -> Result<Self> {
        let limit = limit.unwrap_or(usize::MAX);
        let chosen: Vec<usize> = if spread && limit < paths.len() {
            // k < limit < paths.len(): every index is below the length, and so are all in `positions`.
            (0..limit).map(|k| k * paths.len() / limit).collect()
        } else {
            (0..paths.len()).collect()
        };
        let all: Vec<String> = paths.iter().map(|path| files::relative(path, folder)).collect();
        let (mut positions, mut failed) = (Vec::new(), Vec::new());
        // Chunks, so that a limit of 8 does not decode 1024 pictures; order and result do not depend on the threads.
        for chunk in chosen.chunks(limit.clamp(1, 64)) {
            if positions.len() >= limit {
                break;
            }
            let full = positions.len() + failed.len() < FULL_CHECKS;
            let checked: Vec<_> = chunk.par_iter().map(|&k| check(&paths[k], full)).collect();
            for (&k, result) in chunk.iter().zip(checked) {
                match result {
                    Ok(()) if positions.len() < limit => positions.push(k),
                    Ok(()) => {}
                    Err(reason) => failed.push(format!("{} ({reason})", all[k])),
                }
            }
        }
        let names: Vec<String> = positions.iter().map(|&k| all[k].clone()).collect();
        let first = failed.first().cloned().unwrap_or_default();
        if names.is_empty() {
            let reason = say!(
                "{}: none of {} pictures could be decoded, the first is {}",
                folder.display(),
                failed.len(),
                first
            );
            return Err(Error::data(reason));
        }
        let mut warnings = Vec::new();
        if !failed.is_empty() {
            let message = say!(
                "{} of {} pictures could not be decoded and are skipped, the first is {}",
                failed.len(),
                failed.len() + names.len(),
                first
            );
            warnings.push(Warning::new("image-skipped", message));
        }
        Ok(Self { folder: folder.to_owned(), names, all, positions, warnings })
    }

    fn decode(&self, k: usize) -> Result<RgbImage> {
        let name = self.names.get(k).ok_or_else(|| Error::data(say!("there is no picture {}", k)))?;
        let path = self.folder.join(name);
        decode(&path).map_err(|reason| Error::format(path, reason))
    }
}

/// Decodes one picture to 8-bit RGB; transparency is dropped, as Pillow's `convert("RGB")` drops it.
fn decode(path: &Path) -> std::result::Result<RgbImage, Text> {
    let reader = reader(path)?;
    reader.decode().map(|picture| picture.to_rgb8()).map_err(|e| e.to_string().into())
}

fn check(path: &Path, full: bool) -> std::result::Result<(), Text> {
    if full {
        decode(path).map(|_| ())
    } else {
        reader(path)?.into_dimensions().map(|_| ()).map_err(|e| e.to_string().into())
    }
}

/// Goes by the content, not the ending; a header that promises more than 512 MB of pixels is refused.
fn reader(path: &Path) -> std::result::Result<ImageReader<std::io::BufReader<std::fs::File>>, Text> {
    let mut reader =
        ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(|e| Text::from(e.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 16);
    limits.max_image_height = Some(1 << 16);
    reader.limits(limits);
    Ok(reader)
}

/// Pictures bound to an input.
#[derive(Debug)]
struct ImageSamples {
    source: Arc<Images>,
    input: ModelInput,
    recipe: Recipe,
    shape: Vec<usize>,
    block: usize,
}

impl ImageSamples {
    /// The pictures of sample `i`. Fewer pictures than a batch are repeated from the first on.
    fn pictures(&self, i: usize) -> impl Iterator<Item = usize> {
        let n = self.source.names.len();
        (i * self.block..(i + 1) * self.block).map(move |k| k % n)
    }
}

impl Samples for ImageSamples {
    fn len(&self) -> usize {
        (self.source.names.len() / self.block).max(1)
    }

    fn name(&self, i: usize) -> Text {
        let name = self.pictures(i).next().and_then(|k| self.source.names.get(k)).cloned().unwrap_or_default();
        if self.block == 1 { name.into() } else { say!("{} and {} more", name, self.block - 1) }
    }

    fn tensors(&self, i: usize) -> Result<Vec<Tensor>> {
        let mut values = Vec::with_capacity(self.shape.iter().product());
        for k in self.pictures(i) {
            values.extend(pixels::values(&self.source.decode(k)?, &self.recipe));
        }
        let data = convert::cast(TensorData::Float32(values), self.input.element_type).map_err(|refused| {
            let (recipe, name) = (&self.recipe.name, self.input.element_type.name());
            Error::config(say!("recipe {}", recipe), say!("gives {}, which is no {}", refused.value, name))
        })?;
        debug_assert_eq!(elements::count(&data), self.shape.iter().product::<usize>());
        Ok(vec![Tensor { shape: self.shape.clone(), data }])
    }

    fn picture(&self, i: usize) -> Option<RgbImage> {
        self.source.decode(self.pictures(i).next()?).ok()
    }
}

/// Binds pictures to the only input of a model; `recipe_of` gives that input its recipe.
///
/// # Errors
/// [`Error::Data`] for models with several inputs or one that takes no pictures, [`Error::Config`] for a recipe that
/// contradicts the input, and what reading the labels can fail with.
pub(super) fn bind(
    source: &Arc<Images>,
    inputs: &[ModelInput],
    recipe_of: impl Fn(&ModelInput) -> Recipe,
    options: &LabelOptions,
) -> Result<Bound> {
    let listed = || inputs.iter().map(describe).collect::<Vec<_>>().join("; ");
    let [input] = inputs else {
        let reason =
            say!("{}: pictures feed a model with one input; this one has {}", source.folder.display(), listed());
        return Err(Error::data(reason));
    };
    let recipe = recipe_of(input).fitted(input)?;
    if recipe.array_layout.is_some() {
        let place = say!("recipe {}", recipe.name);
        return Err(Error::config(
            place,
            say!("array_layout has no effect on picture files; use layout for the model's input"),
        ));
    }
    let shape = PictureShape::of(input, recipe.layout)
        .ok_or_else(|| Error::data(say!("{}: no input takes pictures: {}", source.folder.display(), listed())))?;
    // `fitted` set the size and the channels.
    let (width, height) = recipe.size.unwrap_or((224, 224));
    let sample_shape = shape.tensor_shape(recipe.channels.unwrap_or(Channels::Rgb).count(), width, height);
    check_size(&input.name, &sample_shape)?;
    let mut warnings = source.warnings.clone();
    let (n, block) = (source.names.len(), shape.block);
    let mut note = say!("recipe {}", recipe.name);
    if n < block {
        note = say!("{}; {} pictures repeated to a batch of {}", note, n, block);
    } else if block > 1 {
        note = say!("{}; {} pictures a call, the model's batch", note, block);
        if n % block > 0 {
            let message =
                say!("the last {} pictures do not fill the model's batch of {} and are left out", n % block, block);
            warnings.push(Warning::new("data-batch-rest", message));
        }
    }
    let mut labels = of_pictures(&source.folder, &source.all, options)?;
    if !labels.classes.is_empty() {
        labels.classes = source.positions.iter().map(|&k| labels.classes.get(k).copied().flatten()).collect();
    }
    warnings.append(&mut labels.warnings);
    let feed = Feed { input: input.name.clone(), array: "pictures".to_owned(), shape: sample_shape.clone(), note };
    let samples = ImageSamples {
        source: Arc::clone(source),
        input: input.clone(),
        recipe: recipe.clone(),
        shape: sample_shape,
        block,
    };
    Ok(Bound { samples: Box::new(samples), feeds: vec![feed], recipe: Some(recipe), labels, block, warnings })
}
