//! Samples to run a model on.

mod convert;
mod elements;
mod files;
mod fit;
mod guess;
pub mod info;
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

use std::path::PathBuf;

/// Where samples come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// A file or folder.
    Path(PathBuf),
    /// Made up by the program.
    Synthetic {
        /// How many.
        samples: usize,
        /// Seed of the generator.
        seed: u64,
    },
}

/// The float model under one recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeTrial {
    /// The recipe tried.
    pub recipe: Recipe,
    /// Its name.
    pub name: String,
}
