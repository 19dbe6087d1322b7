//! The order of the places, each with and without a library in it, and the text when none serves.

use super::*;

/// A machine made of folders: `bin` with the executable, `data`, `site` for Python.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("bin")).unwrap();
        Self { root }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Puts a non-empty file at `relative`.
    fn put(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "library").unwrap();
        path
    }

    fn places(&self) -> Places {
        Places {
            os: Os::Linux,
            option: None,
            variable: None,
            executable: Some(self.path("bin/quantlens")),
            data: Some(self.path("data")),
            pythons: Vec::new(),
        }
    }
}

const LIBRARY: &str = "libonnxruntime.so.1.32.0";

#[cfg(unix)]
#[test]
fn the_places_come_in_the_documented_order() {
    let machine = Machine::new();
    let site = machine.path("site/onnxruntime");
    let mut places = machine.places();
    let script = format!("echo '{}'", site.display());
    places.pythons = vec![python::fake_python(machine.root.path(), "python3", &script)];

    // From the last place to the first: each new library takes precedence over all the former.
    let python = machine.put(&format!("site/onnxruntime/capi/{LIBRARY}"));
    let expect = |places: &Places, path: &Path, how: &str| {
        let found = places.search().unwrap();
        assert_eq!((found.path.as_path(), found.how, found.version.as_str()), (path, how, "1.32.0"));
    };
    expect(&places, &python, "installed for Python");
    let data = machine.put(&format!("data/onnxruntime-1.32.0/{LIBRARY}"));
    expect(&places, &data, "in the data folder");
    let beside = machine.put(&format!("bin/{LIBRARY}"));
    expect(&places, &beside, "beside the executable");
    let variable = machine.put(&format!("variable/{LIBRARY}"));
    places.variable = Some(variable.clone().into());
    expect(&places, &variable, "given by ORT_DYLIB_PATH");
    let option = machine.put(&format!("option/{LIBRARY}"));
    places.option = Some(machine.path("option"));
    expect(&places, &option, "given by --onnxruntime");
}

#[test]
fn an_explicit_path_that_does_not_serve_ends_the_search() {
    let machine = Machine::new();
    machine.put(&format!("bin/{LIBRARY}"));
    let mut places = machine.places();
    places.variable = Some(machine.path("none.so").into());
    let missing = places.search().unwrap_err();
    assert_eq!(missing.looked.len(), 1);
    assert!(missing.looked[0].place.starts_with("given by ORT_DYLIB_PATH ("), "{missing}");
    assert!(missing.looked[0].why.ends_with("none.so: no such file"), "{missing}");
    places.option = Some(machine.put("old/libonnxruntime.so.1.17.3"));
    let old = places.search().unwrap_err();
    assert!(old.looked[0].why.ends_with("is version 1.17.3, too old: 1.24.0 or newer is needed"), "{old}");
    places.option = None;
    places.variable = Some(OsString::new());
    assert_eq!(places.search().unwrap().how, "beside the executable", "an empty variable is no path");
}

#[test]
fn a_place_with_an_old_library_does_not_hide_a_later_one() {
    let machine = Machine::new();
    machine.put("bin/libonnxruntime.so.1.20.0");
    machine.put("data/onnxruntime-1.23.0/libonnxruntime.so");
    assert_eq!(machine.places().search().unwrap_err().looked.len(), 2);
    let good = machine.put("data/onnxruntime-1.31.0/libonnxruntime.so");
    let found = machine.places().search().unwrap();
    assert_eq!((found.path, found.version.as_str()), (good, "1.31.0"));
}

#[test]
fn the_newest_release_of_the_data_folder_wins_and_a_broken_one_is_passed_over() {
    let machine = Machine::new();
    machine.put("data/onnxruntime-1.9.0/libonnxruntime.so");
    machine.put("data/onnxruntime-1.30.0/libonnxruntime.so");
    fs::create_dir_all(machine.path("data/onnxruntime-1.32.0")).unwrap();
    assert_eq!(machine.places().search().unwrap().version, "1.30.0");
    // What `pip install --target`, the command of NotFound, leaves behind.
    let by_pip = machine.put(&format!("data/onnxruntime-1.32.0/onnxruntime/capi/{LIBRARY}"));
    assert_eq!(machine.places().search().unwrap().path, by_pip);
}

#[cfg(unix)]
#[test]
fn windows_takes_the_version_from_the_metadata() {
    let machine = Machine::new();
    let dll = machine.put("site/onnxruntime/capi/onnxruntime.dll");
    let script = format!("echo '{}'", machine.path("site/onnxruntime").display());
    let mut places = machine.places();
    places.os = Os::Windows;
    places.pythons = vec![python::fake_python(machine.root.path(), "python", &script)];
    assert_eq!(places.search().unwrap(), Located { path: dll, version: "unknown".into(), how: "installed for Python" });
    fs::create_dir(machine.path("site/onnxruntime-1.22.1.dist-info")).unwrap();
    let old = places.search().unwrap_err();
    assert!(
        old.looked[2].why.ends_with("onnxruntime.dll is version 1.22.1, too old: 1.24.0 or newer is needed"),
        "{old}"
    );
}

#[cfg(unix)]
#[test]
fn a_python_without_it_is_passed_over_for_the_next() {
    use super::python::fake_python;
    let machine = Machine::new();
    machine.put(&format!("site/onnxruntime/capi/{LIBRARY}"));
    let mut places = machine.places();
    let script = format!("echo '{}'", machine.path("site/onnxruntime").display());
    places.pythons = vec![
        fake_python(machine.root.path(), "fails", "echo boom >&2; exit 1"),
        fake_python(machine.root.path(), "without", "exit 0"),
        fake_python(machine.root.path(), "has", &script),
    ];
    assert_eq!(places.search().unwrap().how, "installed for Python");
}

#[test]
fn not_found_names_every_place_and_the_command() {
    let machine = Machine::new();
    let mut places = machine.places();
    places.executable = Some("/opt/quantlens/bin-that-is-not/quantlens".into());
    places.data = Some("/home/ada/.local/share/no-such-quantlens".into());
    assert_eq!(
        places.search().unwrap_err().to_string(),
        "No usable onnxruntime library was found. Looked at:
  - beside the executable (/opt/quantlens/bin-that-is-not): no such folder
  - in the data folder (/home/ada/.local/share/no-such-quantlens): nothing was fetched yet
To mend it:
  python3 -m pip install --no-deps --target \"/home/ada/.local/share/no-such-quantlens/onnxruntime-1.32.0\" onnxruntime==1.32.0
(or set ORT_DYLIB_PATH to a libonnxruntime.so of version 1.24.0 or newer)"
    );
    places.executable = None;
    places.data = None;
    places.os = Os::Windows;
    let text = places.search().unwrap_err().to_string();
    assert!(text.contains("the system does not tell where that is"), "{text}");
    assert!(text.contains("this user has no home folder"), "{text}");
    assert!(text.contains("\n  py -3 -m pip install onnxruntime==1.32.0\n"), "{text}");
}
