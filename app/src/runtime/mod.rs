//! The onnxruntime library: found, or fetched, and loaded at run time.
//!
//! [`locate`] looks in a fixed order and loads nothing; [`fetch`] is a job with progress and Cancel that runs pip once
//! and unpacks one file into the user's data folder; [`load`] hands the library to the binding. Only full paths are
//! ever handed on: by its bare name the system would find whichever copy it likes best, on Windows a much older one.

mod child;
mod fetch;
mod library;
mod load;
mod locate;
mod pins;
mod platform;
mod python;
mod version;
mod wheel;

use std::path::PathBuf;

pub use self::{
    fetch::fetch,
    load::load,
    locate::{Looked, NotFound, locate},
    version::Version,
};

/// A library that exists and, as far as its surroundings tell, is new enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The library file, absolute.
    pub path: PathBuf,
    /// `1.32.0`, or `unknown` where neither the file's name nor what lies beside it says; [`load`] then finds out.
    pub version: String,
    /// Where it comes from, to follow "onnxruntime 1.32.0, ": `beside the executable`, `installed for Python`, …
    pub how: &'static str,
}

/// The folder of this user's program data that is not settings; the fetched library lies in it.
///
/// `None` when the system does not tell where the user's home is.
pub fn data_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "quantlens").map(|dirs| dirs.data_local_dir().to_path_buf())
}

/// The folder in `data` that holds the fetched release.
fn fetched_folder(data: &std::path::Path) -> PathBuf {
    data.join(format!("onnxruntime-{}", Version::FETCHED))
}
