//! The checksums of the packages that may be fetched, from the same file that pip reads.
//!
//! pip checks them too (`--require-hashes`); they are checked again here because a wrapper, an old pip or a
//! configuration file can change what pip does, and because what is unpacked is run as code.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::Context as _;
use quantlens_analysis::{job::CancelToken, say};
use sha2::{Digest as _, Sha256};

/// The requirements file, embedded so that the program needs nothing beside itself.
pub(super) const REQUIREMENTS: &str = include_str!("../../../assets/onnxruntime/requirements.txt");

/// Every SHA-256 that `requirements` allows, in lower-case hex.
pub(super) fn allowed(requirements: &str) -> impl Iterator<Item = &str> {
    requirements
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.strip_prefix("--hash=sha256:"))
}

/// Checks that `file` is one of the packages that `requirements` names.
///
/// # Errors
/// When it cannot be read, when it is another file, or when the user cancelled.
pub(super) fn verify(file: &Path, requirements: &str, cancel: &CancelToken) -> anyhow::Result<()> {
    let sum = sha256(file, cancel)?;
    anyhow::ensure!(
        allowed(requirements).any(|pin| pin == sum),
        say!("{} is not the package that was asked for: its SHA-256 is {}", file.display(), sum)
    );
    Ok(())
}

/// The file's SHA-256 in lower-case hex.
fn sha256(path: &Path, cancel: &CancelToken) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| say!("could not open {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        cancel.check()?;
        let n = file.read(&mut block).with_context(|| say!("could not read {}", path.display()))?;
        let Some(filled) = block.get(..n).filter(|filled| !filled.is_empty()) else { break };
        hasher.update(filled);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::version::Version, *};

    #[test]
    fn the_embedded_file_pins_the_fetched_release_for_four_platforms() {
        assert!(REQUIREMENTS.lines().any(|line| line == format!("onnxruntime=={} \\", Version::FETCHED)));
        let pins: Vec<&str> = allowed(REQUIREMENTS).collect();
        assert_eq!(pins.len(), 4);
        for pin in pins {
            assert!(pin.len() == 64 && pin.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{pin}");
        }
    }

    #[test]
    fn a_file_is_known_by_its_sum() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        // FIPS 180-2, appendix B.1: the SHA-256 of "abc".
        let pins = "x==1 \\\n  --hash=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
        verify(&file, pins, &CancelToken::new()).unwrap();
        std::fs::write(&file, "abd").unwrap();
        let error = verify(&file, pins, &CancelToken::new()).unwrap_err().to_string();
        assert!(error.contains("not the package that was asked for"), "{error}");
        let commented = format!("# {pins}");
        assert_eq!(allowed(&commented.replace('\n', " ")).count(), 0, "a comment allows nothing");
    }

    #[test]
    fn a_missing_file_is_named_and_a_cancelled_check_stops() {
        let error = verify(Path::new("/no/such.whl"), REQUIREMENTS, &CancelToken::new()).unwrap_err();
        assert_eq!(error.to_string(), "could not open /no/such.whl");
        let cancel = CancelToken::new();
        cancel.cancel();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        let error = verify(&file, REQUIREMENTS, &cancel).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(quantlens_analysis::Error::Cancelled)), "{error}");
    }
}
