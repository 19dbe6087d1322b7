//! Fetching with shell scripts in pip's place, so that no test needs a network.

use super::*;

#[test]
fn the_command_line_is_the_documented_one() {
    let mut command = Command::new("python3");
    pip_download(&mut command, Platform::LinuxArm64, Path::new("R"), Path::new("W"), Path::new("S"));
    let args: Vec<&str> = command.get_args().filter_map(|arg| arg.to_str()).collect();
    assert_eq!(
        args.join(" "),
        "-m pip download -r R --require-hashes --no-deps --only-binary=:all: --python-version 3.12 \
         --platform manylinux_2_28_aarch64 --no-input --disable-pip-version-check -d W"
    );
    assert_eq!(command.get_current_dir(), Some(Path::new("S")));
}

#[test]
fn sizes_are_summed_to_a_depth() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("one"), [0; 1]).unwrap();
    fs::write(dir.path().join("a/ten"), [0; 10]).unwrap();
    fs::write(dir.path().join("a/b/hundred"), [0; 100]).unwrap();
    assert_eq!([0, 1, 2].map(|depth| size_below(dir.path(), depth)), [1, 11, 111]);
    assert_eq!(size_below(&dir.path().join("none"), 2), 0);
}

#[test]
fn the_end_of_what_pip_said_is_quoted() {
    let twenty: String = (1..=20).map(|n| format!("line {n}\n\n")).collect();
    let shown = quoted("", &twenty);
    assert!(shown.starts_with("  line 9\n") && shown.ends_with("  line 20"), "{shown}");
    assert_eq!(quoted("only this\n", " \n"), "  only this");
}

#[cfg(unix)]
mod with_fake_pip {
    use std::time::Instant;

    use super::{
        super::super::{python::fake_python, wheel::tests::small_wheel},
        *,
    };

    /// `$1 $2 $3` are `-m pip download` or `-m pip --version`; the wheel's folder is the last argument.
    fn source(folder: &Path, download: &str, requirements: &str) -> Source {
        let script = format!("[ \"$3\" = --version ] && exit 0\nfor last; do :; done\n{download}");
        Source {
            pythons: vec![fake_python(folder, "python3", &script)],
            platform: Some(Platform::LinuxX64),
            requirements: String::leak(requirements.to_owned()),
        }
    }

    fn left_over(data: &Path) -> Vec<String> {
        fs::read_dir(data)
            .map_or_else(|_| Vec::new(), |d| d.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
    }

    /// A wheel, and a requirements file that pins it.
    fn pinned_wheel(folder: &Path) -> (PathBuf, String) {
        let wheel = folder.join("onnxruntime-1.32.0-cp312.whl");
        small_wheel(&wheel, &[("onnxruntime/capi/libonnxruntime.so.1.32.0", b"library")]);
        let unpinned = pins::verify(&wheel, "", &CancelToken::new()).unwrap_err().to_string();
        let sum = unpinned.rsplit(' ').next().unwrap().to_owned();
        (wheel, format!("onnxruntime==1.32.0 --hash=sha256:{sum}\n"))
    }

    #[test]
    fn puts_the_library_into_the_data_folder_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data/quantlens");
        let (wheel, requirements) = pinned_wheel(dir.path());
        // The sleep gives the watcher some looks at what has arrived so far.
        let copy =
            format!("cp '{}' \"$TMPDIR/part\" && sleep 0.2 && mv \"$TMPDIR/part\" \"$last/w.whl\"", wheel.display());
        let mut seen = Vec::new();
        let source = source(dir.path(), &copy, &requirements);
        let found = source.fetch_into(&data, &CancelToken::new(), &mut |p| seen.push(p)).unwrap();
        assert_eq!(found.path, data.join("onnxruntime-1.32.0/libonnxruntime.so.1.32.0"));
        assert_eq!((found.version.as_str(), found.how), ("1.32.0", "fetched with pip"));
        assert_eq!(fs::read_to_string(&found.path).unwrap(), "library");
        assert_eq!(left_over(&data), ["onnxruntime-1.32.0"], "the staging folder is gone");
        assert_eq!(seen[0].stage, "looking for pip");
        // 27 780 211 bytes / 1024 = 27 129.1
        assert!(seen.iter().any(|p| p.stage == "fetching onnxruntime" && p.total == Some(27_129) && p.unit == "KiB"));
        assert_eq!(seen.last().unwrap().stage, "unpacking onnxruntime");
    }

    #[test]
    fn another_file_than_the_pinned_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (wheel, _) = pinned_wheel(dir.path());
        let copy = format!("cp '{}' \"$last/w.whl\"", wheel.display());
        let error = source(dir.path(), &copy, pins::REQUIREMENTS)
            .fetch_into(&data, &CancelToken::new(), &mut |_| ())
            .unwrap_err();
        assert!(error.to_string().contains("is not the package that was asked for"), "{error}");
        assert!(left_over(&data).is_empty());
    }

    #[test]
    fn failures_of_pip_are_told_in_its_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let told = |download: &str| {
            let source = source(dir.path(), download, "");
            source.fetch_into(&data, &CancelToken::new(), &mut |_| ()).unwrap_err().to_string()
        };
        let offline = told("echo 'Retrying' >&2; echo 'ERROR: No matching distribution' >&2; exit 1");
        assert_eq!(offline, "pip failed and said:\n  Retrying\n  ERROR: No matching distribution");
        assert_eq!(told("exit 0"), "pip reported success but did not bring exactly one file");
        assert!(left_over(&data).is_empty());
    }

    #[test]
    fn without_pip_it_says_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let python = fake_python(dir.path(), "python3", "echo 'No module named pip' >&2; exit 1");
        let shown = python.to_string();
        let source = Source { pythons: vec![python], platform: Some(Platform::MacArm64), requirements: "" };
        let error = source.fetch_into(dir.path(), &CancelToken::new(), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("({shown}: No module named pip)")), "{error}");
        assert!(error.contains("sudo apt install python3-pip"), "{error}");
        let source = Source { platform: None, ..source };
        let error = source.fetch_into(dir.path(), &CancelToken::new(), &mut |_| ()).unwrap_err().to_string();
        assert!(error.starts_with("no package of it is known for "), "{error}");
    }

    #[test]
    fn only_abandoned_staging_folders_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let two_days_ago = std::time::SystemTime::now() - 2 * ABANDONED_AFTER;
        for name in [".fetching-old", ".fetching-new", "onnxruntime-1.31.0"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            if name != ".fetching-new" {
                fs::File::open(dir.path().join(name)).unwrap().set_modified(two_days_ago).unwrap();
            }
        }
        remove_abandoned(dir.path());
        let mut left = left_over(dir.path());
        left.sort();
        assert_eq!(left, [".fetching-new", "onnxruntime-1.31.0"]);
    }

    #[test]
    fn cancel_stops_the_download_within_200_ms_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let cancel = CancelToken::new();
        let mut cancelled_at = None;
        let error = source(dir.path(), "exec sleep 30", "")
            .fetch_into(&data, &cancel, &mut |p| {
                if p.stage == "fetching onnxruntime" && cancelled_at.is_none() {
                    cancel.cancel();
                    cancelled_at = Some(Instant::now());
                }
            })
            .unwrap_err();
        assert!(cancelled_at.unwrap().elapsed() < Duration::from_millis(200));
        assert!(matches!(error.downcast_ref(), Some(Error::Cancelled)), "{error}");
        assert!(left_over(&data).is_empty());
    }
}
