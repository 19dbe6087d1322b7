//! What differs between operating systems: the library's file name, the tag of the package that holds it.
//!
//! Everything here is a pure function of [`Os`] or [`Platform`], so that every system's rules are tested on all of
//! them.
//! Tricky: the provider libraries beside the wanted one have nearly the same name, and on Windows the file name carries
//! no version at all.

use super::version::Version;

/// An operating system, as far as file names go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Os {
    /// Linux and every other system with ELF libraries.
    Linux,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

impl Os {
    /// The system this program was compiled for.
    pub(super) const HOST: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Mac
    } else {
        Self::Linux
    };

    /// What the library is called when no version is in its name; for messages.
    pub(super) fn library_name(self) -> &'static str {
        match self {
            Self::Linux => "libonnxruntime.so",
            Self::Mac => "libonnxruntime.dylib",
            Self::Windows => "onnxruntime.dll",
        }
    }

    /// Whether `file_name` is the library, and the version that the name carries.
    pub(super) fn recognise(self, file_name: &str) -> Recognised {
        let versioned = match self {
            Self::Windows if file_name.eq_ignore_ascii_case("onnxruntime.dll") => return Recognised::Library(None),
            Self::Windows => return Recognised::Other,
            Self::Linux => file_name.strip_prefix("libonnxruntime.so"),
            Self::Mac => file_name.strip_prefix("libonnxruntime").and_then(|rest| rest.strip_suffix(".dylib")),
        };
        match versioned {
            Some("") => Recognised::Library(None),
            // `.1.32.0`; the dot keeps `libonnxruntime_providers_shared.dylib` out.
            Some(rest) => match rest.strip_prefix('.') {
                Some(digits) if digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                    Recognised::Library(Version::parse(digits))
                }
                _ => Recognised::Other,
            },
            None => Recognised::Other,
        }
    }
}

/// What [`Os::recognise`] sees in a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// The onnxruntime library, with its version where the name carries one.
    Library(Option<Version>),
    /// Anything else.
    Other,
}

/// A host for which a pinned package exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    /// Linux with glibc 2.28 or newer on x86-64.
    LinuxX64,
    /// Linux with glibc 2.28 or newer on 64-bit ARM.
    LinuxArm64,
    /// macOS 14 or newer on Apple silicon.
    MacArm64,
    /// Windows on x86-64.
    WindowsX64,
}

impl Platform {
    /// The host's platform; `None` where no package is pinned (Intel Macs, 32-bit systems, musl, BSD).
    pub(super) fn host() -> Option<Self> {
        let libc = if cfg!(target_env = "musl") { "musl" } else { "" };
        Self::of(std::env::consts::OS, std::env::consts::ARCH, libc)
    }

    /// The platform of `std::env::consts`' names for system and processor; `libc` is `musl` or anything else.
    fn of(os: &str, arch: &str, libc: &str) -> Option<Self> {
        match (os, arch, libc) {
            ("linux", _, "musl") => None,
            ("linux", "x86_64", _) => Some(Self::LinuxX64),
            ("linux", "aarch64", _) => Some(Self::LinuxArm64),
            ("macos", "aarch64", _) => Some(Self::MacArm64),
            ("windows", "x86_64", _) => Some(Self::WindowsX64),
            _ => None,
        }
    }

    /// The tag that pip knows the platform by.
    pub(super) fn pip_tag(self) -> &'static str {
        match self {
            Self::LinuxX64 => "manylinux_2_28_x86_64",
            Self::LinuxArm64 => "manylinux_2_28_aarch64",
            Self::MacArm64 => "macosx_14_0_arm64",
            Self::WindowsX64 => "win_amd64",
        }
    }

    /// The file-name rules inside its package.
    pub(super) fn os(self) -> Os {
        match self {
            Self::LinuxX64 | Self::LinuxArm64 => Os::Linux,
            Self::MacArm64 => Os::Mac,
            Self::WindowsX64 => Os::Windows,
        }
    }

    /// Size of the pinned package in bytes: the total of the progress bar, nothing else depends on it.
    pub(super) fn download_bytes(self) -> u64 {
        match self {
            Self::LinuxX64 => 27_780_211,
            Self::LinuxArm64 => 23_196_724,
            Self::MacArm64 => 22_519_308,
            Self::WindowsX64 => 16_698_767,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_32: Recognised = Recognised::Library(Some(Version { major: 1, minor: 32, patch: 0 }));
    const UNVERSIONED: Recognised = Recognised::Library(None);

    #[test]
    fn linux_names() {
        assert_eq!(Os::Linux.recognise("libonnxruntime.so.1.32.0"), V1_32);
        assert_eq!(Os::Linux.recognise("libonnxruntime.so"), UNVERSIONED);
        assert_eq!(Os::Linux.recognise("libonnxruntime.so.1"), UNVERSIONED);
        for other in [
            "libonnxruntime_providers_shared.so",
            "libonnxruntime.so.debug",
            "libonnxruntime.so1.32.0",
            "libonnxruntime.1.32.0.dylib",
            "onnxruntime_pybind11_state.cpython-312-x86_64-linux-gnu.so",
        ] {
            assert_eq!(Os::Linux.recognise(other), Recognised::Other, "{other}");
        }
    }

    #[test]
    fn mac_names() {
        assert_eq!(Os::Mac.recognise("libonnxruntime.1.32.0.dylib"), V1_32);
        assert_eq!(Os::Mac.recognise("libonnxruntime.dylib"), UNVERSIONED);
        for other in ["libonnxruntime_providers_shared.dylib", "libonnxruntime.so.1.32.0", "libonnxruntime"] {
            assert_eq!(Os::Mac.recognise(other), Recognised::Other, "{other}");
        }
    }

    #[test]
    fn windows_names_carry_no_version() {
        assert_eq!(Os::Windows.recognise("onnxruntime.dll"), UNVERSIONED);
        assert_eq!(Os::Windows.recognise("OnnxRuntime.DLL"), UNVERSIONED);
        assert_eq!(Os::Windows.recognise("onnxruntime_providers_shared.dll"), Recognised::Other);
    }

    #[test]
    fn every_system_recognises_its_own_plain_name() {
        for os in [Os::Linux, Os::Mac, Os::Windows] {
            assert_eq!(os.recognise(os.library_name()), UNVERSIONED, "{os:?}");
        }
    }

    #[test]
    fn hosts_map_to_pinned_packages() {
        assert_eq!(Platform::of("linux", "x86_64", "").map(Platform::pip_tag), Some("manylinux_2_28_x86_64"));
        assert_eq!(Platform::of("linux", "aarch64", "").map(Platform::pip_tag), Some("manylinux_2_28_aarch64"));
        assert_eq!(Platform::of("macos", "aarch64", "").map(Platform::pip_tag), Some("macosx_14_0_arm64"));
        assert_eq!(Platform::of("windows", "x86_64", "").map(Platform::pip_tag), Some("win_amd64"));
        for (os, arch, libc) in [("macos", "x86_64", ""), ("linux", "x86_64", "musl"), ("freebsd", "x86_64", "")] {
            assert_eq!(Platform::of(os, arch, libc), None, "{os} {arch} {libc}");
        }
    }
}
