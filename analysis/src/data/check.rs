//! A look at the values that the model really receives, before any number is believed.
//!
//! The statistics are over the tensors after preprocessing. Banners are for what makes every later number meaningless:
//! constant or identical samples, NaN, and values far off the range that the recipe (or, for bare arrays of a shape that nearly
//! always means one thing, the guess) leads to. 0…255 fed to a model that was trained on −2…2 is the classic.

use std::ops::Range;

use super::{dataset::Dataset, elements::numbers, guess::Guess, picture::PictureShape, source::DataKind};
use crate::{
    error::Result,
    job::Warning,
    say,
    tensor::{ElementType, Tensor, TensorData},
    text::Text,
};

/// How far off a range may be before a banner says so, in either direction.
const RANGE_FACTOR: f64 = 5.0;

/// Sums over values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueStats {
    /// Smallest finite value; 0 when there is none.
    pub min: f64,
    /// Largest finite value; 0 when there is none.
    pub max: f64,
    /// Mean of the finite values.
    pub mean: f64,
    /// Standard deviation of the finite values (population).
    pub deviation: f64,
}

/// One model input over the samples looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct InputCheck {
    /// The input's name.
    pub name: String,
    /// The tensor's shape for one call, of the first sample.
    pub shape: Vec<usize>,
    /// The element type it is fed with.
    pub element_type: ElementType,
    /// Over all values; `None` for texts.
    pub values: Option<ValueStats>,
    /// Per channel, where the input takes pictures.
    pub channels: Vec<ValueStats>,
    /// How many values are NaN or infinite.
    pub non_finite: usize,
}

/// What the Data view shows.
#[derive(Clone, Debug, PartialEq)]
pub struct DataCheck {
    /// How many samples were looked at, from the first on.
    pub samples: usize,
    /// In model-input order.
    pub inputs: Vec<InputCheck>,
    /// What makes the numbers doubtful: codes `data-constant`, `data-identical`, `data-range`, `data-not-finite`.
    pub banners: Vec<Warning>,
}

/// Looks at the first `n` samples.
///
/// # Errors
/// What making a sample can fail with.
pub fn check(dataset: &Dataset, n: usize) -> Result<DataCheck> {
    let n = n.min(dataset.len());
    let samples = (0..n).map(|i| dataset.sample(i)).collect::<Result<Vec<_>>>()?;
    let mut inputs = Vec::new();
    let mut banners = Vec::new();
    for (k, input) in dataset.inputs().iter().enumerate() {
        let tensors: Vec<&Tensor> = samples.iter().filter_map(|s| s.tensors.get(k)).collect();
        let Some(first) = tensors.first() else { continue };
        let checked = InputCheck {
            name: input.name.clone(),
            shape: first.shape.clone(),
            element_type: first.element_type(),
            values: (!matches!(first.data, TensorData::String(_))).then(|| Sums::of(&tensors, None).stats()),
            channels: channels(dataset, k, &tensors),
            non_finite: Sums::of(&tensors, None).non_finite,
        };
        if checked.non_finite > 0 {
            let message = say!("input {}: {} values are NaN or infinite", input.name, checked.non_finite);
            banners.push(Warning::new("data-not-finite", message));
        }
        banners.extend(constant(&input.name, &samples_with_constant(&tensors, &samples)));
        banners.extend(range(dataset, k, &checked));
        inputs.push(checked);
    }
    banners.extend(identical(&samples));
    Ok(DataCheck { samples: n, inputs, banners })
}

/// Running sums, in f64 and in sample order.
#[derive(Clone, Copy, Debug)]
struct Sums {
    n: f64,
    min: f64,
    max: f64,
    sum: f64,
    squares: f64,
    non_finite: usize,
}

impl Sums {
    /// Over `tensors`, of each only the elements that `part` (channel length and index) selects.
    fn of(tensors: &[&Tensor], part: Option<&dyn Fn(usize) -> bool>) -> Self {
        let mut sums =
            Self { n: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, squares: 0.0, non_finite: 0 };
        for tensor in tensors {
            for (i, number) in numbers(&tensor.data).enumerate() {
                if part.is_none_or(|part| part(i)) {
                    sums.add(number.as_f64());
                }
            }
        }
        sums
    }

    fn add(&mut self, v: f64) {
        if !v.is_finite() {
            self.non_finite += 1;
            return;
        }
        self.n += 1.0;
        self.min = self.min.min(v);
        self.max = self.max.max(v);
        self.sum += v;
        self.squares += v * v;
    }

    fn stats(&self) -> ValueStats {
        if self.n == 0.0 {
            return ValueStats { min: 0.0, max: 0.0, mean: 0.0, deviation: 0.0 };
        }
        let mean = self.sum / self.n;
        let deviation = (self.squares / self.n - mean * mean).max(0.0).sqrt();
        ValueStats { min: self.min, max: self.max, mean, deviation }
    }
}

/// Statistics per channel of a picture input.
fn channels(dataset: &Dataset, k: usize, tensors: &[&Tensor]) -> Vec<ValueStats> {
    let layout = dataset.recipe().and_then(|r| r.recipe.layout);
    let shape = dataset.inputs().get(k).and_then(|input| PictureShape::of(input, layout));
    let (Some(shape), Some(first)) = (shape, tensors.first()) else { return Vec::new() };
    let axis = shape.layout.channel_axis(first.shape.len());
    let n = first.shape.get(axis).copied().unwrap_or(0);
    let stride: usize = first.shape.iter().skip(axis + 1).product();
    (0..n).map(|c| Sums::of(tensors, Some(&|i| (i / stride.max(1)) % n == c)).stats()).collect()
}

/// Names of the samples whose tensor holds one value only. A single element is no constant picture.
fn samples_with_constant(tensors: &[&Tensor], samples: &[super::Sample]) -> Vec<Text> {
    let constant = |t: &Tensor| {
        let mut values = numbers(&t.data);
        let first = values.next();
        t.len() > 1 && first.is_some() && values.all(|v| Some(v) == first)
    };
    let floats = |t: &Tensor| {
        use TensorData as D;
        matches!(t.data, D::Float32(_) | D::Float64(_) | D::Float16(_) | D::BFloat16(_) | D::Uint8(_))
    };
    // Integers are often constant by right: masks, segment ids.
    tensors.iter().zip(samples).filter(|(t, _)| floats(t) && constant(t)).map(|(_, s)| s.name.clone()).collect()
}

fn constant(input: &str, names: &[Text]) -> Option<Warning> {
    let first = names.first()?;
    let message = say!("input {}: {} samples hold one single value, the first is {}", input, names.len(), first);
    Some(Warning::new("data-constant", message))
}

/// Samples that equal an earlier one in every input.
fn identical(samples: &[super::Sample]) -> Option<Warning> {
    let earlier = |range: Range<usize>, tensors: &Vec<Tensor>| {
        samples.get(range).into_iter().flatten().find(|s| s.tensors == *tensors)
    };
    let mut pairs = samples.iter().enumerate().filter_map(|(i, s)| Some((s, earlier(0..i, &s.tensors)?)));
    let (second, first) = pairs.next()?;
    let n = 1 + pairs.count();
    let message = say!("{} samples are identical to another one, the first is {} (as {})", n, second.name, first.name);
    Some(Warning::new("data-identical", message))
}

/// The banner for values far off what the recipe, or a confident guess, leads to.
fn range(dataset: &Dataset, k: usize, checked: &InputCheck) -> Option<Warning> {
    let input = dataset.inputs().get(k)?;
    PictureShape::of(input, None)?;
    let Guess { recipe: guess, confident, .. } = dataset.guess(input);
    let expected = match dataset.recipe() {
        Some(used) => used.recipe.clone(),
        // Bare arrays say nothing about their range; test sets come with the model and are right.
        None if confident && dataset.kind() != DataKind::TestSets => guess,
        None => return None,
    };
    let (low, high) = expected.range();
    let (wanted, stats) = (low.abs().max(high.abs()), checked.values?);
    let seen = stats.min.abs().max(stats.max.abs());
    let off = seen > wanted * RANGE_FACTOR || seen * RANGE_FACTOR < wanted;
    off.then(|| {
        let (name, min, max) = (&expected.name, stats.min, stats.max);
        let message = say!(
            "input {}: values from {} to {}, but recipe {} leads to {} to {}: is it the right one?",
            input.name,
            format!("{min:.4}"),
            format!("{max:.4}"),
            name,
            format!("{low:.4}"),
            format!("{high:.4}")
        );
        Warning::new("data-range", message)
    })
}
