//! A session as a file: which model and samples, the configuration, the pins and what was looked at, so that a colleague, or
//! oneself next week, stands at the same place. Models and samples are named, not copied.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use quantlens_analysis::{
    config::QuantConfig,
    data::{DataSource, Recipe},
    say,
};
use serde::{Deserialize, Serialize};

use crate::{
    document::{Beside, Document, KeptPins, Page},
    worker::DataChoice,
};

/// How the file's name ends.
pub const EXTENSION: &str = "qlsession";
/// What the file says it is.
const SCHEMA: &str = "quantlens-session/1";

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionFile {
    schema: String,
    /// The model; `None` is the built-in sample.
    pub model: Option<PathBuf>,
    /// SHA-256 of the model's file.
    pub sha256: String,
    /// The samples; `None` where there were none.
    pub data: Option<SavedData>,
    /// The preprocessing, where it was set by hand.
    pub recipe: Option<Recipe>,
    /// At most so many samples.
    pub samples: Option<usize>,
    /// The configuration, as its own file has it.
    config: serde_json::Value,
    /// The pinned configurations.
    pub pins: KeptPins,
    /// The page on screen; of two, the one in use.
    pub page: Page,
    /// The other one, where it stands and how wide; none where one page was shown alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// Names of the selected layers.
    pub selected: Vec<String>,
    /// The filter.
    pub filter: String,
}

/// Where samples came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SavedData {
    /// A folder or file.
    Path(PathBuf),
    /// The generator.
    Synthetic {
        /// How many samples.
        samples: usize,
        /// The seed.
        seed: u64,
    },
    /// The built-in sample's.
    Sample,
}

impl SessionFile {
    /// What is open; `None` without a model.
    pub fn of(doc: &Document) -> Option<Self> {
        let model = doc.model.as_ref()?;
        let data = doc.data_choice.as_ref().map(|choice| match choice {
            DataChoice::Source(DataSource::Path(path)) => SavedData::Path(absolute(path)),
            DataChoice::Source(DataSource::Synthetic { samples, seed }) => {
                SavedData::Synthetic { samples: *samples, seed: *seed }
            }
            DataChoice::Sample => SavedData::Sample,
        });
        Some(Self {
            schema: SCHEMA.into(),
            model: (!doc.is_sample).then(|| absolute(&model.path)),
            sha256: model.sha256.clone(),
            data,
            recipe: doc.recipe_given.clone(),
            samples: doc.settings.samples,
            config: serde_json::from_str(&doc.config.to_json()).ok()?,
            pins: doc.pins.kept(model.path.clone()),
            page: doc.pages.page,
            beside: doc.pages.beside,
            selected: doc.selected_names(),
            filter: doc.filter.text.clone(),
        })
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file. A model or samples that are gone are looked for beside it, under the same name.
    ///
    /// # Errors
    /// When it cannot be read, is no session, or holds a configuration that is none.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let place = || path.display().to_string();
        let mut session: Self = serde_json::from_str(&crate::files::read_text(path)?).with_context(place)?;
        anyhow::ensure!(
            session.schema == SCHEMA,
            say!("{}: schema is `{}`; this program reads `{}`", path.display(), session.schema, SCHEMA)
        );
        session.config()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let beside = |wanted: &mut PathBuf| {
            let near = wanted.file_name().map(|name| folder.join(name));
            if let Some(near) = near.filter(|near| !wanted.exists() && near.exists()) {
                *wanted = near;
            }
        };
        session.model.iter_mut().for_each(beside);
        if let Some(SavedData::Path(data)) = &mut session.data {
            beside(data);
        }
        Ok(session)
    }

    /// The configuration.
    ///
    /// # Errors
    /// When it is none.
    pub fn config(&self) -> anyhow::Result<QuantConfig> {
        Ok(QuantConfig::from_json(&self.config.to_string(), "the session")?)
    }

    /// The samples as a job takes them.
    pub fn choice(&self) -> Option<DataChoice> {
        self.data.clone().map(|data| match data {
            SavedData::Path(path) => DataChoice::Source(DataSource::Path(path)),
            SavedData::Synthetic { samples, seed } => DataChoice::Source(DataSource::Synthetic { samples, seed }),
            SavedData::Sample => DataChoice::Sample,
        })
    }
}

/// A session is opened from anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn it_survives_the_file_and_finds_a_moved_model() {
        let dir = tempfile::tempdir().unwrap();
        let mut doc = testing::document(5);
        doc.is_sample = false;
        doc.filter.text = "op:Conv".into();
        let mut session = SessionFile::of(&doc).unwrap();
        let path = dir.path().join("a.qlsession");
        std::fs::write(&path, session.to_json()).unwrap();
        assert_eq!(SessionFile::read(&path).unwrap(), session);
        assert_eq!(session.config().unwrap(), *doc.config);
        session.model = Some("/no/such/folder/net.onnx".into());
        std::fs::write(&path, session.to_json()).unwrap();
        std::fs::write(dir.path().join("net.onnx"), b"").unwrap();
        assert_eq!(SessionFile::read(&path).unwrap().model, Some(dir.path().join("net.onnx")));
    }

    #[test]
    fn a_file_without_a_second_page_is_one_of_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.qlsession");
        let mut doc = testing::document(5);
        let alone = SessionFile::of(&doc).unwrap();
        assert!(!alone.to_json().contains("beside"), "what older programs read, they can go on reading");
        std::fs::write(&path, alone.to_json()).unwrap();
        assert_eq!(SessionFile::read(&path).unwrap().beside, None);
        doc.pages.split();
        let split = SessionFile::of(&doc).unwrap();
        std::fs::write(&path, split.to_json()).unwrap();
        assert_eq!(SessionFile::read(&path).unwrap().beside, doc.pages.beside);
    }

    #[test]
    fn what_is_no_session_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.qlsession");
        for text in ["", "{}", "{\"schema\":\"quantlens-config/1\"}"] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", SessionFile::read(&path).unwrap_err());
            assert!(error.contains("b.qlsession"), "{error}");
        }
        assert!(SessionFile::of(&Document::new()).is_none());
    }
}
