//! How the text of cells is painted: cut where it does not fit, tinted by error, with the marks of shared and edited.

use egui::{
    Align, Align2, Color32, FontId, FontSelection, Rect, Stroke, TextFormat, Ui, pos2, text::TextWrapping, vec2,
};
use quantlens_analysis::{quant::Bits, report::LayerRow};

use super::{Cell, gain_is_off, theme_of};
use crate::theme;

/// How text is painted.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    /// Its colour.
    pub colour: Color32,
    /// Slanted: from fewer samples than were asked for.
    pub italic: bool,
    /// Where it stands in its rectangle.
    pub align: Align,
}

/// Paints one line of text inside `rect`, centred vertically; what does not fit ends in an ellipsis. Returns whether it
/// was cut.
pub fn paint_text(ui: &Ui, rect: Rect, text: &str, font: FontId, ink: Ink) -> bool {
    let galley = layout(ui, text, font, ink, rect.width() + 1.0);
    let x = match ink.align {
        Align::Min => rect.left(),
        Align::Center => rect.center().x - galley.size().x / 2.0,
        Align::Max => rect.right() - galley.size().x,
    };
    let is_cut = galley.elided;
    // Slanted digits lean over the edge of their box.
    let room = rect.expand2(vec2(3.0, 0.0));
    let painter = ui.painter().with_clip_rect(room.intersect(ui.clip_rect()));
    painter.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, ink.colour);
    is_cut
}

fn layout(ui: &Ui, text: &str, font: FontId, ink: Ink, width: f32) -> std::sync::Arc<egui::Galley> {
    let format = TextFormat { font_id: font, color: ink.colour, italics: ink.italic, ..TextFormat::default() };
    let mut job = egui::text::LayoutJob::single_section(text.to_owned(), format);
    job.wrap = TextWrapping { max_width: width, max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    ui.painter().layout_job(job)
}

/// As [`paint_text`], without a clip of its own: hundreds of them would be hundreds of draw calls.
pub fn put_text(ui: &Ui, rect: Rect, text: &str, font: FontId, ink: Ink) {
    let galley = layout(ui, text, font, ink, rect.width() + 1.0);
    let x = match ink.align {
        Align::Min => rect.left(),
        Align::Center => rect.center().x - galley.size().x / 2.0,
        Align::Max => rect.right() - galley.size().x,
    };
    ui.painter().galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, ink.colour);
}

/// Paints a layer's name; where it does not fit its beginning goes, since paths differ at their end. Returns whether
/// it was cut.
pub fn paint_name(ui: &Ui, rect: Rect, name: &str, colour: Color32) -> bool {
    let font = FontSelection::Default.resolve(ui.style());
    let ink = Ink { colour, italic: false, align: Align::Min };
    let tail = tail(ui, name, &font, rect.width());
    paint_text(ui, rect, tail.as_deref().unwrap_or(name), font, ink);
    tail.is_some()
}

/// As [`paint_name`], in another font and without a clip of its own.
pub fn put_name(ui: &Ui, rect: Rect, name: &str, font: FontId, ink: Ink) {
    let tail = tail(ui, name, &font, rect.width());
    put_text(ui, rect, tail.as_deref().unwrap_or(name), font, ink);
}

/// The end of a name that does not fit; `None` where all of it does.
fn tail(ui: &Ui, name: &str, font: &FontId, width: f32) -> Option<String> {
    let ink = Ink { colour: Color32::PLACEHOLDER, italic: false, align: Align::Min };
    let galley = layout(ui, name, font.clone(), ink, f32::INFINITY);
    if galley.size().x <= width {
        return None;
    }
    let ellipsis = 0.9 * font.size;
    let first_x = galley.size().x - (width - ellipsis);
    let glyphs = galley.rows.iter().flat_map(|row| row.glyphs.iter());
    let cut = glyphs.take_while(|glyph| glyph.pos.x < first_x).count();
    let tail: String = name.chars().skip(cut).collect();
    Some(format!("…{tail}"))
}

/// Paints a number, right-aligned, on a tint that fades out towards good values, with a bar of the full colour beside.
pub fn paint_cell(ui: &Ui, rect: Rect, cell: &Cell, italic: bool) {
    let tokens = theme::tokens(ui);
    if let Some(db) = cell.tint_db {
        let back = rect.shrink2(vec2(0.0, 2.0));
        let strength = tint_strength(db);
        if strength > 0.0 {
            let colour = theme::error_colour(theme_of(ui), db);
            ui.painter().rect_filled(back, 2.0, colour.gamma_multiply(TINT * strength));
            ui.painter().rect_filled(back.with_max_x(back.left() + 4.0), 2.0, colour.gamma_multiply(strength.sqrt()));
        }
    }
    let colour = if cell.weak { tokens.weak } else { tokens.text };
    let font = theme::number_font(ui);
    let rect = rect.shrink2(vec2(theme::GRID, 0.0));
    paint_text(ui, rect, &cell.text, font, Ink { colour, italic, align: Align::Max });
}

/// Opacity of the worst error's tint: as strong as text on it allows.
const TINT: f32 = 0.21;

/// How much of its tint an error of `db` gets: none at 30 dB and above, all at 10 dB and below.
fn tint_strength(db: f64) -> f32 {
    // A third of the scale from 40 down to 10 dB is 30 dB.
    const FROM: f32 = 1.0 / 3.0;
    ((theme::badness(db) - FROM) / (1.0 - FROM)).clamp(0.0, 1.0)
}

/// Paints a bit width in its colour, with a mark where several layers share the setting.
pub fn paint_bits(ui: &Ui, rect: Rect, cell: &Cell, bits: Option<Bits>, is_shared: bool) {
    let tokens = theme::tokens(ui);
    let colour = match bits {
        Some(bits) if !cell.weak => theme::bits_colour(theme_of(ui), bits),
        _ => tokens.weak,
    };
    let text_rect = if is_shared { rect.with_max_x(rect.right() - 11.0) } else { rect };
    let ink = Ink { colour, italic: false, align: Align::Center };
    paint_text(ui, text_rect, &cell.text, theme::number_font(ui), ink);
    if is_shared {
        paint_link(ui, pos2(rect.right() - 8.0, rect.center().y), tokens.weak);
    }
}

/// A link of a chain, about 12 points wide.
fn paint_link(ui: &Ui, centre: egui::Pos2, colour: Color32) {
    for dx in [-2.5, 2.5] {
        let ring = Rect::from_center_size(centre + vec2(dx, 0.0), vec2(7.0, 5.0));
        ui.painter().rect_stroke(ring, 2.5, Stroke::new(1.2, colour), egui::StrokeKind::Middle);
    }
}

/// The marks of the note column: a dot for edited, a triangle for what a metric hides.
pub fn paint_notes(ui: &Ui, rect: Rect, row: &LayerRow) {
    let tokens = theme::tokens(ui);
    let mut x = rect.left() + 6.0;
    if row.edited {
        ui.painter().circle_filled(pos2(x, rect.center().y), 3.5, tokens.accent);
        x += 12.0;
    }
    if gain_is_off(row) || row.hides_losses() {
        let font = FontSelection::Default.resolve(ui.style());
        ui.painter().text(pos2(x - 4.0, rect.center().y), Align2::LEFT_CENTER, "▲", font, tokens.warning);
    }
}

/// The mark of a layer that is set otherwise than in the pinned baseline, at the right of `rect`.
pub fn paint_differs(ui: &Ui, rect: Rect) {
    let font = FontSelection::Default.resolve(ui.style());
    let colour = theme::tokens(ui).pinned;
    ui.painter().text(pos2(rect.right() - theme::GRID, rect.center().y), Align2::RIGHT_CENTER, "≠", font, colour);
}

#[cfg(test)]
mod tests {
    use egui::Theme;

    use super::*;

    #[test]
    fn tinted_numbers_stay_readable() {
        for theme in [Theme::Dark, Theme::Light] {
            let tokens = theme::of(theme);
            for (back, tenth) in [tokens.panel, tokens.faint, tokens.hovered, tokens.selected]
                .into_iter()
                .flat_map(|back| (-100..600).map(move |tenth| (back, tenth)))
            {
                let db = f64::from(tenth) / 10.0;
                let fill = back.lerp_to_gamma(theme::error_colour(theme, db), TINT * tint_strength(db));
                let ratio = theme::contrast(tokens.text, fill);
                assert!(ratio >= 4.5, "{theme:?} {db} dB on {back:?}: {ratio}");
            }
        }
        // 20 dB is the middle between 30 and 10.
        assert!((tint_strength(20.0) - 0.5).abs() < 1e-6);
        assert!(tint_strength(30.0) < 1e-6 && tint_strength(5.0) >= 1.0);
    }
}
