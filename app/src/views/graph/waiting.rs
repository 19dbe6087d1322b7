//! What stands on the page while there is no drawing: what is being done or was stopped, and the way on.

use egui::{ProgressBar, Ui, WidgetInfo};
use quantlens_analysis::t;

use crate::{
    command::{Command, Commands, GraphCommand},
    document::{Document, Drafting},
    format,
    widgets::{EmptyState, empty_state},
};

/// Draws the page without a drawing.
pub(super) fn waiting_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    match (&doc.model, &doc.graph.running) {
        (None, _) => {
            let words =
                EmptyState { title: t!("No model is open"), reason: t!("Its layers will stand here as cards.") };
            empty_state(ui, words, |_| ());
        }
        (Some(_), Some(running)) => running_ui(ui, running, doc.now, send),
        (Some(_), None) => {
            let layers = format::plural(doc.layers().len(), "layer");
            let reason = t!("Drawing {} was stopped. The other pages do not need it.", layers);
            empty_state(ui, EmptyState { title: t!("The graph is not drawn"), reason: &reason }, |ui| {
                if ui.button(t!("Lay out")).clicked() {
                    send.push(Command::Graph(GraphCommand::Draw { quick: false }));
                }
                quick_ui(ui, send);
            });
        }
    }
}

fn running_ui(ui: &mut Ui, running: &Drafting, now: f64, send: &mut Commands) {
    let cards = format::plural(running.net.cards, "card");
    let reason = t!("The table and all other pages can be used meanwhile.");
    empty_state(ui, EmptyState { title: &t!("Laying out {}…", cards), reason }, |ui| {
        let (done, all) = running.progress;
        let bar = ui.add(ProgressBar::new(done as f32 / all.max(1) as f32).desired_width(240.0));
        bar.widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, t!("Laying out")));
        if ui.button(t!("Cancel")).clicked() {
            send.push(Command::Graph(GraphCommand::Stop));
        }
        if running.is_slow(now) {
            quick_ui(ui, send);
        }
    });
}

fn quick_ui(ui: &mut Ui, send: &mut Commands) {
    let button = ui.button(t!("Draw without edge-crossing search"));
    if button.on_hover_text(t!("Sooner there, with more lines that cross")).clicked() {
        send.push(Command::Graph(GraphCommand::Draw { quick: true }));
    }
}
