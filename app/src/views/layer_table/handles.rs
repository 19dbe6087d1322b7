//! The lines between the columns, dragged or moved with arrow keys.
//!
//! Names take what the other columns leave, so what stands right of them hangs at the right edge: such a column is as wide
//! as its left line says, and one before the names as its right one. A drag at the other line would run away, as that stays
//! where it is while the column grows.

use egui::{CursorIcon, EventFilter, Id, Key, Rect, Sense, Ui, WidgetInfo, pos2};
use quantlens_analysis::t;

use super::columns::{Chosen, GAP, long_title};
use crate::{
    command::{Command, Commands},
    document::ColumnWidths,
    rows::Column,
    theme,
};

/// What a press of an arrow key moves a line by, in points.
const STEP: f32 = 8.0;
/// The pointer holds a line from so many points beside it.
const REACH: f32 = 5.0;

/// A line that is held: its column, its width then, and where it was taken.
pub(super) type Held = (Column, f32, f32);

/// Draws the lines in a table that begins at the left and at the top of `room` and has these columns.
pub(super) fn lines_ui(
    ui: &Ui,
    room: Rect,
    (columns, widths): (&[Column], &[f32]),
    chosen: &Chosen,
    held: &mut Option<Held>,
    send: &mut Commands,
) {
    let names = columns.iter().position(|column| *column == Column::Name).unwrap_or(0);
    let mut left = room.left();
    for (place, (column, width)) in columns.iter().zip(widths).enumerate() {
        let right = left + width + GAP;
        if place != names {
            let is_after = place > names;
            let x = (if is_after { left } else { right }) - 0.5 * GAP;
            let line = Rect::from_min_max(pos2(x - REACH, room.top()), pos2(x + REACH, room.bottom()));
            // Moving the line to the right makes a column after it narrower.
            let sign = if is_after { -1.0 } else { 1.0 };
            if let Some(width) = line_ui(ui, line, (*column, width - chosen.delta(*column), sign), held) {
                send.push(Command::ColumnWidth(*column, width));
            }
        }
        left = right;
    }
}

/// Draws one line; gives the width that its column shall have, and `Some(None)` for its own.
fn line_ui(
    ui: &Ui,
    rect: Rect,
    (column, width, sign): (Column, f32, f32),
    held: &mut Option<Held>,
) -> Option<Option<f32>> {
    let response = ui.interact(rect, Id::unique(("column line", column)), Sense::click_and_drag());
    let name = t!("Width of the column {}", long_title(column));
    response.widget_info(|| WidgetInfo::slider(true, f64::from(width), &name));
    let tokens = theme::tokens(ui);
    let is_lit = response.hovered() || response.dragged() || response.has_focus();
    let (thickness, colour) = if is_lit { (2.0, tokens.accent) } else { (1.0, tokens.line.gamma_multiply(0.5)) };
    ui.painter().vline(rect.center().x, rect.y_range(), (thickness, colour));
    let pointer = response.interact_pointer_pos().map(|at| at.x);
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin()).map(|at| at.x);
        *held = origin.or(pointer).map(|x| (column, width, x));
    }
    let mut wanted = None;
    match (*held, pointer) {
        (Some((of, begun, from)), Some(x)) if of == column && response.dragged() => {
            let (least, most) = ColumnWidths::LIMITS;
            let new = (begun + sign * (x - from)).clamp(least, most).round();
            wanted = (new - width).abs().ge(&0.5).then_some(Some(new));
        }
        _ => {}
    }
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|input| f32::from(u8::from(input.key_pressed(key))));
        let step = sign * STEP * (pressed(Key::ArrowRight) - pressed(Key::ArrowLeft));
        wanted = wanted.or((step != 0.0).then_some(Some(width + step)));
    }
    if response.double_clicked() {
        wanted = Some(None);
    }
    response
        .on_hover_cursor(CursorIcon::ResizeHorizontal)
        .on_hover_text(t!("Drag to make the column wider or narrower, double-click for its own width"));
    wanted
}
