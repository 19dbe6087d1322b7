//! One array feeding one model input: shape, optional preprocessing of picture arrays, element type.
//!
//! Rows are contiguous, so a sample is a slice; only channels-last data for a channels-first model (or the reverse) is
//! reordered, and only when the recipe says so. The order of steps is that of pictures: axes, colour order, numbers, type.

use std::collections::BTreeMap;

use super::{
    convert::{self, narrow},
    elements::{count, gather, numbers, permuted_order, repeat, slice},
    fit::{self, Fit, fit, transposed},
    picture::{Layout, PictureShape, describe},
    recipe::{Channels, Normalize, Recipe},
    samples::check_size,
};
use crate::{
    error::{Error, Result},
    mark, say,
    tensor::{ElementType, ModelInput, Tensor, TensorData},
    text::Text,
};

/// Which data feed which model input, as the window shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Feed {
    /// The model input.
    pub input: String,
    /// The array, file kind or generator that feeds it.
    pub array: String,
    /// The tensor's shape for one call, symbolic axes resolved. Of the first sample where samples differ in length.
    pub shape: Vec<usize>,
    /// What was done on the way (casts, axes, repetition); empty when nothing.
    pub note: Text,
}

/// How an array becomes an input's tensors.
#[derive(Clone, Debug)]
pub(super) struct ArrayFeed {
    pub(super) input: ModelInput,
    pub(super) fit: Fit,
    transform: Option<Transform>,
    from: ElementType,
}

/// A recipe applied to picture arrays.
#[derive(Clone, Debug)]
struct Transform {
    recipe: Recipe,
    /// Order of a row's elements when its axes are permuted.
    order: Option<Vec<usize>>,
    /// Elements between neighbouring channels.
    stride: usize,
    constants: Vec<Normalize>,
}

impl ArrayFeed {
    /// Plans how the array `name` feeds `input`.
    ///
    /// # Errors
    /// [`Error::Data`] naming array, input, both shapes and what would help; [`Error::Config`] for a recipe that contradicts.
    pub(super) fn plan(
        name: &str,
        shape: &[usize],
        from: ElementType,
        input: &ModelInput,
        recipe: Option<&Recipe>,
    ) -> Result<Self> {
        let recipe =
            recipe.filter(|r| PictureShape::of(input, r.layout).is_some()).map(|r| r.fitted(input)).transpose()?;
        let axes = recipe.as_ref().and_then(|r| permutation(shape.len(), r));
        let seen: Vec<usize> = match &axes {
            Some(axes) => axes.iter().filter_map(|&k| shape.get(k).copied()).collect(),
            None => shape.to_vec(),
        };
        let Some(fit) = fit(&seen, input) else {
            let help = match transposed(&seen, input) {
                Some(layout) => say!(
                    "; it looks like {} and is not transposed unasked: give a recipe with array_layout = \"{}\"",
                    layout,
                    layout
                ),
                None => say!("; its first axis counts samples, the others must be the input's"),
            };
            let found = format!("{name:?} ({} {shape:?})", from.name());
            return Err(Error::data(say!("the array {} does not fit the input {}{}", found, describe(input), help)));
        };
        check_size(&input.name, &fit.sample_shape)?;
        let transform = recipe.map(|recipe| Transform::new(recipe, shape, axes.as_deref(), &fit)).transpose()?;
        Ok(Self { input: input.clone(), fit, transform, from })
    }

    /// Sample `i` of `data`, the whole array.
    ///
    /// # Errors
    /// [`Error::Data`] naming the sample and the first value that the input's type cannot hold.
    pub(super) fn tensor(&self, data: &TensorData, i: usize) -> Result<Tensor> {
        let values = self.raw(data, i);
        let values = match &self.transform {
            Some(transform) => TensorData::Float32(transform.apply(values, self.fit.row_len)),
            None => values,
        };
        let data = convert::cast(values, self.input.element_type).map_err(|refused| {
            let place = say!("sample {}, element {}", i, refused.index);
            let reason = say!("{} is no {}", refused.value, self.input.element_type.name());
            Error::data(say!(
                "input {}: {}: {}; cast the data yourself if that is meant",
                self.input.name,
                place,
                reason
            ))
        })?;
        Ok(Tensor { shape: self.fit.sample_shape.clone(), data })
    }

    /// Sample `i` as the array holds it. Fewer rows than a batch are repeated from the first on.
    fn raw(&self, data: &TensorData, i: usize) -> TensorData {
        let Fit { rows, per_sample, row_len, .. } = self.fit;
        let start = if self.fit.samples() == 1 { 0 } else { i * per_sample };
        if rows < per_sample {
            let all = repeat(data, per_sample.div_ceil(rows));
            return slice(&all, 0..per_sample * row_len);
        }
        slice(data, start * row_len..(start + per_sample) * row_len)
    }

    /// What the feed's note says.
    pub(super) fn note(&self) -> Text {
        let mut parts: Vec<Text> = self.fit.note.clone().into_iter().collect();
        if let Some(transform) = &self.transform {
            if transform.order.is_some() {
                parts.push(say!("transposed to {}", transform.recipe.layout.map_or("", Layout::name)));
            }
            parts.push(say!("recipe {}", transform.recipe.name));
        } else {
            parts.extend(convert::note(self.from, self.input.element_type));
        }
        if self.fit.rows < self.fit.per_sample {
            parts.push(say!("{} rows repeated to a batch of {}", self.fit.rows, self.fit.per_sample));
        } else if self.fit.per_sample > 1 {
            parts.push(say!("{} rows a call, the model's batch", self.fit.per_sample));
        }
        Text::joined(mark!("; "), parts)
    }

    /// The recipe in use, total.
    pub(super) fn recipe(&self) -> Option<&Recipe> {
        self.transform.as_ref().map(|t| &t.recipe)
    }

    /// The first row of sample `i` with its shape and layout, when it is a picture: for thumbnails.
    pub(super) fn picture(&self, data: &TensorData, i: usize) -> Option<(Vec<f64>, PictureShape)> {
        let shape = PictureShape::of(&self.input, self.recipe().and_then(|r| r.layout))?;
        let axis = shape.layout.channel_axis(self.fit.sample_shape.len());
        let sides: Vec<usize> = self.fit.sample_shape.iter().rev().take(3).rev().copied().collect();
        let channels = *self.fit.sample_shape.get(axis)?;
        let (height, width) = match (shape.layout, sides.as_slice()) {
            (Layout::Nchw, [_, h, w]) | (Layout::Nhwc, [h, w, _]) => (*h, *w),
            _ => return None,
        };
        let mut row = slice(&self.raw(data, i), 0..channels * height * width);
        if let Some(order) = self.transform.as_ref().and_then(|t| t.order.as_ref()) {
            row = gather(&row, order);
        }
        let known = PictureShape { channels: Some(channels), height: Some(height), width: Some(width), ..shape };
        Some((numbers(&row).map(|n| n.as_f64()).collect(), known))
    }
}

/// A symbolic axis has one length over all inputs.
///
/// # Errors
/// [`Error::Data`] naming the axis, its two lengths and the input.
pub(super) fn check_symbols(inputs: &[ModelInput], feeds: &[Feed]) -> Result<()> {
    let mut symbols = BTreeMap::new();
    for (input, feed) in inputs.iter().zip(feeds) {
        fit::bind(&mut symbols, input, &feed.shape).map_err(|(symbol, bound, own)| {
            let reason = say!("its axis {} is {}, but {} in an input before it", format!("{symbol:?}"), own, bound);
            Error::data(say!("input {} with {}: {}", feed.input, format!("{:?}", feed.shape), reason))
        })?;
    }
    Ok(())
}

/// The permutation that brings an array of `rank` from the recipe's `array_layout` to its `layout`.
fn permutation(rank: usize, recipe: &Recipe) -> Option<Vec<usize>> {
    let inner = match (recipe.array_layout?, recipe.layout?) {
        (Layout::Nhwc, Layout::Nchw) => [2, 0, 1],
        (Layout::Nchw, Layout::Nhwc) => [1, 2, 0],
        _ => return None,
    };
    let outer = rank.checked_sub(3)?;
    Some((0..outer).chain(inner.iter().map(|k| k + outer)).collect())
}

impl Transform {
    /// `axes` permute the array of `shape`, already fitted as `fit`.
    fn new(mut recipe: Recipe, shape: &[usize], axes: Option<&[usize]>, fit: &Fit) -> Result<Self> {
        let rank = fit.sample_shape.len();
        let layout = recipe.layout.unwrap_or(Layout::Nchw);
        let axis = layout.channel_axis(rank);
        let held = fit.sample_shape.get(axis).copied().unwrap_or(0);
        let wanted = recipe.channels.unwrap_or(Channels::Rgb).count();
        if held != wanted {
            let reason =
                say!("needs {} channels, the array has {} in {}", wanted, held, format!("{:?}", fit.sample_shape));
            return Err(Error::config(say!("recipe {}", recipe.name), reason));
        }
        let stride = fit.sample_shape.iter().skip(axis + 1).product();
        // The array has its size; saying another one in the recipe that is shown would be wrong.
        let side = |back: usize| fit.sample_shape.iter().rev().nth(back).copied().unwrap_or(1);
        recipe.size = Some(if layout == Layout::Nchw { (side(0), side(1)) } else { (side(1), side(2)) });
        let order = axes.map(|axes| {
            // A row is what lies behind the sample axis: the last three axes.
            let skip = axes.len() - 3;
            let row: Vec<usize> = shape.iter().skip(skip).copied().collect();
            let inner: Vec<usize> = axes.iter().skip(skip).map(|k| k - skip).collect();
            permuted_order(&row, &inner)
        });
        let constants = recipe.constants(wanted);
        Ok(Self { recipe, order, stride, constants })
    }

    fn apply(&self, values: TensorData, row_len: usize) -> Vec<f32> {
        let values = match &self.order {
            // One picture's order, repeated for every picture in the slice.
            Some(order) => {
                let pictures = count(&values) / order.len().max(1);
                let all: Vec<usize> =
                    (0..pictures).flat_map(|p| order.iter().map(move |i| i + p * order.len())).collect();
                gather(&values, &all)
            }
            None => values,
        };
        debug_assert!(row_len > 0);
        let values: Vec<f64> = numbers(&values).map(|n| n.as_f64()).collect();
        let channels = self.constants.len();
        let flip = self.recipe.channels == Some(Channels::Bgr);
        let channel = |i: usize| (i / self.stride.max(1)) % channels.max(1);
        (0..values.len())
            .filter_map(|i| {
                let c = channel(i);
                // BGR from RGB: channel c comes from channel 2 − c of the same pixel.
                let from = if flip { i + (channels - 1) * self.stride - 2 * c * self.stride } else { i };
                Some(narrow(self.constants.get(c)?.apply(*values.get(from)?)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;

    #[test]
    fn rows_become_samples() {
        let x = input("x", ElementType::Float32, &[2, 2]);
        let feed = ArrayFeed::plan("x", &[5, 2], ElementType::Uint8, &x, None).unwrap();
        let data = TensorData::Uint8((0..10).collect());
        assert_eq!(feed.fit.samples(), 2);
        assert_eq!(feed.tensor(&data, 1).unwrap(), Tensor::float32(vec![2, 2], vec![4.0, 5.0, 6.0, 7.0]));
        assert_eq!(feed.note(), "uint8 cast to float32 (no value changed); 2 rows a call, the model's batch");
        // One row for a batch of two.
        let feed = ArrayFeed::plan("x", &[1, 2], ElementType::Uint8, &x, None).unwrap();
        let row = TensorData::Uint8(vec![8, 9]);
        assert_eq!(feed.tensor(&row, 0).unwrap().as_f32(), Some(&[8.0_f32, 9.0, 8.0, 9.0][..]));
    }

    #[test]
    fn a_recipe_over_channels_last_arrays() {
        // Two pixels in a 4×4-or-larger picture would hide the arithmetic: sides are left open instead.
        let x = input("x", ElementType::Float32, &[-1, 3, -1, -1]);
        let recipe = Recipe {
            array_layout: Some(Layout::Nhwc),
            channels: Some(Channels::Bgr),
            mean: vec![10.0, 20.0, 30.0],
            std: vec![2.0],
            ..Recipe::preset("raw").unwrap()
        };
        // [1,1,2,3]: pixel 0 = R1 G2 B3, pixel 1 = R4 G5 B6.
        let feed = ArrayFeed::plan("x", &[1, 1, 2, 3], ElementType::Uint8, &x, Some(&recipe)).unwrap();
        let got = feed.tensor(&TensorData::Uint8(vec![1, 2, 3, 4, 5, 6]), 0).unwrap();
        // Blue (3−10)/2, (6−10)/2; green (2−20)/2, (5−20)/2; red (1−30)/2, (4−30)/2.
        assert_eq!(got, Tensor::float32(vec![1, 3, 1, 2], vec![-3.5, -2.0, -9.0, -7.5, -14.5, -13.0]));
        assert_eq!(feed.recipe().unwrap().size, Some((2, 1)));
        assert_eq!(feed.note(), "transposed to NCHW; recipe raw");
    }

    #[test]
    fn refusals_say_what_would_help() {
        let x = input("pixels", ElementType::Float32, &[-1, 3, 32, 32]);
        let error = ArrayFeed::plan("x", &[200, 32, 32, 3], ElementType::Uint8, &x, None).unwrap_err().to_string();
        assert!(
            error.contains("array_layout = \"NHWC\"") && error.contains("pixels: float32 [batch,3,32,32]"),
            "{error}"
        );
        let ids = input("ids", ElementType::Int64, &[-1, 2]);
        let feed = ArrayFeed::plan("ids", &[1, 2], ElementType::Float32, &ids, None).unwrap();
        let error = feed.tensor(&TensorData::Float32(vec![1.0, 2.5]), 0).unwrap_err().to_string();
        assert!(error.contains("input ids: sample 0, element 1: 2.5 is no int64"), "{error}");
    }
}
