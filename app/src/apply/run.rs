//! The commands of the table, on what is selected. A command that is refused now says why instead of doing nothing.

use std::path::Path;

use quantlens_analysis::{
    config::Granularity,
    data::DataSource,
    quant::Bits,
    t,
    text::{Text, text},
};

use super::{Effect, Effects, apply, edit, evaluate, navigate, notify::notice, request_close};
use crate::{
    action::Action as A,
    command::{Command, Dialog, FigureCommand, PinCommand},
    copy,
    dialogs::Ask,
    document::{ColumnWidths, Document, ExportPhase, ExportState, Level, Look, Page, PanelId, ThemeChoice},
    graph_layout::walk::Along,
    palette,
    tour::TourStep,
};

/// Seed of synthetic samples: any, but always the same.
const SYNTHETIC_SEED: u64 = 1;
/// Synthetic samples of the one-click offer.
const SYNTHETIC_SAMPLES: usize = 16;

pub(super) fn run(doc: &mut Document, action: A, out: &mut Effects) {
    if let Some(reason) = action.reason(doc) {
        let words = Text::made(move || t!("{}: {}", action.title(), lower(text(reason))));
        return notice(doc, Level::Info, words, "");
    }
    if let Some(ask) = ask_of(action) {
        return out.push(Effect::Ask(ask));
    }
    if let Some(dialog) = dialog_of(action) {
        doc.dialog = Some(dialog);
        return;
    }
    match action {
        A::Undo => edit::go_to_step(doc, -1, out),
        A::Redo => edit::go_to_step(doc, 1, out),
        A::Bits(_)
        | A::Float
        | A::ToggleFloat
        | A::PerChannel
        | A::PerTensor
        | A::ResetSelected
        | A::CopyFromPin
        | A::Target(_)
        | A::SelectAll
        | A::PreviousLayer
        | A::NextLayer
        | A::ExtendUp
        | A::ExtendDown
        | A::NextMatch
        | A::PreviousMatch
        | A::NextWorse
        | A::NextBetter
        | A::NextSuspect => on_selection(doc, action, out),
        A::OpenSample => apply(doc, Command::OpenSample, out),
        A::UseSynthetic => {
            let source = DataSource::Synthetic { samples: SYNTHETIC_SAMPLES, seed: SYNTHETIC_SEED };
            apply(doc, Command::OpenData(source), out);
        }
        A::SaveConfig => match doc.config_path.clone() {
            Some(path) => apply(doc, Command::SaveConfig(path), out),
            None => out.push(Effect::Ask(Ask::SaveConfig { then_close: false })),
        },
        A::Export => open_export(doc),
        A::ShowFloat => doc.float_view.kept = !doc.float_view.kept,
        A::Recent(n) => open_recent(doc, n, out),
        A::Quit => request_close(doc, out),
        A::ExportFigure => apply(doc, Command::Figure(FigureCommand::Open(0)), out),
        A::CopyImage => apply(doc, Command::Figure(FigureCommand::Copy(0)), out),
        A::CopyData => apply(doc, Command::Figure(FigureCommand::CopyData(0)), out),
        A::CopyTsv => out.push(Effect::CopyText(copy::tsv(doc))),
        A::CopyCsv => out.push(Effect::CopyText(copy::csv(doc))),
        A::FilterLayers => {
            show_list(doc);
            out.push(Effect::FocusFilter);
        }
        A::ToggleLive => toggle_live(doc, out),
        A::EvaluateAgain => evaluate(doc, out),
        A::PinBaseline => super::pins::toggle(doc, out),
        A::Pins => doc.dialog = Some(Dialog::Pins(doc.pins.free_name())),
        A::GoBackToPin => {
            if let Some(pin) = doc.pins.baseline {
                apply(doc, Command::Pin(PinCommand::GoBack(pin)), out);
            }
        }
        A::TryRecipes => apply(doc, Command::TryRecipes, out),
        A::FrameSelection
        | A::FrameAll
        | A::FollowInput
        | A::FollowReader
        | A::FollowLong
        | A::LeftInGraph
        | A::RightInGraph
        | A::CardMenu => in_graph(doc, action, out),
        A::ShowPage(_) | A::Split | A::OtherPage => on_pages(doc, action, out),
        A::ResetColumns => doc.settings.column_widths = ColumnWidths::default(),
        A::Toggle(panel) => apply(doc, Command::TogglePanel(panel), out),
        A::Theme(choice) => set_theme(doc, choice, out),
        A::Tour => apply(doc, Command::Tour(Some(TourStep::Cliff)), out),
        A::Escape => escape(doc, out),
        // Asked above; a test walks all actions and finds one that does nothing.
        _ => {}
    }
}

/// Opens the model that stands at this place of the list, the first at 1.
fn open_recent(doc: &mut Document, place: u8, out: &mut Effects) {
    if let Some(path) = doc.recent.get(usize::from(place).wrapping_sub(1)).cloned() {
        apply(doc, Command::OpenModel(path), out);
    }
}

/// Which pages are on screen.
fn on_pages(doc: &mut Document, action: A, out: &mut Effects) {
    match action {
        A::ShowPage(page) => navigate::show_page(doc, page, out),
        A::Split => navigate::split(doc, out),
        _ => navigate::other_page(doc, out),
    }
}

/// Moves from card to card, or looks at them.
fn in_graph(doc: &mut Document, action: A, out: &mut Effects) {
    match action {
        A::FrameSelection => super::graph::look(doc, Look::Selection, out),
        A::FrameAll => super::graph::look(doc, Look::All, out),
        A::FollowInput => super::graph::follow(doc, Along::Inputs, out),
        A::FollowReader => super::graph::follow(doc, Along::Readers, out),
        A::FollowLong => super::graph::follow(doc, Along::Cut, out),
        A::LeftInGraph => super::graph::beside(doc, -1, out),
        A::RightInGraph => super::graph::beside(doc, 1, out),
        _ => super::graph::open_menu(doc, out),
    }
}

/// The system's dialog that an action does nothing but open.
fn ask_of(action: A) -> Option<Ask> {
    Some(match action {
        A::OpenModel => Ask::OpenModel,
        A::OpenImages => Ask::OpenImages,
        A::OpenArrays => Ask::OpenArrays,
        A::OpenConfig => Ask::OpenConfig,
        A::OpenTarget => Ask::OpenTarget,
        A::SaveConfigAs => Ask::SaveConfig { then_close: false },
        A::OpenSession => Ask::OpenSession,
        A::SaveSession => Ask::SaveSession,
        A::Share => Ask::SaveShare,
        _ => return None,
    })
}

/// The small window that an action does nothing but open.
fn dialog_of(action: A) -> Option<Dialog> {
    match action {
        A::OpenPath => Some(Dialog::Path(String::new())),
        A::History => Some(Dialog::History),
        A::Palette => Some(Dialog::Palette { typed: String::new(), chosen: 0 }),
        A::GoToLayer => Some(Dialog::Palette { typed: palette::LAYERS_ONLY.to_string(), chosen: 0 }),
        A::Settings => Some(Dialog::Settings),
        A::Notices => Some(Dialog::Notices),
        A::Shortcuts => Some(Dialog::Shortcuts),
        A::About => Some(Dialog::About),
        _ => None,
    }
}

/// Shows what an export would write, and where.
fn open_export(doc: &mut Document) {
    let path = suggested_export(doc);
    doc.export = Some(ExportState { path, phase: ExportPhase::Before });
}

/// Edits and moves of the selection.
fn on_selection(doc: &mut Document, action: A, out: &mut Effects) {
    let layers = doc.selected_names();
    let part = doc.target;
    match action {
        A::Bits(n) => apply(doc, Command::SetBits { layers, part, bits: Bits::Int(n) }, out),
        A::Float => apply(doc, Command::SetBits { layers, part, bits: Bits::Float }, out),
        A::ToggleFloat => edit::toggle_float(doc, &layers, out),
        A::PerChannel => apply(doc, Command::SetGranularity { layers, granularity: Granularity::PerChannel }, out),
        A::PerTensor => apply(doc, Command::SetGranularity { layers, granularity: Granularity::PerTensor }, out),
        A::ResetSelected => apply(doc, Command::ResetLayers(layers), out),
        A::CopyFromPin => {
            if let Some(pin) = doc.pins.baseline {
                apply(doc, Command::Pin(PinCommand::Copy { pin, layers }), out);
            }
        }
        A::Target(part) => doc.target = part,
        A::SelectAll => {
            let shown = doc.visible_names();
            apply(doc, Command::SelectMany(shown), out);
        }
        A::PreviousLayer => navigate::step(doc, -1, false, out),
        A::NextLayer => navigate::step(doc, 1, false, out),
        A::ExtendUp => navigate::step(doc, -1, true, out),
        A::ExtendDown => navigate::step(doc, 1, true, out),
        A::NextMatch => navigate::step_match(doc, 1, out),
        A::PreviousMatch => navigate::step_match(doc, -1, out),
        A::NextWorse => navigate::step_by_metric(doc, 1, out),
        A::NextBetter => navigate::step_by_metric(doc, -1, out),
        A::NextSuspect => navigate::next_suspect(doc, out),
        _ => {}
    }
}

fn toggle_live(doc: &mut Document, out: &mut Effects) {
    doc.live = !doc.live;
    if doc.live && doc.edits_waiting > 0 {
        evaluate(doc, out);
    }
}

fn set_theme(doc: &mut Document, choice: ThemeChoice, out: &mut Effects) {
    let settings = crate::document::Settings { theme: choice, ..doc.settings.clone() };
    apply(doc, Command::SetSettings(settings), out);
}

/// One press, one step: what is most in the way goes first.
fn escape(doc: &mut Document, out: &mut Effects) {
    if doc.dialog.is_some() {
        doc.dialog = None;
    } else if doc.export.as_ref().is_some_and(|export| !export.is_running()) {
        doc.export = None;
    } else if doc.pages.drawer.is_some() {
        doc.pages.drawer = None;
    } else if doc.float_view.kept {
        doc.float_view.kept = false;
    } else if doc.graph.running.is_some() && doc.pages.shows(Page::Graph) {
        super::graph::stop(doc, out);
    } else if doc.job.as_ref().is_some_and(|job| job.cancellable) {
        apply(doc, Command::Cancel, out);
    } else if doc.scope.is_some() {
        apply(doc, Command::ScopeSample(None), out);
    } else if !doc.filter.text.is_empty() {
        apply(doc, Command::SetFilter(String::new()), out);
    } else if !doc.selection.selected.is_empty() {
        apply(doc, Command::ClearSelection, out);
    }
}

fn show_list(doc: &mut Document) {
    if doc.pages.narrow.is_drawer(PanelId::List) {
        doc.pages.drawer = Some(crate::document::Drawer::List);
    } else {
        doc.pages.list = true;
    }
}

/// Named after the model.
fn suggested_export(doc: &Document) -> String {
    beside_the_model(doc, |stem| format!("{stem}.quantized.onnx"))
}

/// A path beside the model, by its name without the ending; the sample has no folder of its own, and gets the one that the
/// program runs in. Whole, so that a dialog says where the file will be, and a copied path is one anywhere.
pub(super) fn beside_the_model(doc: &Document, name: impl FnOnce(&str) -> String) -> String {
    let Some(model) = &doc.model else { return String::new() };
    let stem = model.path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy());
    let folder = model.path.parent().filter(|_| !doc.is_sample).unwrap_or(Path::new(""));
    let path = folder.join(name(&stem));
    std::path::absolute(&path).unwrap_or(path).display().to_string()
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
