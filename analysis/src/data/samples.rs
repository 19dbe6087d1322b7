//! What every kind of data is behind [`super::Dataset`]: a counted list of samples, bound to one model and one recipe.

use std::fmt::Debug;

use image::RgbImage;

use super::{feed::Feed, labels::Labels, recipe::Recipe};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::Tensor,
    text::Text,
};

/// A tensor of more elements is refused (4 GB of float32): a declared shape is not to be trusted with memory.
const MAX_ELEMENTS: usize = 1 << 30;

/// One call of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// One tensor an input, in model-input order.
    pub tensors: Vec<Tensor>,
    /// The file below the data folder, or a number.
    pub name: Text,
    /// The true class, where known.
    pub label: Option<usize>,
}

/// The preprocessing in use.
#[derive(Clone, Debug, PartialEq)]
pub struct UsedRecipe {
    /// Every field set for the model's input.
    pub recipe: Recipe,
    /// Whether it was guessed and nobody confirmed it.
    pub guessed: bool,
    /// Why this recipe.
    pub reason: Text,
}

/// Samples that are made when asked for.
pub(super) trait Samples: Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// The name of sample `i`: a path below the folder, or a number.
    fn name(&self, i: usize) -> Text;

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

/// Refuses a tensor that no machine should be asked for.
///
/// # Errors
/// [`Error::Data`] naming the input and the shape.
pub(super) fn check_size(input: &str, shape: &[usize]) -> Result<()> {
    let n = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    if n.is_none_or(|n| n > MAX_ELEMENTS) {
        return Err(Error::data(say!("input {}: shape {} is too large for one call", input, format!("{shape:?}"))));
    }
    Ok(())
}
