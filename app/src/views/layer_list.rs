//! The narrow list at the left: the filter, and for each layer its name, formats and one metric with a bar.
//!
//! Bars are longer for worse on every metric, so that one glance down the list finds the bad ones whatever is chosen.

use std::sync::Arc;

use egui::{Align, Color32, ComboBox, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use quantlens_analysis::{
    metrics::Measure,
    quant::Bits,
    report::{LayerInfo, LayerRow, Report},
    t,
};

use super::{
    cells::{self, Cell, Delta, theme_of},
    drift::{report_hover, select_mode},
};
use crate::{
    command::{Command, Commands},
    document::Document,
    format,
    heat::Scale,
    memo::{Memo, Same},
    rows::Column,
    theme,
};

mod filter_box;

use filter_box::FilterBox;
pub use filter_box::filter_id;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct LayerListState {
    /// The filter's text field.
    filter: FilterBox,
    /// The selection's `reveal` that was last scrolled to.
    revealed: Option<u64>,
    /// The pointer was over a row in the last frame.
    hovering: bool,
    /// What the rows were scrolled to in the last frame, and the height that shows rows, in points.
    view: (f32, f32),
    /// How long bars are.
    scale: Memo<(Same<Report>, Column), Scale>,
}

impl LayerListState {
    /// Whether the row at `place` was wholly on screen in the last frame.
    fn shows(&self, place: usize) -> bool {
        let (offset, height) = self.view;
        let top = place as f32 * theme::ROW_HEIGHT;
        top >= offset && top + theme::ROW_HEIGHT <= offset + height
    }
}

/// The metrics that the list can show.
pub const METRICS: [Column; 6] =
    [Column::Accumulated, Column::Local, Column::Cosine, Column::MaxAbs, Column::Clipped, Column::Size];

/// Draws the list in all the space there is.
pub fn layer_list_ui(ui: &mut Ui, doc: &Document, state: &mut LayerListState, send: &mut Commands) {
    filter_box::filter_ui(ui, doc, &mut state.filter, send);
    metric_ui(ui, doc, send);
    if doc.model.is_none() {
        return;
    }
    if doc.visible.is_empty() {
        nothing_matches_ui(ui, doc, send);
        return;
    }
    if doc.report.is_dimmed(doc.now) {
        ui.multiply_opacity(theme::DIM);
    }
    rows_ui(ui, doc, state, send);
}

fn metric_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.horizontal(|ui| {
        let weak = theme::tokens(ui).weak;
        let (shown, all) = (doc.visible.len(), doc.layers().len());
        ui.label(RichText::new(t!("{} of {}", shown, all)).color(weak))
            .on_hover_text(t!("Layers that the filter shows, of all that the model has"));
        let now = doc.pages.list_metric.0;
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            let combo = ComboBox::from_id_salt("list metric").selected_text(now.title()).width(96.0);
            let response = combo.show_ui(ui, |ui| {
                for column in METRICS {
                    if ui.selectable_label(column == now, column.title()).clicked() && column != now {
                        send.push(Command::ListMetric(column));
                    }
                }
            });
            let name = t!("Metric of the bars: {}", now.title());
            response.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &name));
        });
    });
}

fn nothing_matches_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    ui.add_space(4.0 * theme::GRID);
    ui.label(t!("No layer matches {}", doc.filter.text.trim()));
    if ui.button(t!("Show all layers")).clicked() {
        send.push(Command::SetFilter(String::new()));
    }
}

fn rows_ui(ui: &mut Ui, doc: &Document, state: &mut LayerListState, send: &mut Commands) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let metric = doc.pages.list_metric.0;
    let scale = doc.report.value.as_ref().map_or_else(
        || Scale::of(metric, None, false),
        |report| {
            let key = (Same(Arc::clone(report)), metric);
            *state.scale.get(key, |(report, metric)| Scale::of(*metric, Some(&report.0), false))
        },
    );
    let stamp = doc.report.value.as_deref().and_then(cells::stamp);
    let list = List { doc, metric, scale, refines: stamp.is_some() };
    let mut area = ScrollArea::vertical().auto_shrink(false).animated(false);
    if let Some(place) = reveal(doc, state).filter(|place| !state.shows(*place)) {
        area = area.vertical_scroll_offset(offset_to_show(ui, place));
    }
    let mut hovered = None;
    let mut clicked = false;
    let output = area.show_rows(ui, theme::ROW_HEIGHT, doc.visible.len(), |ui, range| {
        for place in range {
            let Some(info) = doc.visible.get(place).and_then(|index| doc.layers().get(*index)) else { continue };
            let response = list.row_ui(ui, info, place);
            if response.contains_pointer() {
                hovered = Some(info.name.as_str());
            }
            if response.clicked() {
                let mode = select_mode(ui.input(|input| input.modifiers));
                send.push(Command::Select { layer: info.name.clone(), mode, reveal: true });
                clicked = true;
            }
        }
    });
    state.view = (output.state.clamped_offset().y, output.inner_rect.height());
    if clicked {
        // The others scroll there; a row under the pointer must not move.
        state.revealed = Some(doc.selection.reveal + 1);
    }
    report_hover(doc, &mut state.hovering, hovered, send);
}

/// The row of the selection's moving end, when it changed elsewhere since the last frame.
fn reveal(doc: &Document, state: &mut LayerListState) -> Option<usize> {
    let now = Some(doc.selection.reveal);
    if state.revealed == now {
        return None;
    }
    state.revealed = now;
    let target = doc.selection.lead.as_ref().or(doc.selection.anchor.as_ref())?;
    let layers = doc.layers();
    doc.visible.iter().position(|index| layers.get(*index).is_some_and(|layer| layer.name == *target))
}

/// Scrolls so that the row stands in the middle.
fn offset_to_show(ui: &Ui, place: usize) -> f32 {
    (place as f32 * theme::ROW_HEIGHT - 0.5 * (ui.available_height() - theme::ROW_HEIGHT)).max(0.0)
}

/// From this width on, in points, a row has room for a difference.
const DELTA_FROM: f32 = 290.0;
/// Room for a difference, in points.
const DELTA: f32 = 52.0;
/// Room for its mark alone.
const MARK: f32 = 14.0;

/// What all rows have in common.
struct List<'a> {
    doc: &'a Document,
    metric: Column,
    scale: Scale,
    refines: bool,
}

impl List<'_> {
    fn row_ui(&self, ui: &mut Ui, info: &LayerInfo, place: usize) -> egui::Response {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW_HEIGHT), Sense::CLICK);
        let values = self.doc.row(info.index);
        let selection = &self.doc.selection;
        let is_selected = selection.contains(&info.name);
        let tokens = theme::tokens(ui);
        response.widget_info(|| {
            WidgetInfo::selected(egui::Role::ListItem, true, is_selected, cells::row_label(info, values))
        });
        let back = if is_selected {
            Some(tokens.selected)
        } else if selection.hovered.as_deref() == Some(&info.name) {
            Some(tokens.hovered)
        } else {
            place.is_multiple_of(2).then_some(tokens.faint.gamma_multiply(0.5))
        };
        if let Some(back) = back {
            ui.painter().rect_filled(rect, 0.0, back);
        }
        if selection.anchor.as_deref() == Some(&info.name) {
            let mark = Rect::from_min_max(rect.min, pos2(rect.left() + 3.0, rect.bottom()));
            ui.painter().rect_filled(mark, 0.0, tokens.accent);
        }
        let is_cut = self.paint_row(ui, rect, info, values);
        if is_cut { response.on_hover_text(&info.name) } else { response }
    }

    /// Name, formats, value; returns whether the name was cut.
    fn paint_row(&self, ui: &Ui, rect: Rect, info: &LayerInfo, values: Option<&LayerRow>) -> bool {
        // Sizes are the longest values.
        let width = if self.metric == Column::Size { 80.0 } else { 62.0 };
        let delta = self.doc.pins.change(&info.name).and_then(|change| cells::delta(self.metric, change));
        // A name that cannot be read is worse than a difference that stands in the table: its mark is enough then.
        let is_wide = rect.width() >= DELTA_FROM;
        let room = match &delta {
            Some(_) if is_wide => DELTA,
            Some(_) => MARK,
            None => 0.0,
        };
        let value = rect.with_min_x(rect.right() - width - room).with_max_x(rect.right() - room);
        if let Some(delta) = delta.filter(|_| room > 0.0) {
            let place = rect.with_min_x(value.right()).with_max_x(rect.right() - 4.0).with_max_y(rect.bottom() - 3.0);
            let short = Delta { text: String::new(), ..delta.clone() };
            cells::paint_delta(ui, place, if is_wide { &delta } else { &short }, self.refines);
        }
        let output = Rect::from_min_max(pos2(value.left() - 24.0, rect.top()), pos2(value.left(), rect.bottom()));
        let weights = output.translate(vec2(-22.0, 0.0));
        let name = rect.with_min_x(rect.left() + 8.0).with_max_x(weights.left() - 2.0);
        for (rect, column) in [(weights, Column::WeightBits), (output, Column::ActivationBits)] {
            paint_short_bits(ui, rect, column, info, values);
        }
        self.paint_value(ui, value, info, values);
        cells::paint_name(ui, name, &info.name, theme::tokens(ui).text)
    }

    fn paint_value(&self, ui: &Ui, rect: Rect, info: &LayerInfo, values: Option<&LayerRow>) {
        let tokens = theme::tokens(ui);
        let cell = cells::cell(self.metric, info, values);
        if let Some((share, colour)) = values.and_then(|row| self.bar(ui, row)) {
            let track = Rect::from_min_max(
                pos2(rect.left(), rect.bottom() - 5.0),
                pos2(rect.right() - 4.0, rect.bottom() - 2.0),
            );
            // Bars grow from the right, where the numbers end.
            let bar = track.with_min_x(track.right() - (share * track.width()).max(1.0));
            ui.painter().rect_filled(bar, 1.0, colour);
        }
        let text = Cell { tint_db: None, ..cell };
        let above = rect.with_max_x(rect.right() - 4.0).with_max_y(rect.bottom() - 3.0);
        let colour = if text.weak { tokens.weak } else { tokens.text };
        let ink = cells::Ink { colour, italic: self.refines, align: Align::Max };
        cells::paint_text(ui, above, &text.text, theme::number_font(ui), ink);
    }

    /// Length in 0..=1 and colour of a row's bar: longer is worse.
    fn bar(&self, ui: &Ui, row: &LayerRow) -> Option<(f32, Color32)> {
        let share = self.scale.share(row)?;
        match self.metric {
            Column::Local | Column::Accumulated => match cells::measure_of(self.metric, row)? {
                Measure::Value(db) => Some((share, theme::error_colour(theme_of(ui), db))),
                _ => None,
            },
            _ => (share > 0.0).then_some((share, theme::tokens(ui).quantized)),
        }
    }
}

/// A format in two characters: "fl" would be a riddle, so float is an F as on the keyboard.
fn paint_short_bits(ui: &Ui, rect: Rect, column: Column, info: &LayerInfo, values: Option<&LayerRow>) {
    let cell = cells::cell(column, info, values);
    let bits = values.and_then(|row| if column == Column::WeightBits { row.weight_bits } else { row.activation_bits });
    let short = if cell.text == format::bits(Bits::Float) { "F".to_owned() } else { cell.text.clone() };
    cells::paint_bits(ui, rect, &Cell { text: short, ..cell }, bits, false);
}
