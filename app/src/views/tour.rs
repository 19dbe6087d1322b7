//! The card that leads through the sample, at the foot of the window. Each step is a sentence and a button that does the real thing.

use egui::{Button, Panel, RichText, Ui, Vec2};
use quantlens_analysis::{config::Granularity, t};

use crate::{
    action::Action,
    command::{Command, Commands},
    document::Document,
    format,
    theme::{self, GRID},
    tour::TourStep,
};

/// Draws the card across the foot of the window: beside the real controls, over none of them.
pub fn tour_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let Some(step) = doc.tour.filter(|_| doc.is_sample) else { return };
    let accent = theme::tokens(ui).accent;
    let frame = egui::Frame::side_top_panel(ui.style()).inner_margin(egui::Margin::symmetric(12, 8));
    Panel::bottom("tour").frame(frame).show(ui, |ui| {
        let edge = ui.max_rect().expand2(Vec2::new(12.0, 8.0));
        ui.painter().hline(edge.x_range(), edge.top() + 1.0, egui::Stroke::new(2.0, accent));
        head_ui(ui, doc, step, send);
        ui.add(egui::Label::new(sentence(doc, step)).wrap());
        ui.add_space(GRID);
        ui.horizontal(|ui| buttons_ui(ui, doc, step, send));
    });
}

fn head_ui(ui: &mut Ui, doc: &Document, step: TourStep, send: &mut Commands) {
    ui.horizontal(|ui| {
        let title = match step {
            TourStep::Cliff if doc.is_as_accurate_as_float() => t!("① The curve no longer falls"),
            TourStep::Cliff => t!("① The curve falls here"),
            TourStep::Channel => t!("② One channel does it"),
            TourStep::Fix => t!("③ Give each channel its own scale"),
            TourStep::Export => t!("④ Export and verify"),
        };
        ui.label(RichText::new(title).strong().size(15.0));
        ui.weak(t!("step {} of {}", step.number(), TourStep::ALL.len()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let close = ui.add(Button::new("✕").frame(false)).on_hover_text(t!("End the tour"));
            close.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, t!("End the tour")));
            if close.clicked() {
                send.push(Command::Tour(None));
            }
        });
    });
}

fn sentence(doc: &Document, step: TourStep) -> String {
    let layer = subject(doc, step).unwrap_or_else(|| t!("one layer").into());
    let score = doc.report.value.as_ref().map(|report| &report.score);
    let accuracy = |share: Option<_>| share.map_or_else(|| format::UNKNOWN.to_owned(), format::share_percent);
    let (float, now) =
        score.map_or((String::new(), String::new()), |s| (accuracy(s.float_accuracy), accuracy(s.accuracy)));
    match step {
        TourStep::Cliff if doc.is_as_accurate_as_float() => t!(
            "This configuration has {}, float has {}: what made the curve fall is mended. Undo takes it back; \
             what is left is to export it.",
            now,
            float
        ),
        TourStep::Cliff => t!(
            "At 8 bits this network drops from {} to {}. The strip above shows the error over depth: it jumps at {}.",
            float,
            now,
            layer
        ),
        TourStep::Channel => t!(
            "One channel of {} spans far more than the others. With one scale for the whole weight, \
             the others are left with a few steps.",
            layer
        ),
        TourStep::Fix => t!(
            "Switch {} to one scale a channel. The table, the curve and the score follow at once, and one Undo \
             takes it back. Accuracy now: {}.",
            layer,
            now
        ),
        TourStep::Export => t!(
            "Accuracy is {}, float has {}. Export writes this very configuration, runs the file in \
             ONNX Runtime and compares it with what you see.",
            now,
            float
        ),
    }
}

/// The layer a step speaks of. Once it is selected it stays the subject: mending it moves the cliff elsewhere.
fn subject(doc: &Document, step: TourStep) -> Option<String> {
    let cliff = || doc.cliff().map(|layer| layer.name.clone());
    if step == TourStep::Cliff { cliff() } else { doc.selection.anchor.clone().or_else(cliff) }
}

fn buttons_ui(ui: &mut Ui, doc: &Document, step: TourStep, send: &mut Commands) {
    match (step, subject(doc, step)) {
        (TourStep::Cliff, _) if doc.is_as_accurate_as_float() => {
            if go(ui, t!("To the export")) {
                send.push(Command::Tour(Some(TourStep::Export)));
            }
        }
        (TourStep::Cliff, Some(layer)) => {
            if go(ui, &t!("Show {}", layer)) {
                send.push(Command::Tour(Some(TourStep::Channel)));
            }
        }
        (TourStep::Channel, Some(_)) => {
            if go(ui, t!("How to mend it")) {
                send.push(Command::Tour(Some(TourStep::Fix)));
            }
        }
        (TourStep::Fix, _) => fix_ui(ui, doc, send),
        (TourStep::Export, _) => {
            if go(ui, t!("Export and verify…")) {
                send.push(Command::Tour(None));
                send.run(Action::Export);
            }
        }
        (_, None) => {
            ui.weak(t!("Waiting for the numbers"));
        }
    }
}

/// Mends the layer that is selected since the step before: by now the cliff may already be somewhere else.
fn fix_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let layers = doc.selected_names();
    let is_done = !layers.is_empty()
        && layers.iter().all(|layer| {
            let settings = doc.config.layers.get(layer);
            settings.is_some_and(|settings| settings.granularity == Some(Granularity::PerChannel))
        });
    if is_done {
        if go(ui, t!("Next")) {
            send.push(Command::Tour(Some(TourStep::Export)));
        }
    } else if layers.is_empty() {
        if go(ui, t!("Select the layer")) {
            send.push(Command::Tour(Some(TourStep::Channel)));
        }
    } else if go(ui, t!("Switch to per channel")) {
        send.push(Command::SetGranularity { layers, granularity: Granularity::PerChannel });
    }
}

fn go(ui: &mut Ui, text: &str) -> bool {
    let t = theme::tokens(ui);
    ui.add(Button::new(RichText::new(text).color(t.on_accent).strong()).fill(t.accent)).clicked()
}
