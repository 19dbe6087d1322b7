//! What is asked: which question, which quantizers, which widths; and how far the answer is.

use egui::{Button, ComboBox, RichText, Ui, WidgetInfo};
use quantlens_analysis::{quant::Bits, report::Sweep, sensitivity::SweepKind, t};

use crate::{
    command::{Command, Commands, SweepCommand},
    document::{Document, SweepView},
    format, theme,
};

fn ask(send: &mut Commands, command: SweepCommand) {
    send.push(Command::Sweep(command));
}

/// Two lines: the choices with the button, and what is on screen.
pub(super) fn controls_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let sweep = &doc.sweep;
    ui.horizontal_wrapped(|ui| {
        for (view, title, hint) in [
            (SweepView::Sensitivity, t!("Sensitivity"), t!("Only this layer is quantized: SQNR at the outputs")),
            (SweepView::Relief, t!("Relief"), t!("Everything is quantized but this layer: gain at the outputs")),
        ] {
            if choice(ui, sweep.view == view, title).on_hover_text(hint).clicked() {
                ask(send, SweepCommand::View(view));
            }
        }
        ui.separator();
        let combo = ComboBox::from_id_salt("sweep kind").selected_text(kind_name(sweep.kind)).width(150.0);
        let shown = combo.show_ui(ui, |ui| {
            for kind in SweepKind::ALL {
                if ui.selectable_label(sweep.kind == kind, kind_name(kind)).clicked() {
                    ask(send, SweepCommand::Kind(kind));
                }
            }
        });
        let name = t!("Quantizers asked about: {}", kind_name(sweep.kind));
        shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &name));
        if sweep.view == SweepView::Sensitivity {
            widths_ui(ui, doc, send);
            let mut exact = sweep.exact;
            let hint =
                t!("Without graph optimization behind the layer, as everything else here is run: no estimates, slower");
            if ui.checkbox(&mut exact, t!("Exact")).on_hover_text(hint).changed() {
                ask(send, SweepCommand::Exact(exact));
            }
        }
        ui.separator();
        if sweep.is_running() {
            if ui.button(t!("Stop")).on_hover_text(t!("What is measured stays")).clicked() {
                send.push(Command::Cancel);
            }
        } else if sweep.running.is_some() {
            ui.add_enabled(false, Button::new(t!("Measure")))
                .on_disabled_hover_text(t!("The other question is being measured"));
        } else if ui.button(t!("Measure")).clicked() {
            ask(send, SweepCommand::Start);
        }
    });
    status_ui(ui, doc, send);
}

/// The widths to ask at, in a menu that stays open.
fn widths_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let names: Vec<String> = doc.sweep.widths.iter().map(|bits| format::bits(*bits)).collect();
    let text = t!("at {} bits", names.join(", "));
    let behaviour = egui::PopupCloseBehavior::CloseOnClickOutside;
    let combo = ComboBox::from_id_salt("sweep widths").selected_text(&text).width(130.0).close_behavior(behaviour);
    let shown = combo.show_ui(ui, |ui| {
        for bits in Bits::COMMON.into_iter().filter(|bits| !bits.is_float()) {
            let mut wanted = doc.sweep.widths.contains(&bits);
            if ui.checkbox(&mut wanted, format::bits_words(bits)).changed() {
                ask(send, SweepCommand::Width(bits, wanted));
            }
        }
    });
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, t!("Widths to ask {}", text)));
}

/// How far it is, from what, and the width on screen where several were asked.
fn status_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let weak = theme::tokens(ui).weak;
    ui.horizontal_wrapped(|ui| {
        let result = doc.sweep.result();
        let is_running = doc.sweep.is_running();
        if is_running {
            ui.spinner();
        }
        let mut text = match result {
            Some(sweep) => done_of(sweep),
            None if is_running => doc.job.as_ref().map_or_else(String::new, |job| format::sentence(&job.stage)),
            None => return,
        };
        if is_running && let Some(left) = doc.job.as_ref().and_then(|job| job.seconds_left) {
            text = t!("{} · {} left", text, format::duration(left));
        }
        ui.label(RichText::new(text).color(weak))
            .on_hover_text(t!("Layers that are measured, and over how many samples each of them"));
        let Some(sweep) = result else { return };
        if sweep.rows.iter().flat_map(|row| &row.outputs).any(|output| output.estimate) {
            ui.label(RichText::new(t!("hollow bars: estimates")).color(weak))
                .on_hover_text(t!("Behind the layer the float network ran with onnxruntime's full optimization"));
        }
        let asked: std::collections::BTreeSet<_> = sweep.rows.iter().filter_map(|row| row.bits).collect();
        if asked.len() > 1 {
            ui.separator();
            for bits in asked {
                let is_shown = doc.sweep.shown_width() == Some(bits);
                if choice(ui, is_shown, &format::bits_words(bits)).clicked() {
                    send.push(Command::Sweep(SweepCommand::Show(bits)));
                }
            }
        }
    });
}

/// "31 of 53 layers, 8 samples".
pub(super) fn done_of(sweep: &Sweep) -> String {
    let layers = if sweep.layers_done < sweep.layers_total {
        t!("{} of {}", sweep.layers_done, format::plural(sweep.layers_total, "layer"))
    } else {
        format::plural(sweep.layers_total, "layer")
    };
    t!("{}, {}", layers, format::plural(sweep.samples, "sample"))
}

/// The quantizers asked about, in words.
pub(super) fn kind_name(kind: SweepKind) -> &'static str {
    match kind {
        SweepKind::Both => t!("weights and output"),
        SweepKind::Weights => t!("weights"),
        SweepKind::Activations => t!("output"),
    }
}

fn choice(ui: &mut Ui, is_on: bool, text: &str) -> egui::Response {
    let response = ui.add(Button::selectable(is_on, text));
    response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, is_on, text));
    response
}
