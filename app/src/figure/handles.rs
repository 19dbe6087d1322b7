//! Moving a mark of a figure: `egui_plot` has no item that can be dragged, so a thin strip over each mark takes the pointer
//! and the keys after the plot is drawn. Values are float32 from here on: what is sent is what is stored, bit for bit.

use egui::{CursorIcon, Event, EventFilter, Id, Key, Rect, Response, Sense, Ui, WidgetInfo, accesskit, pos2, vec2};
use egui_plot::{PlotPoint, PlotTransform};
use quantlens_analysis::{
    calibrate::Side,
    quant::{Range, Scheme},
    report::ThresholdDetail,
    t,
};

use super::{
    Ink,
    spec::{FigureSpec, Handle},
};
use crate::theme;

/// Width of the strip that takes the pointer, in points.
const GRAB: f32 = 14.0;
/// Steps of an arrow key with Shift.
const LEAP: f32 = 16.0;

/// A handle was moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Which end of the range.
    pub side: Side,
    /// Where to.
    pub value: f32,
    /// Whether the gesture is over.
    pub done: bool,
}

/// One handle for each end of `current` that has values. A symmetric grid has one threshold, which stands on both sides as
/// far as there is anything to clip.
pub(super) fn end_handles(detail: &ThresholdDetail, current: Range) -> Vec<Handle> {
    let (Range { low, high }, step) = (detail.observed, detail.bin_width);
    let lower =
        |value, limit: f32| Handle { name: t!("Lower end"), side: Side::Low, value, limits: (low, limit), step };
    let upper =
        |value, limit: f32| Handle { name: t!("Upper end"), side: Side::High, value, limits: (limit, high), step };
    let (has_low, has_high) = (low < 0.0, high > 0.0);
    let mut handles = Vec::new();
    if detail.format.scheme == Scheme::Symmetric {
        let t = current.amax();
        let is_high_larger = high >= -low;
        // At a threshold of 0 there is no scale.
        if has_low && (t <= -low || !is_high_larger) {
            handles.push(lower(-t, -step.min(-low)));
        }
        if has_high && (t <= high || is_high_larger) {
            handles.push(upper(t, step.min(high)));
        }
        return handles;
    }
    // Where the other end is at 0, this one keeps a step away: from 0 to 0 there is no scale.
    if has_low {
        let limit = if current.high > 0.0 { 0.0 } else { -step.min(-low) };
        handles.push(lower(current.low.min(0.0), limit));
    }
    if has_high {
        let limit = if current.low < 0.0 { 0.0 } else { step.min(high) };
        handles.push(upper(current.high.max(0.0), limit));
    }
    handles
}

/// Takes the pointer and the keys for every handle; reports the one that was moved.
pub(super) fn handles_ui(ui: &Ui, spec: &FigureSpec, transform: &PlotTransform) -> Option<Moved> {
    strips(ui, spec, transform).fold(None, |moved, strip| strip.show(ui).or(moved))
}

/// Draws the grips, on top of everything: the labels too, which may stand anywhere in a low chart.
pub(super) fn grips_ui(ui: &Ui, spec: &FigureSpec, transform: &PlotTransform) {
    strips(ui, spec, transform).for_each(|strip| strip.grip(ui));
}

fn strips<'a>(ui: &Ui, spec: &'a FigureSpec, transform: &'a PlotTransform) -> impl Iterator<Item = Strip<'a>> {
    let scope = ui.scope_id();
    spec.handles.iter().map(move |handle| {
        // Another layer's handle is another one, which must not inherit the keys.
        Strip { handle, spec, transform, id: scope.with((&spec.title, handle.name)) }
    })
}

/// A handle and where its plot is.
struct Strip<'a> {
    handle: &'a Handle,
    spec: &'a FigureSpec,
    transform: &'a PlotTransform,
    id: Id,
}

impl Strip<'_> {
    fn show(&self, ui: &Ui) -> Option<Moved> {
        let frame = *self.transform.frame();
        let x = self.x();
        // Zoomed away: what cannot be seen must not be moved.
        if !frame.x_range().contains(x) {
            return None;
        }
        let strip = Rect::from_center_size(pos2(x, frame.center().y), vec2(GRAB, frame.height()));
        let response = ui.interact(strip, self.id, Sense::click_and_drag());
        let is_enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::slider(is_enabled, f64::from(self.handle.value), self.handle.name));
        self.describe(ui);
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        self.paint(ui, &response, frame);
        let response = response.on_hover_cursor(CursorIcon::ResizeHorizontal);
        self.dragged(ui, &response).or_else(|| self.stepped(ui, &response))
    }

    fn x(&self) -> f32 {
        let placed = self.spec.x.scale.place(f64::from(self.handle.value));
        self.transform.position_from_point(&PlotPoint::new(placed, 0.0)).x
    }

    /// Where the pointer has taken it. The distance at which it was caught is kept, or the first move would be a jump.
    fn dragged(&self, ui: &Ui, response: &Response) -> Option<Moved> {
        if !response.dragged() && !response.drag_stopped() {
            return None;
        }
        if response.drag_started() {
            let from = ui.input(|input| input.pointer.press_origin()).map_or(0.0, |origin| origin.x - self.x());
            ui.data_mut(|data| data.insert_temp(self.id, from));
        }
        let caught: f32 = ui.data(|data| data.get_temp(self.id)).unwrap_or(0.0);
        let done = response.drag_stopped();
        let value = response.interact_pointer_pos().map_or(self.handle.value, |pointer| {
            let placed = self.transform.value_from_position(pos2(pointer.x - caught, pointer.y)).x;
            self.limited(self.spec.x.scale.value(placed))
        });
        Some(Moved { side: self.handle.side, value, done })
    }

    /// Where keys or a screen reader have taken it: arrows by a step, with Shift by sixteen, Home and End to the limits. A
    /// key held down is one gesture, which its release ends.
    fn stepped(&self, ui: &Ui, response: &Response) -> Option<Moved> {
        if let Some(value) = self.asked(ui) {
            return Some(Moved { side: self.handle.side, value, done: true });
        }
        if !response.has_focus() {
            return None;
        }
        let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(self.id, arrows));
        let held = self.id.with("held");
        let was_held = ui.data(|data| data.get_temp(held)).unwrap_or(false);
        let (mut is_held, mut value, mut done) = (was_held, self.handle.value, false);
        ui.input_mut(|input| {
            input.events.retain(|event| {
                let Event::Key { key, pressed, modifiers, .. } = event else { return true };
                let leap = if modifiers.shift { LEAP } else { 1.0 };
                let to = match key {
                    _ if modifiers.command || modifiers.alt => return true,
                    Key::ArrowLeft => self.limited(f64::from(value - leap * self.handle.step)),
                    Key::ArrowRight => self.limited(f64::from(value + leap * self.handle.step)),
                    Key::Home => self.handle.limits.0,
                    Key::End => self.handle.limits.1,
                    _ => return true,
                };
                if *pressed {
                    (value, is_held) = (to, true);
                } else {
                    done = true;
                }
                false
            });
        });
        ui.data_mut(|data| data.insert_temp(held, is_held && !done));
        let pressed = value.to_bits() != self.handle.value.to_bits();
        (pressed || (is_held && done)).then_some(Moved { side: self.handle.side, value, done })
    }

    /// What a screen reader asks for.
    fn asked(&self, ui: &Ui) -> Option<f32> {
        use accesskit::{Action, ActionData};
        ui.input(|input| {
            let times = |action| input.num_accesskit_action_requests(self.id, action);
            let set = input.accesskit_action_requests(self.id, Action::SetValue).last();
            match set.and_then(|request| request.data.as_ref()) {
                Some(ActionData::NumericValue(value)) => Some(self.limited(*value)),
                _ => {
                    let (up, down) = (times(Action::Increment) as f64, times(Action::Decrement) as f64);
                    let by = (up - down) * f64::from(self.handle.step);
                    (by != 0.0).then(|| self.limited(f64::from(self.handle.value) + by))
                }
            }
        })
    }

    fn describe(&self, ui: &Ui) {
        ui.ctx().accesskit_node_builder(self.id, |node| {
            node.set_min_numeric_value(f64::from(self.handle.limits.0));
            node.set_max_numeric_value(f64::from(self.handle.limits.1));
            node.set_numeric_value_step(f64::from(self.handle.step));
            for action in [accesskit::Action::SetValue, accesskit::Action::Increment, accesskit::Action::Decrement] {
                node.add_action(action);
            }
        });
    }

    #[expect(clippy::cast_possible_truncation, reason = "rounded to the float32 that is stored")]
    fn limited(&self, value: f64) -> f32 {
        let (low, high) = self.handle.limits;
        (value as f32).max(low).min(high)
    }

    /// The line, thicker while it has the pointer or the keys. The grip comes later, see [`grips_ui`].
    fn paint(&self, ui: &Ui, response: &Response, frame: Rect) {
        if is_active(response) {
            let ink = super::colour(theme::tokens(ui), Ink::Current);
            ui.painter().with_clip_rect(frame).vline(self.x(), frame.y_range(), (3.0, ink));
        }
    }

    /// A grip half way up the line, clear of the labels above and of the minimum of a curve below, wider and ringed while
    /// it has the pointer or the keys.
    fn grip(&self, ui: &Ui) {
        let frame = *self.transform.frame();
        let Some(response) = ui.ctx().read_response(self.id).filter(|_| frame.x_range().contains(self.x())) else {
            return;
        };
        let tokens = theme::tokens(ui);
        let painter = ui.painter().with_clip_rect(frame);
        let size = vec2(if is_active(&response) { 11.0 } else { 9.0 }, 26.0);
        let grip = Rect::from_center_size(pos2(self.x(), frame.center().y), size);
        painter.rect_filled(grip, 3.0, super::colour(tokens, Ink::Current));
        for dx in [-1.5, 1.5] {
            painter.vline(grip.center().x + dx, grip.top() + 7.0..=grip.bottom() - 7.0, (1.0, tokens.canvas));
        }
        if response.has_focus() {
            painter.rect_stroke(grip.expand(2.5), 4.0, (2.0, tokens.accent), egui::StrokeKind::Middle);
        }
    }
}

fn is_active(response: &Response) -> bool {
    response.hovered() || response.dragged() || response.has_focus()
}
