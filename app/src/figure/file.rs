//! Draws a [`FigureSpec`] into an SVG or PNG file with plotters' backends.
//!
//! Only the backends and the font machinery are plotters'; the layout is ours, because scale and ticks must be those of the
//! screen. The embedded font is registered, so that a figure looks the same on a machine without any font. PNG with a
//! transparent back is drawn twice, on black and on white: what differs is what shines through.

use std::{io::Write as _, path::Path, sync::OnceLock};

use anyhow::{Context as _, anyhow};
use egui::{Color32, Theme};
use plotters::{
    backend::{BitMapBackend, SVGBackend},
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    prelude::DrawingBackend,
    style::{FontStyle, RGBColor, register_font},
};

use quantlens_analysis::text::{self, Language};

use super::{page, spec::FigureSpec};
use crate::theme;

/// The CSS family list under which the embedded font is registered; SVG viewers without it fall back along the list.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// The same for a window in Chinese.
const CHINESE_FAMILY: &str = "Noto Sans SC, Noto Sans CJK SC, sans-serif";

/// What a figure is written with in the language in use.
pub(super) fn family() -> &'static str {
    match text::language() {
        Language::English => FAMILY,
        Language::Chinese => CHINESE_FAMILY,
    }
}

/// plotters' bitmap text hangs this many pixels (at 1×) above where its SVG text stands: it centres half the line height,
/// not the letters. Seen on a tick label beside its grid line.
pub(super) const BITMAP_TEXT_DROP: i32 = 3;

/// How a figure is saved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FileOptions {
    /// Width at 1×, in pixels.
    pub width: u32,
    /// Height at 1×, in pixels.
    pub height: u32,
    /// 1, 2 or 3: everything this many times larger, letters included.
    pub scale: u32,
    /// Whose colours.
    pub theme: Theme,
    /// No background.
    pub transparent: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { width: 960, height: 540, scale: 2, theme: Theme::Light, transparent: false }
    }
}

impl FileOptions {
    fn pixels(&self) -> anyhow::Result<(u32, u32)> {
        let size = (self.width.checked_mul(self.scale), self.height.checked_mul(self.scale));
        match size {
            (Some(w @ 200..=16_384), Some(h @ 150..=16_384)) => Ok((w, h)),
            _ => Err(anyhow!(
                "a figure of {}×{} at {}× is outside 200×150 … 16384×16384 pixels",
                self.width,
                self.height,
                self.scale
            )),
        }
    }
}

/// The figure as the text of an SVG file.
///
/// # Errors
/// For an impossible size, or when plotters fails.
pub fn svg(spec: &FigureSpec, options: &FileOptions) -> anyhow::Result<String> {
    register()?;
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, options.pixels()?).into_drawing_area();
    draw(&root, spec, options, (!options.transparent).then(|| theme::of(options.theme).canvas), 0)?;
    drop(root);
    Ok(text)
}

/// The figure as the bytes of a PNG file.
///
/// # Errors
/// For an impossible size, or when plotters or the encoder fails.
pub fn png(spec: &FigureSpec, options: &FileOptions) -> anyhow::Result<Vec<u8>> {
    register()?;
    let (width, height) = options.pixels()?;
    let rgba = if options.transparent {
        let on_black = bitmap(spec, options, Color32::BLACK)?;
        let on_white = bitmap(spec, options, Color32::WHITE)?;
        on_black.chunks_exact(3).zip(on_white.chunks_exact(3)).flat_map(|(b, w)| unblend(b, w)).collect()
    } else {
        let opaque = bitmap(spec, options, theme::of(options.theme).canvas)?;
        opaque.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect::<Vec<u8>>()
    };
    let image = image::RgbaImage::from_raw(width, height, rgba).context("the figure has the wrong number of pixels")?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).context("encoding the figure as PNG")?;
    Ok(bytes.into_inner())
}

/// Writes the figure in the format that `path`'s extension names, `.svg` or `.png`. The file is written beside it and then
/// renamed: a full disk leaves nothing half done.
///
/// # Errors
/// For another extension, an impossible size, or when the file cannot be written; each names the file.
pub fn save(spec: &FigureSpec, path: &Path, options: &FileOptions) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let bytes = match extension.as_deref() {
        Some("svg") => svg(spec, options)?.into_bytes(),
        Some("png") => png(spec, options)?,
        _ => return Err(anyhow!("{}: a figure is saved as .svg or .png", path.display())),
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = || format!("writing {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(place)?;
    file.write_all(&bytes).with_context(place)?;
    file.persist(path).with_context(place)?;
    Ok(())
}

/// Colour and alpha of a pixel seen on black and on white: `on_white − on_black = 255·(1 − alpha)`.
fn unblend(black: &[u8], white: &[u8]) -> [u8; 4] {
    // Both slices are chunks of exactly three.
    let through = (0..3).map(|k| white[k].saturating_sub(black[k])).min().unwrap_or(0);
    let alpha = 255 - through;
    let own = |k: usize| if alpha == 0 { 0 } else { (u32::from(black[k]) * 255 / u32::from(alpha)).min(255) as u8 };
    [own(0), own(1), own(2), alpha]
}

fn bitmap(spec: &FigureSpec, options: &FileOptions, back: Color32) -> anyhow::Result<Vec<u8>> {
    let (width, height) = options.pixels()?;
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&root, spec, options, Some(back), BITMAP_TEXT_DROP)?;
    drop(root);
    Ok(pixels)
}

fn draw<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    spec: &FigureSpec,
    options: &FileOptions,
    back: Option<Color32>,
    text_drop: i32,
) -> anyhow::Result<()> {
    let failed = |e: &dyn std::fmt::Display| anyhow!("drawing the figure “{}”: {e}", spec.title);
    if let Some(back) = back {
        root.fill(&RGBColor(back.r(), back.g(), back.b())).map_err(|e| failed(&e))?;
    }
    page::Page::new(root, spec, theme::of(options.theme), options.scale, text_drop).draw().map_err(|e| failed(&e))?;
    root.present().map_err(|e| failed(&e))
}

/// Registers the embedded font once.
pub(super) fn register() -> anyhow::Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = *DONE.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, theme::FONT).is_ok()
            && register_font(CHINESE_FAMILY, FontStyle::Normal, theme::CHINESE_FONT).is_ok()
    });
    if done { Ok(()) } else { Err(anyhow!("the embedded font cannot be read")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::spec::{Axis, Ink, Mark, Scale, Series, Shape, Span, Stroke};

    fn spec() -> FigureSpec {
        FigureSpec {
            kind: "test",
            title: "Output of a<b & c".into(),
            stamp: "8 of 32 samples".into(),
            x: Axis::linear("value", -1.0, 3.0),
            y: Axis::linear("values", 0.5, 1000.0).on(Scale::Log { floor: 0.5 }),
            series: vec![
                Series {
                    name: "quantized".into(),
                    ink: Ink::Quantized,
                    shape: Shape::Steps {
                        edges: vec![-1.0, 0.0, 1.0, 3.0],
                        heights: vec![0.0, 900.0, 12.0],
                        filled: true,
                    },
                },
                Series {
                    name: "cost".into(),
                    ink: Ink::Float,
                    shape: Shape::Line {
                        points: vec![[-1.0, 1.0], [0.0, f64::INFINITY], [1.0, 10.0], [2.0, 20.0]],
                        stroke: Stroke::Dashed,
                    },
                },
            ],
            marks: vec![Mark { x: 2.0, label: "2.00".into(), ink: Ink::Current, stroke: Stroke::Solid }],
            spans: vec![Span { low: 2.0, high: 3.0, label: "clipped".into(), ink: Ink::Suspect }],
            handles: Vec::new(),
            summary: "Clips 0.30 % of values".into(),
        }
    }

    #[test]
    fn svg_holds_every_word_of_the_figure() {
        let text = svg(&spec(), &FileOptions { scale: 1, ..FileOptions::default() }).unwrap();
        for word in [
            "Output of a&lt;b &amp; c",
            "8 of 32 samples",
            "value",
            "quantized",
            "cost",
            "clipped",
            "2.00",
            "−1",
            "1000",
            "Clips 0.30 % of values",
        ] {
            assert!(text.contains(word), "{word} is missing");
        }
        assert!(text.contains("width=\"960\"") && text.trim_end().ends_with("</svg>"));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn png_has_the_size_asked_for_and_is_not_blank() {
        let options = FileOptions { width: 400, height: 300, scale: 2, ..FileOptions::default() };
        let image = image::load_from_memory(&png(&spec(), &options).unwrap()).unwrap().to_rgba8();
        assert_eq!(image.dimensions(), (800, 600));
        // The fill is 55 % of its colour over the canvas.
        let tokens = theme::of(Theme::Light);
        let fill = tokens.canvas.lerp_to_gamma(tokens.quantized, 0.55);
        let near = |a: u8, b: u8| a.abs_diff(b) < 12;
        let hits = image.pixels().filter(|p| near(p[0], fill.r()) && near(p[1], fill.g()) && near(p[2], fill.b()));
        assert!(hits.count() > 5_000, "the filled histogram is missing");
    }

    #[test]
    fn a_transparent_png_keeps_ink_and_lets_the_back_through() {
        let options = FileOptions { width: 400, height: 300, scale: 1, transparent: true, ..FileOptions::default() };
        let image = image::load_from_memory(&png(&spec(), &options).unwrap()).unwrap().to_rgba8();
        assert_eq!(image.get_pixel(1, 1)[3], 0);
        assert!(image.pixels().any(|p| p[3] == 255));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let error = svg(&spec(), &FileOptions { width: u32::MAX, ..FileOptions::default() }).unwrap_err().to_string();
        assert!(error.contains("4294967295"), "{error}");
    }

    #[test]
    fn the_extension_decides_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { width: 300, height: 200, scale: 1, ..FileOptions::default() };
        save(&spec(), &folder.path().join("a.SVG"), &options).unwrap();
        save(&spec(), &folder.path().join("a.png"), &options).unwrap();
        assert!(std::fs::read(folder.path().join("a.png")).unwrap().starts_with(b"\x89PNG"));
        let error = save(&spec(), &folder.path().join("a.pdf"), &options).unwrap_err().to_string();
        assert!(error.contains("a.pdf") && std::fs::read_dir(folder.path()).unwrap().count() == 2, "{error}");
    }

    #[test]
    fn unblending_inverts_blending() {
        // Red at alpha 0.6 (153/255): on black 153·1 = 153, on white 153 + 102 = 255 and 0 + 102.
        assert_eq!(unblend(&[153, 0, 0], &[255, 102, 102]), [255, 0, 0, 153]);
    }
}
