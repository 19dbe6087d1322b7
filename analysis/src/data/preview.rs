//! One sample as the model receives it, small enough to be drawn many at a time.
//!
//! The picture is the *tensor*: its values spread from the smallest to the largest over 0…255, its channels 0, 1, 2 as red,
//! green, blue. A BGR tensor therefore looks blue where the picture is red, which is the point.

use image::{GrayImage, Luma, Rgb, RgbImage, imageops};

use super::{Dataset, Layout, elements::numbers, picture::PictureShape};
use crate::{
    error::Result,
    tensor::{ElementType, ModelInput, Tensor, TensorData},
    text::Text,
};

/// Longest side of a preview in pixels.
const PREVIEW_SIDE: u32 = 128;
/// First values of an input that is no picture.
const FIRST_VALUES: usize = 8;
/// First values of an input of whole numbers.
const FIRST_WHOLE: usize = 32;
/// First letters of a text.
const FIRST_LETTERS: usize = 160;
/// Most rows, and most values a row, of an array that is no picture.
const SHADING_SIDE: usize = 96;

/// One sample as the model receives it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// File name or number.
    pub name: Text,
    /// True class, where known.
    pub label: Option<usize>,
    /// The picture before preprocessing, at most 96 pixels a side; `None` where there is none.
    pub source: Option<RgbImage>,
    /// One entry a model input.
    pub inputs: Vec<PreviewInput>,
}

/// One input of one sample.
#[derive(Clone, Debug)]
pub struct PreviewInput {
    /// Its name.
    pub input: String,
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Smallest value; NaN is left out.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// The tensor as a picture, `low` black and `high` white; `None` where it is none.
    pub picture: Option<RgbImage>,
    /// The first values: few, or of whole numbers as many as tell one text from another.
    pub first: Vec<f64>,
    /// The values as a grid of rows, where they are no picture and no whole numbers.
    pub shading: Option<Shading>,
    /// What the bytes say, where the input takes the bytes of a text, or the token ids, where there is a vocabulary.
    pub text: Option<String>,
}

/// The values of an array as a grid, from the smallest to the largest over 0…255; thinned where there are many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shading {
    /// Values a row.
    pub width: usize,
    /// `width · rows` values.
    pub shades: Vec<u8>,
}

impl Preview {
    /// The preview of one sample.
    ///
    /// # Errors
    /// Those of [`Dataset::sample`].
    pub fn of(dataset: &Dataset, index: usize) -> Result<Self> {
        let sample = dataset.sample(index)?;
        let layout = dataset.recipe().and_then(|used| used.recipe.layout);
        let inputs = dataset.inputs().iter().zip(&sample.tensors).enumerate().map(|(place, (input, tensor))| {
            let spelt = dataset.spelling.as_ref().and_then(|spelling| spelling.text(place, tensor));
            let shown = preview_input(input, tensor, layout);
            PreviewInput { text: spelt.map(|text| first_letters(&text)).or(shown.text), ..shown }
        });
        Ok(Self { inputs: inputs.collect(), source: dataset.thumbnail(index), name: sample.name, label: sample.label })
    }
}

fn preview_input(input: &ModelInput, tensor: &Tensor, layout: Option<Layout>) -> PreviewInput {
    let values: Vec<f64> = numbers(&tensor.data).map(|n| n.as_f64()).collect();
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let layout = PictureShape::of(input, layout).map(|shape| shape.layout);
    let picture = layout.and_then(|layout| picture(&values, &tensor.shape, layout, (low, high)));
    let is_whole = !matches!(
        tensor.element_type(),
        ElementType::Float32 | ElementType::Float64 | ElementType::Float16 | ElementType::BFloat16
    );
    PreviewInput {
        input: input.name.clone(),
        shape: tensor.shape.clone(),
        low,
        high,
        first: values.iter().copied().take(if is_whole { FIRST_WHOLE } else { FIRST_VALUES }).collect(),
        shading: if picture.is_none() && !is_whole { shading(&values, &tensor.shape, (low, high)) } else { None },
        text: if picture.is_none() { text(&tensor.data) } else { None },
        picture,
    }
}

/// Rows of the last axis; an array of one row alone is a row.
fn shading(values: &[f64], shape: &[usize], range: (f64, f64)) -> Option<Shading> {
    let width = shape.iter().rev().copied().find(|&length| length != 1).filter(|&length| length > 0)?;
    let rows = values.len() / width;
    let (across, down) = (width.div_ceil(SHADING_SIDE), rows.div_ceil(SHADING_SIDE).max(1));
    let row = |y: usize| values[y * width..(y + 1) * width].iter().step_by(across).map(|&v| shade(v, range));
    let shades: Vec<u8> = (0..rows).step_by(down).flat_map(row).collect();
    (!shades.is_empty()).then(|| Shading { width: width.div_ceil(across), shades })
}

/// The bytes as UTF-8, where they are that and hold a letter: an input of bytes may be a picture's or a table's too.
fn text(data: &TensorData) -> Option<String> {
    let TensorData::Uint8(bytes) = data else { return None };
    let whole = std::str::from_utf8(bytes).ok()?;
    let is_prose = |c: char| !c.is_control() || c.is_whitespace();
    let is_text = whole.chars().any(char::is_alphabetic) && whole.chars().all(is_prose);
    is_text.then(|| first_letters(whole))
}

/// The beginning of a text on one line.
fn first_letters(text: &str) -> String {
    text.chars().take(FIRST_LETTERS).map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect()
}

/// The first picture in a tensor of three or four axes, scaled down to the preview's size.
fn picture(values: &[f64], shape: &[usize], layout: Layout, range: (f64, f64)) -> Option<RgbImage> {
    let last_three = shape.get(shape.len().checked_sub(3)?..)?;
    let &[a, b, c] = last_three else { return None };
    let (channels, height, width) = if layout == Layout::Nchw { (a, b, c) } else { (c, a, b) };
    if channels == 0 || values.len() < a * b * c {
        return None;
    }
    let (w, h) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let at = |channel: usize, x: u32, y: u32| {
        let place = y as usize * width + x as usize;
        let index = if layout == Layout::Nchw { channel * width * height + place } else { place * channels + channel };
        shade(values.get(index).copied().unwrap_or(range.0), range)
    };
    let full = if channels >= 3 {
        RgbImage::from_fn(w, h, |x, y| Rgb([at(0, x, y), at(1, x, y), at(2, x, y)]))
    } else {
        let gray = GrayImage::from_fn(w, h, |x, y| Luma([at(0, x, y)]));
        RgbImage::from_fn(w, h, |x, y| Rgb([gray.get_pixel(x, y)[0]; 3]))
    };
    let longest = w.max(h);
    if longest <= PREVIEW_SIDE {
        return Some(full);
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(PREVIEW_SIDE)).div_ceil(u64::from(longest)).max(1);
    let (w, h) = (u32::try_from(scaled(w)).ok()?, u32::try_from(scaled(h)).ok()?);
    Some(imageops::thumbnail(&full, w, h))
}

/// 0 at the range's low end, 255 at its high end; NaN and a range of no width are black.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
fn shade(value: f64, (low, high): (f64, f64)) -> u8 {
    let share = (value - low) / (high - low);
    if share.is_finite() { (255.0 * share).round().clamp(0.0, 255.0) as u8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::testing::input, tensor::ElementType};

    /// Channel `c` of pixel `(x, y)` of a 4×4 picture holds `c·100 + y·10 + x`.
    fn planes() -> Vec<f32> {
        (0..48u8).map(|i| f32::from(i / 16) * 100.0 + f32::from(i % 16 / 4) * 10.0 + f32::from(i % 4)).collect()
    }

    #[test]
    fn channels_are_drawn_in_tensor_order() {
        let x = input("x", ElementType::Float32, &[-1, 3, 4, 4]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 3, 4, 4], planes()), None);
        assert_eq!((shown.low, shown.high), (0.0, 233.0));
        // Pixel (3, 2): 23, 123, 223 of 233 → 255·23/233 = 25.2, 134.6, 244.1.
        assert_eq!(shown.picture.unwrap().get_pixel(3, 2).0, [25, 135, 244]);
        assert_eq!(shown.first, [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0]);
    }

    #[test]
    fn channels_last_is_read_as_such() {
        let x = input("x", ElementType::Float32, &[-1, 4, 4, 3]);
        let values: Vec<f32> = (0..48u8).map(f32::from).collect();
        let shown = preview_input(&x, &Tensor::float32(vec![1, 4, 4, 3], values), None);
        // Pixel (1, 0) holds 3, 4, 5 of 47 → 16.3, 21.7, 27.1.
        assert_eq!(shown.picture.unwrap().get_pixel(1, 0).0, [16, 22, 27]);
    }

    #[test]
    fn what_is_no_picture_shows_its_first_values() {
        let x = input("ids", ElementType::Float32, &[-1, 5]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 5], vec![1.0, f32::NAN, 3.0, 4.0, 5.0]), None);
        assert!(shown.picture.is_none());
        assert_eq!((shown.low, shown.high, shown.first.len()), (1.0, 5.0, 5));
    }

    #[test]
    fn large_pictures_are_scaled_down_and_constant_ones_are_black() {
        let x = input("x", ElementType::Float32, &[-1, 1, 512, 256]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 1, 512, 256], vec![7.0; 512 * 256]), None);
        let picture = shown.picture.unwrap();
        assert_eq!(picture.dimensions(), (64, 128));
        assert!(picture.pixels().all(|p| p.0 == [0, 0, 0]));
    }

    #[test]
    fn arrays_are_grids_of_rows_and_bytes_may_be_a_text() {
        let x = input("x", ElementType::Float32, &[-1, 2, 1, 3]);
        let shown = preview_input(&x, &Tensor::float32(vec![1, 2, 1, 3], vec![0.0, 1.0, 2.0, 4.0, 3.0, 2.0]), None);
        // Of 4: 255·1/4 = 63.75, 127.5, 255, 191.25.
        assert_eq!(shown.shading, Some(Shading { width: 3, shades: vec![0, 64, 128, 255, 191, 128] }));
        let long = input("x", ElementType::Float32, &[-1, 200]);
        let ramp: Vec<f32> = (0..200_u8).map(f32::from).collect();
        // 200 values by steps of 3: 67.
        let shading = preview_input(&long, &Tensor::float32(vec![1, 200], ramp), None).shading.unwrap();
        assert_eq!((shading.width, shading.shades.len()), (67, 67));
        let bytes = |bytes: &[u8]| {
            let x = input("x", ElementType::Uint8, &[-1, -1]);
            preview_input(&x, &Tensor { shape: vec![1, bytes.len()], data: TensorData::Uint8(bytes.to_vec()) }, None)
        };
        assert_eq!(bytes("Ein Sätzchen.\n".as_bytes()).text.as_deref(), Some("Ein Sätzchen. "));
        assert_eq!((bytes(&[200, 3]).text, bytes(b"12").text, bytes(&[1, 65]).text), (None, None, None));
        assert!(bytes(b"12").shading.is_none());
        assert_eq!(preview_input(&x, &Tensor::float32(vec![1, 0], vec![]), None).shading, None);
    }
}
