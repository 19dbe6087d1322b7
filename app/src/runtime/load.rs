//! Hands the library to the binding and makes the one environment that all sessions share.
//!
//! Tricky: a process can have one environment, ever. The binding keeps only a weak handle to it and refuses to make
//! another after the last strong one is gone, so a strong one is kept here for good.

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use ort::environment::{Environment, GlobalThreadPoolOptions};
use quantlens_analysis::{say, text::Text};

use super::{Located, Version};

/// The environment, once there is one.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library and makes the environment, in which a run has one thread; `threads` samples run side by side (0: one
/// a core). Sessions have no pools of their own: with some hundred of them, one a segment, spinning pools made a pass 25
/// times slower.
///
/// Once it has succeeded, every later call gives the same environment, whatever it asks for.
///
/// # Errors
/// When the library is too old for the binding, which is found out before anything of it is called but its version;
/// when the system cannot load it; when it refuses to make an environment. The text names the file.
pub fn load(located: &Located, threads: usize) -> anyhow::Result<Environment> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*environment {
        return Ok(environment.clone());
    }
    let path = located.path.display();
    if let Some(version) = Version::parse(&located.version).filter(|version| !version.is_new_enough()) {
        anyhow::bail!(too_old(&path.to_string(), &version.to_string()));
    }
    let builder = ort::init_from(&located.path).map_err(|error| match error {
        ort::LoadDynamicError::BadVersion { version_str, .. } => {
            anyhow::anyhow!(too_old(&path.to_string(), &version_str))
        }
        other => {
            anyhow::anyhow!(say!("{} is no onnxruntime library that this system can load: {}", path, other.to_string()))
        }
    })?;
    let pool = GlobalThreadPoolOptions::default()
        .with_inter_threads(1)
        // More would divide a product otherwise, and with it the order of its sums: with three threads stock onnxruntime's
        // Conv gives other bits than with one. Samples run side by side instead.
        .and_then(|pool| pool.with_intra_threads(1))
        .and_then(|pool| pool.with_spin_control(false))
        .with_context(|| say!("{} refused the options of its threads", path))?;
    let made = builder
        .with_name("quantlens")
        .with_telemetry(false)
        .with_global_thread_pool(pool)
        .build()
        .with_context(|| say!("{} could not be set up", path))?;
    quantlens_analysis::set_threads(threads);
    Ok(environment.insert(made).clone())
}

/// The sentence for a library that the binding cannot talk to.
fn too_old(path: &str, version: &str) -> Text {
    say!(
        "{} is onnxruntime {}, which is too old: {} or newer is needed. Let Quantlens fetch {}, or name \
         another one with --onnxruntime",
        path,
        version,
        Version::OLDEST,
        Version::FETCHED
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::locate, *};

    fn at(path: &Path, version: &str) -> Located {
        Located { path: path.to_path_buf(), version: version.to_owned(), how: "made by a test" }
    }

    #[test]
    fn refuses_what_does_not_serve_and_loads_what_does() {
        const NAME: &str = "refuses_what_does_not_serve_and_loads_what_does";
        // A process loads one library for good, and other tests of this program may load theirs first: this one runs in
        // a process of its own.
        if std::env::var_os("QUANTLENS_TEST_LOAD").is_some() {
            return in_a_fresh_process(NAME);
        }
        let module = module_path!().split_once("::").map_or("", |(_crate, path)| path);
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("{module}::{NAME}"), "--nocapture"])
            .env("QUANTLENS_TEST_LOAD", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
        // The harness of this process must show that something was skipped.
        said.lines().filter(|line| line.contains("skipped: ")).for_each(|line| println!("{line}"));
    }

    fn in_a_fresh_process(name: &str) {
        let error = load(&at(Path::new("/no/such/libonnxruntime.so.1.17.3"), "1.17.3"), 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "/no/such/libonnxruntime.so.1.17.3 is onnxruntime 1.17.3, which is too old: 1.24.0 or newer is needed. Let \
             Quantlens fetch 1.32.0, or name another one with --onnxruntime"
        );
        let dir = tempfile::tempdir().unwrap();
        let garbage = dir.path().join("libonnxruntime.so");
        std::fs::write(&garbage, "this is no library").unwrap();
        let error = load(&at(&garbage, "unknown"), 1).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{} is no onnxruntime library", garbage.display())), "{error}");
        #[cfg(unix)]
        old_library_is_refused_by_the_version_it_tells(dir.path());

        let found = match locate(None) {
            Ok(found) => found,
            Err(not_found) => return println!("skipped: {name}: {}", not_found.to_string().replace('\n', " ")),
        };
        let environment = load(&found, 2).unwrap();
        assert_eq!(relu(&environment, &[-2.0, 0.5, 3.0]), [0.0, 0.5, 3.0], "{found:?}");
        let again = load(&at(Path::new("/another/one"), "unknown"), 7).unwrap();
        assert_eq!(format!("{environment:?}"), format!("{again:?}"), "one environment a process");
    }

    /// Runs a model of one Relu in a session that has no threads of its own.
    fn relu(environment: &Environment, input: &[f32]) -> Vec<f32> {
        // A protobuf field is (number << 3 | 2), length, bytes; or (number << 3), value for a small integer.
        let bytes =
            |number: u8, content: &[u8]| [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat();
        let integer = |number: u8, value: u8| vec![number << 3, value];
        // ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1 (FLOAT = 1), shape = 2 { dim = 1 {
        // value = 1 } } } }
        let value = |name: &str| {
            let shape = bytes(2, &bytes(1, &integer(1, 3)));
            let tensor = bytes(1, &[integer(1, 1), shape].concat());
            [bytes(1, name.as_bytes()), bytes(2, &tensor)].concat()
        };
        // NodeProto: input = 1, output = 2, op_type = 4. GraphProto: node = 1, name = 2, input = 11, output = 12.
        let node = [bytes(1, b"x"), bytes(2, b"y"), bytes(4, b"Relu")].concat();
        let graph = [bytes(1, &node), bytes(2, b"g"), bytes(11, &value("x")), bytes(12, &value("y"))].concat();
        // ModelProto: ir_version = 1, graph = 7, opset_import = 8 { version = 2 }.
        let model = [integer(1, 8), bytes(7, &graph), bytes(8, &integer(2, 13))].concat();
        let mut session = ort::session::Session::builder(environment).unwrap().commit_from_memory(&model).unwrap();
        let input = ort::value::Tensor::from_array(([input.len()], input.to_vec())).unwrap();
        let outputs = session.run(ort::inputs!["x" => input]).unwrap();
        outputs["y"].try_extract_tensor::<f32>().unwrap().1.to_vec()
    }

    /// A library whose name does not tell its age: the C compiler makes one that tells "1.17.0" and crashes the test if
    /// anything else of it is used.
    #[cfg(unix)]
    fn old_library_is_refused_by_the_version_it_tells(folder: &Path) {
        const SOURCE: &str = "
            #include <stdint.h>
            static const void *api(uint32_t version) { __builtin_trap(); }
            static const char *version(void) { return \"1.17.0\"; }
            static const struct { const void *(*api)(uint32_t); const char *(*version)(void); } base = { api, version };
            const void *OrtGetApiBase(void) { return &base; }
        ";
        let [source, library] = ["old.c", "old.so"].map(|name| folder.join(name));
        std::fs::write(&source, SOURCE).unwrap();
        let compiled =
            std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        assert!(compiled.unwrap().success(), "the C compiler that some dependencies need");
        let error = load(&at(&library, "unknown"), 1).unwrap_err().to_string();
        assert!(error.contains("old.so is onnxruntime 1.17.0, which is too old"), "{error}");
    }
}
