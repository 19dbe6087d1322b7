//! The pages of the centre: one, or two side by side with a line between them that can be moved.
//!
//! Of two, one is in use: tabs, keys and what is exported are its. A press anywhere in the other puts that in use; both stay
//! where they are. A page is never shown twice, so no view needs a second state.

use egui::{Button, CursorIcon, Key, Layout, Rect, RichText, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use quantlens_analysis::t;

use crate::{
    action::Action,
    command::{Command, Commands},
    document::{Beside, Document, Page},
    keys, theme,
    views::{
        ViewStates, answers, arithmetic, channels, data_page, drift_page, errors, graph, help, histogram, layer_table,
        maps, model_summary, scatter, sensitivity, threshold,
    },
};

/// Between two pages, in points.
const GAP: f32 = 17.0;
/// What a press of an arrow key moves the line by, as a share of both pages.
const STEP: f32 = 0.05;

/// Whether two pages fit into this width, in points.
pub(super) fn has_room(width: f32) -> bool {
    width >= 2.0 * Beside::LEAST + GAP
}

/// Draws the pages in all the space there is; the one in use alone where two do not fit.
pub(super) fn pages_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    let room = ui.available_rect_before_wrap();
    let Some(beside) = doc.pages.beside.filter(|_| has_room(room.width())) else {
        return page_ui(ui, doc.pages.page, doc, views, send);
    };
    let both = room.width() - GAP;
    let left = (both * beside.share).clamp(Beside::LEAST, both - Beside::LEAST);
    let (pages, used) =
        if beside.is_left { ([beside.page, doc.pages.page], 1) } else { ([doc.pages.page, beside.page], 0) };
    let rects = [room.with_max_x(room.left() + left), room.with_min_x(room.left() + left + GAP)];
    for (place, (page, rect)) in pages.into_iter().zip(rects).enumerate() {
        let builder =
            UiBuilder::new().max_rect(rect).id_salt(("page", page)).layout(Layout::top_down(egui::Align::Min));
        let mut pane = ui.new_child(builder);
        pane.set_clip_rect(rect.expand(2.0).intersect(ui.clip_rect()));
        heading_ui(&mut pane, page, place == used, doc, send);
        page_ui(&mut pane, page, doc, views, send);
        if place != used && is_pressed(ui, rect) {
            send.push(Command::ShowPage(page));
        }
    }
    divider_ui(ui, room, left, send);
    ui.allocate_rect(room, Sense::hover());
}

fn page_ui(ui: &mut Ui, page: Page, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    match page {
        Page::Table => layer_table::layer_table_ui(ui, doc, &mut views.layer_table, send),
        Page::Graph => graph::graph_ui(ui, doc, &mut views.graph, send),
        Page::Drift => drift_page::drift_page_ui(ui, doc, &mut views.drift_page, send),
        Page::Sensitivity => sensitivity::sensitivity_ui(ui, doc, &mut views.sensitivity, send),
        Page::Answers => answers::answers_ui(ui, doc, &mut views.answers, send),
        Page::Data => data_page::data_page_ui(ui, doc, &mut views.data_page, send),
        Page::Model => model_summary::model_summary_ui(ui, doc, &mut views.model_summary, send),
        Page::Histogram => histogram::histogram_ui(ui, doc, &mut views.histogram, send),
        Page::Threshold => threshold::threshold_ui(ui, doc, &mut views.threshold, send),
        Page::Channels => channels::channels_ui(ui, doc, &mut views.channels, send),
        Page::Scatter => scatter::scatter_ui(ui, doc, &mut views.scatter, send),
        Page::Maps => maps::maps_ui(ui, doc, &mut views.maps, send),
        Page::Errors => errors::errors_ui(ui, doc, &mut views.errors, send),
        Page::Arithmetic => arithmetic::arithmetic_ui(ui, doc, &mut views.arithmetic, send),
        Page::Help => help::help_ui(ui, doc, &mut views.help, send),
    }
}

/// Over each of two pages: its name, whether it is in use, and the way to have the other alone.
fn heading_ui(ui: &mut Ui, page: Page, is_used: bool, doc: &Document, send: &mut Commands) {
    let row = ui.horizontal(|ui| {
        let title = if is_used { RichText::new(page.title()).strong() } else { RichText::new(page.title()) };
        let button = ui.add(Button::new(title).frame(false));
        let name = if is_used { t!("{}, the page in use", page.title()) } else { t!("Use {}", page.title()) };
        button.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, is_used, &name));
        let hint = t!("Tabs and keys change the page in use ({})", keys::text(ui.ctx(), Action::OtherPage));
        if button.on_hover_text(hint).clicked() {
            send.push(Command::ShowPage(page));
        }
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            let close = ui.add(Button::new("×").min_size(vec2(theme::ROW_HEIGHT, theme::ROW_HEIGHT)).frame(false));
            let name = t!("Close {}", page.title());
            close.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
            if close.on_hover_text(&name).clicked() {
                // What stays is the page in use.
                if let Some(other) = doc.pages.shown().find(|shown| *shown != page) {
                    send.push(Command::ShowPage(other));
                }
                send.run(Action::Split);
            }
        });
    });
    let tokens = theme::tokens(ui);
    let (width, colour) = if is_used { (2.0, tokens.accent) } else { (1.0, tokens.line) };
    ui.painter().hline(ui.max_rect().x_range(), row.response.rect.bottom() + 1.0, (width, colour));
    ui.add_space(theme::GRID);
}

/// Whether the pointer was pressed here in this frame, and not on a window or a menu above.
fn is_pressed(ui: &Ui, rect: Rect) -> bool {
    let pressed = ui.input(|input| input.pointer.any_pressed().then(|| input.pointer.interact_pos()).flatten());
    pressed.is_some_and(|at| rect.contains(at) && ui.ctx().layer_id_at(at) == Some(ui.layer_id()))
}

/// The line between the pages: dragged, or moved with arrow keys once it has the keyboard.
fn divider_ui(ui: &Ui, room: Rect, left: f32, send: &mut Commands) {
    let x = room.left() + left;
    let rect = Rect::from_min_max(pos2(x + 3.0, room.top()), pos2(x + GAP - 3.0, room.bottom()));
    let response = ui.interact(rect, ui.scope_id().with("divider"), Sense::click_and_drag());
    let both = room.width() - GAP;
    let share = left / both;
    response.widget_info(|| WidgetInfo::slider(true, f64::from(share), t!("Line between the pages")));
    let tokens = theme::tokens(ui);
    let is_lit = response.hovered() || response.dragged() || response.has_focus();
    let (width, colour) = if is_lit { (2.0, tokens.accent) } else { (1.0, tokens.line) };
    ui.painter().vline(rect.center().x, rect.y_range(), (width, colour));
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        send.push(Command::Divide((pointer.x - 0.5 * GAP - room.left()) / both));
    } else if response.has_focus() {
        let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let step =
            STEP * (f32::from(u8::from(pressed(Key::ArrowRight))) - f32::from(u8::from(pressed(Key::ArrowLeft))));
        if step != 0.0 {
            send.push(Command::Divide(share + step));
        }
    }
    response
        .on_hover_cursor(CursorIcon::ResizeHorizontal)
        .on_hover_text(t!("Drag to divide the room otherwise; arrow keys do the same"));
}
