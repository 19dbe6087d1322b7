//! What every kind of data is behind [`super::Dataset`]: a counted list of samples, bound to one model and one recipe.

use std::fmt::Debug;

use image::RgbImage;

use super::{feed::Feed, labels::Labels, recipe::Recipe};
use crate::{error::Result, job::Warning, tensor::Tensor};

/// Samples that are made when asked for.
pub(super) trait Samples: Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// The name of sample `i`: a path below the folder, or a number.
    fn name(&self, i: usize) -> String;

    /// The tensors of sample `i < len`, in model-input order.
    fn tensors(&self, i: usize) -> Result<Vec<Tensor>>;

    /// The picture behind sample `i` before preprocessing, where there is one.
    fn picture(&self, i: usize) -> Option<RgbImage>;
}

/// Samples bound to a model's inputs.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) samples: Box<dyn Samples>,
    /// In model-input order.
    pub(super) feeds: Vec<Feed>,
    /// The recipe in use, every field set; `None` when the data are used as they are.
    pub(super) recipe: Option<Recipe>,
    /// One class a row or picture (not a sample: a sample may be a block of them).
    pub(super) labels: Labels,
    /// Rows or pictures that one sample takes.
    pub(super) block: usize,
    pub(super) warnings: Vec<Warning>,
}
