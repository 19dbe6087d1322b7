//! One row a channel: its scales, its multiplier, its accumulators. A click puts the channel's numbers into the formula.

use egui::{Align, Layout, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};
use quantlens_analysis::{
    mark,
    report::{ChannelArithmetic, IntegerArithmetic},
    t,
    text::text,
};

use super::words::{hexadecimal, minus, scale};
use crate::{
    format::{UNKNOWN, count, significant},
    theme,
};

/// Height of the table, in points; more rows scroll inside it.
const HEIGHT: f32 = 320.0;

/// Titles with what they mean, and the column's width in points.
const COLUMNS: [(&str, &str, f32); 10] = [
    (mark!("Channel"), mark!("Output channel"), 64.0),
    ("S_w", mark!("Scale of its weights"), 88.0),
    ("S_b", mark!("Scale of its bias and accumulator, S_x·S_w"), 88.0),
    ("M", mark!("Real multiplier, S_b/S_y"), 88.0),
    ("M0", mark!("Multiplier in Q0.31"), 96.0),
    (mark!("M0 as a fraction"), mark!("In [0.5, 1)"), 112.0),
    ("n", mark!("Right shift; negative shifts left"), 40.0),
    (mark!("Error"), mark!("Relative error of M0·2^−n"), 80.0),
    (mark!("Worst |a|"), mark!("Largest accumulator with any input, and its bits"), 136.0),
    (mark!("Seen |a|"), mark!("Largest accumulator on the samples, and its bits"), 136.0),
];

/// Draws the table; `chosen` is the channel in the formula.
pub(super) fn table_ui(ui: &mut Ui, found: &IntegerArithmetic, chosen: &mut usize) {
    egui::ScrollArea::horizontal().id_salt("arithmetic columns").show(ui, |ui| {
        let mut builder = TableBuilder::new(ui)
            .id_salt("arithmetic")
            .striped(true)
            .sense(Sense::CLICK)
            .max_scroll_height(HEIGHT)
            .auto_shrink([true, true])
            .cell_layout(Layout::right_to_left(Align::Center));
        for (.., width) in COLUMNS {
            builder = builder.column(Column::exact(width));
        }
        builder
            .header(theme::ROW_HEIGHT, |mut header| {
                for (title, meaning, _) in COLUMNS {
                    header.col(|ui| {
                        ui.weak(text(title)).on_hover_text(text(meaning));
                    });
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, found.channels.len(), |mut row| {
                    if let Some(channel) = found.channels.get(row.index()) {
                        row_ui(&mut row, channel, chosen);
                    }
                });
            });
    });
}

fn row_ui(row: &mut TableRow<'_, '_>, channel: &ChannelArithmetic, chosen: &mut usize) {
    let is_chosen = channel.index == *chosen;
    row.set_selected(is_chosen);
    for (cell, (title, meaning, _)) in cells(channel).into_iter().zip(COLUMNS) {
        let (_, response) = row.col(|ui| {
            let cell = egui::RichText::new(cell).font(theme::number_font(ui));
            // A label that can be selected would take the click from the row.
            ui.add(egui::Label::new(cell).selectable(false));
        });
        response.on_hover_text(t!("{} of channel {}: {}", text(title), channel.index, text(meaning)));
    }
    let response = row.response();
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_chosen, row_label(channel)));
    if response.clicked() {
        *chosen = channel.index;
    }
}

fn cells(channel: &ChannelArithmetic) -> [String; 10] {
    let of = |text: fn(&quantlens_analysis::report::MultiplierFacts) -> String| {
        channel.multiplier.as_ref().map_or_else(|| UNKNOWN.to_owned(), text)
    };
    [
        channel.index.to_string(),
        scale(channel.weight_scale),
        significant(channel.bias_scale, 5),
        of(|m| significant(m.real, 5)),
        of(|m| hexadecimal(m.m0)),
        of(|m| significant(m.fraction, 8)),
        of(|m| minus(m.shift)),
        of(|m| significant(m.relative_error, 2)),
        reach(channel.worst),
        channel.seen.map_or_else(|| UNKNOWN.to_owned(), reach),
    ]
}

fn reach((magnitude, bits): (u64, u32)) -> String {
    t!("{}, {} bit", count(magnitude), bits)
}

/// The row in words: "channel 5: M 0.00123, M0 0x51EB851F, n 9, accumulator at most 12 345, 15 bit, seen 1 234, 12 bit".
fn row_label(channel: &ChannelArithmetic) -> String {
    let mut text = t!("channel {}: ", channel.index);
    if let Some(m) = &channel.multiplier {
        text.push_str(&format!("M {}, M0 {}, n {}, ", significant(m.real, 5), hexadecimal(m.m0), minus(m.shift)));
    }
    text.push_str(&t!("accumulator at most {}", reach(channel.worst)));
    if let Some(seen) = channel.seen {
        text.push_str(&t!(", seen {}", reach(seen)));
    }
    text
}
