//! Widths of the table's columns: by number, by key and by mouse, kept between runs and taken back at once.

use egui::{Key, Role, vec2};
use egui_kittest::kittest::Queryable as _;
use quantlens::{action::Action, command::Command, document::Page, rows::Column, session::Session};
use quantlens_tests::window::{Window, open, send, settle};

fn table() -> Window {
    let mut window = open(1440.0, 900.0);
    send(&mut window, Command::Tour(None));
    send(&mut window, Command::ShowPage(Page::Table));
    window
}

fn set(window: &Window, column: Column) -> Option<f32> {
    window.state().document().settings.column_widths.get(column)
}

/// Width of the column's header.
fn header(window: &Window, name: &str) -> f32 {
    window.get_by_role_and_label(Role::ColumnHeader, &format!("Sort by {name}")).rect().width()
}

#[test]
fn a_number_in_the_menu_of_columns_is_the_width() {
    let mut window = table();
    assert!((header(&window, "Op") - 84.0).abs() < 0.6);
    window.get_by_label_contains("Columns").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::SpinButton, "Width of the column Op").focus();
    window.run_steps(3);
    for _ in 0..6 {
        window.key_press(Key::ArrowUp);
        settle(&mut window);
    }
    assert_eq!(set(&window, Column::Op), Some(90.0));
    assert!((header(&window, "Op") - 90.0).abs() < 0.6, "{}", header(&window, "Op"));
    let text = "Reset column widths";
    window.get_by_label_contains(text).click();
    settle(&mut window);
    assert_eq!(set(&window, Column::Op), None);
    assert!((header(&window, "Op") - 84.0).abs() < 0.6);
    send(&mut window, Command::Run(Action::ResetColumns));
    let notice = &window.state().document().notices.last().unwrap().text;
    assert_eq!(notice, "Reset column widths: every column has its own width");
}

#[test]
fn the_line_beside_a_column_is_moved_with_keys_or_dragged_and_remembered() {
    let mut window = table();
    window.get_by_label("Width of the column Op").focus();
    window.run_steps(3);
    // The line at its left moves to the left.
    window.key_press(Key::ArrowLeft);
    settle(&mut window);
    assert_eq!(set(&window, Column::Op), Some(92.0));
    let line = window.get_by_label("Width of the column Clipped %").rect().center();
    let before = header(&window, "Clipped %");
    window.drag_at(line);
    window.hover_at(line - vec2(20.0, 0.0));
    settle(&mut window);
    window.drop_at(line - vec2(20.0, 0.0));
    settle(&mut window);
    let moved = window.get_by_label("Width of the column Clipped %").rect().center();
    assert!((line.x - moved.x - 20.0).abs() < 1.5, "it follows the pointer: {moved:?}");
    let after = set(&window, Column::Clipped).unwrap();
    assert!((after - before - 20.0).abs() < 1.5, "{before} became {after}");
    assert!((header(&window, "Clipped %") - after).abs() < 0.6);
    assert!((header(&window, "Op") - 92.0).abs() < 0.6, "the other one keeps its own");

    let session = Session::of(window.state().document(), true);
    let mut next = table();
    let mut doc = next.state().document().clone();
    session.restore(&mut doc);
    next.state_mut().set_document(doc);
    settle(&mut next);
    assert!((header(&next, "Clipped %") - after).abs() < 0.6);
    assert!((header(&next, "Op") - 92.0).abs() < 0.6);
}
