//! The Python installations of this machine: which of them has onnxruntime, which of them has pip.
//!
//! Nothing is imported: importing onnxruntime takes seconds and may fail for reasons that do not concern its library.
//! Tricky: Python puts the current folder first on its path, so a folder named `onnxruntime` beside somebody's model
//! would be found and its library loaded; the question removes that entry before it asks.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use quantlens_analysis::{job::CancelToken, say, text::Text};

use super::{
    child::{self, Stopped},
    version::Version,
};

/// How long Python may take to say where a package is; a cold start from a slow disk is below 3 s.
const ASK_LIMIT: Duration = Duration::from_secs(8);

/// Prints where `import onnxruntime` would look, as UTF-8, or nothing.
const WHERE_IS_ONNXRUNTIME: &str = "import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.util
spec = importlib.util.find_spec('onnxruntime')
for place in (spec.submodule_search_locations or []) if spec else []:
    sys.stdout.buffer.write(place.encode('utf-8', 'surrogateescape') + b'\\n')
";

/// A way to start Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Python {
    /// The program's name or path.
    program: OsString,
    /// What stands before Python's own arguments (`-3` for the Windows launcher).
    first_args: Vec<OsString>,
}

impl Python {
    /// `python3`, `python` and `py -3`, in the order in which they are tried.
    pub(super) fn candidates() -> Vec<Self> {
        let plain = |program: &str| Self { program: program.into(), first_args: Vec::new() };
        vec![plain("python3"), plain("python"), Self { program: "py".into(), first_args: vec!["-3".into()] }]
    }

    /// A shell script in Python's place. It is read by `sh`, not started: starting a file that was just written fails
    /// with "text file busy" when another test's thread forks in between.
    #[cfg(all(test, unix))]
    pub(super) fn script(path: &Path) -> Self {
        Self { program: "sh".into(), first_args: vec![path.into()] }
    }

    /// A command line that starts with this Python.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.first_args);
        command
    }

    /// The folder of its onnxruntime package; `Ok(None)` when it has none.
    ///
    /// # Errors
    /// A clause that says why this Python could not be asked.
    pub(super) fn package_folder(&self) -> Result<Option<PathBuf>, Text> {
        let mut command = self.command();
        command.args(["-c", WHERE_IS_ONNXRUNTIME]);
        let answer = child::run(&mut command, ASK_LIMIT, &CancelToken::new(), &mut || ()).map_err(not_asked)?;
        if !answer.success {
            return Err(say!("failed: {}", last_line(&answer.stderr)));
        }
        let folder = answer.stdout.lines().map(str::trim).find(|line| !line.is_empty());
        Ok(folder.map(PathBuf::from))
    }

    /// `Ok` when this Python can run pip.
    ///
    /// # Errors
    /// [`NoPip`] when it cannot or when the user cancelled.
    pub(super) fn has_pip(&self, limit: Duration, cancel: &CancelToken) -> Result<(), NoPip> {
        let mut command = self.command();
        command.args(["-m", "pip", "--version"]);
        match child::run(&mut command, limit, cancel, &mut || ()) {
            Ok(answer) if answer.success => Ok(()),
            Ok(answer) => Err(NoPip::Because(self.says(last_line(&answer.stderr)))),
            Err(Stopped::Cancelled) => Err(NoPip::Cancelled),
            Err(stopped) => Err(NoPip::Because(self.says(not_asked(stopped)))),
        }
    }
}

impl Python {
    /// A reason, with the interpreter that gave it.
    fn says(&self, why: Text) -> Text {
        Text::joined(": ", [self.to_string().into(), why])
    }
}

impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program.to_string_lossy())?;
        self.first_args.iter().try_for_each(|arg| write!(f, " {}", arg.to_string_lossy()))
    }
}

/// Why a Python is of no use for fetching.
#[derive(Debug)]
pub(super) enum NoPip {
    /// The interpreter and the reason, as a clause.
    Because(Text),
    /// The user cancelled while it was asked.
    Cancelled,
}

/// The version that a package's metadata give: `onnxruntime-1.32.0.dist-info` beside the package's folder.
///
/// The distributions for graphics cards are called `onnxruntime_gpu` and the like but install the same package. Where
/// leftovers of several are found, none is believed.
pub(super) fn metadata_version(package: &Path) -> Option<Version> {
    let mut found: Vec<Version> = fs::read_dir(package.parent()?)
        .ok()?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let (distribution, version) = name.to_str()?.strip_suffix(".dist-info")?.split_once('-')?;
            let is_runtime = distribution == "onnxruntime"
                || matches!(distribution.strip_prefix("onnxruntime_"), Some("gpu" | "directml" | "openvino" | "qnn"));
            if is_runtime { Version::parse(version) } else { None }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    if let [only] = found[..] { Some(only) } else { None }
}

/// A clause for a Python that gave no answer.
fn not_asked(stopped: Stopped) -> Text {
    match stopped {
        Stopped::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => say!("not installed"),
        Stopped::NotStarted(error) => say!("could not be started ({})", error),
        Stopped::TimedOut(limit) => say!("gave no answer within {} s", limit.as_secs_f32()),
        Stopped::Cancelled => say!("cancelled"),
    }
}

/// Python puts the reason on the last line of a traceback.
fn last_line(text: &str) -> Text {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| say!("it gave no reason"), Text::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_in_the_documented_order() {
        let shown: Vec<String> = Python::candidates().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["python3", "python", "py -3"]);
    }

    #[test]
    fn metadata_version_reads_the_folder_name() {
        let site = tempfile::tempdir().unwrap();
        let package = site.path().join("onnxruntime");
        fs::create_dir(&package).unwrap();
        assert_eq!(metadata_version(&package), None);
        for other in ["onnxruntime_extensions-9.9.9.dist-info", "numpy-2.0.0.dist-info", "onnxruntime"] {
            fs::create_dir_all(site.path().join(other)).unwrap();
        }
        assert_eq!(metadata_version(&package), None, "extensions are another package");
        fs::create_dir(site.path().join("onnxruntime_directml-1.30.1.dist-info")).unwrap();
        assert_eq!(metadata_version(&package), Some(Version { major: 1, minor: 30, patch: 1 }));
        fs::create_dir(site.path().join("onnxruntime-1.20.0.dist-info")).unwrap();
        assert_eq!(metadata_version(&package), None, "two candidates: neither is believed");
    }

    #[test]
    fn last_line_skips_blank_ones() {
        assert_eq!(
            last_line("Traceback\n  File x\nModuleNotFoundError: No module named pip\n\n"),
            "ModuleNotFoundError: No module named pip"
        );
        assert_eq!(last_line(" \n"), "it gave no reason");
    }
}

#[cfg(test)]
#[cfg(unix)]
mod fakes {
    use std::time::Instant;

    use super::*;

    /// Writes a shell script that stands for Python.
    pub(in crate::runtime) fn fake_python(folder: &Path, name: &str, script: &str) -> Python {
        let path = folder.join(name);
        fs::write(&path, script).unwrap();
        Python::script(&path)
    }

    #[test]
    fn yields_the_folder_that_python_prints() {
        let dir = tempfile::tempdir().unwrap();
        let python = fake_python(dir.path(), "python3", "echo '/opt/site packages/onnxruntime'");
        assert_eq!(python.package_folder(), Ok(Some(PathBuf::from("/opt/site packages/onnxruntime"))));
        let without = fake_python(dir.path(), "python", "exit 0");
        assert_eq!(without.package_folder(), Ok(None));
    }

    #[test]
    fn says_why_it_could_not_ask() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Python { program: dir.path().join("none").into(), first_args: Vec::new() };
        assert_eq!(missing.package_folder(), Err("not installed".into()));
        let broken = fake_python(dir.path(), "broken", "echo 'SyntaxError: no' >&2; exit 1");
        assert_eq!(broken.package_folder(), Err("failed: SyntaxError: no".into()));
        let answer = broken.has_pip(ASK_LIMIT, &CancelToken::new());
        assert!(matches!(&answer, Err(NoPip::Because(why)) if why.ends_with("broken: SyntaxError: no")), "{answer:?}");
    }

    #[test]
    fn a_hanging_python_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let hanging = fake_python(dir.path(), "hanging", "exec sleep 60");
        let started = Instant::now();
        let answer = hanging.has_pip(Duration::from_millis(300), &CancelToken::new());
        assert!(
            matches!(&answer, Err(NoPip::Because(why)) if why.contains("gave no answer within 0.3 s")),
            "{answer:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    /// Asks a real Python, so that the question itself is tested: a package in the current folder must not be found.
    #[test]
    fn the_current_folder_is_not_searched() {
        let Some(real) = Python::candidates().into_iter().find(|p| p.command().arg("--version").output().is_ok())
        else {
            println!("skipped: the_current_folder_is_not_searched: no Python on this machine");
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let planted = dir.path().join("onnxruntime");
        fs::create_dir(&planted).unwrap();
        fs::write(planted.join("__init__.py"), "raise SystemExit('imported')").unwrap();
        let ask = |on_path: bool| {
            let mut command = real.command();
            command.current_dir(dir.path()).args(["-c", WHERE_IS_ONNXRUNTIME]);
            if on_path {
                command.env("PYTHONPATH", dir.path());
            }
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        let planted = planted.to_str().unwrap();
        assert!(!ask(false).contains(planted), "the current folder was searched");
        assert_eq!(ask(true).trim(), planted, "a folder that the user put on the path is searched, without importing");
    }
}

#[cfg(test)]
#[cfg(unix)]
pub(super) use fakes::fake_python;
