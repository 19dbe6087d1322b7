//! What this room's tests share: inputs in one line, and the shared models where they are checked out.

use std::path::{Path, PathBuf};

use crate::tensor::{Dim, ElementType, ModelInput};

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
