//! Dragging over the strip brushes a stretch of layers; what lies outside it is veiled. A click selects as ever, and a
//! double click takes the brush away.

use std::ops::RangeInclusive;

use egui::{Rect, Response, Ui, pos2};
use egui_plot::{PlotPoint, PlotTransform};

use crate::{
    command::{Command, Commands},
    document::Document,
    theme,
};

/// How strongly the layers outside are veiled.
const VEIL: f32 = 0.66;

/// The stretch that is being dragged, in layers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drag(Option<f64>);

/// Veils what the brush leaves out, and takes in a drag.
pub(super) fn brush_ui(
    ui: &Ui,
    doc: &Document,
    drag: &mut Drag,
    (response, transform): &(Response, PlotTransform),
    layers: usize,
    send: &mut Commands,
) {
    let place = |at: egui::Pos2| transform.value_from_position(at).x;
    if response.drag_started() {
        drag.0 = ui.input(|input| input.pointer.press_origin()).map(place);
    }
    let pulled = drag.0.zip(response.interact_pointer_pos().map(place)).map(|(from, to)| stretch(from, to, layers));
    if let Some(stretch) = &pulled {
        veil_ui(ui, transform, stretch);
    } else if let Some(stretch) = doc.filter.query.stretch() {
        veil_ui(ui, transform, &stretch);
    }
    if response.drag_stopped() {
        drag.0 = None;
        send.push(Command::Brush(pulled));
    } else if response.double_clicked() && doc.filter.query.stretch().is_some() {
        send.push(Command::Brush(None));
    }
}

/// The layers between two places, in either order.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the layers there are")]
fn stretch(from: f64, to: f64, layers: usize) -> RangeInclusive<usize> {
    let last = layers.saturating_sub(1) as f64;
    let nearest = |place: f64| place.round().clamp(0.0, last) as usize;
    nearest(from.min(to))..=nearest(from.max(to))
}

fn veil_ui(ui: &Ui, transform: &PlotTransform, stretch: &RangeInclusive<usize>) {
    let frame = *transform.frame();
    let x =
        |place: f64| transform.position_from_point(&PlotPoint::new(place, 0.0)).x.clamp(frame.left(), frame.right());
    let (left, right) = (x(*stretch.start() as f64 - 0.5), x(*stretch.end() as f64 + 0.5));
    let tokens = theme::tokens(ui);
    let veil = tokens.canvas.gamma_multiply(VEIL);
    for (from, to) in [(frame.left(), left), (right, frame.right())] {
        let rect = Rect::from_min_max(pos2(from, frame.top()), pos2(to, frame.bottom()));
        ui.painter().rect_filled(rect, 0.0, veil);
    }
    for edge in [left, right] {
        ui.painter().vline(edge, frame.y_range(), (1.0, tokens.weak));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_takes_the_layers_it_touches_either_way() {
        assert_eq!(stretch(2.4, 5.6, 20), 2..=6);
        assert_eq!(stretch(5.6, 2.4, 20), 2..=6);
        assert_eq!(stretch(-3.0, 40.0, 20), 0..=19);
        assert_eq!(stretch(1.0, 2.0, 0), 0..=0);
    }
}
