//! Fetches the pinned onnxruntime once: pip downloads the package, one file of it goes to the user's data folder.
//!
//! pip does the network part because it knows the user's proxies, mirrors and certificates. Everything happens in one
//! staging folder inside the data folder, so that the last step is a rename on one file system and whatever is left
//! over after an error or Cancel disappears with it.
//! Tricky: pip tells its progress to terminals only, so the size of what it has written so far is watched instead.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;
use quantlens_analysis::{
    Error,
    job::{CancelToken, Progress},
    mark, say,
    text::Text,
};

use super::{
    Located, child, data_folder, fetched_folder, locate, pins,
    platform::{Os, Platform},
    python::{NoPip, Python},
    version::Version,
    wheel,
};

/// How long `pip --version` may take; it reads some hundred files and is slow on a cold disk.
const PIP_VERSION_LIMIT: Duration = Duration::from_secs(30);

/// How long the download may take: 28 MB at 25 KB/s.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// What the names of staging folders begin with.
const STAGING: &str = ".fetching-";

/// After this time nobody is at work in a staging folder any more.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Downloads and unpacks the pinned library. Blocks for seconds to minutes: call it on a worker thread.
///
/// # Errors
/// [`Error::Cancelled`] (found with `downcast_ref`) within 200 ms of a cancel; otherwise the reason, pip's own words
/// included, and the command that mends it.
pub fn fetch(cancel: &CancelToken, progress: &mut dyn FnMut(Progress)) -> anyhow::Result<Located> {
    let data = data_folder();
    let source = Source { pythons: Python::candidates(), platform: Platform::host(), requirements: pins::REQUIREMENTS };
    let fetched = match data.as_deref() {
        Some(data) => source.fetch_into(data, cancel, progress),
        None => Err(anyhow::anyhow!(say!("this user has no home folder to put the onnxruntime library into"))),
    };
    fetched.map_err(|error| match error.downcast_ref() {
        Some(Error::Cancelled) => error,
        _ => anyhow::anyhow!(say!(
            "The onnxruntime library could not be fetched: {}\n{}",
            format!("{error:#}"),
            locate::mend(Os::HOST, data.as_deref())
        )),
    })
}

/// What is fetched and with what.
struct Source {
    pythons: Vec<Python>,
    platform: Option<Platform>,
    requirements: &'static str,
}

impl Source {
    fn fetch_into(
        &self,
        data: &Path,
        cancel: &CancelToken,
        progress: &mut dyn FnMut(Progress),
    ) -> anyhow::Result<Located> {
        let platform = self.platform.with_context(|| {
            say!("no package of it is known for {} on {}", std::env::consts::OS, std::env::consts::ARCH)
        })?;
        progress(Progress { stage: "looking for pip", done: 0, total: None, unit: "" });
        let python = self.with_pip(cancel)?;
        fs::create_dir_all(data).with_context(|| say!("could not make {}", data.display()))?;
        remove_abandoned(data);
        let staging = tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(data)
            .with_context(|| say!("could not write into {}", data.display()))?;
        let wheel = self.download(python, platform, staging.path(), cancel, progress)?;
        progress(Progress { stage: "unpacking onnxruntime", done: 0, total: None, unit: "" });
        pins::verify(&wheel, self.requirements, cancel)?;
        let unpacked = staging.path().join("unpacked");
        fs::create_dir(&unpacked).with_context(|| say!("could not make {}", unpacked.display()))?;
        wheel::unpack(&wheel, platform.os(), &unpacked, cancel)?;
        let path = wheel::install(&unpacked, &fetched_folder(data), &staging.path().join("aside"), platform.os())?;
        Ok(Located { path, version: Version::FETCHED.to_string(), how: mark!("fetched with pip") })
    }

    /// The first Python that can run pip.
    fn with_pip(&self, cancel: &CancelToken) -> anyhow::Result<&Python> {
        let mut reasons = Vec::new();
        for python in &self.pythons {
            match python.has_pip(PIP_VERSION_LIMIT, cancel) {
                Ok(()) => return Ok(python),
                Err(NoPip::Cancelled) => return Err(Error::Cancelled.into()),
                Err(NoPip::Because(why)) => reasons.push(why),
            }
        }
        anyhow::bail!(say!(
            "no Python with pip was found ({}); install one first (Debian, Ubuntu: sudo apt install python3-pip)",
            Text::joined("; ", reasons)
        ))
    }

    /// Runs pip and gives the path of the one file that it brought.
    fn download(
        &self,
        python: &Python,
        platform: Platform,
        staging: &Path,
        cancel: &CancelToken,
        progress: &mut dyn FnMut(Progress),
    ) -> anyhow::Result<PathBuf> {
        let requirements = staging.join("requirements.txt");
        let [wheels, scratch] = ["wheels", "scratch"].map(|name| staging.join(name));
        fs::write(&requirements, self.requirements)
            .and_then(|()| fs::create_dir(&wheels))
            .and_then(|()| fs::create_dir(&scratch))
            .with_context(|| say!("could not write into {}", staging.display()))?;
        let mut command = python.command();
        pip_download(&mut command, platform, &requirements, &wheels, &scratch);
        let mut seen = 0;
        let mut tick = || {
            // pip moves the file at the end; for a moment it is in neither folder, and no bar should run backwards.
            seen = (size_below(&scratch, 4) + size_below(&wheels, 1)).clamp(seen, platform.download_bytes());
            progress(Progress {
                stage: "fetching onnxruntime",
                done: kibibytes(seen),
                total: Some(kibibytes(platform.download_bytes())),
                unit: "KiB",
            });
        };
        let done = match child::run(&mut command, DOWNLOAD_LIMIT, cancel, &mut tick) {
            Ok(done) => done,
            Err(child::Stopped::Cancelled) => return Err(Error::Cancelled.into()),
            Err(child::Stopped::TimedOut(limit)) => {
                anyhow::bail!(say!("pip did not finish within {} minutes", limit.as_secs() / 60))
            }
            Err(child::Stopped::NotStarted(error)) => return Err(error).context(say!("pip could not be started")),
        };
        anyhow::ensure!(done.success, say!("pip failed and said:\n{}", quoted(&done.stdout, &done.stderr)));
        only_file(&wheels)
    }
}

/// Removes staging folders that a killed process left behind. What cannot be removed is left for the next time: it
/// takes some disk space and harms nothing else.
fn remove_abandoned(data: &Path) {
    let Ok(entries) = fs::read_dir(data) else { return };
    for entry in entries.filter_map(Result::ok) {
        let is_staging = entry.file_name().to_string_lossy().starts_with(STAGING);
        let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|time| time.elapsed().ok());
        if is_staging && age.is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Completes the command line. `scratch` becomes pip's temporary folder, where its progress can be seen; it is also the
/// current folder, because `python -m` searches that one for modules first.
fn pip_download(command: &mut Command, platform: Platform, requirements: &Path, wheels: &Path, scratch: &Path) {
    command
        .args(["-m", "pip", "download", "-r"])
        .arg(requirements)
        .args(["--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version", "3.12"])
        .args(["--platform", platform.pip_tag()])
        .args(["--no-input", "--disable-pip-version-check", "-d"])
        .arg(wheels)
        .current_dir(scratch);
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, scratch);
    }
}

/// Bytes in the files at most `depth` folders below `folder`. Files come and go while it counts; those are left out.
fn size_below(folder: &Path, depth: usize) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok()?;
            Some(match depth.checked_sub(1) {
                Some(below) if about.is_dir() => size_below(&entry.path(), below),
                _ if about.is_file() => about.len(),
                _ => 0,
            })
        })
        .sum()
}

/// Whole KiB, which fit a `usize` of 32 bits where bytes would not.
fn kibibytes(bytes: u64) -> usize {
    usize::try_from(bytes / 1024).unwrap_or(usize::MAX)
}

/// The end of what pip said: errors first of all, its normal output when there are none.
fn quoted(stdout: &str, stderr: &str) -> String {
    let text = if stderr.trim().is_empty() { stdout } else { stderr };
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let start = lines.len().saturating_sub(12);
    lines.get(start..).unwrap_or_default().iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The one file in `wheels`.
fn only_file(wheels: &Path) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(wheels).with_context(|| say!("could not read {}", wheels.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let file = files.pop().filter(|_| files.is_empty());
    file.context(say!("pip reported success but did not bring exactly one file"))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
