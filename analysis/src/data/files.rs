//! Listing and reading what a data folder holds, sorted by name so that sample order never depends on the file system.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// File endings of the picture formats that are decoded.
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "jfif", "bmp", "webp"];

/// Whether the name ends like a picture's.
pub(super) fn is_picture(path: &Path) -> bool {
    has_ending(path, &PICTURES)
}

/// Whether the name ends in one of `endings` (lower case, no dot).
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    endings.contains(&ending.as_str())
}

/// A file's content.
///
/// # Errors
/// [`Error::Io`] with the path.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io(path, e))
}

/// A text file's content; a byte-order mark is dropped and bytes that are no UTF-8 are replaced.
///
/// # Errors
/// [`Error::Io`] with the path.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}

/// What lies directly in `folder`, sorted, without hidden entries (macOS leaves `._name.jpg` beside every picture).
///
/// # Errors
/// [`Error::Io`] with the path.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Every picture below `folder`, sorted by path. Each real folder is entered once, so links may form loops.
///
/// # Errors
/// [`Error::Io`] with the folder that cannot be listed.
pub(super) fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.canonicalize().map_err(|e| Error::io(&folder, e))?) {
            continue;
        }
        for path in entries(&folder)? {
            if path.is_dir() {
                open.push(path);
            } else if is_picture(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `path` below `folder` with `/` between its parts, as names and tables use it everywhere.
pub(super) fn relative(path: &Path, folder: &Path) -> String {
    let inner = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = inner.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_below_in_order_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        for name in ["z.PNG", "b/c/a.jpg", "b/2.webp", ".hidden.png", "note.txt"] {
            fs::write(root.join(name), b"").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        let names: Vec<String> = pictures(root).unwrap().iter().map(|p| relative(p, root)).collect();
        assert_eq!(names, ["b/2.webp", "b/c/a.jpg", "z.PNG"]);
    }
}
