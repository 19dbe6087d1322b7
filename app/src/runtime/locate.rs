//! Where the library is looked for, in which order, and what is said when it is nowhere.
//!
//! An explicit path ends the search even when it does not serve: a user who names a library and silently gets another
//! one would compare numbers of the wrong runtime. Every other place that does not serve is noted with the reason, and
//! the reasons are shown only if no later place serves.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};

use quantlens_analysis::{mark, say, t, text::Text};

use super::{
    Located, data_folder, fetched_folder,
    library::{self, Candidate},
    platform::Os,
    python::{self, Python},
    version::Version,
};

/// A place that was looked at, and why it did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The place, with its path where it has one.
    pub place: Text,
    /// Why it did not serve, as a clause without a full stop.
    pub why: Text,
}

/// No place served. Its `Display` text is complete: every place, every reason, and the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The places in the order in which they were looked at; never empty.
    pub looked: Vec<Looked>,
    /// What the user can do; commands stand on lines of their own.
    pub mend: Text,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", t!("No usable onnxruntime library was found. Looked at:"))?;
        for Looked { place, why } in &self.looked {
            writeln!(f, "  - {place}: {why}")?;
        }
        f.write_str(&self.mend)
    }
}

impl std::error::Error for NotFound {}

/// Finds the library: `explicit` (the `--onnxruntime` option, a file or its folder), else `ORT_DYLIB_PATH`; beside the
/// executable; in the user's data folder; installed for Python. May take some seconds when it comes to asking Python.
///
/// # Errors
/// [`NotFound`]; [`super::fetch`] is what to try next, unless an explicit path was refused.
pub fn locate(explicit: Option<&Path>) -> Result<Located, NotFound> {
    Places {
        os: Os::HOST,
        option: explicit.map(Path::to_path_buf),
        variable: std::env::var_os("ORT_DYLIB_PATH"),
        executable: std::env::current_exe().ok(),
        data: data_folder(),
        pythons: Python::candidates(),
    }
    .search()
}

/// All that the search depends on.
struct Places {
    os: Os,
    option: Option<PathBuf>,
    variable: Option<OsString>,
    executable: Option<PathBuf>,
    data: Option<PathBuf>,
    pythons: Vec<Python>,
}

impl Places {
    fn search(&self) -> Result<Located, NotFound> {
        if let Some((place, path)) = self.explicit() {
            return self.file_or_folder(&path).map(|found| located(found, place)).map_err(|why| NotFound {
                looked: vec![Looked { place: at(place, &path), why }],
                mend: say!("Correct it, or leave it out and Quantlens looks elsewhere.\n{}", self.mend()),
            });
        }
        let mut looked = Vec::new();
        let steps = [Self::beside_executable, Self::in_data_folder, Self::installed_for_python];
        match steps.iter().find_map(|step| step(self, &mut looked)) {
            Some(found) => Ok(found),
            None => Err(NotFound { looked, mend: self.mend() }),
        }
    }

    /// What the user named, if anything. An empty variable counts as unset, as in a shell's `${X:-}`.
    fn explicit(&self) -> Option<(&'static str, PathBuf)> {
        let option = self.option.clone().map(|path| (mark!("given by --onnxruntime"), path));
        option.or_else(|| {
            let variable = self.variable.as_ref().filter(|value| !value.is_empty())?;
            Some((mark!("given by ORT_DYLIB_PATH"), PathBuf::from(variable)))
        })
    }

    fn file_or_folder(&self, path: &Path) -> Result<Candidate, Text> {
        // The binding resolves a relative path against the executable's folder first; the user means the current one.
        let path = std::path::absolute(path).map_err(|error| Text::from(error.to_string()))?;
        let found = if path.is_dir() { library::in_folder(&path, self.os) } else { library::at(&path, self.os) };
        found?.if_new_enough()
    }

    fn beside_executable(&self, looked: &mut Vec<Looked>) -> Option<Located> {
        let how = mark!("beside the executable");
        let Some(folder) = self.executable.as_deref().and_then(Path::parent) else {
            looked.push(Looked { place: Text::of(how), why: say!("the system does not tell where that is") });
            return None;
        };
        match library::in_folder(folder, self.os).and_then(Candidate::if_new_enough) {
            Ok(found) => Some(located(found, how)),
            Err(why) => {
                looked.push(Looked { place: at(how, folder), why });
                None
            }
        }
    }

    /// In the data folder every `onnxruntime-VERSION` counts, the newest first: an older Quantlens may have left its
    /// own, and a user may have put one there with the command that [`NotFound::mend`] gives.
    fn in_data_folder(&self, looked: &mut Vec<Looked>) -> Option<Located> {
        let how = mark!("in the data folder");
        let Some(data) = self.data.as_deref() else {
            looked.push(Looked { place: Text::of(how), why: say!("this user has no home folder") });
            return None;
        };
        let mut why = say!("nothing was fetched yet");
        for (version, folder) in release_folders(data) {
            let inner = folder.join("onnxruntime").join("capi");
            let found = library::in_folder(&folder, self.os)
                .or_else(|why| library::in_folder(&inner, self.os).map_err(|_inner| colon(&folder, why)))
                .and_then(|found| found.or_version(Some(version)).if_new_enough());
            match found {
                Ok(found) => return Some(located(found, how)),
                Err(reason) => why = reason,
            }
        }
        looked.push(Looked { place: at(how, data), why });
        None
    }

    fn installed_for_python(&self, looked: &mut Vec<Looked>) -> Option<Located> {
        for python in &self.pythons {
            let found = python.package_folder().and_then(|package| {
                let package = package.ok_or(say!("has no onnxruntime"))?;
                library::in_folder(&package.join("capi"), self.os)
                    .map_err(|why| colon(&package.join("capi"), why))?
                    .or_version(python::metadata_version(&package))
                    .if_new_enough()
            });
            match found {
                Ok(found) => return Some(located(found, mark!("installed for Python"))),
                Err(why) => looked.push(Looked { place: say!("installed for Python ({})", python.to_string()), why }),
            }
        }
        None
    }

    fn mend(&self) -> Text {
        mend(self.os, self.data.as_deref())
    }
}

/// The way out that works wherever pip does: `--target` needs no virtual environment, not even on the distributions
/// whose Python refuses to install packages, and puts the library where [`Places::in_data_folder`] looks.
pub(super) fn mend(os: Os, data: Option<&Path>) -> Text {
    let python = if os == Os::Windows { "py -3" } else { "python3" };
    let version = Version::FETCHED;
    let by_hand = say!("or set ORT_DYLIB_PATH to a {} of version {} or newer", os.library_name(), Version::OLDEST);
    match data {
        Some(data) => say!(
            "To mend it:\n  {} -m pip install --no-deps --target \"{}\" onnxruntime=={}\n({})",
            python,
            fetched_folder(data).display(),
            version,
            by_hand
        ),
        None => say!("To mend it:\n  {} -m pip install onnxruntime=={}\n({})", python, version, by_hand),
    }
}

/// A kind of place, and the folder that it is here.
fn at(place: &'static str, folder: &Path) -> Text {
    Text::joined("", [Text::of(place), format!(" ({})", folder.display()).into()])
}

fn colon(folder: &Path, why: Text) -> Text {
    Text::joined(": ", [folder.display().to_string().into(), why])
}

/// `onnxruntime-VERSION` folders in `data`, the newest first.
fn release_folders(data: &Path) -> Vec<(Version, PathBuf)> {
    let Ok(entries) = fs::read_dir(data) else { return Vec::new() };
    let mut found: Vec<(Version, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = Version::parse(entry.file_name().to_str()?.strip_prefix("onnxruntime-")?)?;
            Some((version, entry.path()))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// The public form of a library that serves.
fn located(found: Candidate, how: &'static str) -> Located {
    let version = found.version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
    Located { path: found.path, version, how }
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
