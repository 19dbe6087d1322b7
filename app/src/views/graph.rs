//! The network as cards in layers: what reads what, tinted by a metric, lines as wide as the error they carry.
//!
//! Positions are worked out elsewhere ([`crate::graph_layout`]) and never here. What is tricky is the frame's budget: text
//! and interaction cost far more than shapes, so both are given only to cards that are large enough to be read and at most
//! `MOST_READABLE` of them; all others are quads in one mesh. Text is laid out at whole sizes in points of the window, so
//! that it is crisp at every zoom and the font's atlas does not fill up while zooming.

mod bar;
mod camera;
mod cards;
mod cuts;
mod data;
mod legend;
mod menu;
mod mini_map;
mod pointer;
mod sheet;
#[cfg(test)]
mod tests;
mod tints;
mod tooltip;
mod waiting;
mod wires;

use std::sync::Arc;

use egui::{Id, Rect, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use quantlens_analysis::{
    report::{LayerInfo, ModelInfo},
    t,
};

use self::{camera::Camera, cards::Detail, tints::Tints};
pub use self::{data::graph_data, sheet::graph_sheet};
use super::cells::theme_of;
use crate::{
    command::Commands,
    document::{Document, Look},
    format,
    graph_layout::Drawing,
    memo::{Memo, Same},
    theme,
};

/// At most so many cards have text and can be pointed at one by one.
const MOST_READABLE: usize = 300;
/// Names in the menu of a label or of a card's lines; a mask may have a hundred readers.
const MOST_NAMES: usize = 24;
/// The largest zoom at which a selection is framed.
const FRAMED_AT_MOST: f32 = 1.25;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct GraphViewState {
    /// Where it looks; `None` until a drawing was shown.
    camera: Option<Camera>,
    /// The drawing that was shown in the last frame, and of which model.
    shown: Option<(Arc<ModelInfo>, Arc<Drawing>)>,
    /// The selection's `reveal` that was last followed.
    revealed: Option<u64>,
    /// The number of the last look that was taken.
    looked: Option<u64>,
    /// The pointer was over a card in the last frame.
    hovering: bool,
    /// Colours end at the best and the worst layer.
    fitted: bool,
    /// Differences to the pinned baseline are switched off.
    hides_deltas: bool,
    /// What scrolls is fingers on a trackpad: they pan, a wheel zooms.
    trackpad: bool,
    /// The open menu was opened on a card.
    menu_on_card: bool,
    /// The number of the last menu that was asked for with the keys.
    menu_asked: u64,
    /// It has not had the keyboard yet.
    menu_is_new: bool,
    /// Where the open menu stands that was asked for with the keys.
    menu_at: Option<egui::Pos2>,
    tints: Memo<tints::Key, Arc<Tints>>,
    map: Memo<mini_map::Key, Arc<egui::Mesh>>,
}

/// Id of the graph's one tab stop. With it focused, arrows and Space belong to the selection as with nothing focused.
pub fn focus_id() -> Id {
    Id::unique("graph")
}

/// Draws the page in all the space there is.
pub fn graph_ui(ui: &mut Ui, doc: &Document, state: &mut GraphViewState, send: &mut Commands) {
    let (Some(model), Some((_, drawing))) = (&doc.model, &doc.graph.drawn) else {
        waiting::waiting_ui(ui, doc, send);
        return;
    };
    let tints = tints_of(ui, doc, state);
    bar::bar_ui(ui, doc, state, send);
    let height = (ui.available_height() - theme::ROW_HEIGHT - ui.spacing().item_spacing.y).max(80.0);
    let (view, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let scene = Scene { doc, model, drawing, tints: &tints, view };
    scene.aim(state);
    // A child that takes no room: what it draws must not move the legend.
    let mut canvas = ui.new_child(UiBuilder::new().max_rect(view));
    canvas.set_clip_rect(view.intersect(ui.clip_rect()));
    scene.scene_ui(&mut canvas, state, send);
    legend::legend_ui(ui, doc, &tints.legend);
}

fn tints_of(ui: &Ui, doc: &Document, state: &mut GraphViewState) -> Arc<Tints> {
    let same = |arc| Same(Arc::clone(arc));
    let key = tints::Key {
        report: doc.report.value.as_ref().map(same),
        comparison: doc.pins.comparison.as_ref().filter(|_| !state.hides_deltas).map(|c| Same(Arc::clone(c))),
        column: doc.pages.list_metric.0,
        fitted: state.fitted,
        theme: theme_of(ui),
    };
    Arc::clone(state.tints.get(key, |key| Arc::new(Tints::of(key))))
}

/// What a frame draws.
struct Scene<'a> {
    doc: &'a Document,
    model: &'a Arc<ModelInfo>,
    drawing: &'a Arc<Drawing>,
    tints: &'a Arc<Tints>,
    /// Where on screen.
    view: Rect,
}

impl Scene<'_> {
    fn layer(&self, card: usize) -> Option<&LayerInfo> {
        self.model.layers.get(card)
    }

    /// Follows a new drawing, a command to look somewhere, and a selection that was made elsewhere.
    fn aim(&self, state: &mut GraphViewState) {
        let bounds = self.drawing.bounds();
        let camera = match (state.camera, state.shown.take()) {
            (Some(camera), Some((_, drawing))) if Arc::ptr_eq(&drawing, self.drawing) => camera,
            // The same model in other rows, as another target makes them.
            (Some(camera), Some((model, drawing))) if model.sha256 == self.model.sha256 => {
                self.held(camera, &model, &drawing)
            }
            _ => {
                state.revealed = None;
                Camera::opening(self.view, bounds)
            }
        };
        let camera = state.camera.insert(camera);
        state.shown = Some((Arc::clone(self.model), Arc::clone(self.drawing)));
        let (look, number) = self.doc.graph.look;
        if state.looked != Some(number) {
            // Looks that were asked for before there was a view are the opening's business, but for the last one.
            let is_asked = state.looked.replace(number).is_some() || number > 0;
            if is_asked {
                *camera = match look {
                    Look::All => Camera::framing(self.view, bounds, 1.0),
                    Look::Selection => self
                        .selected_area()
                        .map_or(*camera, |area| Camera::framing(self.view, area.expand(24.0), FRAMED_AT_MOST)),
                };
                state.revealed = Some(self.doc.selection.reveal);
            }
        }
        if state.revealed != Some(self.doc.selection.reveal) {
            state.revealed = Some(self.doc.selection.reveal);
            let card = self.doc.lead().and_then(|card| self.drawing.card(card));
            if let Some(card) = card.filter(|card| !camera.area(self.view).contains_rect(*card)) {
                camera.centre = card.center();
            }
        }
        camera.hold(bounds);
    }

    /// A camera for the new drawing that keeps the card in the middle of the view where it was.
    fn held(&self, camera: Camera, model: &ModelInfo, drawing: &Drawing) -> Camera {
        let from_centre = |card: &usize| drawing.centres.get(*card).map_or(f32::MAX, |at| at.distance(camera.centre));
        let seen = drawing.cards_in(camera.area(self.view));
        let middle = seen.min_by(|a, b| from_centre(a).total_cmp(&from_centre(b)));
        let moved = middle.and_then(|card| {
            let now = self.doc.layer(&model.layers.get(card)?.name)?.index;
            Some(*self.drawing.centres.get(now)? - *drawing.centres.get(card)?)
        });
        Camera { centre: camera.centre + moved.unwrap_or_default(), ..camera }
    }

    /// Around all selected cards.
    fn selected_area(&self) -> Option<Rect> {
        let selected = self.model.layers.iter().filter(|layer| self.doc.selection.contains(&layer.name));
        selected.filter_map(|layer| self.drawing.card(layer.index)).reduce(Rect::union)
    }

    fn scene_ui(&self, ui: &mut Ui, state: &mut GraphViewState, send: &mut Commands) {
        let canvas = self.canvas_ui(ui);
        pointer::pan_and_zoom(ui, &canvas, self.drawing.bounds(), state);
        let Some(camera) = state.camera else { return };
        if self.doc.report.is_dimmed(self.doc.now) {
            ui.multiply_opacity(theme::DIM);
        }
        let area = camera.area(self.view);
        let seen: Vec<usize> = self.drawing.cards_in(area).collect();
        let detail = Detail::of(camera.zoom, seen.len());
        wires::wires_ui(ui, self, camera, detail);
        let pointed = canvas.contains_pointer().then(|| ui.input(|input| input.pointer.latest_pos())).flatten();
        let over = pointed.and_then(|at| self.drawing.at(camera.to_drawing(self.view, at)));
        let mut touched = pointer::Touched::new(canvas, over);
        let is_fitting = self.fitting();
        cards::cards_ui(ui, self, camera, &cards::Seen { cards: &seen, detail, fits: &is_fitting }, &mut touched);
        if detail == Detail::Full {
            cuts::cuts_ui(ui, self, camera, &seen, send);
        }
        mini_map::mini_map_ui(ui, self, state);
        pointer::answer(ui, self, touched, state, send);
    }

    /// All of the view: what is dragged and zoomed, and the graph's one tab stop.
    fn canvas_ui(&self, ui: &Ui) -> egui::Response {
        let canvas = ui.interact(self.view, focus_id(), Sense::click_and_drag());
        let text = t!("Graph of {}", format::plural(self.model.layers.len(), "layer"));
        canvas.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, &text));
        let tokens = theme::tokens(ui);
        if canvas.has_focus() {
            let filter =
                egui::EventFilter { vertical_arrows: true, horizontal_arrows: true, ..egui::EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(focus_id(), filter));
            ui.painter().rect_stroke(self.view, 2.0, (1.0, tokens.accent), egui::StrokeKind::Inside);
        }
        canvas
    }

    /// Which layers the filter shows; empty where it shows all.
    fn fitting(&self) -> Vec<bool> {
        let all = self.model.layers.len();
        if self.doc.visible.len() >= all {
            return Vec::new();
        }
        let mut fits = vec![false; all];
        for &index in &self.doc.visible {
            if let Some(fit) = fits.get_mut(index) {
                *fit = true;
            }
        }
        fits
    }
}
