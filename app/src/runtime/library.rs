//! Picks the library out of a folder, or judges one file, without loading anything.
//!
//! Tricky: folders often hold the same library under several names, links to each other (`libonnxruntime.so` →
//! `libonnxruntime.so.1` → `libonnxruntime.so.1.32.0`), of which only the last says its version; and an interrupted
//! copy leaves an empty file with the right name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use quantlens_analysis::{say, text::Text};

use super::{
    platform::{Os, Recognised},
    version::Version,
};

/// A library file with what is known of its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The file.
    pub(super) path: PathBuf,
    /// Its version, if the file's name, or the name of the file that it links to, carries one.
    pub(super) version: Option<Version>,
}

impl Candidate {
    /// Fills in a version that is known from elsewhere, unless the file's own name says it.
    pub(super) fn or_version(mut self, version: Option<Version>) -> Self {
        self.version = self.version.or(version);
        self
    }

    /// Passes what the binding can talk to and what only loading can tell.
    ///
    /// # Errors
    /// A clause that names the version found and the oldest that would do.
    pub(super) fn if_new_enough(self) -> Result<Self, Text> {
        match self.version {
            Some(version) if !version.is_new_enough() => Err(say!(
                "{} is version {}, too old: {} or newer is needed",
                self.path.display(),
                version,
                Version::OLDEST
            )),
            _ => Ok(self),
        }
    }
}

/// The newest onnxruntime library directly in `folder`; one whose version is unknown comes last.
///
/// # Errors
/// A clause that says what is there instead.
pub(super) fn in_folder(folder: &Path, os: Os) -> Result<Candidate, Text> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(say!("no such folder")),
        Err(error) => return Err(say!("cannot be read ({})", error)),
    };
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort_unstable();
    let mut best: Result<Candidate, Text> = Err(say!("no {}", os.library_name()));
    for path in names {
        let named = path.file_name().and_then(|name| name.to_str()).map(|name| os.recognise(name));
        if !matches!(named, Some(Recognised::Library(_))) {
            continue;
        }
        match (at(&path, os), &best) {
            (Ok(found), Ok(kept)) if found.version <= kept.version => {}
            (Ok(found), _) => best = Ok(found),
            (Err(why), Err(_)) => best = Err(why),
            (Err(_), Ok(_)) => {}
        }
    }
    best
}

/// The library at `path`, whatever it is called.
///
/// # Errors
/// A clause for a file that is missing, no file, or empty.
pub(super) fn at(path: &Path, os: Os) -> Result<Candidate, Text> {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(say!("{}: no such file", shown)),
        Err(error) => return Err(say!("{} cannot be read ({})", shown, error)),
        Ok(about) if !about.is_file() => return Err(say!("{} is not a file", shown)),
        Ok(about) if about.len() == 0 => return Err(say!("{} is empty", shown)),
        Ok(_) => {}
    }
    let version_of = |path: &Path| match os.recognise(path.file_name()?.to_str()?) {
        Recognised::Library(version) => version,
        Recognised::Other => None,
    };
    let version = version_of(path).or_else(|| version_of(&fs::canonicalize(path).ok()?));
    Ok(Candidate { path: path.to_path_buf(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        dir
    }

    fn version(minor: u32) -> Version {
        Version { major: 1, minor, patch: 0 }
    }

    #[test]
    fn takes_the_newest_by_number() {
        let dir = folder_with(&[
            ("libonnxruntime.so.1.9.0", "x"),
            ("libonnxruntime.so.1.32.0", "x"),
            ("libonnxruntime.so", "x"),
            ("libonnxruntime_providers_shared.so", "x"),
        ]);
        let found = in_folder(dir.path(), Os::Linux).unwrap();
        assert_eq!(found.path, dir.path().join("libonnxruntime.so.1.32.0"));
        assert_eq!(found.version, Some(version(32)));
    }

    #[test]
    fn each_system_sees_only_its_own_files() {
        let dir = folder_with(&[("onnxruntime.dll", "x"), ("libonnxruntime.1.32.0.dylib", "x")]);
        assert_eq!(in_folder(dir.path(), Os::Linux), Err("no libonnxruntime.so".into()));
        assert_eq!(in_folder(dir.path(), Os::Mac).unwrap().version, Some(version(32)));
        let windows = in_folder(dir.path(), Os::Windows).unwrap();
        assert_eq!(windows.version, None);
        assert_eq!(windows.or_version(Some(version(31))).version, Some(version(31)));
    }

    #[test]
    fn an_empty_file_does_not_serve_and_a_good_one_beside_it_does() {
        let dir = folder_with(&[("libonnxruntime.so.1.33.0", "")]);
        let why = in_folder(dir.path(), Os::Linux).unwrap_err();
        assert!(why.ends_with("libonnxruntime.so.1.33.0 is empty"), "{why}");
        fs::write(dir.path().join("libonnxruntime.so"), "x").unwrap();
        assert_eq!(in_folder(dir.path(), Os::Linux).unwrap().path, dir.path().join("libonnxruntime.so"));
    }

    #[test]
    fn missing_things_are_named() {
        let dir = folder_with(&[]);
        assert_eq!(in_folder(&dir.path().join("none"), Os::Linux), Err("no such folder".into()));
        assert!(at(&dir.path().join("lib.so"), Os::Linux).unwrap_err().ends_with("lib.so: no such file"));
        assert!(at(dir.path(), Os::Linux).unwrap_err().ends_with("is not a file"));
    }

    #[test]
    fn too_old_is_refused_by_version_and_unknown_passes() {
        let candidate = |version| Candidate { path: "/l/libonnxruntime.so".into(), version };
        assert_eq!(
            candidate(Some(version(17))).if_new_enough().unwrap_err(),
            "/l/libonnxruntime.so is version 1.17.0, too old: 1.24.0 or newer is needed"
        );
        assert!(candidate(Some(version(24))).if_new_enough().is_ok());
        assert!(candidate(None).if_new_enough().is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_has_the_version_of_what_it_points_to() {
        let dir = folder_with(&[("libonnxruntime.so.1.30.0", "x")]);
        let link = dir.path().join("my-runtime.so");
        std::os::unix::fs::symlink(dir.path().join("libonnxruntime.so.1.30.0"), &link).unwrap();
        assert_eq!(at(&link, Os::Linux).unwrap(), Candidate { path: link, version: Some(version(30)) });
        let dangling = dir.path().join("libonnxruntime.so");
        std::os::unix::fs::symlink("/no/such/file", &dangling).unwrap();
        assert!(at(&dangling, Os::Linux).unwrap_err().ends_with("no such file"));
    }
}
