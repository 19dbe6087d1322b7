//! Samples to run a model on.

mod convert;
mod elements;
mod files;
mod fit;
mod guess;
mod inflate;
mod npy;
mod npz;
mod picture;
mod pixels;
mod recipe;
mod recipe_file;
mod test_sets;
#[cfg(test)]
mod testing;

pub use guess::Hints;
pub use picture::Layout;
pub use recipe::{Channels, Recipe, Resize};
