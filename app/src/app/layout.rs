//! Where things stand: menus, tools, scoreboard and strip on top, the list left, the inspector right, pages in the middle.
//!
//! Fixed regions, not docking. In a narrow window the inspector, then the list, become drawers over the middle, so that
//! the pages keep at least [`CENTRE_MIN`] points.

use egui::{Button, CentralPanel, Frame, Margin, Panel, Rect, Ui};
use quantlens_analysis::t;

use super::panes;
use crate::{
    action::Action,
    command::{Command, Commands, Dialog},
    document::{Document, Drawer, Page, PanelId},
    keys, theme,
    views::{
        ViewStates, dialogs, drift, export_dialog, inspector, layer_list, menu, notices, scoreboard, status, toolbar,
        tour, welcome,
    },
    widgets::{self, StripAnswer, Tone},
};

/// The pages keep this width together, in points, at every window size that is allowed.
const CENTRE_MIN: f32 = 480.0;

/// Where the panels stand, in points of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayoutRects {
    /// The layer list beside the pages; `None` while closed or a drawer.
    pub list: Option<Rect>,
    /// The inspector beside the pages.
    pub inspector: Option<Rect>,
    /// The pages.
    pub centre: Rect,
    /// What their contents have of its width.
    pub pages_width: f32,
}

/// Draws the whole window.
pub(super) fn window_ui(
    ui: &mut Ui,
    doc: &Document,
    views: &mut ViewStates,
    send: &mut Commands,
    rects: &mut LayoutRects,
) {
    let ctx = ui.ctx().clone();
    top_ui(ui, doc, views, send);
    Panel::bottom("status").show(ui, |ui| status::status_ui(ui, doc, send));
    tour::tour_ui(ui, doc, send);
    *rects = LayoutRects::default();
    if doc.model.is_some() {
        let width = ui.available_width();
        strip_ui(ui, doc, views, send);
        rects.list = list_ui(ui, doc, views, send, width);
        rects.inspector = inspector_ui(ui, doc, views, send, width);
    }
    let back = theme::tokens(ui).canvas;
    let frame = Frame::new().fill(back).inner_margin(Margin::symmetric(8, 6));
    rects.pages_width = ui.available_width() - frame.inner_margin.sum().x;
    rects.centre = CentralPanel::default().frame(frame).show(ui, |ui| centre_ui(ui, doc, views, send)).response.rect;
    drawer_ui(&ctx, rects.centre, doc, views, send);
    notices::corner_ui(&ctx, doc, send);
    dialogs::dialog_ui(&ctx, doc, views, send);
    export_dialog::export_ui(&ctx, doc, send);
    welcome::drop_target_ui(&ctx);
}

fn top_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    Panel::top("menu").show(ui, |ui| {
        // What is done most stands at the right; the menus and the title share what is left.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            toolbar::right_ui(ui, doc, send);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| menu::menu_ui(ui, doc, send));
        });
    });
    if doc.model.is_some() {
        Panel::top("tools").show(ui, |ui| toolbar::toolbar_ui(ui, doc, send));
    }
    if doc.model.is_some() {
        Panel::top("score").show(ui, |ui| scoreboard::scoreboard_ui(ui, doc, &mut views.scoreboard, send));
    }
    failure_ui(ui, doc, send);
}

fn failure_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    let Some(failure) = &doc.failure else { return };
    Panel::top("failure").show(ui, |ui| match widgets::error_strip(ui, &failure.what, failure.retry.is_some()) {
        Some(StripAnswer::Details) => {
            let (what, details) = (failure.what.clone(), failure.details.clone());
            send.push(Command::ShowDialog(Dialog::Details { what, details }));
        }
        Some(StripAnswer::Retry) => send.push(Command::Retry),
        Some(StripAnswer::Dismiss) => send.push(Command::DismissFailure),
        None => {}
    });
}

fn strip_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    let is_low = ui.available_height() < 520.0;
    let panel = Panel::top("strip").resizable(true).size_range(90.0..=220.0);
    let panel = panel.default_size(if is_low { 96.0 } else { 140.0 });
    let mut open = doc.pages.strip;
    panel.show_collapsible(ui, &mut open, |ui| drift::drift_ui(ui, doc, &mut views.drift, send));
    toggle_if_dragged(doc, open, PanelId::Strip, send);
}

/// A panel that was dragged shut or open says so as a command, like everything else.
fn toggle_if_dragged(doc: &Document, is_open: bool, panel: PanelId, send: &mut Commands) {
    if Action::Toggle(panel).is_checked(doc) != Some(is_open) {
        send.push(Command::TogglePanel(panel));
    }
}

fn list_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands, width: f32) -> Option<Rect> {
    if doc.pages.narrow.list {
        return None;
    }
    // Both panels together leave the centre its minimum.
    let share = if doc.pages.narrow.inspector { 1.0 } else { 0.45 };
    let most = ((width - CENTRE_MIN) * share).clamp(200.0, 440.0);
    let panel = Panel::left("list").resizable(true).default_size(264.0_f32.min(most)).size_range(200.0..=most);
    let mut open = doc.pages.list;
    let shown = panel.show_collapsible(ui, &mut open, |ui| {
        layer_list::layer_list_ui(ui, doc, &mut views.layer_list, send);
    });
    toggle_if_dragged(doc, open, PanelId::List, send);
    shown.map(|shown| shown.response.rect)
}

fn inspector_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands, width: f32) -> Option<Rect> {
    if doc.pages.narrow.inspector {
        return None;
    }
    let most = ((width - CENTRE_MIN) * 0.55).clamp(240.0, 480.0);
    let panel = Panel::right("inspector").resizable(true).default_size(332.0_f32.min(most)).size_range(240.0..=most);
    let mut open = doc.pages.inspector;
    let shown = panel.show_collapsible(ui, &mut open, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            inspector::inspector_ui(ui, doc, &mut views.inspector, send);
        });
    });
    toggle_if_dragged(doc, open, PanelId::Inspector, send);
    shown.map(|shown| shown.response.rect)
}

/// In a narrow window: the panel that was asked for, over the pages.
fn drawer_ui(ctx: &egui::Context, centre: Rect, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    let narrow = doc.pages.narrow;
    let drawer = doc.pages.drawer.filter(|drawer| match drawer {
        Drawer::List => narrow.list,
        Drawer::Inspector => narrow.inspector,
    });
    let Some(drawer) = drawer.filter(|_| doc.model.is_some()) else { return };
    let width = 320.0_f32.min(centre.width() - 40.0);
    let left = if drawer == Drawer::List { centre.left() } else { centre.right() - width };
    let rect = Rect::from_min_size(egui::pos2(left, centre.top()), egui::vec2(width, centre.height()));
    egui::Area::new(egui::Id::unique("drawer")).order(egui::Order::Middle).fixed_pos(rect.min).show(ctx, |ui| {
        let frame = Frame::side_top_panel(ui.style()).stroke((1.0, theme::tokens(ui).line));
        frame.show(ui, |ui| {
            ui.set_min_size(rect.size() - egui::vec2(18.0, 8.0));
            ui.set_max_size(rect.size() - egui::vec2(18.0, 8.0));
            match drawer {
                Drawer::List => layer_list::layer_list_ui(ui, doc, &mut views.layer_list, send),
                Drawer::Inspector => {
                    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                        inspector::inspector_ui(ui, doc, &mut views.inspector, send);
                    });
                }
            }
        });
    });
}

fn centre_ui(ui: &mut Ui, doc: &Document, views: &mut ViewStates, send: &mut Commands) {
    if doc.model.is_none() {
        return welcome::welcome_ui(ui, doc, send);
    }
    tabs_ui(ui, doc, send);
    ui.separator();
    no_data_ui(ui, doc, send);
    panes::pages_ui(ui, doc, views, send);
}

/// Two groups of tabs: pages about the model, pages about the selected layer. Where they do not fit beside each other each
/// group has a line of its own: a group that breaks somewhere is hard to find a page in.
fn tabs_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    // Help has a tab only while it is shown: one opens it from the menu, or with its key.
    let help = doc.pages.shows(Page::Help).then_some(Page::Help);
    let model: Vec<Page> = Page::MODEL.into_iter().chain(help).collect();
    let width: f32 = model.iter().chain(&Page::LAYER).map(|page| tab_width(ui, page.title())).sum();
    let names = tab_width(ui, t!("Model")) + tab_width(ui, t!("Layer")) + 2.0 * theme::GRID;
    if width + names <= ui.available_width() {
        ui.horizontal(|ui| {
            group_ui(ui, t!("Model"), t!("These pages are about the whole model"), &model, doc, send);
            ui.separator();
            group_ui(ui, t!("Layer"), t!("These pages follow the selected layer"), &Page::LAYER, doc, send);
        });
    } else {
        ui.horizontal_wrapped(|ui| {
            group_ui(ui, t!("Model"), t!("These pages are about the whole model"), &model, doc, send);
        });
        ui.horizontal_wrapped(|ui| {
            group_ui(ui, t!("Layer"), t!("These pages follow the selected layer"), &Page::LAYER, doc, send);
        });
    }
}

fn group_ui(ui: &mut Ui, name: &str, hint: &str, pages: &[Page], doc: &Document, send: &mut Commands) {
    ui.weak(name).on_hover_text(hint);
    pages.iter().for_each(|&page| tab_ui(ui, page, doc, send));
}

/// What a tab with this text takes, with the gap behind it.
fn tab_width(ui: &Ui, text: &str) -> f32 {
    let font = egui::TextStyle::Button.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER);
    let spacing = ui.spacing();
    galley.size().x + 2.0 * spacing.button_padding.x + spacing.item_spacing.x
}

fn tab_ui(ui: &mut Ui, page: Page, doc: &Document, send: &mut Commands) {
    let is_shown = doc.pages.page == page;
    let is_beside = !is_shown && doc.pages.shows(page);
    let title = egui::RichText::new(page.title());
    let response = ui.add(Button::selectable(is_shown, if is_beside { title.underline() } else { title }));
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, is_shown, page.title()));
    let key = keys::text(ui.ctx(), Action::ShowPage(page));
    let clicked = response.clicked();
    if !key.is_empty() {
        response.on_hover_text(key);
    }
    if clicked {
        send.push(Command::ShowPage(page));
    }
}

/// Without samples half of the numbers are missing; says which, and offers both ways to get them.
fn no_data_ui(ui: &mut Ui, doc: &Document, send: &mut Commands) {
    if doc.data.is_some() || doc.data_choice.is_some() || doc.pages.shows(Page::Data) {
        return;
    }
    let text = t!("Select a layer to see the error of its weights. Activation error needs calibration samples.");
    widgets::banner(ui, Tone::Info, text, |ui| {
        ui.horizontal_wrapped(|ui| {
            if ui
                .button(t!("Add samples…"))
                .on_hover_text(t!("Choose images, arrays or a folder on the Data page"))
                .clicked()
            {
                send.push(Command::ShowPage(Page::Data));
            }
            menu::action_button(ui, Action::UseSynthetic, doc, send);
        });
    });
    ui.add_space(theme::GRID);
}
