//! Every method's choice as a row: range, scale, zero-point and the error it would make, the one in use first. A click on
//! a row puts its method in use.

use egui::{Align, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder};
use quantlens_analysis::{mark, report::RangeMark, t, text};

use super::{Choices, methods};
use crate::{
    command::{Command, Commands},
    copy,
    format::{self, sentence},
    theme,
    views::cells::{self, Ink},
};

/// A column: its heading, what that means, its width in points, what stands in it. Those that are left out first where
/// space is short come last in [`LEAST_IMPORTANT`].
struct Field {
    title: &'static str,
    hint: &'static str,
    width: f32,
    text: fn(&RangeMark, f32) -> String,
}

const NAME_WIDTH: f32 = 124.0;
const GAP: f32 = theme::GRID;

const FIELDS: [Field; 7] = [
    Field {
        title: mark!("Low"),
        hint: mark!("Lower end of the range"),
        width: 66.0,
        text: |mark, most| format::aligned(mark.range.low, most),
    },
    Field {
        title: mark!("High"),
        hint: mark!("Upper end of the range"),
        width: 66.0,
        text: |mark, most| format::aligned(mark.range.high, most),
    },
    Field {
        title: mark!("Scale"),
        hint: mark!("Step between two codes, S"),
        width: 74.0,
        text: |mark, _| format::significant(f64::from(mark.scale), 4),
    },
    Field {
        title: "Z",
        hint: mark!("Zero-point: the code of 0"),
        width: 48.0,
        text: |mark, _| format::number(f64::from(mark.zero_point), 0),
    },
    Field {
        title: "SQNR dB",
        hint: mark!("Of this quantizer alone, as the histogram of all samples tells it"),
        width: 66.0,
        text: |mark, _| sqnr(mark),
    },
    Field {
        title: mark!("Clipped %"),
        hint: mark!("Share of the values beyond the range"),
        width: 74.0,
        text: |mark, _| effect(mark, |e| format::number(100.0 * e.clipped_share, 3)),
    },
    Field {
        title: mark!("R : C %"),
        hint: mark!("Shares of the squared error: rounding inside the range, clipping beyond it"),
        width: 66.0,
        text: |mark, _| effect(mark, shares),
    },
];

/// Indices into [`FIELDS`], the first one left out first.
const LEAST_IMPORTANT: [usize; 3] = [3, 2, 6];

fn effect(mark: &RangeMark, text: impl Fn(&quantlens_analysis::calibrate::RangeEffect) -> String) -> String {
    mark.effect.as_ref().map_or_else(|| format::UNKNOWN.into(), text)
}

fn sqnr(mark: &RangeMark) -> String {
    effect(mark, |e| e.sqnr_db().map_or_else(|| text::text(format::NOT_APPLICABLE).into(), |db| format::number(db, 1)))
}

/// Rounding to clipping in per cent; they add up to 100.
pub(super) fn shares(effect: &quantlens_analysis::calibrate::RangeEffect) -> String {
    let clipping = (100.0 * effect.clipping_share()).round();
    format!("{} : {}", format::number(100.0 - clipping, 0), format::number(clipping, 0))
}

/// The columns that fit.
fn shown(width: f32) -> Vec<&'static Field> {
    let mut left_out: Vec<usize> = Vec::new();
    let needed = |out: &[usize]| -> f32 {
        let kept = FIELDS.iter().enumerate().filter(|(i, _)| !out.contains(i));
        NAME_WIDTH + kept.map(|(_, field)| field.width + GAP).sum::<f32>()
    };
    for index in LEAST_IMPORTANT {
        if needed(&left_out) <= width {
            break;
        }
        left_out.push(index);
    }
    FIELDS.iter().enumerate().filter(|(i, _)| !left_out.contains(i)).map(|(_, field)| field).collect()
}

/// Draws heading, button and table.
pub(super) fn table_ui(ui: &mut Ui, choices: Choices<'_>, send: &mut Commands) {
    ui.add_space(2.0 * theme::GRID);
    ui.horizontal(|ui| {
        ui.label(RichText::new(t!("Every choice")).strong().size(15.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = ui.button(t!("Copy table")).on_hover_text(t!("Tab-separated, in full precision"));
            if button.clicked() {
                send.push(Command::Copy(copy::choices_tsv(choices.current, &choices.detail.choices)));
            }
        });
    });
    let fields = shown(ui.available_width());
    let others = choices.detail.choices.iter().filter(|choice| choice.method != choices.current.method);
    let rows: Vec<&RangeMark> = std::iter::once(choices.current).chain(others).collect();
    let most = rows.iter().map(|row| row.range.amax()).fold(0.0, f32::max);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(GAP, 0.0);
        let mut builder = TableBuilder::new(ui)
            .id_salt(("choices", fields.len()))
            .striped(true)
            .vscroll(false)
            .sense(Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::remainder().at_least(NAME_WIDTH).clip(true));
        for field in &fields {
            builder = builder.column(Column::exact(field.width));
        }
        builder.header(theme::ROW_HEIGHT, |mut header| header_ui(&mut header, &fields)).body(|body| {
            body.rows(theme::ROW_HEIGHT, rows.len(), |mut row| {
                if let Some(mark) = rows.get(row.index()) {
                    row_ui(&mut row, choices, mark, (&fields, most), send);
                }
            });
        });
    });
}

fn header_ui(header: &mut egui_extras::TableRow<'_, '_>, fields: &[&Field]) {
    header.col(|ui| {
        ui.colored_label(theme::tokens(ui).weak, t!("Method"));
    });
    for field in fields {
        header.col(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.colored_label(theme::tokens(ui).weak, text::text(field.title)).on_hover_text(text::text(field.hint));
            });
        });
    }
}

fn row_ui(
    row: &mut egui_extras::TableRow<'_, '_>,
    choices: Choices<'_>,
    mark: &RangeMark,
    (fields, most): (&[&Field], f32),
    send: &mut Commands,
) {
    let is_in_use = mark.method == choices.current.method;
    row.set_selected(is_in_use);
    let own_range = mark.note.is_none() || mark.method.flavour().is_some();
    row.col(|ui| {
        let tokens = theme::tokens(ui);
        let colour = if own_range { tokens.text } else { tokens.weak };
        let ink = Ink { colour, italic: false, align: Align::Min };
        let font = egui::TextStyle::Body.resolve(ui.style());
        cells::paint_text(ui, ui.max_rect(), &name(mark, is_in_use), font, ink);
    });
    for field in fields {
        row.col(|ui| {
            let tokens = theme::tokens(ui);
            let colour = if own_range { tokens.text } else { tokens.weak };
            let ink = Ink { colour, italic: false, align: Align::Max };
            cells::paint_text(ui, ui.max_rect(), &(field.text)(mark, most), theme::number_font(ui), ink);
        });
    }
    let response = row.response();
    let label = label(mark, is_in_use);
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_in_use, &label));
    let response = response.on_hover_text(hint(mark, is_in_use));
    if response.clicked() && !is_in_use {
        send.push(methods::use_method(choices, mark.method));
    }
}

fn name(mark: &RangeMark, is_in_use: bool) -> String {
    let name = sentence(format::method_short(mark.method));
    if is_in_use { t!("{}, in use", name) } else { name }
}

fn hint(mark: &RangeMark, is_in_use: bool) -> String {
    let title = sentence(format::method(mark.method));
    let mut lines = vec![if is_in_use { t!("{} is in use", title) } else { t!("Click to use {}", title) }];
    lines.push(methods::hint(mark.method).to_owned());
    lines.extend(mark.note.as_deref().map(sentence));
    lines.join("\n")
}

/// The row in words.
fn label(mark: &RangeMark, is_in_use: bool) -> String {
    let mut parts = vec![format::method(mark.method).to_owned()];
    if is_in_use {
        parts.push(t!("in use").into());
    }
    parts.push(format::range(mark.range));
    parts.push(t!("scale {}", format::significant(f64::from(mark.scale), 4)));
    if let Some(effect) = &mark.effect {
        parts.extend(effect.sqnr_db().map(|db| format!("SQNR {} dB", format::number(db, 1))));
        parts.push(t!("{} % clipped", format::number(100.0 * effect.clipped_share, 3)));
    }
    parts.join(", ")
}
