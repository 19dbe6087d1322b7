//! The small files that window and command line read and write: configurations, figures, results. Written whole or not at
//! all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use quantlens_analysis::{config::QuantConfig, job::Warning, say};

/// Largest configuration that is read, in bytes; a real one has a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Writes to a file beside `path` and renames it, so that a full disk leaves the old file as it was. Where `path` is a link,
/// what it leads to is replaced; a device or a pipe, as `/dev/stdout` or a shell's `>(…)`, is written into.
///
/// # Errors
/// What the system says, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let say = || format!("{}", path.display());
    let there = fs::metadata(path).ok();
    if is_open_file(path) || there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        return File::options().append(true).open(path).and_then(|mut out| out.write_all(bytes)).with_context(say);
    }
    let target = behind_links(path).with_context(say)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder, there.as_ref().map(fs::Metadata::permissions)).with_context(say)?;
    file.write_all(bytes).with_context(say)?;
    file.as_file().sync_all().with_context(say)?;
    file.persist(target).map_err(|error| error.error).with_context(say)?;
    Ok(())
}

/// Whether the path stands for what a process has open: behind `/dev/stdout >> log` is a file that must not be replaced.
fn is_open_file(path: &Path) -> bool {
    let opened = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"];
    cfg!(unix) && opened.iter().any(|opened| path.starts_with(opened))
}

/// What a link leads to; any other path itself.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
    if is_link { fs::canonicalize(path) } else { Ok(path.to_owned()) }
}

/// A temporary file with the permissions of the one that it will replace, or of any new file.
fn temporary(folder: &Path, permissions: Option<fs::Permissions>) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    // Otherwise only the owner could read a new file; the system's umask still applies.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    if let Some(permissions) = permissions.filter(|permissions| !permissions.readonly()) {
        // Some file systems have none, and a result is worth more than they are.
        let _ = file.as_file().set_permissions(permissions);
    }
    Ok(file)
}

/// Reads a text of ours, none of which is large.
///
/// # Errors
/// What the system says, with the path, and for an absurdly large file.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let say = || format!("{}", path.display());
    let size = fs::metadata(path).with_context(say)?.len();
    anyhow::ensure!(
        size <= MAX_CONFIG_BYTES,
        say!("{}: {} bytes are too many for a configuration", path.display(), size)
    );
    fs::read_to_string(path).with_context(say)
}

/// Reads a configuration, with what the user should know of it.
///
/// # Errors
/// When it cannot be read, is no configuration, or is absurdly large.
pub fn read_config(path: &Path) -> anyhow::Result<(QuantConfig, Option<Warning>)> {
    Ok(QuantConfig::from_file(&read_text(path)?, &path.display().to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_devices_and_permissions_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
        // As any program's new file, whatever the umask.
        fs::write(at("plain"), b"").unwrap();
        write(&at("new"), b"1").unwrap();
        assert_eq!(mode("new"), mode("plain"));
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("new", at("link")).unwrap();
        write(&at("link"), b"2").unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!((fs::read(at("new")).unwrap(), mode("new")), (b"2".to_vec(), 0o640));
        // Of a user who may replace a device this would have made a file.
        write(Path::new("/dev/null"), b"3").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let pipe = at("pipe");
        let reader = std::thread::Builder::new().name("reader".into()).spawn(move || fs::read(pipe).unwrap()).unwrap();
        write(&at("pipe"), b"4").unwrap();
        assert_eq!(reader.join().unwrap(), b"4");
        assert!(write(dir.path(), b"5").is_err());
        symlink("missing/folder", at("broken")).unwrap();
        assert!(format!("{:#}", write(&at("broken"), b"6").unwrap_err()).contains("broken"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5, "nothing temporary is left");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_open_is_written_on_and_not_replaced() {
        use std::os::fd::AsRawFd as _;

        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, b"before ").unwrap();
        let open = File::options().append(true).open(&log).unwrap();
        write(Path::new(&format!("/proc/self/fd/{}", open.as_raw_fd())), b"after").unwrap();
        (&open).write_all(b" it").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"before after it");
    }

    #[test]
    fn a_configuration_survives_the_file_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.quantlens.json");
        let config = QuantConfig::all_float();
        write(&path, config.to_json().as_bytes()).unwrap();
        assert_eq!(read_config(&path).unwrap(), (config, None));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let error = write(&dir.path().join("no/such/b.json"), b"").unwrap_err();
        assert!(format!("{error:#}").contains("b.json"));
        let error = read_config(&dir.path().join("c.json")).unwrap_err();
        assert!(format!("{error:#}").contains("c.json"));
    }
}
