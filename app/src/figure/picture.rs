//! What a page can give away, whatever it is made of: as an SVG or PNG file, or as pixels for the clipboard.

use image::RgbaImage;
use quantlens_analysis::t;

use super::{
    file::{self, Drawing as _, FileOptions, Medium},
    sheet::Sheet,
    spec::FigureSpec,
    tiles::Tiles,
};

/// A figure on its way out of the program.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// A chart.
    Chart(Box<FigureSpec>),
    /// The graph; it has the size of its drawing.
    Graph(Box<Sheet>),
    /// Pictures in rows.
    Tiles(Box<Tiles>),
}

impl Picture {
    /// What it shows.
    pub fn title(&self) -> &str {
        match self {
            Self::Chart(spec) => &spec.title,
            Self::Graph(sheet) => &sheet.title,
            Self::Tiles(tiles) => &tiles.title,
        }
    }

    /// What it shows, and which of the page's charts of that it is.
    pub fn name(&self) -> String {
        match self {
            Self::Chart(spec) => t!("{}: {}", spec.title, spec.y.label),
            Self::Graph(sheet) => sheet.title.clone(),
            Self::Tiles(tiles) => tiles.title.clone(),
        }
    }

    /// Its width and height follow from what it shows, whatever is asked for.
    pub fn has_own_size(&self) -> bool {
        matches!(self, Self::Graph(_))
    }

    /// Width and height of its pixels.
    ///
    /// # Errors
    /// Where it has no readable or no possible size.
    pub fn size(&self, options: &FileOptions) -> anyhow::Result<(u32, u32)> {
        match self {
            Self::Chart(spec) => spec.size(options, Medium::Pixels),
            Self::Graph(sheet) => sheet.size(options, Medium::Pixels),
            Self::Tiles(tiles) => tiles.size(options, Medium::Pixels),
        }
    }

    /// The text of an SVG file.
    ///
    /// # Errors
    /// For an impossible size, or when plotters fails.
    pub fn svg(&self, options: &FileOptions) -> anyhow::Result<String> {
        match self {
            Self::Chart(spec) => file::svg(&**spec, options),
            Self::Graph(sheet) => file::svg(&**sheet, options),
            Self::Tiles(tiles) => file::svg(&**tiles, options),
        }
    }

    /// Its pixels.
    ///
    /// # Errors
    /// For an impossible size, or when plotters fails.
    pub fn image(&self, options: &FileOptions) -> anyhow::Result<RgbaImage> {
        match self {
            Self::Chart(spec) => file::image(&**spec, options),
            Self::Graph(sheet) => file::image(&**sheet, options),
            Self::Tiles(tiles) => file::image(&**tiles, options),
        }
    }

    /// What a dialog shows of it, no side longer than `most` pixels, and whether that is all.
    ///
    /// # Errors
    /// For an impossible size, or when plotters fails.
    pub fn preview(&self, options: &FileOptions, most: u32) -> anyhow::Result<(RgbaImage, bool)> {
        let options = FileOptions { scale: 1, ..*options };
        match self {
            Self::Graph(sheet) => {
                let top = sheet.top(most as f32);
                Ok((file::image(&top, &options)?, top.is_whole()))
            }
            Self::Chart(_) | Self::Tiles(_) => {
                let image = self.image(&options)?;
                let share = f64::from(most) / f64::from(image.width().max(image.height()).max(1));
                if share >= 1.0 {
                    return Ok((image, true));
                }
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shorter than it was")]
                let side = |length: u32| (f64::from(length) * share).floor().max(1.0) as u32;
                Ok((image::imageops::thumbnail(&image, side(image.width()), side(image.height())), true))
            }
        }
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// For an impossible size, or when plotters or the encoder fails.
    pub fn png(&self, options: &FileOptions) -> anyhow::Result<Vec<u8>> {
        file::encode(&self.image(options)?, options.scale)
    }
}
