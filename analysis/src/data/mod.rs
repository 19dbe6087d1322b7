//! Samples to run a model on: from pictures, arrays, ONNX test sets or made up, with the recipe that turns them into inputs.
//!
//! [`Dataset`] is the front. Two things decide whether any number of this program means something, and both fail in silence
//! elsewhere: which array feeds which input, and how pixels were scaled. So every feed carries a note of what was done to it
//! ([`Feed`]), every guessed [`Recipe`] says that it is one, and [`check`], [`float_sanity`] and [`try_recipes`] put both to the test.
//! Files are not trusted: headers promise, only bytes count.

mod arrays;
mod check;
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
pub mod info;
#[cfg(test)]
mod insight_tests;
mod labels;
mod names;
mod npy;
mod npz;
mod picture;
mod pixels;
mod preview;
mod recipe;
mod recipe_file;
mod samples;
mod sanity;
#[cfg(test)]
mod shared_tests;
mod source;
mod synthetic;
mod tensor_files;
mod test_sets;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token_ids;
mod trials;
mod vocabulary;

pub use check::{DataCheck, InputCheck, ValueStats, check};
pub use dataset::Dataset;
pub use feed::Feed;
pub use guess::Hints;
pub use labels::LabelOptions;
pub use names::ClassNames;
pub use picture::Layout;
pub use recipe::{Channels, Recipe, Resize};
pub use samples::{Sample, UsedRecipe};
pub use sanity::{ClassScore, Runner, Sanity, SanityRow, Share, confidences, float_sanity};
pub use source::{DataKind, DataOptions, DataSource};
pub(crate) use synthetic::SplitMix64;
pub use trials::{RecipeTrial, RecipeTrials, TRIAL_SAMPLES, TrialBasis, try_recipes};
pub use vocabulary::Vocabulary;
