//! What this room's tests share: inputs in one line, and the shared models where they are checked out.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

use super::{DataSource, Dataset};
use crate::{
    error::Result,
    tensor::{Dim, ElementType, ModelInput},
};

/// A model input; -1 is the symbolic `batch` on axis 0 and an unknown length elsewhere.
pub(super) fn input(name: &str, element_type: ElementType, dims: &[i64]) -> ModelInput {
    let dim = |(axis, &n): (usize, &i64)| match usize::try_from(n) {
        Ok(n) => Dim::Fixed(n),
        Err(_) if axis == 0 => Dim::Symbolic("batch".to_owned()),
        Err(_) => Dim::Unknown,
    };
    ModelInput { name: name.to_owned(), element_type, dims: Some(dims.iter().enumerate().map(dim).collect()) }
}

/// A file or folder of the shared development data; prints a line when it is not there.
pub(super) fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("QUANTLENS_SHARED").map_or(beside, PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {test}: {} is not there", path.display());
    None
}

/// Opens a file or folder with nothing said about it.
pub(super) fn open(path: &Path, inputs: &[ModelInput]) -> Result<Dataset> {
    Dataset::open(&DataSource::Path(path.to_owned()), inputs, None, None)
}

/// A one-colour picture of 8×8.
pub(super) fn plain(path: &Path, colour: [u8; 3]) {
    RgbImage::from_pixel(8, 8, Rgb(colour)).save(path).unwrap();
}

/// An archive of arrays in a fresh folder.
macro_rules! npz {
    ($($name:literal: $array:expr),* $(,)?) => {{
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        let mut writer = ndarray_npy::NpzWriter::new_compressed(std::fs::File::create(&path).unwrap());
        $(writer.add_array($name, &$array).unwrap();)*
        writer.finish().unwrap();
        (folder, path)
    }};
}
pub(super) use npz;
