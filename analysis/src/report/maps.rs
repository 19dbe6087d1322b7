//! One sample's output of one layer as pictures: float, quantized, and what lies between.
//!
//! The last two axes are a picture (height × width, or tokens × features), the axes before them count pictures; a tensor of
//! one or two axes is one row of values a picture. So channels, attention heads and sequences need no rule of their own.

use super::as_float::exact_errors;
use crate::{
    metrics::{ErrorSums, Errors, Measure},
    quant::ChannelLayout,
    text::Text,
};

/// Most maps of one layer.
const MOST_MAPS: usize = 64;
/// Most values that the maps of one run hold together.
const MOST_VALUES: usize = 1 << 20;

/// The maps of one layer for one sample, the largest error first.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMaps {
    /// The layer.
    pub layer: String,
    /// Its output tensor.
    pub tensor: String,
    /// The sample's place in the data, from 0.
    pub sample: usize,
    /// What the data call it.
    pub sample_name: Text,
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Maps of the tensor; more than [`FeatureMaps::maps`] where there are too many.
    pub total: usize,
    /// Values a row of a map.
    pub width: usize,
    /// Rows of a map.
    pub height: usize,
    /// Every so manieth value of every so manieth row is in the maps; 1 for all of them.
    pub step: usize,
    /// Error of the whole tensor.
    pub errors: Errors,
    /// Largest error of the maps, what their errors are drawn against.
    pub max_abs_error: f32,
    /// The maps.
    pub maps: Vec<FeatureMap>,
    /// Why there are no maps; `None` where there are.
    pub why_none: Option<&'static str>,
}

/// One map in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// Its place along each axis before the last two, a batch axis of length 1 left out; empty where there is one map.
    pub place: Vec<usize>,
    /// Smallest finite value of both runs.
    pub low: f32,
    /// Largest finite value of both runs.
    pub high: f32,
    /// `Σe²` of all its values, also of those that are not in the map.
    pub noise: f64,
    /// Its error.
    pub sqnr_db: Measure,
    /// The float run, `width · height` values row by row.
    pub float: Vec<f32>,
    /// The quantized run.
    pub quantized: Vec<f32>,
}

impl FeatureMaps {
    /// No maps, and why.
    pub fn none(layer: &str, sample: usize, sample_name: Text, why: &'static str) -> Self {
        let none = Measure::NotApplicable(why);
        Self {
            layer: layer.to_owned(),
            tensor: String::new(),
            sample,
            sample_name,
            shape: Vec::new(),
            total: 0,
            width: 0,
            height: 0,
            step: 1,
            errors: Errors { sqnr_db: none, cosine: none, nmse: none, mse: none, max_abs: none, gain: none },
            max_abs_error: 0.0,
            maps: Vec::new(),
            why_none: Some(why),
        }
    }

    /// The maps of a tensor in both runs, which have `shape`.
    #[must_use]
    pub fn with_values(self, tensor: &str, shape: Vec<usize>, float: &[f32], quantized: &[f32]) -> Self {
        let length = |from_end: usize| shape.len().checked_sub(from_end).map_or(1, |axis| shape[axis]);
        let full_width = length(1);
        let full_height = if shape.len() > 2 { length(2) } else { 1 };
        let size = full_width * full_height;
        if size == 0 || float.is_empty() || float.len() != quantized.len() || !float.len().is_multiple_of(size) {
            return Self { why_none: Some("the output is empty"), shape, ..self };
        }
        let total = float.len() / size;
        let sums = ErrorSums::of_channels(float, quantized, ChannelLayout { outer: 1, channels: total, inner: size });
        let mut order: Vec<usize> = (0..total).collect();
        // A map in which a run breaks comes before any finite error. Stable: equal ones stay in the tensor's order.
        order.sort_by(|&a, &b| {
            let (a, b) = (&sums[a], &sums[b]);
            b.broken.cmp(&a.broken).then(b.sum_e2.total_cmp(&a.sum_e2))
        });
        order.truncate(MOST_MAPS);
        let fits = |step: &usize| order.len() * full_width.div_ceil(*step) * full_height.div_ceil(*step) <= MOST_VALUES;
        let step = (1..=size).find(fits).unwrap_or(size);
        let map = |&index: &usize| {
            let cut = |values: &[f32]| thinned(&values[index * size..(index + 1) * size], full_width, step);
            let (float, quantized) = (cut(float), cut(quantized));
            let finite = || float.iter().chain(&quantized).copied().filter(|v| v.is_finite());
            FeatureMap {
                place: place(&shape, index),
                low: finite().reduce(f32::min).unwrap_or(0.0),
                high: finite().reduce(f32::max).unwrap_or(0.0),
                noise: sums[index].sum_e2,
                sqnr_db: Errors::from(&sums[index]).sqnr_db,
                float,
                quantized,
            }
        };
        let maps: Vec<FeatureMap> = order.iter().map(map).collect();
        let errors = maps.iter().flat_map(FeatureMap::errors);
        let largest = errors.map(f32::abs).filter(|error| error.is_finite()).fold(0.0, f32::max);
        Self {
            tensor: tensor.to_owned(),
            total,
            width: full_width.div_ceil(step),
            height: full_height.div_ceil(step),
            step,
            errors: Errors::from(&ErrorSums::of(float, quantized)),
            max_abs_error: largest,
            maps,
            why_none: None,
            shape,
            ..self
        }
    }

    /// The same maps with the float run in both places.
    #[must_use]
    pub fn as_float(&self) -> Self {
        let map = |map: &FeatureMap| FeatureMap {
            quantized: map.float.clone(),
            noise: 0.0,
            sqnr_db: Measure::Exact,
            ..map.clone()
        };
        Self {
            errors: exact_errors(&self.errors),
            max_abs_error: 0.0,
            maps: self.maps.iter().map(map).collect(),
            ..self.clone()
        }
    }

    /// Whether a map is one row of values.
    pub fn is_rows(&self) -> bool {
        self.shape.len() <= 2
    }

    /// What a map is called: "channel 5", "item 1, channel 5", "values".
    pub fn name(&self, map: &FeatureMap) -> String {
        match map.place.as_slice() {
            [] => "values".to_owned(),
            [row] if self.is_rows() => format!("row {row}"),
            [channel] if self.shape.len() > 3 => format!("channel {channel}"),
            [item] => format!("item {item}"),
            [item, channel] if self.shape.len() == 4 => format!("item {item}, channel {channel}"),
            place => format!("map {}", place.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// Row and column in the tensor of a map's value.
    pub fn position(&self, value: usize) -> (usize, usize) {
        let width = self.width.max(1);
        (value / width * self.step, value % width * self.step)
    }
}

impl FeatureMap {
    /// Quantized less float of this value of the map.
    pub fn error(&self, value: usize) -> Option<f32> {
        Some(self.quantized.get(value)? - self.float.get(value)?)
    }

    /// Quantized less float of every value.
    pub fn errors(&self) -> Vec<f32> {
        self.quantized.iter().zip(&self.float).map(|(quantized, float)| quantized - float).collect()
    }
}

/// Every `step`-th value of every `step`-th row.
fn thinned(values: &[f32], width: usize, step: usize) -> Vec<f32> {
    values.chunks(width).step_by(step).flat_map(|row| row.iter().step_by(step).copied()).collect()
}

/// Where the map with this index stands along the axes that count maps.
fn place(shape: &[usize], mut index: usize) -> Vec<usize> {
    let inner = if shape.len() > 2 { 2 } else { 1 };
    let leading = &shape[..shape.len().saturating_sub(inner)];
    let mut place: Vec<usize> = Vec::with_capacity(leading.len());
    for &length in leading.iter().rev() {
        place.push(index % length.max(1));
        index /= length.max(1);
    }
    place.reverse();
    if leading.first() == Some(&1) {
        place.remove(0);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(shape: &[usize], float: &[f32], quantized: &[f32]) -> FeatureMaps {
        FeatureMaps::none("conv", 3, "cat.png".into(), "").with_values("conv_out", shape.to_vec(), float, quantized)
    }

    #[test]
    fn channels_stand_by_their_error() {
        let float: Vec<f32> = (0..12_u8).map(f32::from).collect();
        let mut quantized = float.clone();
        quantized[5] += 0.5; // channel 1, (0, 1)
        quantized[10] -= 2.0; // channel 2, (1, 0)
        let shown = maps(&[1, 3, 2, 2], &float, &quantized);
        let names: Vec<String> = shown.maps.iter().map(|map| shown.name(map)).collect();
        assert_eq!(names, ["channel 2", "channel 1", "channel 0"]);
        assert_eq!((shown.total, shown.width, shown.height, shown.step, shown.max_abs_error), (3, 2, 2, 1, 2.0));
        let worst = &shown.maps[0];
        assert_eq!((worst.low, worst.high, worst.noise, worst.quantized[2]), (8.0, 11.0, 4.0, 8.0));
        assert_eq!((shown.position(2), shown.maps[2].sqnr_db), ((1, 0), Measure::Exact));
        let float = shown.as_float();
        assert!(float.maps.iter().all(|map| map.float == map.quantized) && float.max_abs_error == 0.0);
    }

    #[test]
    fn rows_sequences_and_batches_have_names() {
        let values: Vec<f32> = (0..24_u8).map(f32::from).collect();
        let names = |shape: &[usize]| {
            let shown = maps(shape, &values, &values);
            (shown.name(&shown.maps[0]), shown.total, shown.height, shown.width)
        };
        assert_eq!(names(&[1, 24]), ("values".into(), 1, 1, 24));
        assert_eq!(names(&[2, 12]), ("row 0".into(), 2, 1, 12));
        assert_eq!(names(&[1, 4, 6]), ("values".into(), 1, 4, 6));
        assert_eq!(names(&[2, 3, 4]), ("item 0".into(), 2, 3, 4));
        assert_eq!(names(&[2, 3, 2, 2]), ("item 0, channel 0".into(), 6, 2, 2));
        assert_eq!(names(&[1, 2, 3, 2, 2]), ("map 0, 0".into(), 6, 2, 2));
        assert_eq!(names(&[24]), ("values".into(), 1, 1, 24));
    }

    #[test]
    fn what_is_too_large_is_thinned_and_says_so() {
        let values = vec![1.0; 80 * 200 * 200];
        let shown = maps(&[1, 80, 200, 200], &values, &values);
        // 64 maps of 200·200 are 2.56 million values; every second of every second row are 0.64 million.
        assert_eq!((shown.maps.len(), shown.total, shown.step, shown.width, shown.height), (64, 80, 2, 100, 100));
        assert_eq!(shown.position(101), (2, 2));
        assert_eq!(shown.maps[0].float.len(), 10_000);
    }

    #[test]
    fn a_broken_run_leads_and_an_empty_tensor_has_no_maps() {
        let shown = maps(&[1, 2, 1, 2], &[0.0; 4], &[9.0, 0.0, f32::NAN, 0.0]);
        assert_eq!((shown.maps[0].place.as_slice(), shown.max_abs_error), (&[1][..], 9.0));
        assert!(maps(&[1, 0, 2, 2], &[], &[]).why_none.is_some());
        assert!(maps(&[], &[2.0], &[1.0]).why_none.is_none());
    }
}
