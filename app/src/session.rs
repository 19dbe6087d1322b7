//! What is kept between runs: settings, panels, recent files, and the unsaved configuration of a run that crashed.
//!
//! A stored value of another version, or a damaged one, is as good as none: a session is never a reason to fail.

use std::path::PathBuf;

use quantlens_analysis::config::QuantConfig;
use serde::{Deserialize, Serialize};

use crate::document::{Document, KeptPins, PageState, RecentCurve, Settings};

/// Version of [`Session`]; another one is not read.
const VERSION: u32 = 1;
/// The key it is stored under.
const KEY: &str = "quantlens-session";

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    version: u32,
    /// What the user prefers.
    pub settings: Settings,
    /// The page and the open panels.
    pub pages: PageState,
    /// Recently opened models, newest first.
    pub recent: Vec<PathBuf>,
    /// Their drift, for the welcome page.
    #[serde(default)]
    pub recent_curves: Vec<RecentCurve>,
    /// The sample's tour has been shown.
    pub tour_seen: bool,
    /// Pinned configurations, by model.
    #[serde(default)]
    pub pins: Vec<KeptPins>,
    /// Edits that were not saved when the program last stored its session; none after a clean end.
    pub unsaved: Option<Unsaved>,
}

/// Edits that would be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unsaved {
    /// The model they belong to.
    pub model: PathBuf,
    /// The configuration, as its file would be.
    pub config: String,
}

impl Session {
    /// What the document holds; `clean` is true when the window closes because the user wants it.
    pub fn of(doc: &Document, clean: bool) -> Self {
        let unsaved = || {
            let model = doc.model.as_ref().filter(|_| doc.has_unsaved_edits() && !doc.is_sample)?;
            Some(Unsaved { model: model.path.clone(), config: doc.config.to_json() })
        };
        Self {
            version: VERSION,
            settings: doc.settings.clone(),
            pages: doc.pages.clone(),
            recent: doc.recent.clone(),
            recent_curves: doc.recent_curves.clone(),
            tour_seen: doc.tour_seen,
            pins: crate::apply::pins::all_kept(doc),
            unsaved: if clean { None } else { unsaved() },
        }
    }

    /// The stored session; `None` at the first start.
    pub fn load(storage: &dyn eframe::Storage) -> Option<Self> {
        let text = storage.get_string(KEY)?;
        serde_json::from_str::<Self>(&text).ok().filter(|session| session.version == VERSION)
    }

    /// Stores it.
    pub fn save(&self, storage: &mut dyn eframe::Storage) {
        if let Ok(text) = serde_json::to_string(self) {
            storage.set_string(KEY, text);
        }
    }

    /// Puts it into a document at start.
    pub fn restore(&self, doc: &mut Document) {
        doc.settings = self.settings.clone();
        doc.pages = self.pages.clone();
        doc.recent.clone_from(&self.recent);
        doc.recent_curves.clone_from(&self.recent_curves);
        doc.tour_seen = self.tour_seen;
        doc.kept_pins.clone_from(&self.pins);
    }
}

impl Unsaved {
    /// The configuration; `None` where its text is not one any more.
    pub fn read(&self) -> Option<QuantConfig> {
        QuantConfig::from_json(&self.config, "the last session").ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default)]
    struct Memory(BTreeMap<String, String>);

    impl eframe::Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }

        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.into(), value);
        }

        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn a_session_comes_back_and_edits_only_after_a_crash() {
        let mut doc = crate::testing::document(4);
        doc.recent = vec!["a.onnx".into()];
        doc.pages.inspector = false;
        let mut config = QuantConfig::default();
        config.edit_layer("conv1", |s| s.weight_bits = Some(quantlens_analysis::quant::Bits::Int(4)));
        doc.config = std::sync::Arc::new(config.clone());
        let mut storage = Memory::default();
        Session::of(&doc, false).save(&mut storage);
        let session = Session::load(&storage).unwrap();
        assert_eq!(session.unsaved.as_ref().and_then(Unsaved::read), Some(config));
        let mut fresh = Document::new();
        session.restore(&mut fresh);
        assert_eq!((fresh.recent, fresh.pages.inspector), (doc.recent.clone(), false));
        assert_eq!(Session::of(&doc, true).unsaved, None);
    }

    #[test]
    fn a_damaged_session_is_none() {
        let mut storage = Memory::default();
        assert!(Session::load(&storage).is_none());
        for text in ["{", "{\"version\":99}", "[]"] {
            eframe::Storage::set_string(&mut storage, KEY, text.into());
            assert!(Session::load(&storage).is_none(), "{text}");
        }
    }
}
