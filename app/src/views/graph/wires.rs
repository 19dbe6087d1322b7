//! The lines between cards: as wide and as coloured as the error of the tensor they carry.

use egui::{Color32, Pos2, Shape, Stroke, Ui, epaint::CubicBezierShape, pos2, vec2};

use super::{Camera, Scene, cards::Detail};
use crate::{graph_layout::Link, theme};

/// Width of a line without error, and how much the worst error adds, in points at a zoom of 1.
const WIDTH: (f32, f32) = (1.2, 3.3);
/// From so many lines on they are straight: nobody can follow one of them then.
const MOST_CURVES: usize = 700;

/// Draws the lines on screen.
pub(super) fn wires_ui(ui: &Ui, scene: &Scene<'_>, camera: Camera, detail: Detail) {
    let links: Vec<&Link> = scene.drawing.links_in(camera.area(scene.view)).collect();
    let is_plain = detail == Detail::Bar || links.len() > MOST_CURVES;
    let pen = Pen { ui, scene, camera, scale: camera.zoom.clamp(0.35, 1.5), is_plain };
    let chosen = |link: &&Link| pen.is_chosen(link.source) || link.target.is_some_and(|card| pen.is_chosen(card));
    for link in links.iter().filter(|link| !chosen(link)) {
        pen.draw(link, false);
    }
    // On top, so that the lines of what is selected can be followed.
    for link in links.iter().filter(|link| chosen(link)) {
        pen.draw(link, true);
    }
}

/// Width in points at a zoom of 1 of a line whose error is `share` bad.
pub(super) fn width(share: f32) -> f32 {
    WIDTH.0 + WIDTH.1 * share
}

struct Pen<'a> {
    ui: &'a Ui,
    scene: &'a Scene<'a>,
    camera: Camera,
    scale: f32,
    is_plain: bool,
}

impl Pen<'_> {
    fn is_chosen(&self, card: usize) -> bool {
        let selection = &self.scene.doc.selection;
        if selection.selected.is_empty() && selection.hovered.is_none() {
            return false;
        }
        self.scene
            .layer(card)
            .is_some_and(|info| selection.hovered.as_deref() == Some(&info.name) || selection.contains(&info.name))
    }

    fn draw(&self, link: &Link, is_chosen: bool) {
        let to_screen = |place| self.camera.to_screen(self.scene.view, place);
        let (from, to) = (to_screen(link.from), to_screen(link.to));
        let end = to + vec2(0.0, link.tail * self.camera.zoom);
        let tint = self.scene.tints.card(link.source);
        let colour = if is_chosen { theme::tokens(self.ui).accent } else { tint.line };
        let share = if link.through { 0.0 } else { tint.flow };
        let extra = if is_chosen { 1.0 } else { 0.0 };
        let stroke = Stroke::new((width(share) * self.scale).max(0.8) + extra, colour);
        let painter = self.ui.painter();
        if link.through {
            painter.extend(Shape::dashed_line(&[from, to, end], Stroke::new(1.0 + extra, colour), 4.0, 3.0));
            return;
        }
        let is_straight = (from.x - to.x).abs() < 1.0;
        if is_straight && link.tail > 0.0 {
            painter.line_segment([from, end], stroke);
        } else {
            if is_straight || self.is_plain {
                painter.line_segment([from, to], stroke);
            } else {
                painter.add(curve(from, to, stroke));
            }
            if link.tail > 0.0 {
                painter.line_segment([to, end], stroke);
            }
        }
        if link.target.is_some() && !self.is_plain {
            painter.add(arrow(to, stroke.width, self.scale, colour));
        }
    }
}

/// Leaves and arrives straight down.
fn curve(from: Pos2, to: Pos2, stroke: Stroke) -> CubicBezierShape {
    let half = vec2(0.0, 0.55 * (to.y - from.y));
    CubicBezierShape::from_points_stroke([from, from + half, to - half, to], false, Color32::TRANSPARENT, stroke)
}

/// A head on top of the card that the line ends at.
fn arrow(tip: Pos2, width: f32, scale: f32, colour: Color32) -> Shape {
    let half = (3.0 * scale).max(0.5 * width + 2.0);
    let points = vec![tip, pos2(tip.x - half, tip.y - 1.8 * half), pos2(tip.x + half, tip.y - 1.8 * half)];
    Shape::convex_polygon(points, colour, Stroke::NONE)
}
