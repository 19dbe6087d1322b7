//! Figures that leave the program.

use std::path::Path;

use quantlens_analysis::{say, text::Text};

use super::{Effect, Effects, notify};
use crate::{
    command::{Dialog, FigureCommand, FigureDialog},
    dialogs::Ask,
    document::{Document, Level},
    format::counted,
};

pub(super) fn apply(doc: &mut Document, command: FigureCommand, out: &mut Effects) {
    match command {
        FigureCommand::Open(place) => {
            let path = suggested(doc);
            doc.dialog = Some(Dialog::Figure(FigureDialog { place, path, error: None }));
        }
        FigureCommand::Copy(place) => out.push(Effect::CopyFigure(place)),
        FigureCommand::CopyData(place) => out.push(Effect::CopyFigureData(place)),
        FigureCommand::Browse => out.push(Effect::Ask(Ask::SaveFigure)),
        FigureCommand::Save(path) => {
            let place = match &doc.dialog {
                Some(Dialog::Figure(dialog)) => dialog.place,
                _ => 0,
            };
            out.push(Effect::SaveFigure { place, path });
        }
    }
}

/// Named after the model, the page and the layer.
fn suggested(doc: &Document) -> String {
    let page = doc.pages.page;
    let mut parts = vec![page.english().to_lowercase()];
    if let Some(layer) = doc.selection.anchor.as_deref().filter(|_| page.follows_layer()) {
        // The names of layers are paths, and have signs that names of files may not have.
        let plain = |c: char| if c.is_alphanumeric() || ".-_".contains(c) { c } else { '_' };
        parts.push(layer.chars().map(plain).collect::<String>().trim_matches(['_', '.']).to_owned());
    }
    let ending = doc.settings.figure.format.extension();
    super::run::beside_the_model(doc, |stem| format!("{stem}.{}.{ending}", parts.join(".")))
}

/// A figure was written to `path`, or could not be: then the dialog it was asked for in says so and stays.
pub fn figure_saved(doc: &mut Document, path: &Path, result: Result<(), Text>) {
    let error = result.err();
    match (&mut doc.dialog, error) {
        (Some(Dialog::Figure(dialog)), Some(error)) => {
            dialog.path = path.display().to_string();
            dialog.error = Some(error);
        }
        (_, Some(error)) => notify::notice(doc, Level::Failure, say!("The figure was not saved: {}", error), ""),
        (dialog, None) => {
            if matches!(dialog, Some(Dialog::Figure(_))) {
                *dialog = None;
            }
            notify::notice(doc, Level::Info, say!("Saved {}", path.display()), "");
        }
    }
}

/// A figure of so many pixels is on the clipboard, or could not be drawn.
pub fn figure_copied(doc: &mut Document, result: Result<(u32, u32), Text>) {
    match result {
        Ok((width, height)) => {
            notify::notice(doc, Level::Info, say!("Copied the figure, {} × {} pixels", width, height), "");
        }
        Err(error) => notify::notice(doc, Level::Failure, say!("The figure was not copied: {}", error), ""),
    }
}

/// So many lines of a figure's numbers are on the clipboard, or there is no figure.
pub fn figure_data_copied(doc: &mut Document, result: Result<usize, Text>) {
    match result {
        Ok(rows) => notify::notice(doc, Level::Info, say!("Copied the figure's numbers, {}", counted(rows, "row")), ""),
        Err(error) => notify::notice(doc, Level::Failure, say!("The figure was not copied: {}", error), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::Action,
        command::Command,
        document::Page,
        figure::choice::{FigureChoice, Format},
    };

    fn open(doc: &mut Document) -> String {
        super::super::apply(doc, Command::Run(Action::ExportFigure), &mut Effects::new());
        match &doc.dialog {
            Some(Dialog::Figure(dialog)) => dialog.path.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_named_after_what_it_shows() {
        let mut doc = crate::testing::document(4);
        doc.is_sample = false;
        doc.selection.replace(["/block/conv 1".to_owned()]);
        doc.pages.page = Page::Drift;
        assert!(open(&mut doc).ends_with(".drift.svg"));
        doc.pages.page = Page::Histogram;
        doc.settings.figure = FigureChoice { format: Format::Png, ..FigureChoice::default() };
        super::super::apply(&mut doc, Command::Figure(FigureCommand::Open(0)), &mut Effects::new());
        let Some(Dialog::Figure(dialog)) = &doc.dialog else { panic!("no dialog") };
        assert!(dialog.path.ends_with(".histogram.block_conv_1.png"), "{}", dialog.path);
    }

    #[test]
    fn a_figure_that_was_not_written_keeps_its_dialog() {
        let mut doc = crate::testing::document(4);
        doc.pages.page = Page::Drift;
        open(&mut doc);
        figure_saved(&mut doc, Path::new("no/such/folder.svg"), Err("no such folder".into()));
        let Some(Dialog::Figure(dialog)) = &doc.dialog else { panic!("no dialog") };
        assert_eq!(dialog.error.as_deref(), Some("no such folder"));
        assert!(doc.notices.is_empty(), "said once");
        figure_saved(&mut doc, Path::new("a.svg"), Ok(()));
        assert_eq!(doc.dialog, None);
        assert_eq!(doc.notices.last().unwrap().text, "Saved a.svg");
    }
}
