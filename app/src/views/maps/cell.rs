//! One map: its name and error, the three pictures, and the values under the pointer.

use egui::{
    Align, Color32, FontSelection, PopupAnchor, Rect, Response, Role, Sense, Stroke, TextureHandle, Tooltip, Ui, Vec2,
    pos2, vec2,
};
use quantlens_analysis::{
    report::{FeatureMap, FeatureMaps},
    t,
};

use super::super::cells::{Ink, paint_text};
use crate::{format, theme};

/// Longest side of a picture where there are many, in points.
const SIDE: f32 = 84.0;
/// Between the pictures of a map.
const GAP: f32 = 4.0;
/// Height of the line above the pictures.
const LINE: f32 = 18.0;
/// Most height of pictures in a single row.
const ALONE: f32 = 320.0;
/// Most height of a picture without proportions.
const STRIP: f32 = 150.0;

/// Sizes of the grid, in points.
pub(super) struct Shape {
    /// One picture.
    picture: Vec2,
    /// A map: its line and its three pictures.
    pub(super) cell: Vec2,
    /// Maps a row.
    pub(super) columns: usize,
    /// Between maps.
    pub(super) gap: f32,
    /// From one picture of a map to the next.
    step: Vec2,
}

impl Shape {
    /// For these maps in this width.
    pub(super) fn of(maps: &FeatureMaps, width: f32) -> Self {
        let (across, down) = (maps.width.max(1) as f32, maps.height.max(1) as f32);
        let gap = 4.0 * theme::GRID;
        if maps.shape.len() <= 3 {
            // Tokens × features and rows of values have no proportions, and many columns: one below the other.
            let picture = vec2(width.max(60.0), (6.0 * down).clamp(24.0, STRIP));
            let step = vec2(0.0, picture.y + GAP);
            return Self { picture, cell: vec2(picture.x, LINE + 3.0 * step.y), columns: 1, gap, step };
        }
        // The line above needs room for a name and two numbers.
        let least = (3.0 * SIDE * (across / down).min(1.0) + 2.0 * GAP).max(200.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few maps")]
        let columns = (((width + gap) / (least + gap)) as usize).clamp(1, maps.maps.len().max(1));
        // The maps share what is left of the row.
        let room = ((width + gap) / columns as f32 - gap - 2.0 * GAP) / 3.0;
        let tallest = if columns == maps.maps.len() { ALONE } else { 1.6 * SIDE };
        let picture = (vec2(across, down) * (room / across).min(tallest / down)).max(Vec2::splat(8.0));
        let cell = vec2((3.0 * picture.x + 2.0 * GAP).max(200.0), LINE + picture.y);
        Self { picture, cell, columns, gap, step: vec2(picture.x + GAP, 0.0) }
    }
}

/// Draws the map at this place; gives it for a menu.
pub(super) fn cell_ui(
    ui: &mut Ui,
    maps: &FeatureMaps,
    index: usize,
    shape: &Shape,
    textures: Option<[TextureHandle; 3]>,
) -> Response {
    // For the menu of a right click; no stop of the Tab key, since the Edit menu has the same entries.
    let (rect, response) = ui.allocate_exact_size(shape.cell, Sense::CLICK);
    let (Some(map), Some(textures)) = (maps.maps.get(index), textures) else { return response };
    let tokens = theme::tokens(ui);
    let name = maps.name(map);
    let (low, high) = (f64::from(map.low), f64::from(map.high));
    let scale = format!("{} … {}", format::significant(low, 3), format::significant(high, 3));
    let error = format::db_unit(map.sqnr_db);
    let words = t!("{}, {}, values {}: float, quantized, error", name, error, scale);
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Image, true, &words));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let font = FontSelection::Default.resolve(ui.style());
    let line = Rect::from_min_size(rect.min, vec2(rect.width(), LINE));
    let ink = |colour, align| Ink { colour, italic: false, align };
    paint_text(ui, line, &format!("{name}  {error}"), font.clone(), ink(tokens.text, Align::Min));
    paint_text(ui, line.with_min_x(line.left() + 110.0), &scale, font, ink(tokens.weak, Align::Max));
    let places =
        [0.0, 1.0, 2.0].map(|i| Rect::from_min_size(rect.min + vec2(0.0, LINE) + i * shape.step, shape.picture));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    for (place, texture) in places.iter().zip(&textures) {
        ui.painter().image(texture.id(), *place, whole, Color32::WHITE);
        ui.painter().rect_stroke(*place, 0.0, Stroke::new(1.0, tokens.line), egui::StrokeKind::Outside);
    }
    value_ui(ui, (maps, map, &name), &places, &response);
    response
}

/// Frames the value under the pointer and says what it is in both runs.
fn value_ui(ui: &Ui, (maps, map, name): (&FeatureMaps, &FeatureMap, &str), places: &[Rect; 3], response: &Response) {
    let Some(pointer) = response.hover_pos() else { return };
    let Some(under) = places.iter().find(|place| place.contains(pointer)) else { return };
    let at = (pointer - under.min) / under.size();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places in a picture")]
    let cell = |share: f32, count: usize| ((share * count as f32) as usize).min(count.saturating_sub(1));
    let (x, y) = (cell(at.x, maps.width), cell(at.y, maps.height));
    mark_ui(ui, maps, places, (x, y));
    let value = y * maps.width + x;
    let (Some(float), Some(quantized)) = (map.float.get(value), map.quantized.get(value)) else { return };
    let (row, column) = maps.position(value);
    let tooltip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, PopupAnchor::Pointer);
    tooltip.gap(12.0).show(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.label(egui::RichText::new(t!("{}, y {}, x {}", name, row, column)).strong());
        egui::Grid::new("value of a map").spacing(vec2(12.0, 2.0)).show(ui, |ui| {
            let error = map.error(value).unwrap_or(f32::NAN);
            for (what, value) in [(t!("Float"), *float), (t!("Quantized"), *quantized), (t!("Error"), error)] {
                ui.label(what);
                ui.label(egui::RichText::new(format::significant(f64::from(value), 4)).monospace());
                ui.end_row();
            }
        });
    });
}

/// A frame around the value in all three pictures.
fn mark_ui(ui: &Ui, maps: &FeatureMaps, places: &[Rect; 3], (x, y): (usize, usize)) {
    for place in places {
        let size = place.size() / vec2(maps.width.max(1) as f32, maps.height.max(1) as f32);
        let mark = Rect::from_min_size(place.min + vec2(x as f32, y as f32) * size, size);
        // Black in white: one of them is seen on any grey.
        ui.painter().rect_stroke(mark, 0.0, Stroke::new(3.0, Color32::WHITE), egui::StrokeKind::Outside);
        ui.painter().rect_stroke(mark.expand(1.0), 0.0, Stroke::new(1.0, Color32::BLACK), egui::StrokeKind::Outside);
    }
}
