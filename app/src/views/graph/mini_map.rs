//! The whole drawing in a corner, where it is larger than the view: where one looks, and the way elsewhere by dragging.

use std::sync::Arc;

use egui::{Mesh, Pos2, Rect, Sense, Shape, StrokeKind, Ui, Vec2, WidgetInfo, vec2};
use quantlens_analysis::t;

use super::{GraphViewState, Scene, tints::Tints};
use crate::{graph_layout::Drawing, memo::Same, theme};

/// Most width and height, in points.
const MOST: Vec2 = vec2(150.0, 240.0);
/// Least of either, so that it can be hit.
const LEAST: f32 = 28.0;
/// From the corner.
const INSET: f32 = 10.0;

/// What the picture depends on: the drawing, its colours, its place.
pub(super) type Key = (Same<Drawing>, Same<Tints>, Rect);

/// Draws the map and moves the camera where it is dragged.
pub(super) fn mini_map_ui(ui: &Ui, scene: &Scene<'_>, state: &mut GraphViewState) {
    let Some(camera) = &mut state.camera else { return };
    let (bounds, view) = (scene.drawing.bounds(), scene.view);
    let area = camera.area(view);
    if area.expand(1.0).contains_rect(bounds) || view.height() < 160.0 {
        return;
    }
    let map = place(view, bounds);
    let response = ui.interact(map.expand(4.0), ui.scope_id().with("mini-map"), Sense::CLICK | Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, t!("Mini-map")));
    let tokens = theme::tokens(ui);
    ui.painter().rect_filled(map.expand(4.0), 3.0, tokens.panel.gamma_multiply(0.94));
    ui.painter().rect_stroke(map.expand(4.0), 3.0, (1.0, tokens.line), StrokeKind::Inside);
    let key = (Same(Arc::clone(scene.drawing)), Same(Arc::clone(scene.tints)), map);
    ui.painter().add(Shape::Mesh(Arc::clone(state.map.get(key, picture))));
    if (response.dragged() || response.clicked())
        && let Some(at) = response.interact_pointer_pos()
    {
        camera.centre = elsewhere(at, map, bounds);
        camera.hold(bounds);
    }
    let area = camera.area(view).intersect(bounds);
    let window = Rect::from_min_max(to_map(area.min, map, bounds), to_map(area.max, map, bounds));
    let window =
        Rect::from_center_size(window.center(), window.size().max(Vec2::splat(6.0))).intersect(map.expand(3.0));
    ui.painter().rect_filled(window, 0.0, tokens.accent.gamma_multiply(0.12));
    ui.painter().rect_stroke(window, 0.0, (1.5, tokens.accent), StrokeKind::Outside);
    response.on_hover_text(t!("Drag to look elsewhere"));
}

/// Where the map stands: in the lower right corner, in the drawing's shape unless that is a thread.
fn place(view: Rect, bounds: Rect) -> Rect {
    let most = MOST.min(0.6 * view.size());
    let scale = (most / bounds.size().max(Vec2::splat(1.0))).min_elem();
    let size = (scale * bounds.size()).max(Vec2::splat(LEAST)).min(most);
    Rect::from_min_size(view.max - size - Vec2::splat(INSET), size)
}

fn to_map(at: Pos2, map: Rect, bounds: Rect) -> Pos2 {
    map.min + (at - bounds.min) / bounds.size() * map.size()
}

fn elsewhere(at: Pos2, map: Rect, bounds: Rect) -> Pos2 {
    bounds.min + (at - map.min) / map.size() * bounds.size()
}

fn picture((drawing, tints, map): &Key) -> Arc<Mesh> {
    let bounds = drawing.0.bounds();
    let mut mesh = Mesh::default();
    for card in 0..drawing.0.centres.len() {
        let Some(rect) = drawing.0.card(card) else { continue };
        let rect = Rect::from_min_max(to_map(rect.min, *map, bounds), to_map(rect.max, *map, bounds));
        let size = rect.size().max(vec2(2.0, 1.0));
        mesh.add_colored_rect(Rect::from_center_size(rect.center(), size), tints.0.card(card).bar);
    }
    Arc::new(mesh)
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    #[test]
    fn a_thread_of_a_chain_still_makes_a_map_that_can_be_hit() {
        let view = Rect::from_min_size(pos2(100.0, 100.0), vec2(600.0, 500.0));
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(232.0, 460_000.0));
        let map = place(view, bounds);
        assert_eq!(map.size(), vec2(LEAST, 240.0));
        assert!(view.contains_rect(map.expand(4.0)));
        let there = elsewhere(map.center(), map, bounds);
        assert!((there - bounds.center()).length() < 1.0);
        assert!((to_map(there, map, bounds) - map.center()).length() < 0.01);
    }
}
