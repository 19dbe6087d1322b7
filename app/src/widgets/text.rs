//! Headings and numbers, so that all pages set them alike.

use egui::{Label, Response, RichText, Ui};

use crate::theme;

/// A heading inside a page, with the space that sets a section apart.
pub fn section(ui: &mut Ui, title: &str) -> Response {
    ui.add_space(8.0);
    let response = ui.label(RichText::new(title).strong().size(15.0));
    ui.add_space(2.0);
    response
}

/// The name before a control, in one piece: in a row that wraps, a script without spaces would break anywhere.
pub fn name_label(ui: &mut Ui, text: impl Into<egui::WidgetText>) -> Response {
    ui.add(Label::new(text).extend())
}

/// A number in digits of one width.
pub fn number_label(ui: &mut Ui, text: impl Into<String>) -> Response {
    let text = RichText::new(text).font(theme::number_font(ui));
    ui.add(Label::new(text).selectable(true))
}
