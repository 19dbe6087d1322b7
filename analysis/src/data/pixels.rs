//! From a decoded picture to the numbers of a tensor: resize, crop, colour order, normalisation.
//!
//! Resizing is bilinear over the area that a target pixel covers (antialiased), as Pillow does it; the classic four-pixel
//! bilinear of `OpenCV` skips source pixels when shrinking and gives visibly other inputs. Sizes round half to even like
//! Python, gray is ITU-R 601 as in Pillow (the image crate's own luma is Rec. 709, up to 30 levels off on pure colours).
//! Exif orientation is not applied: neither Pillow nor torchvision applies it when a dataset is read.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{RgbImage, imageops};

use super::{
    convert::narrow,
    picture::Layout,
    recipe::{Channels, Recipe, Resize},
};

/// The picture as float32 values of one tensor entry (no batch axis), in the layout of `recipe`, which must be fitted.
pub(super) fn values(picture: &RgbImage, recipe: &Recipe) -> Vec<f32> {
    let picture = resized(picture, recipe);
    let channels = recipe.channels.unwrap_or(Channels::Rgb);
    let table = lookup(recipe, channels.count());
    let n = picture.pixels().len();
    let mut out = vec![0.0; n * channels.count()];
    for (i, pixel) in picture.pixels().enumerate() {
        let [r, g, b] = pixel.0;
        let colours = match channels {
            Channels::Rgb => [r, g, b],
            Channels::Bgr => [b, g, r],
            Channels::Gray => [luma(r, g, b); 3],
        };
        for (k, (table, colour)) in table.iter().zip(colours).enumerate() {
            let at = match recipe.layout {
                Some(Layout::Nhwc) => i * channels.count() + k,
                _ => k * n + i,
            };
            out[at] = table[usize::from(colour)];
        }
    }
    out
}

/// The normalised value of each of the 256 pixel values, per channel.
fn lookup(recipe: &Recipe, channels: usize) -> Vec<Vec<f32>> {
    let constants = recipe.constants(channels).into_iter();
    constants.map(|c| (0..=255_u8).map(|p| narrow(c.apply(p.into()))).collect()).collect()
}

/// Pillow's `convert("L")`: 0.299, 0.587, 0.114 in 16-bit fixed point.
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000;
    // The weights add to 65536, so the sum shifted by 16 is at most 255.
    sum.to_le_bytes()[2]
}

/// The picture at the recipe's size.
fn resized(picture: &RgbImage, recipe: &Recipe) -> RgbImage {
    let (w, h) = recipe.size.unwrap_or((224, 224));
    let (w, h) = (pixels(w as f64), pixels(h as f64));
    let own = (f64::from(picture.width()), f64::from(picture.height()));
    match recipe.resize {
        Resize::Stretch => bilinear(picture, w, h),
        Resize::ShorterSide(n) => {
            // For inputs that are not square the larger factor decides, so that nothing is stretched.
            let factor = (n as f64 / own.0.min(own.1)).max(f64::from(w) / own.0).max(f64::from(h) / own.1);
            let (wide, high) = (pixels(own.0 * factor).max(w), pixels(own.1 * factor).max(h));
            let large = bilinear(picture, wide, high);
            imageops::crop_imm(&large, (wide - w) / 2, (high - h) / 2, w, h).to_image()
        }
        Resize::Letterbox { fill } => {
            let factor = (f64::from(w) / own.0).min(f64::from(h) / own.1);
            let (wide, high) = (pixels(own.0 * factor).min(w), pixels(own.1 * factor).min(h));
            let small = bilinear(picture, wide, high);
            let mut out = RgbImage::from_pixel(w, h, image::Rgb([fill; 3]));
            imageops::replace(&mut out, &small, i64::from((w - wide) / 2), i64::from((h - high) / 2));
            out
        }
    }
}

/// In fixed point, as Pillow: a value in seven is one level off Pillow's, none more.
fn bilinear(picture: &RgbImage, w: u32, h: u32) -> RgbImage {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let source = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3);
    let mut out = RgbImage::new(w, h);
    let target = Image::from_slice_u8(w, h, &mut out, PixelType::U8x3);
    let done = match (source, target) {
        (Ok(source), Ok(mut target)) => Resizer::new().resize(&source, &mut target, &options).is_ok(),
        _ => false,
    };
    // Nothing is known that it refuses; should it, the slower one does the work.
    if done { out } else { imageops::resize(picture, w, h, imageops::FilterType::Triangle) }
}

/// A side in pixels: at least 1, halves to even, and never beyond what a picture may have.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1…65535 before")]
fn pixels(side: f64) -> u32 {
    side.round_ties_even().clamp(1.0, 65_535.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn recipe(name: &str, size: (usize, usize)) -> Recipe {
        Recipe { size: Some(size), resize: Resize::Stretch, ..Recipe::preset(name).unwrap() }
    }

    /// Two pixels beside each other.
    fn pair() -> RgbImage {
        RgbImage::from_fn(2, 1, |x, _| if x == 0 { Rgb([255, 0, 51]) } else { Rgb([0, 102, 255]) })
    }

    #[test]
    fn layouts_and_colour_orders() {
        let raw = recipe("raw", (2, 1));
        // NCHW: all reds, all greens, all blues.
        assert_eq!(values(&pair(), &raw), [255.0, 0.0, 0.0, 102.0, 51.0, 255.0]);
        let last = Recipe { layout: Some(Layout::Nhwc), ..raw.clone() };
        assert_eq!(values(&pair(), &last), [255.0, 0.0, 51.0, 0.0, 102.0, 255.0]);
        let bgr = Recipe { channels: Some(Channels::Bgr), ..raw.clone() };
        assert_eq!(values(&pair(), &bgr), [51.0, 255.0, 0.0, 102.0, 255.0, 0.0]);
        // 0.299·255 + 0.114·51 = 82.06; 0.587·102 + 0.114·255 = 88.94.
        let gray = Recipe { channels: Some(Channels::Gray), ..raw };
        assert_eq!(values(&pair(), &gray), [82.0, 89.0]);
    }

    #[test]
    fn normalisation_is_exact() {
        let got = values(&pair(), &recipe("imagenet", (2, 1)));
        // Red of pixel 0: (255/255 − 0.485)/0.229 = 2.248908; green of pixel 1: (0.4 − 0.456)/0.224 = −0.25.
        assert!((got[0] - 2.248_908_3).abs() < 1e-6 && (got[3] + 0.25).abs() < 1e-6, "{got:?}");
        // 51/127.5 − 1 = −0.6
        assert!((values(&pair(), &recipe("-1-1", (2, 1)))[4] + 0.6).abs() < 1e-7);
        let face = Recipe { mean: vec![127.0], std: vec![128.0], ..recipe("raw", (2, 1)) };
        assert_eq!(values(&pair(), &face)[..2], [1.0, -127.0 / 128.0]);
    }

    #[test]
    fn shrinking_averages_all_source_pixels() {
        // Four columns to one: the triangle of half-width 4 about x = 2 weighs 0.625, 0.875, 0.875, 0.625 (sum 3), so the
        // last column gets 0.625/3 · 240 = 50. Sampling four pixels only would give 0.
        let edge = RgbImage::from_fn(4, 1, |x, _| Rgb([if x == 3 { 240 } else { 0 }; 3]));
        assert_eq!(values(&edge, &recipe("raw", (1, 1))), [50.0; 3]);
    }

    #[test]
    fn centre_crop_and_letterbox() {
        // 6×2, shorter side 2, crop 2×2: columns 2 and 3 are left.
        let wide = RgbImage::from_fn(6, 2, |x, _| Rgb([u8::try_from(x).unwrap(); 3]));
        let crop = Recipe { resize: Resize::ShorterSide(2), ..recipe("raw", (2, 2)) };
        assert_eq!(values(&wide, &crop)[..4], [2.0, 3.0, 2.0, 3.0]);
        // 6×2 in 6×4: one row of the border above, one below.
        let boxed = Recipe { resize: Resize::Letterbox { fill: 9 }, ..recipe("raw", (6, 4)) };
        let got = values(&wide, &boxed);
        assert_eq!((got[..6].to_vec(), got[6..12].to_vec()), (vec![9.0; 6], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        assert_eq!(got[18..24], [9.0; 6]);
    }
}
