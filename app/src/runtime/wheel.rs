//! Takes the one library out of a Python wheel (a zip file) and puts it where it stays, whole or not at all.
//!
//! Tricky: two Quantlens may fetch at the same moment, and a folder cannot be renamed over one that has files in it;
//! the later one then takes what the earlier one put there.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use quantlens_analysis::{job::CancelToken, say};
use zip::ZipArchive;

use super::{
    library,
    platform::{Os, Recognised},
};

/// No onnxruntime library for processors is near this size; a file that claims more is refused before it fills the
/// disk.
const LARGEST_LIBRARY: u64 = 512 << 20;

/// Unpacks the library of `wheel` into the folder `into`, which must exist, and gives its path.
///
/// # Errors
/// When the wheel is damaged, holds no library for `os`, or the disk refuses; and when the user cancelled.
pub(super) fn unpack(wheel: &Path, os: Os, into: &Path, cancel: &CancelToken) -> anyhow::Result<PathBuf> {
    let damaged = || say!("{} is damaged", wheel.display());
    let file = File::open(wheel).with_context(|| say!("could not open {}", wheel.display()))?;
    let mut archive = ZipArchive::new(file).with_context(damaged)?;
    let (entry, name) = find(&archive, os)
        .with_context(|| say!("{} holds no {} for this system", wheel.display(), os.library_name()))?;
    let mut from = archive.by_name(&entry).with_context(damaged)?;
    let size = from.size();
    anyhow::ensure!(
        size > 0 && size <= LARGEST_LIBRARY,
        say!("{} in {} claims {} bytes", entry, wheel.display(), size)
    );
    let path = into.join(name);
    let mut to = File::create_new(&path).with_context(|| say!("could not write {}", path.display()))?;
    let mut block = vec![0; 1 << 20];
    let mut written = 0;
    loop {
        cancel.check()?;
        let n = from.read(&mut block).with_context(damaged)?;
        let Some(filled) = block.get(..n).filter(|filled| !filled.is_empty()) else { break };
        written += filled.len() as u64;
        anyhow::ensure!(written <= size, say!("{} in {} is longer than it claims", entry, wheel.display()));
        to.write_all(filled).with_context(|| say!("could not write {}", path.display()))?;
    }
    anyhow::ensure!(written == size, say!("{} in {} is shorter than it claims", entry, wheel.display()));
    // On the disk before the rename: otherwise a power failure can leave the right name on an empty file.
    to.sync_all().with_context(|| say!("could not write {}", path.display()))?;
    Ok(path)
}

/// The library's entry in the archive and its file name, which has no folder part.
fn find(archive: &ZipArchive<File>, os: Os) -> Option<(String, String)> {
    let mut found: Vec<(String, String)> = archive
        .file_names()
        .filter_map(|entry| {
            let name = entry.strip_prefix("onnxruntime/capi/")?;
            matches!(os.recognise(name), Recognised::Library(_)).then(|| (entry.to_owned(), name.to_owned()))
        })
        .collect();
    // The longest name is the one that carries the version.
    found.sort_unstable_by_key(|(entry, _)| entry.len());
    found.pop()
}

/// Renames the folder `staged` to `installed`; what was there before goes to `aside` unless it already holds a library.
///
/// # Errors
/// When the system refuses to rename and no usable library is in place.
pub(super) fn install(staged: &Path, installed: &Path, aside: &Path, os: Os) -> anyhow::Result<PathBuf> {
    let in_place = || library::in_folder(installed, os).map(|found| found.path);
    if let Ok(path) = in_place() {
        return Ok(path);
    }
    if installed.exists() {
        fs::rename(installed, aside).with_context(|| say!("could not move {} out of the way", installed.display()))?;
    }
    match fs::rename(staged, installed) {
        Ok(()) => in_place().map_err(|why| anyhow::anyhow!("{}: {why}", installed.display())),
        Err(error) => in_place().or_else(|_lost_race| {
            Err(error).with_context(|| say!("could not put the library into {}", installed.display()))
        }),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// Writes a wheel with the given entries.
    pub(in crate::runtime) fn small_wheel(path: &Path, entries: &[(&str, &[u8])]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
    }

    /// Three systems' libraries in one wheel, with the neighbours that must stay where they are.
    const ENTRIES: &[(&str, &[u8])] = &[
        ("onnxruntime/__init__.py", b"import this"),
        ("onnxruntime/capi/libonnxruntime_providers_shared.so", b"provider"),
        ("onnxruntime/capi/libonnxruntime.so.1.32.0", b"linux library"),
        ("onnxruntime/capi/libonnxruntime.1.32.0.dylib", b"mac library"),
        ("onnxruntime/capi/onnxruntime.dll", b"windows library"),
        ("onnxruntime/capi/../../libonnxruntime.so.9.9.9", b"escape"),
        ("elsewhere/libonnxruntime.so.9.9.9", b"other"),
    ];

    #[test]
    fn unpacks_only_the_library_of_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        small_wheel(&wheel, ENTRIES);
        for (os, name, content) in [
            (Os::Linux, "libonnxruntime.so.1.32.0", "linux library"),
            (Os::Mac, "libonnxruntime.1.32.0.dylib", "mac library"),
            (Os::Windows, "onnxruntime.dll", "windows library"),
        ] {
            let into = dir.path().join(format!("{os:?}"));
            fs::create_dir(&into).unwrap();
            let path = unpack(&wheel, os, &into, &CancelToken::new()).unwrap();
            assert_eq!(path, into.join(name));
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
        }
    }

    #[test]
    fn damaged_and_foreign_wheels_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        let refused =
            |wheel: &Path| format!("{:#}", unpack(wheel, Os::Linux, dir.path(), &CancelToken::new()).unwrap_err());
        small_wheel(&wheel, &[("onnxruntime/capi/onnxruntime.dll", b"x")]);
        assert!(refused(&wheel).contains("holds no libonnxruntime.so for this system"));
        small_wheel(&wheel, &[("onnxruntime/capi/libonnxruntime.so.1.32.0", b"")]);
        assert!(refused(&wheel).contains("claims 0 bytes"));
        fs::write(&wheel, "this is no zip file").unwrap();
        assert!(refused(&wheel).contains("is damaged"));
        // One flipped byte of stored content: the checksum inside the zip file tells.
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let mut zip = ZipWriter::new(File::create(&wheel).unwrap());
        zip.start_file("onnxruntime/capi/libonnxruntime.so.1.32.0", stored).unwrap();
        zip.write_all(b"UNIQUE CONTENT").unwrap();
        zip.finish().unwrap();
        let mut bytes = fs::read(&wheel).unwrap();
        let at = bytes.windows(6).position(|w| w == b"UNIQUE").unwrap();
        bytes[at] = b'u';
        fs::write(&wheel, bytes).unwrap();
        assert!(refused(&wheel).contains("is damaged"));
    }

    #[test]
    fn a_cancelled_unpacking_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        small_wheel(&wheel, ENTRIES);
        let cancel = CancelToken::new();
        cancel.cancel();
        let error = unpack(&wheel, Os::Linux, dir.path(), &cancel).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(quantlens_analysis::Error::Cancelled)), "{error}");
    }

    #[test]
    fn installing_replaces_a_broken_folder_and_respects_a_good_one() {
        let dir = tempfile::tempdir().unwrap();
        let [staged, installed, aside] = ["staged", "onnxruntime-1.32.0", "aside"].map(|name| dir.path().join(name));
        let stage = |content: &str| {
            fs::create_dir(&staged).unwrap();
            fs::write(staged.join("libonnxruntime.so.1.32.0"), content).unwrap();
        };
        // An earlier run was killed and left an empty library.
        fs::create_dir(&installed).unwrap();
        fs::write(installed.join("libonnxruntime.so.1.32.0"), "").unwrap();
        stage("first");
        let path = install(&staged, &installed, &aside, Os::Linux).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert!(aside.join("libonnxruntime.so.1.32.0").exists() && !staged.exists());
        // Another process was faster: its library stays, since it may be mapped already.
        stage("second");
        let path = install(&staged, &installed, &aside, Os::Linux).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "first");
    }
}
