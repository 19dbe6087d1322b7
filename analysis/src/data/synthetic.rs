//! Made-up samples for models without data: enough to see that everything runs, never a basis for ranges.
//!
//! Plain noise would be the worst choice for pictures: its activations lie far from those of photos. So pictures are smooth
//! random fields with the value range of photos, put through the recipe like files. Token ids stay below
//! [`TOKENS`], which every vocabulary has; masks are ones. The generator is our own (`SplitMix64`), the same on every machine.

use image::{Rgb, RgbImage};

use super::{
    convert,
    feed::Feed,
    labels::Labels,
    picture::PictureShape,
    pixels,
    recipe::{Channels, Recipe},
    samples::{Bound, Samples, check_size},
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::{Dim, ElementType, ModelInput, Tensor, TensorData},
    text::Text,
};

/// Token ids are drawn from 1 up to this, exclusive.
const TOKENS: u64 = 32;

/// The length of a symbolic axis that is no batch: a short sequence.
const LENGTH: usize = 16;

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", figure 17 (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0…1, 1 excluded.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, mean 0 and deviation 1: the sum of twelve uniforms less 6.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// How one input is made.
#[derive(Clone, Debug)]
enum Maker {
    Picture { recipe: Recipe, block: usize },
    Normal,
    Tokens,
    Ones,
    Zeros,
    Positions,
    Bytes,
    Text,
}

#[derive(Debug)]
struct Synthetic {
    inputs: Vec<(ModelInput, Maker, Vec<usize>)>,
    samples: usize,
    seed: u64,
}

impl Synthetic {
    /// The generator of one tensor: independent of how many samples are asked for and in which order.
    fn generator(&self, sample: usize, input: usize) -> SplitMix64 {
        let mut mixer = SplitMix64(self.seed);
        mixer.0 ^= SplitMix64(sample as u64).next().rotate_left(17) ^ SplitMix64(!(input as u64)).next();
        SplitMix64(mixer.next())
    }
}

impl Samples for Synthetic {
    fn len(&self) -> usize {
        self.samples
    }

    fn name(&self, i: usize) -> Text {
        say!("synthetic {}", i)
    }

    fn tensors(&self, i: usize) -> Result<Vec<Tensor>> {
        let make = |(k, (input, maker, shape)): (usize, &(ModelInput, Maker, Vec<usize>))| {
            let data = made(maker, shape, &mut self.generator(i, k));
            let data = convert::cast(data, input.element_type).map_err(|refused| {
                let reason = say!("synthetic data give {}, no {}", refused.value, input.element_type.name());
                Error::data(say!("input {}: {}", input.name, reason))
            })?;
            Ok(Tensor { shape: shape.clone(), data })
        };
        self.inputs.iter().enumerate().map(make).collect()
    }

    fn picture(&self, i: usize) -> Option<RgbImage> {
        self.inputs.iter().enumerate().find_map(|(k, (_, maker, _))| match maker {
            Maker::Picture { recipe, .. } => Some(field(recipe, &mut self.generator(i, k))),
            _ => None,
        })
    }
}

/// The values of one tensor, before the cast to the input's type.
fn made(maker: &Maker, shape: &[usize], random: &mut SplitMix64) -> TensorData {
    let n: usize = shape.iter().product();
    let last = shape.last().copied().unwrap_or(1).max(1);
    let token = |r: &mut SplitMix64, low: u64, high: u64| i64::try_from(low + r.next() % (high - low)).unwrap_or(1);
    match maker {
        Maker::Picture { recipe, block } => {
            TensorData::Float32((0..*block).flat_map(|_| pixels::values(&field(recipe, random), recipe)).collect())
        }
        Maker::Normal => TensorData::Float32((0..n).map(|_| convert::narrow(random.normal())).collect()),
        Maker::Tokens => TensorData::Int64((0..n).map(|_| token(random, 1, TOKENS)).collect()),
        // Printable ASCII: text models read bytes.
        Maker::Bytes => TensorData::Int64((0..n).map(|_| token(random, 32, 127)).collect()),
        Maker::Ones => TensorData::Int64(vec![1; n]),
        Maker::Zeros => TensorData::Int64(vec![0; n]),
        Maker::Positions => TensorData::Int64((0..n).map(|i| i64::try_from(i % last).unwrap_or(0)).collect()),
        Maker::Text => TensorData::String((0..n).map(|i| format!("sample text {i}")).collect()),
    }
}

/// A smooth random picture: a few waves a channel, correlated over channels, using the whole range of pixels.
fn field(recipe: &Recipe, random: &mut SplitMix64) -> RgbImage {
    let (w, h) = recipe.size.unwrap_or((224, 224));
    let wave = |random: &mut SplitMix64| {
        // 0.5 to 6 periods over the picture, weaker when finer: photos have a 1/f spectrum.
        let frequency = 0.5 + 5.5 * random.unit();
        let angle = std::f64::consts::TAU * random.unit();
        let phase = std::f64::consts::TAU * random.unit();
        let colour = [random.unit(), random.unit(), random.unit()];
        (frequency * angle.cos(), frequency * angle.sin(), phase, colour.map(|c| (0.5 + 0.5 * c) / frequency))
    };
    let waves: Vec<_> = (0..6).map(|_| wave(random)).collect();
    let total: f64 = waves.iter().map(|w| w.3[0].max(w.3[1]).max(w.3[2])).sum();
    let (wide, high) = (u32::try_from(w).unwrap_or(1), u32::try_from(h).unwrap_or(1));
    RgbImage::from_fn(wide, high, |x, y| {
        let (u, v) = (f64::from(x) / w as f64, f64::from(y) / h as f64);
        let mut sums = [0.0; 3];
        for (fx, fy, phase, colour) in &waves {
            let s = (std::f64::consts::TAU * (fx * u + fy * v) + phase).sin();
            for (sum, c) in sums.iter_mut().zip(colour) {
                *sum += s * c;
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0…255")]
        Rgb(sums.map(|s| (127.5 + 190.0 * s / total).round().clamp(0.0, 255.0) as u8))
    })
}

/// Synthetic samples for `inputs`. `recipe_of` gives each picture input its recipe.
///
/// # Errors
/// [`Error::Config`] for a recipe that contradicts its input, [`Error::Data`] for an input too large.
pub(super) fn bind(
    samples: usize,
    seed: u64,
    inputs: &[ModelInput],
    recipe_of: impl Fn(&ModelInput) -> Recipe,
) -> Result<Bound> {
    let mut made = Vec::new();
    let mut used = None;
    for input in inputs {
        let (maker, shape) = match PictureShape::of(input, None) {
            Some(shape) => {
                let recipe = recipe_of(input).fitted(input)?;
                // `fitted` set the size, the channels and the layout.
                let (w, h) = recipe.size.unwrap_or((224, 224));
                let shape = PictureShape::of(input, recipe.layout).unwrap_or(shape);
                let tensor = shape.tensor_shape(recipe.channels.unwrap_or(Channels::Rgb).count(), w, h);
                used.get_or_insert_with(|| recipe.clone());
                (Maker::Picture { recipe, block: shape.block }, tensor)
            }
            None => (maker(input), shape(input)),
        };
        check_size(&input.name, &shape)?;
        made.push((input.clone(), maker, shape));
    }
    let feed = |(input, maker, shape): &(ModelInput, Maker, Vec<usize>)| Feed {
        input: input.name.clone(),
        array: "synthetic".to_owned(),
        shape: shape.clone(),
        note: match maker {
            Maker::Picture { recipe, .. } => say!("smooth random pictures; recipe {}", recipe.name),
            Maker::Normal => say!("normal noise, mean 0, deviation 1"),
            Maker::Tokens => say!("ids 1 to {}", TOKENS - 1),
            Maker::Ones => say!("ones"),
            Maker::Zeros => say!("zeros"),
            Maker::Positions => "0, 1, 2, …".into(),
            Maker::Bytes => say!("printable characters"),
            Maker::Text => say!("texts"),
        },
    };
    let feeds = made.iter().map(feed).collect();
    let message = say!("the samples are made up: ranges and errors found on them say little about real data");
    let warnings = vec![Warning::new("synthetic", message)];
    let samples = Box::new(Synthetic { inputs: made, samples: samples.max(1), seed });
    Ok(Bound { samples, feeds, recipe: used, labels: Labels::default(), block: 1, warnings })
}

/// How to make an input that takes no pictures, by its type and by what its name says.
fn maker(input: &ModelInput) -> Maker {
    use ElementType as E;
    let name = input.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    match input.element_type {
        E::Bool => Maker::Ones,
        E::String => Maker::Text,
        _ if has(&["mask"]) => Maker::Ones,
        E::Float32 | E::Float64 | E::Float16 | E::BFloat16 => Maker::Normal,
        _ if has(&["token_type", "segment"]) => Maker::Zeros,
        _ if has(&["position"]) => Maker::Positions,
        E::Uint8 => Maker::Bytes,
        _ => Maker::Tokens,
    }
}

/// The shape of one call: a symbolic first axis is the batch, 1; other open axes are short sequences. Equal symbols get
/// equal lengths, since the length depends on name and place of "batch" only.
fn shape(input: &ModelInput) -> Vec<usize> {
    let length = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => *n,
        Dim::Symbolic(name) if axis == 0 || name.to_lowercase().contains("batch") => 1,
        Dim::Unknown if axis == 0 => 1,
        _ => LENGTH,
    };
    input.dims.as_ref().map_or(vec![1], |dims| dims.iter().enumerate().map(length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;

    #[test]
    fn the_generator_is_the_published_one() {
        // The reference implementation's first outputs for seed 1234567 (Vigna, splitmix64.c).
        let mut random = SplitMix64(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn tokens_masks_and_pictures() {
        let inputs = [
            input("input_ids", ElementType::Int64, &[-1, -1]),
            input("attention_mask", ElementType::Int64, &[-1, -1]),
            input("token_type_ids", ElementType::Int32, &[-1, -1]),
            input("pixels", ElementType::Float32, &[-1, 3, 8, 6]),
            input("x", ElementType::Float32, &[-1, 4]),
        ];
        let bound = bind(3, 7, &inputs, |_| Recipe::preset("0-1").unwrap()).unwrap();
        let tensors = bound.samples.tensors(1).unwrap();
        let shapes: Vec<_> = tensors.iter().map(|t| t.shape.clone()).collect();
        assert_eq!(shapes, [vec![1, 16], vec![1, 16], vec![1, 16], vec![1, 3, 8, 6], vec![1, 4]]);
        let TensorData::Int64(ids) = &tensors[0].data else { panic!("ids are int64") };
        assert!(ids.iter().all(|id| (1..32).contains(id)) && ids.iter().any(|id| *id != ids[0]));
        assert_eq!(tensors[1].data, TensorData::Int64(vec![1; 16]));
        assert_eq!(tensors[2].data, TensorData::Int32(vec![0; 16]));
        let pixels = tensors[3].as_f32().unwrap();
        assert!(pixels.iter().all(|p| (0.0..=1.0).contains(p)));
        assert_eq!(bound.warnings[0].code, "synthetic");
        // Sample 1 is the same whatever was made before; sample 2 is another.
        assert_eq!(bound.samples.tensors(1).unwrap(), tensors);
        assert_ne!(bound.samples.tensors(2).unwrap()[3], tensors[3]);
        let other = bind(3, 8, &inputs, |_| Recipe::preset("0-1").unwrap()).unwrap();
        assert_ne!(other.samples.tensors(1).unwrap()[3], tensors[3]);
    }

    #[test]
    fn absurd_shapes_are_refused() {
        let big = input("x", ElementType::Float32, &[1 << 40, 1 << 40]);
        assert!(bind(1, 0, &[big], |_| Recipe::preset("raw").unwrap()).unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn pictures_are_smooth_and_wide() {
        let x = input("x", ElementType::Float32, &[1, 3, 64, 64]);
        let bound = bind(1, 0, &[x], |_| Recipe::preset("raw").unwrap()).unwrap();
        let tensor = bound.samples.tensors(0).unwrap().remove(0);
        let row = &tensor.as_f32().unwrap()[..64];
        // At most 6 periods in 64 pixels, amplitude at most 190: a step is at most 2π·6/64·190 = 112; noise would average 85 a step.
        let steps: f32 = row.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f32>() / 63.0;
        assert!(steps < 30.0, "{steps}");
        let all = tensor.as_f32().unwrap();
        let (low, high) = all.iter().fold((255.0_f32, 0.0_f32), |(l, h), &v| (l.min(v), h.max(v)));
        assert!(high - low > 100.0, "{low} {high}");
    }
}
