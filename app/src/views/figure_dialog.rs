//! How a figure leaves the program: which one, as what kind of file, how large, in which colours; with what comes of it.

use std::path::Path;

use egui::{Button, ComboBox, DragValue, Grid, Id, Key, Label, Modal, RichText, TextEdit, Ui, WidgetInfo};
use quantlens_analysis::{
    report::{FeatureMaps, LayerArithmetic, LayerDetail, LayerErrors, Report, Sweep},
    t,
};

use super::{
    ViewStates, dialogs,
    figures::{shown_data, shown_pictures},
};
use crate::{
    command::{Command, Commands, Dialog, FigureCommand, FigureDialog},
    document::{Document, Page},
    figure::{
        FigureChoice, FigureData, Picture,
        choice::{Format, Unit},
    },
    format,
    memo::{Memo, Same},
    theme::{self, GRID},
};

mod preview;

use preview::Preview;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct FigureDialogState {
    offer: Memo<Offered, Offer>,
}

/// What an offer is made of: while the dialog is open, only new numbers and other choices change it.
#[derive(Clone, Debug, PartialEq)]
struct Offered {
    place: usize,
    choice: FigureChoice,
    page: Page,
    report: Option<Same<Report>>,
    detail: Option<Same<LayerDetail>>,
    errors: Option<Same<LayerErrors>>,
    maps: Option<Same<FeatureMaps>>,
    arithmetic: Option<Same<LayerArithmetic>>,
    sweep: Option<Same<Sweep>>,
    previews: usize,
}

/// What can be exported, and what comes of it.
#[derive(Clone, Debug, Default)]
struct Offer {
    /// The page's figures.
    titles: Vec<String>,
    /// The chosen one cannot be given a size.
    has_own_size: bool,
    /// Pixels of a PNG, or why there can be none.
    pixels: Option<Result<(u32, u32), String>>,
    preview: Option<Preview>,
    /// How many numbers a table has, and which.
    numbers: String,
}

impl Offer {
    fn of(ctx: &egui::Context, doc: &Document, views: &ViewStates, key: &Offered) -> Self {
        let options = key.choice.options(Format::Png);
        let pictures = shown_pictures(doc, views, options.theme);
        let picture = pictures.get(key.place);
        Self {
            titles: pictures.iter().map(Picture::name).collect(),
            has_own_size: picture.is_some_and(Picture::has_own_size),
            pixels: picture.map(|picture| picture.size(&options).map_err(|error| format!("{error:#}"))),
            preview: picture.and_then(|picture| Preview::of(ctx, picture, options)),
            numbers: shown_data(doc, views, key.place).map_or_else(String::new, |data| words(&data)),
        }
    }
}

/// "22 rows: series, shape, name".
fn words(data: &FigureData) -> String {
    let lists = data.lists.iter().map(|(name, _)| t!("{} (JSON only)", name));
    let columns: Vec<String> = data.columns.iter().map(|name| (*name).to_owned()).chain(lists).collect();
    t!("{}: {}", format::plural(data.rows.len(), "row"), columns.join(", "))
}

fn offered(doc: &Document, place: usize) -> Offered {
    Offered {
        place,
        choice: doc.settings.figure,
        page: doc.pages.page,
        report: doc.report.value.clone().map(Same),
        detail: doc.detail.value.clone().map(Same),
        errors: doc.errors.value.clone().map(Same),
        maps: doc.maps.value.clone().map(Same),
        arithmetic: doc.arithmetic.value.clone().map(Same),
        sweep: doc.sweep.result().cloned().map(Same),
        previews: doc.previews.count(),
    }
}

/// Draws the dialog.
pub fn figure_dialog_ui(
    ctx: &egui::Context,
    doc: &Document,
    dialog: &FigureDialog,
    views: &mut ViewStates,
    send: &mut Commands,
) {
    let mut state = std::mem::take(&mut views.figure_dialog);
    let offer = state.offer.get(offered(doc, dialog.place), |key| Offer::of(ctx, doc, views, key));
    let modal = Modal::new(Id::unique("figure dialog")).frame(dialogs::dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(560.0_f32.min(ctx.content_rect().width() - 60.0));
        ui.heading(t!("Export figure"));
        ui.add_space(2.0 * GRID);
        if offer.titles.is_empty() {
            ui.label(t!("The figure is not there any more"));
        }
        if let Some(preview) = &offer.preview {
            // The rows below need some 330 points.
            preview.ui(ui, (ctx.content_rect().height() - 400.0).clamp(120.0, 300.0), doc.settings.figure.transparent);
        }
        ui.add_space(2.0 * GRID);
        choices_ui(ui, doc, dialog, offer, send);
        file_ui(ui, doc, dialog, offer, send);
    });
    if modal.should_close() {
        send.push(Command::CloseDialog);
    }
    views.figure_dialog = state;
}

fn choices_ui(ui: &mut Ui, doc: &Document, dialog: &FigureDialog, offer: &Offer, send: &mut Commands) {
    let old = doc.settings.figure;
    let mut new = old;
    Grid::new("figure choices").num_columns(2).spacing([16.0, 8.0]).show(ui, |ui| {
        if offer.titles.len() > 1 {
            which_ui(ui, dialog, &offer.titles, send);
        }
        ui.label(t!("Format"));
        format_ui(ui, &mut new.format);
        if new.format.is_data() {
            ui.label(t!("Content"));
            ui.add(Label::new(RichText::new(&offer.numbers).weak()).wrap());
            ui.end_row();
            return;
        }
        size_ui(ui, &mut new, offer);
        ui.label(t!("Resolution"));
        ui.horizontal(|ui| {
            for scale in 1..=3 {
                ui.selectable_value(&mut new.scale, scale, format!("{scale}×"));
            }
            match &offer.pixels {
                Some(Ok((width, height))) => ui.weak(t!("{} × {} pixels as PNG and on the clipboard", width, height)),
                Some(Err(error)) => ui.colored_label(theme::tokens(ui).warning, error),
                None => ui.label(""),
            };
        });
        ui.end_row();
        ui.label(t!("Colours"));
        ui.horizontal(|ui| {
            ui.selectable_value(&mut new.dark, false, t!("Light"));
            ui.selectable_value(&mut new.dark, true, t!("Dark"));
            ui.separator();
            ui.checkbox(&mut new.transparent, t!("Transparent background"));
        });
        ui.end_row();
    });
    if new != old {
        if new.format != old.format {
            let path = renamed(&dialog.path, new.format);
            send.push(Command::ShowDialog(Dialog::Figure(FigureDialog { path, ..dialog.clone() })));
        }
        send.push(Command::SetSettings(crate::document::Settings { figure: new, ..doc.settings.clone() }));
    }
}

/// Pictures, and behind a line numbers.
fn format_ui(ui: &mut Ui, format: &mut Format) {
    ui.horizontal(|ui| {
        for (choice, hint) in [
            (Format::Svg, t!("Lines and letters, sharp at every size")),
            (Format::Png, t!("Pixels")),
            (Format::Csv, t!("The numbers as a table")),
            (Format::Json, t!("The numbers with all that belongs to them")),
        ] {
            if choice == Format::Csv {
                ui.separator();
            }
            ui.selectable_value(format, choice, choice.extension().to_uppercase()).on_hover_text(hint);
        }
    });
    ui.end_row();
}

/// Pages have up to a hundred figures.
fn which_ui(ui: &mut Ui, dialog: &FigureDialog, titles: &[String], send: &mut Commands) {
    ui.label(t!("Figure"));
    let shown = titles.get(dialog.place).map_or("", String::as_str);
    let width = ui.available_width().min(400.0);
    let response =
        ComboBox::from_id_salt("which figure").width(width).truncate().selected_text(shown).show_ui(ui, |ui| {
            for (place, title) in titles.iter().enumerate() {
                if ui.selectable_label(place == dialog.place, title).clicked() {
                    send.push(Command::ShowDialog(Dialog::Figure(FigureDialog { place, ..dialog.clone() })));
                }
            }
        });
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, t!("Figure")));
    ui.end_row();
}

fn size_ui(ui: &mut Ui, new: &mut FigureChoice, offer: &Offer) {
    ui.label(t!("Size"));
    if offer.has_own_size {
        ui.weak(t!("that of the drawing"));
        return ui.end_row();
    }
    ui.horizontal(|ui| {
        let [widths, heights] = new.limits();
        for (name, value, limits) in [(t!("Width"), &mut new.width, widths), (t!("Height"), &mut new.height, heights)] {
            if name == t!("Height") {
                ui.label("×");
            }
            let drag = DragValue::new(value).range(limits.0..=limits.1).max_decimals(0).update_while_editing(false);
            let response = ui.add(drag);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::SpinButton, true, name));
            response.on_hover_text(format!("{name}: {} … {}", limits.0, limits.1));
        }
        ui.add_space(2.0 * GRID);
        for (unit, name, hint) in [
            (Unit::Pixels, t!("px"), t!("Pixels at 1×, 96 of them an inch")),
            (Unit::Millimetres, t!("mm"), t!("Millimetres on paper")),
        ] {
            if ui.add(Button::selectable(new.unit == unit, name)).on_hover_text(hint).clicked() {
                *new = new.in_unit(unit);
            }
        }
    });
    ui.end_row();
}

/// The path with the ending of another format, where it had one of ours.
fn renamed(path: &str, format: Format) -> String {
    let old = Path::new(path.trim());
    match Format::of(old) {
        Some(_) => old.with_extension(format.extension()).display().to_string(),
        None => path.to_owned(),
    }
}

fn file_ui(ui: &mut Ui, doc: &Document, dialog: &FigureDialog, offer: &Offer, send: &mut Commands) {
    let mut path = dialog.path.clone();
    let field_id = Id::unique("figure path field");
    ui.add_space(GRID);
    ui.horizontal(|ui| {
        let label = ui.label(t!("File"));
        let field = TextEdit::singleline(&mut path).id(field_id).desired_width(ui.available_width() - 100.0);
        ui.add(field).labelled_by(label.id);
        if ui.button(t!("Browse…")).clicked() {
            send.push(Command::Figure(FigureCommand::Browse));
        }
    });
    let target = Path::new(path.trim());
    if let Some(error) = &dialog.error {
        ui.colored_label(theme::tokens(ui).failure, format!("✗ {error}"));
    } else if let Some(format) = Format::of(target).filter(|format| *format != doc.settings.figure.format) {
        ui.weak(t!("Its name makes it {}", format.extension().to_uppercase()));
    } else if target.exists() {
        ui.weak(t!("A file of this name exists; it will be replaced"));
    }
    dialogs::buttons(ui, |ui| {
        let can = !path.trim().is_empty() && !offer.titles.is_empty();
        // Enter does what the first button does, unless another one has the keyboard.
        let is_free = ui.memory(|memory| memory.focused()).is_none_or(|focused| focused == field_id);
        let entered = can && is_free && ui.input(|input| input.key_pressed(Key::Enter));
        if ui.add_enabled(can, Button::new(t!("Export"))).clicked() || entered {
            send.push(Command::Figure(FigureCommand::Save(target.to_path_buf())));
        }
        if doc.settings.figure.format.is_data() {
            if ui.add_enabled(can, Button::new(t!("Copy data"))).clicked() {
                send.push(Command::Figure(FigureCommand::CopyData(dialog.place)));
                send.push(Command::CloseDialog);
            }
        } else if ui.add_enabled(matches!(offer.pixels, Some(Ok(_))), Button::new(t!("Copy image"))).clicked() {
            send.push(Command::Figure(FigureCommand::Copy(dialog.place)));
            send.push(Command::CloseDialog);
        }
        if ui.button(t!("Cancel")).clicked() {
            send.push(Command::CloseDialog);
        }
    });
    if path != dialog.path {
        send.push(Command::ShowDialog(Dialog::Figure(FigureDialog { path, error: None, ..dialog.clone() })));
    }
}
