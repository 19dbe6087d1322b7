//! Which part of the drawing is on screen: from points of the drawing to points of the window and back.

use egui::{Pos2, Rect, Vec2};

/// The largest zoom.
const MOST: f32 = 2.0;
/// The smallest zoom, unless the drawing needs a smaller one to be seen whole.
const LEAST: f32 = 0.2;
/// A drawing that fits at this zoom is shown whole at first; a larger one from its top, where cards can be read.
const READABLE: f32 = 0.6;
/// From this zoom on everything is written on the cards.
pub(super) const ALL_WRITTEN: f32 = 0.8;
/// Room around what is framed, in points of the window.
const MARGIN: f32 = 12.0;

/// Where the view looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Camera {
    /// The point of the drawing that stands in the middle of the view.
    pub(super) centre: Pos2,
    /// Points of the window for a point of the drawing.
    pub(super) zoom: f32,
}

impl Camera {
    /// How a drawing is first seen.
    pub(super) fn opening(view: Rect, bounds: Rect) -> Self {
        let fit = Self::framing(view, bounds, 1.0);
        if fit.zoom >= READABLE {
            return fit;
        }
        let zoom = ((view.width() - 2.0 * MARGIN) / bounds.width().max(1.0)).clamp(ALL_WRITTEN, 1.0);
        let top = bounds.top() + 0.5 * view.height() / zoom;
        // A drawing wider than the view begins at its middle, where the input stands.
        Self { centre: Pos2::new(bounds.center().x, top.min(bounds.bottom())), zoom }
    }

    /// Shows `area` as large as it fits, at most at the zoom `most`.
    pub(super) fn framing(view: Rect, area: Rect, most: f32) -> Self {
        let room = (view.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
        let zoom = (room / area.size().max(Vec2::splat(1.0))).min_elem().min(most);
        Self { centre: area.center(), zoom: zoom.max(f32::MIN_POSITIVE) }
    }

    pub(super) fn to_screen(self, view: Rect, place: Pos2) -> Pos2 {
        view.center() + (place - self.centre) * self.zoom
    }

    pub(super) fn rect_to_screen(self, view: Rect, area: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(view, area.min), self.to_screen(view, area.max))
    }

    pub(super) fn to_drawing(self, view: Rect, place: Pos2) -> Pos2 {
        self.centre + (place - view.center()) / self.zoom
    }

    /// What of the drawing is on screen.
    pub(super) fn area(self, view: Rect) -> Rect {
        Rect::from_center_size(self.centre, view.size() / self.zoom)
    }

    /// Zooms by `factor`; what is at `pointer` stays there.
    pub(super) fn zoom_at(&mut self, view: Rect, pointer: Pos2, factor: f32, bounds: Rect) {
        let least = Self::framing(view, bounds, LEAST).zoom;
        let zoom = (self.zoom * factor).clamp(least, MOST);
        let fixed = self.to_drawing(view, pointer);
        self.centre = fixed - (pointer - view.center()) / zoom;
        self.zoom = zoom;
    }

    /// Moves the drawing by so many points of the window.
    pub(super) fn pan(&mut self, by: Vec2) {
        self.centre -= by / self.zoom;
    }

    /// Keeps some of the drawing in view, so that nobody gets lost.
    pub(super) fn hold(&mut self, bounds: Rect) {
        self.centre = self.centre.clamp(bounds.min, bounds.max);
    }
}

#[cfg(test)]
mod tests {
    use egui::{pos2, vec2};

    use super::*;

    const VIEW: Rect = Rect { min: Pos2::new(100.0, 50.0), max: Pos2::new(900.0, 650.0) };

    #[test]
    fn the_point_under_the_pointer_stays_when_zooming() {
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(5000.0, 5000.0));
        let mut camera = Camera { centre: pos2(700.0, 300.0), zoom: 1.0 };
        let pointer = pos2(250.0, 600.0);
        let before = camera.to_drawing(VIEW, pointer);
        camera.zoom_at(VIEW, pointer, 0.5, bounds);
        assert!((camera.to_drawing(VIEW, pointer) - before).length() < 0.01 && camera.zoom == 0.5);
        camera.zoom_at(VIEW, pointer, 100.0, bounds);
        assert_eq!(camera.zoom, MOST);
        camera.zoom_at(VIEW, pointer, 1e-6, bounds);
        // 600 − 24 points for 5000.
        assert!((camera.zoom - 576.0 / 5000.0).abs() < 1e-6);
    }

    #[test]
    fn small_drawings_are_shown_whole_large_ones_from_their_top() {
        let small = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 300.0));
        let camera = Camera::opening(VIEW, small);
        assert_eq!((camera.zoom, camera.centre), (1.0, small.center()));
        let chain = Rect::from_min_size(Pos2::ZERO, vec2(232.0, 90_000.0));
        let camera = Camera::opening(VIEW, chain);
        assert_eq!((camera.zoom, camera.area(VIEW).top()), (1.0, 0.0));
        let mut lost = Camera { centre: pos2(-1e6, 1e9), zoom: 1.0 };
        lost.hold(chain);
        assert_eq!(lost.centre, pos2(0.0, 90_000.0));
    }

    #[test]
    fn there_and_back() {
        let camera = Camera { centre: pos2(70.0, 3.0), zoom: 0.37 };
        let place = pos2(-20.0, 14.0);
        assert!((camera.to_drawing(VIEW, camera.to_screen(VIEW, place)) - place).length() < 1e-3);
        let area = camera.area(VIEW);
        assert!((camera.rect_to_screen(VIEW, area).min - VIEW.min).length() < 1e-2);
    }
}
