//! Sample data: from files to named tensors.

pub mod info;

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

/// Preprocessing of images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// Name of the preset it started from.
    pub name: String,
}

/// The float model under one recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeTrial {
    /// The recipe tried.
    pub recipe: Recipe,
    /// Its name.
    pub name: String,
}
