//! The filter's text field: what is typed is the filter at once; what is not understood is underlined and explained,
//! and the rows stay as they were.

use egui::{Color32, Rect, RichText, TextEdit, Ui, WidgetInfo, vec2};
use quantlens_analysis::t;

use crate::{
    command::{Command, Commands},
    document::Document,
    filter::Query,
    theme,
};

/// What the field remembers between frames.
#[derive(Clone, Debug, Default)]
pub(super) struct FilterBox {
    /// The text being typed; the document's filter may lag a frame behind.
    text: String,
    /// The document's text when `text` was last taken from it.
    seen: String,
}

/// Id of the filter's text field, for the command that moves the keyboard there.
pub fn filter_id() -> egui::Id {
    egui::Id::unique("layer filter")
}

/// Draws the field, the button that clears it, and below them what is wrong with the text.
pub(super) fn filter_ui(ui: &mut Ui, doc: &Document, state: &mut FilterBox, send: &mut Commands) {
    if state.seen != doc.filter.text {
        state.seen.clone_from(&doc.filter.text);
        state.text.clone_from(&doc.filter.text);
    }
    let tokens = theme::tokens(ui);
    let has_text = !state.text.is_empty();
    let clear = if has_text { theme::ROW_HEIGHT + theme::GRID } else { 0.0 };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GRID;
        let field = TextEdit::singleline(&mut state.text)
            .id(filter_id())
            .hint_text(t!("Filter, e.g. op:Conv sqnr<20"))
            .desired_width(ui.available_width() - clear)
            .min_size(vec2(0.0, theme::ROW_HEIGHT))
            .align(egui::Align2::LEFT_CENTER);
        let response = ui.add(field);
        response.widget_info(|| WidgetInfo::text_edit(true, "", &state.text, t!("Filter layers")));
        // A hint is a placeholder to a screen reader, which is gone once something is typed.
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(t!("Filter layers")));
        if doc.filter.error.is_some() {
            underline(ui, response.rect, &state.text, tokens.failure);
        }
        if response.changed() {
            state.seen.clone_from(&state.text);
            send.push(Command::SetFilter(state.text.clone()));
        }
        response.on_hover_ui(help_ui);
        if has_text {
            let button = ui.add(egui::Button::new("×").min_size(vec2(theme::ROW_HEIGHT, theme::ROW_HEIGHT)));
            button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, t!("Clear filter")));
            if button.on_hover_text(t!("Clear filter")).clicked() {
                send.push(Command::SetFilter(String::new()));
            }
        }
    });
    if let Some(error) = &doc.filter.error {
        ui.label(RichText::new(error).color(tokens.failure).small());
    }
}

/// A line under the part of the text that is not understood; under all of it where the place is not known.
fn underline(ui: &Ui, field: Rect, text: &str, colour: Color32) {
    let range = Query::parse_at(text).err().map_or(0..text.len(), |error| error.range);
    let font = egui::TextStyle::Body.resolve(ui.style());
    let width = |part: &str| ui.painter().layout_no_wrap(part.to_owned(), font.clone(), colour).size().x;
    let left = field.left() + theme::GRID + width(text.get(..range.start).unwrap_or_default());
    let right = (left + width(text.get(range).unwrap_or(text))).min(field.right());
    ui.painter().hline(left..=right, field.bottom() - 3.0, (2.0, colour));
}

fn help_ui(ui: &mut Ui) {
    ui.set_max_width(320.0);
    ui.label(t!("Words match name and operator; all terms must hold."));
    egui::Grid::new("filter help").spacing(vec2(12.0, 2.0)).show(ui, |ui| {
        for (term, meaning) in [
            ("op:Conv", t!("this operator")),
            ("bits:4  w:8  a:float", t!("a format, of weights, of output")),
            ("sqnr<20  local<20", t!("accumulated, local error in dB")),
            ("clip>1%  size>10k", t!("clipped share, size")),
            ("cosine<0.99  max>1", t!("cosine, largest error")),
            ("is:edited  is:float", t!("edited, not quantized")),
            ("is:fixed  is:shared", t!("not editable, one setting for several")),
            ("is:differs", t!("set otherwise than in the pinned baseline")),
            ("-name", t!("not this")),
        ] {
            ui.monospace(term);
            ui.label(meaning);
            ui.end_row();
        }
    });
}
