//! What the pointer does: drag pans, wheel and pinch zoom where it is, click selects, double click frames, right click
//! opens a menu.

use egui::{Event, MouseWheelSource, Response, Ui, vec2};

use super::{FRAMED_AT_MOST, GraphViewState, Scene, camera::Camera, menu};
use crate::{
    command::{Command, Commands},
    selection::SelectMode,
    views::drift::{report_hover, select_mode},
};

/// Points of the wheel for a zoom by *e*: a notch of 50 points is a fifth.
const WHEEL: f32 = 260.0;

/// What was done to the cards and to the room between them.
pub(super) struct Touched {
    /// The canvas, and with it every card.
    all: Response,
    /// The card under the pointer.
    over: Option<usize>,
    clicked: Option<usize>,
    framed: Option<usize>,
    menu: Option<usize>,
}

impl Touched {
    /// Nothing yet but where the pointer is.
    pub(super) fn new(canvas: Response, over: Option<usize>) -> Self {
        let mut touched = Self { all: canvas, over, clicked: None, framed: None, menu: None };
        // Cards too small to be pointed at one by one are found by their place.
        if let Some(card) = over {
            touched.note(card, &touched.all.clone());
        }
        touched
    }

    /// Takes in what was done to a card.
    pub(super) fn card(&mut self, card: usize, response: Response) {
        self.note(card, &response);
        // Its rectangle would make the menu's place and the canvas's drags those of the card.
        let rect = self.all.rect;
        self.all = self.all.clone().union(response).with_new_rect(rect);
    }

    fn note(&mut self, card: usize, response: &Response) {
        if response.double_clicked() {
            self.framed = Some(card);
        }
        if response.clicked() {
            self.clicked = Some(card);
        }
        if response.secondary_clicked() {
            self.menu = Some(card);
        }
    }
}

/// Moves the camera as the pointer says.
pub(super) fn pan_and_zoom(ui: &Ui, canvas: &Response, bounds: egui::Rect, state: &mut GraphViewState) {
    let Some(camera) = &mut state.camera else { return };
    if canvas.dragged() {
        camera.pan(canvas.drag_delta());
    }
    if canvas.contains_pointer() && !egui::Popup::is_any_open(ui.ctx()) {
        let (scroll, zoom, at) =
            ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta(), input.pointer.latest_pos()));
        // A scroll goes on for some frames after its event.
        state.trackpad = ui.input(|input| {
            input.events.iter().fold(state.trackpad, |trackpad, event| match event {
                Event::MouseWheel { source, .. } => *source == MouseWheelSource::Trackpad,
                _ => trackpad,
            })
        });
        let (by_wheel, pan) = if state.trackpad { (0.0, scroll) } else { (scroll.y, vec2(scroll.x, 0.0)) };
        let factor = zoom * (by_wheel / WHEEL).exp();
        if let Some(at) = at.filter(|_| factor != 1.0) {
            camera.zoom_at(canvas.rect, at, factor, bounds);
        }
        camera.pan(pan);
    }
    camera.hold(bounds);
}

/// Turns what was done into commands, and opens the menu.
pub(super) fn answer(ui: &Ui, scene: &Scene<'_>, touched: Touched, state: &mut GraphViewState, send: &mut Commands) {
    let name = |card: usize| scene.layer(card).map(|info| info.name.as_str());
    report_hover(scene.doc, &mut state.hovering, touched.over.and_then(name), send);
    let mode = select_mode(ui.input(|input| input.modifiers));
    if let Some(layer) = touched.clicked.and_then(name) {
        send.push(Command::Select { layer: layer.to_owned(), mode, reveal: true });
        // The other views scroll there; the card under the pointer must not move.
        state.revealed = Some(scene.doc.selection.reveal + 1);
    } else if touched.all.clicked() && mode == SelectMode::Replace && !scene.doc.selection.selected.is_empty() {
        send.push(Command::ClearSelection);
    }
    if let Some(card) = touched.framed.and_then(|card| scene.drawing.card(card)) {
        state.camera = Some(Camera::framing(scene.view, card.expand(120.0), FRAMED_AT_MOST));
    }
    if touched.all.secondary_clicked() {
        (state.menu_on_card, state.menu_at) = (touched.menu.is_some(), None);
    }
    // A menu speaks of the selection: a card that is not in it becomes it.
    if let Some(layer) = touched.menu.and_then(name).filter(|layer| !scene.doc.selection.contains(layer)) {
        send.push(Command::Select { layer: layer.to_owned(), mode: SelectMode::Replace, reveal: true });
        state.revealed = Some(scene.doc.selection.reveal + 1);
    }
    menu::open_ui(scene, &touched.all, state, send);
}
