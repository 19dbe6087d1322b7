//! onnxruntime's version numbers, read from file names, folder names and package metadata.
//!
//! Tricky: distributions name the same library with fewer numbers (`libonnxruntime.so.1`), so a name with less than
//! `major.minor` tells nothing about the version; and pre-releases carry letters (`1.32.0rc1`), which count as their
//! release because the binding only asks for the minor number.

use std::fmt;

use quantlens_analysis::text::{Text, Value};

/// A release of onnxruntime; ordered as releases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 1 since 2019.
    pub major: u32,
    /// The number of the C API that the library speaks.
    pub minor: u32,
    /// Bug-fix release; 0 when the source did not say.
    pub patch: u32,
}

impl Version {
    /// The oldest release that the binding can talk to; it asks the library for this API and would panic without it.
    pub const OLDEST: Self = Self { major: 1, minor: ort::MINOR_VERSION, patch: 0 };

    /// The release that [`super::fetch`] brings, as pinned in `assets/onnxruntime/requirements.txt`.
    pub const FETCHED: Self = Self { major: 1, minor: 32, patch: 0 };

    /// Reads `1.32`, `1.32.0`, `1.32.0rc1`, `1.32.0.dev20260101` or `1.32.0+cpu`; `None` without `major.minor`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split(['.', '+', '-']);
        let major = whole(parts.next()?)?;
        let minor = leading(parts.next()?)?;
        let patch = parts.next().and_then(leading).unwrap_or(0);
        Some(Self { major, minor, patch })
    }

    /// Whether the binding can talk to it.
    pub fn is_new_enough(self) -> bool {
        self >= Self::OLDEST
    }
}

impl Value for Version {
    fn value(&self) -> Text {
        self.to_string().into()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A number with nothing after it: `so` of `libonnxruntime.so` must not pass for a major version.
fn whole(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// The digits that `text` begins with.
fn leading(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    whole(text.get(..end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    #[test]
    fn reads_the_forms_that_packages_use() {
        assert_eq!(Version::parse("1.32.0"), Some(v(1, 32, 0)));
        assert_eq!(Version::parse(" 1.24\n"), Some(v(1, 24, 0)));
        assert_eq!(Version::parse("1.32.1rc1"), Some(v(1, 32, 1)));
        assert_eq!(Version::parse("1.32.0.dev20260101"), Some(v(1, 32, 0)));
        assert_eq!(Version::parse("1.32.0+cpu"), Some(v(1, 32, 0)));
    }

    #[test]
    fn refuses_what_is_no_version() {
        for text in ["", "1", "so", "so.1", "a.b.c", "1.", ".32", "1.x", "99999999999.1", "１.２"] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn orders_by_number_and_not_by_text() {
        // As text "1.9.0" > "1.32.0".
        assert!(v(1, 9, 0) < v(1, 32, 0));
        assert!(v(1, 32, 2) < v(1, 32, 10));
        assert!(v(2, 0, 0) > v(1, 99, 99));
    }

    #[test]
    fn the_binding_sets_the_oldest_and_the_fetched_release_passes() {
        assert_eq!(Version::OLDEST, v(1, 24, 0), "the workspace asks ort for api-24");
        assert!(!v(1, 23, 9).is_new_enough());
        assert!(v(1, 24, 0).is_new_enough());
        assert!(Version::FETCHED.is_new_enough());
    }
}
