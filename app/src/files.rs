//! The small files that the window itself reads and writes: configurations and figures. Written whole or not at all.

use std::{io::Write as _, path::Path};

use anyhow::Context as _;
use quantlens_analysis::{config::QuantConfig, job::Warning, say};

/// Largest configuration that is read, in bytes; a real one has a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Writes to a file beside `path` and renames it, so that a full disk leaves the old file as it was.
///
/// # Errors
/// What the system says, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let say = || format!("{}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(say)?;
    file.write_all(bytes).with_context(say)?;
    file.as_file().sync_all().with_context(say)?;
    file.persist(path).map_err(|error| error.error).with_context(say)?;
    Ok(())
}

/// Reads a text of ours, none of which is large.
///
/// # Errors
/// What the system says, with the path, and for an absurdly large file.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let say = || format!("{}", path.display());
    let size = std::fs::metadata(path).with_context(say)?.len();
    anyhow::ensure!(
        size <= MAX_CONFIG_BYTES,
        say!("{}: {} bytes are too many for a configuration", path.display(), size)
    );
    std::fs::read_to_string(path).with_context(say)
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

    #[test]
    fn a_configuration_survives_the_file_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.quantlens.json");
        let config = QuantConfig::all_float();
        write(&path, config.to_json().as_bytes()).unwrap();
        assert_eq!(read_config(&path).unwrap(), (config, None));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let error = write(&dir.path().join("no/such/b.json"), b"").unwrap_err();
        assert!(format!("{error:#}").contains("b.json"));
        let error = read_config(&dir.path().join("c.json")).unwrap_err();
        assert!(format!("{error:#}").contains("c.json"));
    }
}
