//! Models, samples, configurations: what is opened and what that makes invalid.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use quantlens_analysis::{
    data::{DataSource, Recipe},
    report::Report,
    say,
};

use super::{Effect, Effects, begin, notify::notice};
use crate::{
    command::Command,
    document::{Document, Level, RecentCurve},
    worker::{DataChoice, ModelSource, Request},
};

/// Files on the recent list.
const RECENT: usize = 10;

pub(super) fn apply(doc: &mut Document, command: Command, out: &mut Effects) {
    match command {
        Command::OpenModel(path) => open(doc, ModelSource::Path(path), out),
        Command::OpenSample => open(doc, ModelSource::Sample, out),
        Command::OpenAny(path) => open_any(doc, path, out),
        Command::OpenData(source) => read_data(doc, DataChoice::Source(source), None, out),
        Command::OpenConfig(path) => out.push(Effect::ReadConfig(path)),
        Command::OpenSession(path) => out.push(Effect::ReadSession(path)),
        Command::SaveSession(path) => out.push(Effect::SaveSession(path)),
        Command::SaveConfig(path) => {
            out.push(Effect::SaveConfig { path, config: Arc::clone(&doc.config), then_close: false });
        }
        Command::ForgetRecent(path) => doc.recent.retain(|recent| *recent != path),
        Command::SetRecipe(recipe) => reread_data(doc, Some(recipe), out),
        Command::ConfirmRecipe => doc.recipe_confirmed = true,
        Command::SetSamples(samples) => {
            doc.settings.samples = samples;
            reread_data(doc, None, out);
        }
        Command::TryRecipes => begin(doc, Request::Recipes, out),
        _ => {}
    }
}

pub(super) fn open(doc: &mut Document, source: ModelSource, out: &mut Effects) {
    doc.failure = None;
    doc.opening = Some(source.clone());
    // Of a model that is not opened after all.
    doc.wanted_session = None;
    let memory_budget_bytes = doc.memory_budget_bytes();
    begin(doc, Request::Open { source, memory_budget_bytes }, out);
}

fn read_data(doc: &mut Document, source: DataChoice, recipe: Option<Recipe>, out: &mut Effects) {
    if doc.model.is_none() {
        doc.wanted_data = Some(source);
        return notice(doc, Level::Info, say!("The samples will be used once a model is open"), "");
    }
    // A recipe given by hand is right until the samples change.
    doc.recipe_confirmed = recipe.is_some();
    doc.data_choice = Some(source.clone());
    let samples = doc.settings.samples;
    begin(doc, Request::Data { source, recipe, samples }, out);
}

/// Reads the samples in use again, with another recipe or another number of them.
pub(super) fn reread_data(doc: &mut Document, recipe: Option<Recipe>, out: &mut Effects) {
    if let Some(source) = doc.data_choice.clone() {
        let recipe = recipe.or_else(|| doc.recipe_given.clone());
        doc.recipe_given.clone_from(&recipe);
        read_data(doc, source, recipe, out);
    }
}

/// Opens whatever lies at `path`, by its name: dropped and typed paths need no menu.
fn open_any(doc: &mut Document, path: PathBuf, out: &mut Effects) {
    match kind(&path) {
        Kind::Model => open(doc, ModelSource::Path(path), out),
        Kind::Config => out.push(Effect::ReadConfig(path)),
        Kind::Session => out.push(Effect::ReadSession(path)),
        Kind::Data => {
            doc.recipe_given = None;
            read_data(doc, DataChoice::Source(DataSource::Path(path)), None, out);
        }
        Kind::Unknown => {
            let name = path.display();
            let text = say!("{}: not a model, samples or a configuration", name);
            notice(
                doc,
                Level::Failure,
                text,
                say!(
                    "Models end in .onnx; samples are a folder, an .npz or .npy file or a picture's folder; \
                 configurations end in .quantlens.json."
                ),
            );
        }
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    Data,
    Config,
    Session,
    Unknown,
}

fn kind(path: &Path) -> Kind {
    if path.is_dir() {
        return Kind::Data;
    }
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("onnx" | "ort" | "pb" | "onnx_data") => Kind::Model,
        Some("npz" | "npy") => Kind::Data,
        Some("json") => Kind::Config,
        Some(crate::session_file::EXTENSION) => Kind::Session,
        // A model may have any name; opening it says what it is.
        None if path.is_file() => Kind::Model,
        _ => Kind::Unknown,
    }
}

/// Puts a model on top of the recent list.
pub(super) fn remember(doc: &mut Document, path: &Path) {
    doc.recent.retain(|recent| recent != path);
    doc.recent.insert(0, path.to_path_buf());
    doc.recent.truncate(RECENT);
}

/// Keeps the drift of an open model for the welcome page, as long as the model is on the recent list.
pub(super) fn remember_curve(doc: &mut Document, report: &Report) {
    let Some(path) = doc.model.as_ref().map(|model| model.path.clone()).filter(|path| doc.recent.contains(path)) else {
        return;
    };
    let recent = &doc.recent;
    doc.recent_curves.retain(|curve| curve.path != path && recent.contains(&curve.path));
    doc.recent_curves.push(RecentCurve::of(&path, report));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(kind(dir.path()), Kind::Data);
        assert_eq!(kind(Path::new("a/NET.ONNX")), Kind::Model);
        assert_eq!(kind(Path::new("a/dev.npz")), Kind::Data);
        assert_eq!(kind(Path::new("a/net.quantlens.json")), Kind::Config);
        assert_eq!(kind(Path::new("a/notes.docx")), Kind::Unknown);
    }

    #[test]
    fn the_recent_list_is_short_and_has_no_doubles() {
        let mut doc = Document::new();
        for i in 0..15 {
            remember(&mut doc, Path::new(&format!("{i}.onnx")));
        }
        remember(&mut doc, Path::new("9.onnx"));
        assert_eq!(doc.recent.len(), RECENT);
        assert_eq!(doc.recent[..2], [PathBuf::from("9.onnx"), PathBuf::from("14.onnx")]);
    }
}
