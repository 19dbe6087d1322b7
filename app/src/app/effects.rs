//! What commands ask for outside the document: jobs, dialogs, files, the clipboard, closing.

use std::path::{Path, PathBuf};

use egui::{ColorImage, Context, ViewportCommand};
use quantlens_analysis::{say, text::Text};

use super::App;
use crate::{
    apply::{self, Effect, Effects},
    command::{Command, Dialog, FigureCommand},
    dialogs::{Answer, Ask, Suggestion},
    figure::{self, FigureData, Picture, choice::Format},
    files,
    session_file::{self, SessionFile},
    views::{figures, share},
};

impl App {
    pub(super) fn carry_out(&mut self, ctx: &Context, effects: Effects) {
        for effect in effects {
            self.carry_out_one(ctx, effect);
        }
    }

    fn carry_out_one(&mut self, ctx: &Context, effect: Effect) {
        match effect {
            Effect::Start(request) => {
                self.worker.ask(request, self.doc.now);
                ctx.request_repaint();
            }
            Effect::CancelJobs => self.worker.cancel(),
            Effect::CopyText(text) => ctx.copy_text(text),
            Effect::Ask(ask) => {
                let suggestion = self.suggestion(ask);
                self.dialogs.ask(ask, &suggestion, self.doc.now);
            }
            Effect::SaveConfig { path, config, then_close } => {
                let result = files::write(&path, config.to_json().as_bytes()).map_err(said);
                let mut more = Effects::new();
                apply::config_saved(&mut self.doc, &path, &config, result, &mut more, then_close);
                self.carry_out(ctx, more);
            }
            Effect::ReadConfig(path) => {
                let result = files::read_config(&path).map_err(said);
                let mut more = Effects::new();
                apply::config_read(&mut self.doc, &path, result, &mut more);
                self.carry_out(ctx, more);
            }
            Effect::ReadSession(path) => {
                let result = SessionFile::read(&path).map_err(said);
                let mut more = Effects::new();
                apply::session_read(&mut self.doc, result, &mut more);
                self.carry_out(ctx, more);
            }
            Effect::SaveSession(path) => {
                let result = self.save_session(&path).map_err(said);
                apply::session_saved(&mut self.doc, &path, result);
            }
            Effect::SaveFigure { place, path } => {
                let (path, format) = self.figure_file(path);
                let result = self.save_figure(place, &path, format).map_err(said);
                apply::figure_saved(&mut self.doc, &path, result);
            }
            Effect::CopyFigure(place) => {
                let result = self.copy_figure(ctx, place).map_err(said);
                apply::figure_copied(&mut self.doc, result);
            }
            Effect::CopyFigureData(place) => {
                let data = self.figure_data(place).map_err(said);
                let rows = data.map(|data| {
                    ctx.copy_text(data.tsv());
                    data.rows.len()
                });
                apply::figure_data_copied(&mut self.doc, rows);
            }
            Effect::SaveShare(path) => {
                let result = self.save_share(&path).map_err(said);
                let mut more = Effects::new();
                apply::share_saved(&mut self.doc, &path, result, &mut more);
                self.carry_out(ctx, more);
            }
            Effect::LayOut { net, quick } => {
                let wake = ctx.clone();
                self.layouts.start(net, quick, Box::new(move || wake.request_repaint()));
            }
            Effect::StopLayout => self.layouts.stop(),
            Effect::FocusFilter => {
                // The list may have to be opened first, so the box gets the keyboard once it is drawn.
                self.focus_filter = true;
                ctx.request_repaint();
            }
            Effect::Close => {
                self.closing = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// A dialog of the system was answered.
    pub(super) fn answered(&mut self, ctx: &Context, answer: Answer) {
        let Some(path) = answer.path else { return };
        let source = |path| quantlens_analysis::data::DataSource::Path(path);
        match answer.ask {
            Ask::OpenModel => self.apply(ctx, Command::OpenModel(path)),
            Ask::OpenImages | Ask::OpenArrays => self.apply(ctx, Command::OpenData(source(path))),
            Ask::OpenConfig => self.apply(ctx, Command::OpenConfig(path)),
            Ask::OpenTarget => self.apply(ctx, Command::SetTarget(path.display().to_string())),
            Ask::SaveConfig { then_close } => {
                let config = std::sync::Arc::clone(&self.doc.config);
                self.carry_out_one(ctx, Effect::SaveConfig { path, config, then_close });
            }
            Ask::SaveExport => self.apply(ctx, Command::Export { path }),
            Ask::SaveFigure => self.apply(ctx, Command::Figure(FigureCommand::Save(path))),
            Ask::SaveShare => self.apply(ctx, Command::SaveShare(path)),
            Ask::OpenSession => self.apply(ctx, Command::OpenSession(path)),
            Ask::SaveSession => self.apply(ctx, Command::SaveSession(path)),
        }
        ctx.request_repaint();
    }

    /// Beside the model, under its name.
    fn suggestion(&self, ask: Ask) -> Suggestion {
        let model = self.doc.model.as_ref().map(|model| model.path.clone()).unwrap_or_default();
        let stem = model.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
        let folder: Option<PathBuf> = model.parent().filter(|p| p.is_dir()).map(Path::to_path_buf);
        let file = match ask {
            Ask::SaveConfig { .. } => format!("{stem}.quantlens.json"),
            Ask::SaveExport => format!("{stem}.quantized.onnx"),
            Ask::SaveFigure => return self.figure_suggestion(folder),
            Ask::SaveShare => format!("{stem}.share.png"),
            Ask::SaveSession => format!("{stem}.{}", session_file::EXTENSION),
            Ask::OpenModel
            | Ask::OpenImages
            | Ask::OpenArrays
            | Ask::OpenConfig
            | Ask::OpenTarget
            | Ask::OpenSession => String::new(),
        };
        Suggestion { folder, file }
    }

    fn save_session(&self, path: &Path) -> anyhow::Result<()> {
        let Some(session) = SessionFile::of(&self.doc) else {
            anyhow::bail!(say!("no model is open"));
        };
        files::write(path, session.to_json().as_bytes())
    }

    fn save_share(&self, path: &Path) -> anyhow::Result<()> {
        let Some(spec) = share::share_spec(&self.doc) else {
            anyhow::bail!(say!("there are no numbers yet"));
        };
        // The file holds a PNG whatever its name says; a name without an ending would open nowhere.
        files::write(path, &figure::share::share_png(&spec, share::SIZE)?)
    }

    /// What is typed in the figure dialog, as the system's dialog takes it.
    fn figure_suggestion(&self, folder: Option<PathBuf>) -> Suggestion {
        let typed = match &self.doc.dialog {
            Some(Dialog::Figure(dialog)) => PathBuf::from(dialog.path.trim()),
            _ => PathBuf::new(),
        };
        let file = typed.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let typed = typed.parent().filter(|folder| folder.is_dir()).map(Path::to_path_buf);
        Suggestion { folder: typed.or(folder), file }
    }

    /// The file's name decides its format; one that says none gets the chosen one's ending.
    fn figure_file(&self, path: PathBuf) -> (PathBuf, Format) {
        match Format::of(&path) {
            Some(format) => (path, format),
            None => {
                let format = self.doc.settings.figure.format;
                let mut name = path.into_os_string();
                name.push(".");
                name.push(format.extension());
                (name.into(), format)
            }
        }
    }

    /// The figure as it is on screen, also while that shows the float model.
    fn picture(&mut self, place: usize) -> anyhow::Result<Picture> {
        let theme = self.doc.settings.figure.theme();
        let float = self.doc.float_view.is_shown().then(|| self.float_copies.of(&self.doc));
        let pictures = figures::shown_pictures(float.as_ref().unwrap_or(&self.doc), &self.views, theme);
        pictures.into_iter().nth(place).ok_or_else(|| anyhow::anyhow!(say!("This page has no figure")))
    }

    /// The numbers of the same.
    fn figure_data(&mut self, place: usize) -> anyhow::Result<FigureData> {
        let float = self.doc.float_view.is_shown().then(|| self.float_copies.of(&self.doc));
        let data = figures::shown_data(float.as_ref().unwrap_or(&self.doc), &self.views, place);
        data.ok_or_else(|| anyhow::anyhow!(say!("This page has no figure")))
    }

    fn save_figure(&mut self, place: usize, path: &Path, format: Format) -> anyhow::Result<()> {
        let options = self.doc.settings.figure.options(format);
        let bytes = match format {
            Format::Svg => self.picture(place)?.svg(&options)?.into_bytes(),
            Format::Png => self.picture(place)?.png(&options)?,
            Format::Csv => self.figure_data(place)?.csv().into_bytes(),
            Format::Json => self.figure_data(place)?.json().into_bytes(),
        };
        files::write(path, &bytes)
    }

    /// Gives the size of what is on the clipboard now.
    fn copy_figure(&mut self, ctx: &Context, place: usize) -> anyhow::Result<(u32, u32)> {
        let image = self.picture(place)?.image(&self.doc.settings.figure.options(Format::Png))?;
        let (width, height) = image.dimensions();
        ctx.copy_image(ColorImage::from_rgba_unmultiplied([width as usize, height as usize], image.as_raw()));
        Ok((width, height))
    }
}

/// An error with its causes, as a text that is kept.
fn said(error: anyhow::Error) -> Text {
    Text::made(move || format!("{error:#}"))
}
