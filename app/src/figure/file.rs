//! Draws figures into SVG and PNG files and into pixels for the clipboard, with plotters' backends.
//!
//! Only the backends and the font machinery are plotters'; the layout is ours, because scale and ticks must be those of the
//! screen. The embedded font is registered, so that a figure looks the same on a machine without any font. Pixels with a
//! transparent back are drawn twice, on black and on white: what differs is what shines through.

use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use egui::{Color32, Theme};
use image::RgbaImage;
use plotters::{
    backend::{BitMapBackend, SVGBackend},
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    prelude::DrawingBackend,
    style::{FontStyle, RGBColor, register_font},
};

use quantlens_analysis::{
    t,
    text::{self, Language},
};

use super::{
    choice::Unit,
    inset,
    page::{Drawn, Page},
    spec::FigureSpec,
    tiles::Inset,
};
use crate::theme;

/// The CSS family list under which the embedded font is registered; SVG viewers without it fall back along the list.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// The same for a window in Chinese.
const CHINESE_FAMILY: &str = "Noto Sans SC, Noto Sans CJK SC, sans-serif";
/// Pixels of an inch at 1×.
const PER_INCH: f64 = 96.0;
/// Most pixels in all: a PNG is drawn up to twice, and copied.
const MOST_PIXELS: u64 = 60_000_000;

/// What a figure is written with in the language in use.
pub(super) fn family() -> &'static str {
    match text::language() {
        Language::English => FAMILY,
        Language::Chinese => CHINESE_FAMILY,
    }
}

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
    /// What an SVG says its size in.
    pub unit: Unit,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { width: 960, height: 540, scale: 2, theme: Theme::Light, transparent: false, unit: Unit::Pixels }
    }
}

impl FileOptions {
    pub(super) fn pixels(&self) -> anyhow::Result<(u32, u32)> {
        let size = (self.width.checked_mul(self.scale), self.height.checked_mul(self.scale));
        match size {
            (Some(w @ 200..), Some(h @ 150..)) if u64::from(w) * u64::from(h) <= MOST_PIXELS => Ok((w, h)),
            _ => Err(anyhow!(t!(
                "a figure of {0} × {1} at {2}× is too small or too large",
                self.width,
                self.height,
                self.scale
            ))),
        }
    }
}

/// Where something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// Lines and letters as such.
    Vector,
    /// Pixels.
    Pixels,
}

impl Medium {
    /// plotters' bitmap text hangs this many pixels (at 1×) above where its SVG text stands: it centres half the line
    /// height, not the letters. Seen on a tick label beside its grid line.
    pub(super) fn text_drop(self) -> i32 {
        match self {
            Self::Vector => 0,
            Self::Pixels => 3,
        }
    }
}

/// Something that stands on a page of its own.
pub(super) trait Drawing {
    /// What it is, for messages.
    fn title(&self) -> &str;

    /// Pixels of the page.
    ///
    /// # Errors
    /// For a size that nobody could read or no memory could hold.
    fn size(&self, options: &FileOptions, _medium: Medium) -> anyhow::Result<(u32, u32)> {
        options.pixels()
    }

    /// Draws everything but the back.
    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        options: &FileOptions,
        medium: Medium,
    ) -> Drawn<DB>;

    /// Pictures that lie on top.
    fn insets(&self, _: &FileOptions) -> Vec<Inset<'_>> {
        Vec::new()
    }
}

impl Drawing for FigureSpec {
    fn title(&self) -> &str {
        &self.title
    }

    fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        options: &FileOptions,
        medium: Medium,
    ) -> Drawn<DB> {
        Page::new(root, self, theme::of(options.theme), options.scale, medium.text_drop()).draw()
    }
}

/// The drawing as the text of an SVG file.
pub(super) fn svg(drawing: &impl Drawing, options: &FileOptions) -> anyhow::Result<String> {
    register()?;
    let (width, height) = drawing.size(options, Medium::Vector)?;
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
    let back = (!options.transparent).then(|| theme::of(options.theme).canvas);
    draw(&root, drawing, options, back, Medium::Vector)?;
    drop(root);
    let insets = inset::elements(&drawing.insets(options))?;
    if let Some(end) = text.rfind("</svg>").filter(|_| !insets.is_empty()) {
        text.insert_str(end, &insets);
    }
    if options.unit == Unit::Millimetres {
        let mm = |pixels: u32| format!("{:.2}mm", f64::from(pixels) * 25.4 / PER_INCH);
        let sides = format!("width=\"{width}\" height=\"{height}\"");
        text = text.replacen(&sides, &format!("width=\"{}\" height=\"{}\"", mm(width), mm(height)), 1);
    }
    Ok(text)
}

/// The drawing as pixels.
pub(super) fn image(drawing: &impl Drawing, options: &FileOptions) -> anyhow::Result<RgbaImage> {
    register()?;
    let (width, height) = drawing.size(options, Medium::Pixels)?;
    let on = |back: Color32| -> anyhow::Result<Vec<u8>> {
        let mut pixels = vec![0; width as usize * height as usize * 3];
        let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        draw(&root, drawing, options, Some(back), Medium::Pixels)?;
        drop(root);
        drawing.insets(options).iter().for_each(|inset| inset::paint(&mut pixels, width as usize, inset));
        Ok(pixels)
    };
    let rgba: Vec<u8> = if options.transparent {
        let (on_black, on_white) = (on(Color32::BLACK)?, on(Color32::WHITE)?);
        on_black.chunks_exact(3).zip(on_white.chunks_exact(3)).flat_map(|(b, w)| unblend(b, w)).collect()
    } else {
        opaque(&on(theme::of(options.theme).canvas)?)
    };
    RgbaImage::from_raw(width, height, rgba).context("the figure has the wrong number of pixels")
}

/// The pixels of an image without holes.
pub(super) fn opaque(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect()
}

/// The image as the bytes of a PNG file, which says how many pixels an inch has: a figure that was sized on paper keeps
/// its size there.
pub(super) fn encode(image: &RgbaImage, scale: u32) -> anyhow::Result<Vec<u8>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 11 339 a metre")]
    let per_metre = (PER_INCH * f64::from(scale.clamp(1, 3)) / 0.0254).round() as u32;
    let dims = png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter };
    encode_rgba(image.as_raw(), image.dimensions(), Some(dims))
}

/// Pixels of four bytes as the bytes of a PNG file.
pub(super) fn encode_rgba(
    rgba: &[u8],
    (width, height): (u32, u32),
    dims: Option<png::PixelDimensions>,
) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(dims);
    let what = "encoding the figure as PNG";
    let mut writer = encoder.write_header().context(what)?;
    writer.write_image_data(rgba).context(what)?;
    writer.finish().context(what)?;
    Ok(bytes)
}

/// Colour and alpha of a pixel seen on black and on white: `on_white − on_black = 255·(1 − alpha)`.
fn unblend(black: &[u8], white: &[u8]) -> [u8; 4] {
    // Both slices are chunks of exactly three.
    let through = (0..3).map(|k| white[k].saturating_sub(black[k])).min().unwrap_or(0);
    let alpha = 255 - through;
    let own = |k: usize| if alpha == 0 { 0 } else { (u32::from(black[k]) * 255 / u32::from(alpha)).min(255) as u8 };
    [own(0), own(1), own(2), alpha]
}

fn draw<DB: DrawingBackend>(
    root: &DrawingArea<DB, Shift>,
    drawing: &impl Drawing,
    options: &FileOptions,
    back: Option<Color32>,
    medium: Medium,
) -> anyhow::Result<()> {
    let failed = |e: &dyn std::fmt::Display| anyhow!(t!("drawing “{}”: {}", drawing.title(), e));
    if let Some(back) = back {
        root.fill(&RGBColor(back.r(), back.g(), back.b())).map_err(|e| failed(&e))?;
    }
    drawing.draw(root, options, medium).map_err(|e| failed(&e))?;
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
        let image = image(&spec(), &options).unwrap();
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
        let image = image(&spec(), &options).unwrap();
        assert_eq!(image.get_pixel(1, 1)[3], 0);
        assert!(image.pixels().any(|p| p[3] == 255));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let error = svg(&spec(), &FileOptions { width: u32::MAX, ..FileOptions::default() }).unwrap_err().to_string();
        assert!(error.contains("4294967295"), "{error}");
    }

    #[test]
    fn a_size_on_paper_stands_in_the_file() {
        let options = FileOptions { width: 336, height: 227, unit: Unit::Millimetres, ..FileOptions::default() };
        let text = svg(&spec(), &FileOptions { scale: 1, ..options }).unwrap();
        // 336 · 25.4 / 96 = 88.9.
        assert!(text.contains("width=\"88.90mm\" height=\"60.06mm\" viewBox=\"0 0 336 227\""), "{text}");
        let bytes = encode(&image(&spec(), &options).unwrap(), options.scale).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        // 192 an inch: 192 / 0.0254 = 7559.06 a metre.
        assert_eq!(reader.info().pixel_dims.unwrap().xppu, 7559);
    }

    #[test]
    fn a_small_figure_keeps_its_words_apart() {
        let mut spec = spec();
        spec.title = "Output of /encoder/layer.11/attention/output/dense/MatMul_quantized".into();
        let options = FileOptions { width: 300, height: 225, scale: 1, ..FileOptions::default() };
        let text = svg(&spec, &options).unwrap();
        // Each text element is `<text x="…" y="…" …>`, the words on the next line.
        let y = |word: &str| {
            let before = &text[..text.find(word).unwrap_or_else(|| panic!("{word} is missing:\n{text}"))];
            let tag = &before[before.rfind("<text").unwrap()..];
            let from = tag.find(" y=\"").unwrap() + 4;
            tag[from..].split('"').next().unwrap().parse::<i32>().unwrap()
        };
        assert!(y("Output of") < y("8 of 32 samples") && y("8 of 32 samples") < y("quantized\n"), "a line each");
    }

    #[test]
    fn unblending_inverts_blending() {
        // Red at alpha 0.6 (153/255): on black 153·1 = 153, on white 153 + 102 = 255 and 0 + 102.
        assert_eq!(unblend(&[153, 0, 0], &[255, 102, 102]), [255, 0, 0, 153]);
    }
}
