//! Samples to run a model on: from pictures, arrays, ONNX test sets or made up, with the recipe that turns them into inputs.
//!
//! [`Dataset`] is the front. Two things decide whether any number of this program means something, and both fail in silence
//! elsewhere: which array feeds which input, and how pixels were scaled. So every feed carries a note of what was done to it
//! ([`Feed`]), every guessed [`Recipe`] says that it is one, and [`check`], [`float_sanity`] and [`try_recipes`] put both to the test.
//! Files are not trusted: headers promise, only bytes count.

mod arrays;
mod convert;
mod csv;
mod dataset;
mod elements;
mod feed;
mod files;
mod fit;
mod guess;
mod images;
mod inflate;
mod labels;
mod names;
mod npy;
mod npz;
mod picture;
mod pixels;
mod recipe;
mod recipe_file;
mod samples;
mod source;
mod synthetic;
mod tensor_files;
mod test_sets;
#[cfg(test)]
mod testing;

pub use dataset::{DataOptions, Dataset, Sample, UsedRecipe};
pub use feed::Feed;
pub use guess::Hints;
pub use labels::LabelOptions;
pub use names::ClassNames;
pub use picture::Layout;
pub use recipe::{Channels, Recipe, Resize};
pub use source::{DataKind, DataSource};

pub mod info;

/// The float model under one recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeTrial {
    /// The recipe tried.
    pub recipe: Recipe,
    /// Its name.
    pub name: String,
    /// Accuracy; `None` without labels.
    pub accuracy: Option<crate::report::Share>,
    /// Mean top-1 confidence.
    pub confidence: f64,
    /// Whether it is the one in use.
    pub is_current: bool,
}
