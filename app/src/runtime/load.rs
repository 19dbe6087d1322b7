//! Hands the library to the binding and makes the one environment that all sessions share.
//!
//! Tricky: a process can have one environment, ever. The binding keeps only a weak handle to it and refuses to make
//! another after the last strong one is gone, so a strong one is kept here for good.

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use ort::environment::{Environment, GlobalThreadPoolOptions};

use super::{Located, Version};

/// The environment, once there is one.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library and makes the environment with one pool of `intra_threads` threads for all sessions (0: one a core).
/// Idle threads do not spin: with some hundred sessions, one a segment, spinning pools made a pass 25 times slower.
///
/// Once it has succeeded, every later call gives the same environment, whatever it asks for.
///
/// # Errors
/// When the library is too old for the binding, which is found out before anything of it is called but its version; when
/// the system cannot load it; when it refuses to make an environment. The text names the file.
pub fn load(located: &Located, intra_threads: usize) -> anyhow::Result<Environment> {
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
        other => anyhow::anyhow!("{path} is no onnxruntime library that this system can load: {other}"),
    })?;
    let pool = GlobalThreadPoolOptions::default()
        .with_inter_threads(1)
        .and_then(|pool| pool.with_intra_threads(intra_threads))
        .and_then(|pool| pool.with_spin_control(false))
        .with_context(|| format!("{path} refused the options of its threads"))?;
    let made = builder
        .with_name("quantlens")
        .with_telemetry(false)
        .with_global_thread_pool(pool)
        .build()
        .with_context(|| format!("{path} could not be set up"))?;
    Ok(environment.insert(made).clone())
}

/// The sentence for a library that the binding cannot talk to.
fn too_old(path: &str, version: &str) -> String {
    format!(
        "{path} is onnxruntime {version}, which is too old: {} or newer is needed. Let Quantlens fetch {}, or name \
         another one with --onnxruntime",
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
    fn too_old_by_name_is_refused_without_loading() {
        let error = load(&at(Path::new("/no/such/libonnxruntime.so.1.17.3"), "1.17.3"), 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "/no/such/libonnxruntime.so.1.17.3 is onnxruntime 1.17.3, which is too old: 1.24.0 or newer is needed. Let \
             Quantlens fetch 1.32.0, or name another one with --onnxruntime"
        );
    }

    /// One test, since a process has one environment: first everything that must be refused, then the real one.
    #[test]
    fn refuses_what_does_not_serve_and_loads_what_does() {
        let dir = tempfile::tempdir().unwrap();
        let garbage = dir.path().join("libonnxruntime.so");
        std::fs::write(&garbage, "this is no library").unwrap();
        let error = load(&at(&garbage, "unknown"), 1).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{} is no onnxruntime library", garbage.display())), "{error}");
        #[cfg(unix)]
        old_library_is_refused_by_the_version_it_tells(dir.path());

        let found = match locate(None) {
            Ok(found) => found,
            Err(not_found) => {
                println!("skipped: refuses_what_does_not_serve_and_loads_what_does: {not_found}");
                return;
            }
        };
        let environment = load(&found, 2).unwrap();
        assert!(ort::info().contains(&found.version) || found.version == "unknown", "{found:?}: {}", ort::info());
        let again = load(&at(Path::new("/another/one"), "unknown"), 7).unwrap();
        assert_eq!(format!("{environment:?}"), format!("{again:?}"), "one environment a process");
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
