//! Every colour, space and text size of the window, and the fonts. Nothing else names a colour (a lint sees to it).
//!
//! Two rules decide the colours: errors are drawn on cividis, whose lightness is monotone for every kind of colour
//! vision, with its *bad* end turned so that bad stands out on either background; categories are Okabe–Ito colours,
//! tuned per theme to at least 3:1 on the panel (lines) and never red against green.

#![expect(clippy::disallowed_methods, reason = "this and what lies below it are the one place that may name colours")]

mod scales;

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Vec2};

pub use self::scales::{
    badness, bits_colour, change_colour, cividis, contrast, error_colour, flow_colour, heat_colour, luminance,
    signed_colour, text_on, value_colour,
};

/// Error at or above this many dB is as good as it gets on the colour scale.
pub const GOOD_DB: f64 = 40.0;
/// Error at or below this many dB is as bad as it gets on the colour scale.
pub const BAD_DB: f64 = 10.0;
/// Base of all spacing, in points.
pub const GRID: f32 = 4.0;
/// Height of a table or list row, in points (also the smallest hit target).
pub const ROW_HEIGHT: f32 = 24.0;
/// Loaded values older than a pending request by this many seconds are drawn dimmed.
pub const DIM_AFTER_S: f64 = 0.12;
/// How much of its colour a dimmed value keeps.
pub const DIM: f32 = 0.55;

/// The colours of one theme.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Behind the centre pages and in text fields.
    pub canvas: Color32,
    /// Behind panels.
    pub panel: Color32,
    /// Behind every second row, cards and badges.
    pub faint: Color32,
    /// Lines between panels, frames of cards.
    pub line: Color32,
    /// Text that is read.
    pub text: Color32,
    /// Text that explains; units, hints.
    pub weak: Color32,
    /// Links, focus, the primary button.
    pub accent: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// Behind a selected row.
    pub selected: Color32,
    /// Behind the row under the pointer.
    pub hovered: Color32,
    /// Curves and outlines of the float model.
    pub float: Color32,
    /// Curves and fills of the quantized model.
    pub quantized: Color32,
    /// The pinned baseline (drawn dashed).
    pub pinned: Color32,
    /// Local error bars.
    pub local: Color32,
    /// Threshold marks.
    pub threshold: Color32,
    /// What was clipped.
    pub clipped: Color32,
    /// Something to look at: banners, warnings.
    pub warning: Color32,
    /// Behind a warning banner.
    pub warning_back: Color32,
    /// Something failed.
    pub failure: Color32,
    /// Behind a failure strip.
    pub failure_back: Color32,
    /// A difference for the better (with ▲).
    pub better: Color32,
    /// A difference for the worse (with ▼).
    pub worse: Color32,
    /// Layers drawn over each other (each with a stroke of its own).
    pub layers: [Color32; 4],
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// The dark theme's colours.
pub static DARK: Tokens = Tokens {
    canvas: rgb(0x16_181B),
    panel: rgb(0x1D_2024),
    faint: rgb(0x26_2A2F),
    line: rgb(0x3A_3F46),
    text: rgb(0xE6_E8EB),
    weak: rgb(0xA3_AAB3),
    accent: rgb(0x56_B4E9),
    on_accent: rgb(0x0B_1A24),
    selected: rgb(0x1F_4A66),
    hovered: rgb(0x2C_3239),
    float: rgb(0x56_B4E9),
    quantized: rgb(0xE6_9F00),
    pinned: rgb(0xCC_79A7),
    local: rgb(0x6F_7883),
    threshold: rgb(0xF0_E442),
    clipped: rgb(0xD5_5E00),
    warning: rgb(0xF0_C24A),
    warning_back: rgb(0x3A_3116),
    failure: rgb(0xFF_9A6B),
    failure_back: rgb(0x46_2413),
    better: rgb(0x56_B4E9),
    worse: rgb(0xE6_9F00),
    layers: [rgb(0x56_B4E9), rgb(0xE6_9F00), rgb(0xE2_8FBF), rgb(0x2F_C99A)],
};

/// The light theme's colours.
pub static LIGHT: Tokens = Tokens {
    canvas: rgb(0xFD_FDFD),
    panel: rgb(0xF4_F5F7),
    faint: rgb(0xE9_EBEE),
    line: rgb(0xC6_CBD1),
    text: rgb(0x1B_1F23),
    weak: rgb(0x55_5D66),
    accent: rgb(0x00_62A3),
    on_accent: rgb(0xFF_FFFF),
    selected: rgb(0xC4_E1F5),
    hovered: rgb(0xE1_E5EA),
    float: rgb(0x00_72B2),
    quantized: rgb(0xC2_5400),
    pinned: rgb(0xA8_4A80),
    local: rgb(0x8A_929B),
    threshold: rgb(0x7A_5C00),
    clipped: rgb(0xB8_4A00),
    warning: rgb(0x7A_5200),
    warning_back: rgb(0xFF_F1CC),
    failure: rgb(0x9E_3A00),
    failure_back: rgb(0xFF_E3D3),
    better: rgb(0x00_62A3),
    worse: rgb(0xA8_5200),
    layers: [rgb(0x00_72B2), rgb(0xC2_5400), rgb(0x8E_3A78), rgb(0x00_7A58)],
};

/// The colours of the theme in which `ui` is drawn.
pub fn tokens(ui: &egui::Ui) -> &'static Tokens {
    of(if ui.visuals().dark_mode { Theme::Dark } else { Theme::Light })
}

/// The colours of a theme.
pub fn of(theme: Theme) -> &'static Tokens {
    match theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    }
}

/// The font of numbers: digits of one width.
pub fn number_font(ui: &egui::Ui) -> FontId {
    FontId::new(TextStyle::Body.resolve(ui.style()).size, FontFamily::Monospace)
}

/// Installs fonts, styles of both themes and timings; the program and every test harness call it once.
pub fn install(ctx: &egui::Context) {
    install_fonts(ctx);
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| style_of(style, of(theme), theme));
    }
}

/// egui's own fonts lack arrows, triangles and much of mathematics; `DejaVu Sans` stands behind them in both families.
fn install_fonts(ctx: &egui::Context) {
    use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
    let family = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
    ctx.add_font(FontInsert::new(
        "DejaVu Sans",
        egui::FontData::from_static(FONT),
        vec![family(FontFamily::Proportional), family(FontFamily::Monospace)],
    ));
    ctx.add_font(FontInsert::new(
        "Noto Sans SC",
        egui::FontData::from_static(CHINESE_FONT),
        vec![family(FontFamily::Proportional), family(FontFamily::Monospace)],
    ));
}

/// The embedded font (a subset of `DejaVu Sans`, see `assets/font/README.md`); also what figures are written with.
pub static FONT: &[u8] = include_bytes!("../../assets/font/DejaVuSans-subset.ttf");
/// The characters of our Chinese texts, with Latin for figure files (see `assets/font/README.md`).
pub static CHINESE_FONT: &[u8] = include_bytes!("../../assets/font/NotoSansSC-subset.otf");

fn style_of(style: &mut egui::Style, t: &Tokens, theme: Theme) {
    style.spacing.item_spacing = Vec2::new(2.0 * GRID, 1.5 * GRID);
    style.spacing.button_padding = Vec2::new(2.0 * GRID, 0.75 * GRID);
    style.spacing.interact_size.y = ROW_HEIGHT;
    style.spacing.menu_margin = Margin::same(6);
    style.interaction.tooltip_delay = 0.4;
    style.animation_time = 0.1;
    for (text, size) in [
        (TextStyle::Small, 11.0),
        (TextStyle::Body, 13.0),
        (TextStyle::Button, 13.0),
        (TextStyle::Monospace, 13.0),
        (TextStyle::Heading, 17.0),
    ] {
        if let Some(font) = style.text_styles.get_mut(&text) {
            font.size = size;
        }
    }
    let v = &mut style.visuals;
    *v = theme.default_visuals();
    v.panel_fill = t.panel;
    v.window_fill = t.panel;
    v.extreme_bg_color = t.canvas;
    v.faint_bg_color = t.faint;
    v.hyperlink_color = t.accent;
    v.warn_fg_color = t.warning;
    v.error_fg_color = t.failure;
    v.selection.bg_fill = t.selected;
    v.selection.stroke = Stroke::new(1.0, t.text);
    v.window_stroke = Stroke::new(1.0, t.line);
    v.weak_text_color = Some(t.weak);
    let radius = CornerRadius::same(4);
    let w = &mut v.widgets;
    for (widget, fill, text, line) in [
        (&mut w.noninteractive, t.panel, t.text, t.line),
        (&mut w.inactive, t.faint, t.text, t.line),
        (&mut w.hovered, t.hovered, t.text, t.weak),
        (&mut w.active, t.selected, t.text, t.accent),
        (&mut w.open, t.hovered, t.text, t.line),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text needs 4.5:1 (WCAG 2 AA), lines and marks 3:1, on everything they are drawn on.
    #[test]
    fn contrasts_hold_in_both_themes() {
        for (name, t) in [("dark", &DARK), ("light", &LIGHT)] {
            for back in [t.canvas, t.panel, t.faint, t.hovered, t.selected] {
                assert!(contrast(t.text, back) >= 4.5, "{name} text {}", contrast(t.text, back));
            }
            for back in [t.canvas, t.panel, t.faint] {
                assert!(contrast(t.weak, back) >= 4.5, "{name} weak {}", contrast(t.weak, back));
                for (what, line) in [
                    ("float", t.float),
                    ("quantized", t.quantized),
                    ("pinned", t.pinned),
                    ("threshold", t.threshold),
                    ("clipped", t.clipped),
                    ("accent", t.accent),
                    ("better", t.better),
                    ("worse", t.worse),
                ] {
                    assert!(contrast(line, back) >= 3.0, "{name} {what} {}", contrast(line, back));
                }
                for (place, line) in t.layers.iter().enumerate() {
                    assert!(contrast(*line, back) >= 3.0, "{name} layer {place} {}", contrast(*line, back));
                }
            }
            assert!(contrast(t.local, t.canvas) >= 3.0, "{name} local {}", contrast(t.local, t.canvas));
            assert!(contrast(t.on_accent, t.accent) >= 4.5, "{name} on accent");
            assert!(contrast(t.warning, t.warning_back) >= 4.5, "{name} warning");
            assert!(contrast(t.failure, t.failure_back) >= 4.5, "{name} failure");
            assert!(contrast(t.text, t.warning_back) >= 4.5 && contrast(t.text, t.failure_back) >= 4.5, "{name}");
        }
    }

    #[test]
    fn bit_widths_read_on_the_panel() {
        use quantlens_analysis::quant::Bits;
        for theme in [Theme::Dark, Theme::Light] {
            for bits in [2, 4, 5, 6, 7, 8, 16].map(Bits::Int).into_iter().chain([Bits::Float]) {
                let ratio = contrast(bits_colour(theme, bits), of(theme).panel);
                assert!(ratio >= 4.5, "{theme:?} {bits}: {ratio}");
            }
        }
    }

    #[test]
    fn bad_stands_out_and_lightness_is_monotone() {
        for theme in [Theme::Dark, Theme::Light] {
            let against = |db| contrast(error_colour(theme, db), of(theme).canvas);
            assert!(against(5.0) > against(25.0) && against(25.0) > against(45.0), "{theme:?}");
        }
        for theme in [Theme::Dark, Theme::Light] {
            let canvas = of(theme).canvas;
            for i in 0..=50_u8 {
                let share = f32::from(i) / 50.0;
                for back in [heat_colour(theme, share), change_colour(theme, share), change_colour(theme, -share)] {
                    assert!(contrast(text_on(back), back) >= 4.5, "{theme:?} {share}");
                }
                let line = contrast(flow_colour(theme, share), canvas);
                assert!(line >= 3.0, "{theme:?} line at {share}: {line}");
            }
            let against = |share| contrast(heat_colour(theme, share), canvas);
            assert!(against(1.0) > against(0.6) && against(0.6) > against(0.3), "{theme:?}");
        }
        let steps: Vec<f32> = (0..=50_u8).map(|i| luminance(cividis(f32::from(i) / 50.0))).collect();
        assert!(steps.windows(2).all(|w| w[0] < w[1]));
        // 25 dB is the middle of 10..40.
        assert!((badness(25.0) - 0.5).abs() < 1e-6 && badness(f64::NAN) == 1.0);
    }
}
