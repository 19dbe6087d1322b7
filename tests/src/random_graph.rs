//! Small networks that a seed determines, wider than [`crate::random_model`]'s: pictures and sequences of tokens, several
//! inputs and outputs, attention with a mask that every head reads, normalisations, stretches of float16, operators that
//! hand a quantizer on, weights that nodes compute. They are made to catch a cache that was kept too long: what one edit
//! reaches is rarely a straight line here.

use std::path::{Path, PathBuf};

use quantlens_analysis::{onnx::proto::AttributeProto, tensor::ElementType};

use crate::{
    models::{Builder, float, int, ints, save_archive},
    seeded::Seeded,
};

/// Side of every picture.
const SIDE: usize = 4;
/// Channels of a picture that is an input.
const CHANNELS: usize = 3;
/// Tokens of a sequence that is an input.
const TOKENS: usize = 3;
/// Rows of the table that tokens are looked up in.
const WORDS: usize = 7;
/// Width of a token.
const WIDTH: usize = 6;
/// Class scores of the first output.
const CLASSES: usize = 5;
/// ONNX's codes of float32 and float16, for Cast.
const FLOAT32: i64 = 1;
const FLOAT16: i64 = 10;

/// A network and what its inputs are fed with.
#[derive(Clone, Debug)]
pub struct RandomGraph {
    /// The model.
    pub builder: Builder,
    inputs: Vec<Fed>,
}

/// An input, the lengths of one sample of it, and whether it holds token numbers.
#[derive(Clone, Debug)]
struct Fed {
    name: &'static str,
    lengths: Vec<usize>,
    is_ids: bool,
}

impl RandomGraph {
    /// Writes samples, one for each number in `which`: the same number gives the same sample, wherever it stands.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn save_samples(&self, path: &Path, seed: u64, which: &[usize]) -> PathBuf {
        let mut floats = Vec::new();
        let mut integers = Vec::new();
        for (position, input) in self.inputs.iter().enumerate() {
            let count: usize = input.lengths.iter().product();
            let shape = [&[which.len()][..], &input.lengths].concat();
            let of_sample = |sample: &usize| {
                let mut seeded = Seeded::new(seed ^ ((*sample as u64) << 8) ^ position as u64);
                // Samples of different sizes, so that leaving one out moves a range.
                let size = 0.5 + seeded.below(6) as f32 * 0.5;
                (0..count).map(move |_| (seeded.unit() * size, seeded.below(WORDS) as i64)).collect::<Vec<_>>()
            };
            let values = which.iter().flat_map(of_sample);
            if input.is_ids {
                integers.push((input.name, shape, values.map(|(_, id)| id).collect()));
            } else {
                floats.push((input.name, shape, values.map(|(value, _)| value).collect()));
            }
        }
        let label = |sample: &usize| Seeded::new(seed ^ *sample as u64 ^ 0x1ABE1).below(CLASSES) as i64;
        integers.push(("labels", vec![which.len()], which.iter().map(label).collect()));
        save_archive(path, floats, integers)
    }
}

/// A tensor that later nodes may read: a picture of `width` channels, or `length` tokens of that width.
#[derive(Clone, Debug)]
struct Live {
    name: String,
    width: usize,
    length: usize,
}

fn picture(name: String, width: usize) -> Live {
    Live { name, width, length: 0 }
}

/// Names of the tensors that have the shape of `from`, itself included.
fn alike<'a>(all: &'a [Live], from: &Live) -> Vec<&'a str> {
    all.iter().filter(|l| (l.width, l.length) == (from.width, from.length)).map(|l| l.name.as_str()).collect()
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

struct Maker {
    builder: Builder,
    seeded: Seeded,
    inputs: Vec<Fed>,
    pictures: Vec<Live>,
    tokens: Vec<Live>,
    /// Weights of token layers, `(name, from, to)`, for other layers to share.
    weights: Vec<(String, usize, usize)>,
    outputs: Vec<String>,
    /// float16 tensors that are outputs too, and their casts.
    halves: Vec<(String, String)>,
    mask: Option<String>,
    count: usize,
    opset: i64,
}

/// A network of `blocks` random blocks, with class scores as its first output.
pub fn random_graph(seed: u64, blocks: usize) -> RandomGraph {
    let mut seeded = Seeded::new(seed ^ 0x6_A4F);
    let opset = *seeded.one(&[11, 13, 17, 21]);
    let mut maker = Maker {
        builder: Builder::new(opset),
        seeded,
        inputs: Vec::new(),
        pictures: Vec::new(),
        tokens: Vec::new(),
        weights: Vec::new(),
        outputs: Vec::new(),
        halves: Vec::new(),
        mask: None,
        count: 0,
        opset,
    };
    maker.feed();
    for _ in 0..blocks {
        maker.block();
    }
    maker.finish();
    RandomGraph { builder: maker.builder, inputs: maker.inputs }
}

impl Maker {
    fn feed(&mut self) {
        let has_tokens = self.seeded.chance(2, 3);
        let has_pictures = !has_tokens || self.seeded.chance(2, 3);
        let lengths = [CHANNELS, SIDE, SIDE];
        if has_pictures {
            self.input("x", &lengths, false);
            self.pictures.push(picture("x".into(), CHANNELS));
            if self.seeded.chance(1, 2) {
                self.input("y", &lengths, false);
                self.pictures.push(picture("y".into(), CHANNELS));
            }
        }
        if has_tokens {
            self.input("ids", &[TOKENS], true);
            let table = self.constant(&[WORDS, WIDTH], 1.0);
            let name = self.emit("Gather", &[&table, "ids"], Vec::new());
            self.tokens.push(Live { name, width: WIDTH, length: TOKENS });
            if self.seeded.chance(1, 2) {
                self.input("mask", &[1, TOKENS], false);
                self.mask = Some("mask".into());
            }
        }
    }

    fn input(&mut self, name: &'static str, lengths: &[usize], is_ids: bool) {
        let element = if is_ids { ElementType::Int64 } else { ElementType::Float32 };
        let rest: Vec<i64> = lengths.iter().map(|&d| length(d)).collect();
        self.builder.typed_input(name, element, &rest);
        self.inputs.push(Fed { name, lengths: lengths.to_vec(), is_ids });
    }

    fn emit(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.count += 1;
        let name = format!("{}{}", op.to_lowercase(), self.count);
        self.builder.node(op, inputs, &name, attributes);
        name
    }

    fn constant(&mut self, shape: &[usize], size: f32) -> String {
        self.count += 1;
        let name = format!("k{}", self.count);
        let inner = shape.iter().skip(1).product::<usize>().max(1);
        // Channels of very different sizes, as those of depthwise layers.
        let sizes: Vec<f32> =
            (0..shape.first().copied().unwrap_or(1)).map(|_| [0.1, 0.4, 1.0][self.seeded.below(3)]).collect();
        let values = sizes.iter().flat_map(|s| self.seeded.units(inner, size * s)).collect();
        self.builder.constant(&name, shape, values);
        name
    }

    fn pick(&mut self, from: &[Live]) -> Option<Live> {
        let first = from.len().saturating_sub(4);
        (!from.is_empty()).then(|| from[first + self.seeded.below(from.len() - first)].clone())
    }

    fn block(&mut self) {
        let (pictures, tokens) = (self.pictures.clone(), self.tokens.clone());
        let goes_on_pictures = tokens.is_empty() || !pictures.is_empty() && self.seeded.chance(1, 2);
        if goes_on_pictures {
            if let Some(from) = self.pick(&pictures) {
                self.picture_block(&from);
            }
        } else if let Some(from) = self.pick(&tokens) {
            self.token_block(&from);
        }
        if self.seeded.chance(1, 6) {
            let all: Vec<Live> = self.pictures.iter().chain(&self.tokens).cloned().collect();
            let made = self.pick(&all).filter(|live| !self.is_input(&live.name) && !self.outputs.contains(&live.name));
            self.outputs.extend(made.map(|live| live.name));
        }
    }

    fn is_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|i| i.name == name)
    }

    fn picture_block(&mut self, from: &Live) {
        let width = from.width;
        let name = from.name.as_str();
        let pads = || ints("pads", &[1, 1, 1, 1]);
        let pictures_now = self.pictures.clone();
        let made = match self.seeded.below(10) {
            0..=2 => return self.conv(from),
            3 => self.emit("MaxPool", &[name], vec![ints("kernel_shape", &[3, 3]), pads()]),
            4 => self.emit("AveragePool", &[name], vec![ints("kernel_shape", &[3, 3]), pads()]),
            5 => {
                let op = *self.seeded.one(&["Sigmoid", "HardSigmoid", "LeakyRelu", "Tanh", "Identity", "Relu"]);
                self.emit(op, &[name], Vec::new())
            }
            6 => {
                let alike = alike(&pictures_now, from);
                self.half(name, &alike)
            }
            7 => {
                // Tokens, one a pixel.
                let shape = self.integers(&[-1, length(width), length(SIDE * SIDE)]);
                let rows = self.emit("Reshape", &[name, &shape], Vec::new());
                let made = self.emit("Transpose", &[&rows], vec![ints("perm", &[0, 2, 1])]);
                let weight = self.weight(width, WIDTH);
                let name = self.emit("MatMul", &[&made, &weight], Vec::new());
                self.tokens.push(Live { name, width: WIDTH, length: SIDE * SIDE });
                return;
            }
            _ => return self.join(from),
        };
        self.pictures.push(picture(made, width));
    }

    fn conv(&mut self, from: &Live) {
        let out = 2 + self.seeded.below(3);
        let weight = self.constant(&[out, from.width, 3, 3], 0.7);
        let mut inputs = vec![from.name.clone(), weight];
        if self.seeded.chance(1, 2) {
            inputs.push(self.constant(&[out], 0.5));
        }
        let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let mut name = self.emit("Conv", &names, vec![ints("pads", &[1, 1, 1, 1])]);
        if self.seeded.chance(1, 2) {
            let parts = [(0.5, 1.5), (-0.5, 0.5), (-0.3, 0.3), (0.2, 2.0)];
            let parts = parts.map(|(low, high)| self.between(out, low, high));
            let [scale, shift, mean, var] = parts.each_ref().map(String::as_str);
            let epsilon = vec![float("epsilon", 1e-3)];
            name = self.emit("BatchNormalization", &[&name, scale, shift, mean, var], epsilon);
        }
        if self.seeded.chance(1, 2) {
            name = self.emit("Relu", &[&name], Vec::new());
        }
        self.pictures.push(picture(name, out));
    }

    fn between(&mut self, count: usize, low: f32, high: f32) -> String {
        self.count += 1;
        let name = format!("k{}", self.count);
        let spread = self.seeded.units(count, (high - low) / 2.0);
        self.builder.constant(&name, &[count], spread.iter().map(|v| v + (low + high) / 2.0).collect());
        name
    }

    fn integers(&mut self, values: &[i64]) -> String {
        self.count += 1;
        let name = format!("s{}", self.count);
        self.builder.integers(&name, values);
        name
    }

    /// Add or Mul of tensors of one width, else Concat, whose inputs some targets give one scale.
    fn join(&mut self, from: &Live) {
        let pictures = self.pictures.clone();
        let Some(other) = self.pick(&pictures) else { return };
        if other.width == from.width && self.seeded.chance(2, 3) {
            let op = *self.seeded.one(&["Add", "Mul", "Add"]);
            let name = self.emit(op, &[&from.name, &other.name], Vec::new());
            self.pictures.push(picture(name, from.width));
        } else if from.width + other.width < 9 {
            let name = self.emit("Concat", &[&from.name, &other.name], vec![int("axis", 1)]);
            self.pictures.push(picture(name, from.width + other.width));
        }
    }

    /// A stretch of float16 between casts, perhaps with a branch that comes from elsewhere; `others` have the same shape.
    fn half(&mut self, from: &str, others: &[&str]) -> String {
        let narrow = self.emit("Cast", &[from], vec![int("to", FLOAT16)]);
        let op = *self.seeded.one(&["Relu", "Sigmoid", "Neg"]);
        let worked = self.emit(op, &[&narrow], Vec::new());
        let mut second = narrow;
        if self.seeded.chance(1, 2) {
            let other = *self.seeded.one(others);
            let branch = self.emit("Cast", &[other], vec![int("to", FLOAT16)]);
            second = self.emit("Abs", &[&branch], Vec::new());
        }
        let sum = self.emit("Add", &[&worked, &second], Vec::new());
        let made = self.emit("Cast", &[&sum], vec![int("to", FLOAT32)]);
        match self.seeded.below(6) {
            0 => self.halves.push((sum, made.clone())),
            1 => self.outputs.push(made.clone()),
            _ => {}
        }
        made
    }

    /// A weight of a token layer, perhaps another layer's too, perhaps one that a node computes.
    fn weight(&mut self, from: usize, to: usize) -> String {
        let known = self.weights.iter().find(|(_, a, b)| (*a, *b) == (from, to)).cloned();
        if let Some((name, ..)) = known.filter(|_| self.seeded.chance(1, 3)) {
            return name;
        }
        let mut name = self.constant(&[from, to], 0.8);
        if self.seeded.chance(1, 5) {
            let shape = self.integers(&[length(from), length(to)]);
            name = self.emit("Reshape", &[&name, &shape], Vec::new());
        }
        self.weights.push((name.clone(), from, to));
        name
    }

    fn token_block(&mut self, from: &Live) {
        let width = from.width;
        let name = from.name.as_str();
        let tokens_now = self.tokens.clone();
        let made = match self.seeded.below(9) {
            0..=2 => {
                let weight = self.weight(width, width);
                let made = self.emit("MatMul", &[name, &weight], Vec::new());
                let bias = self.constant(&[width], 0.5);
                self.emit("Add", &[&made, &bias], Vec::new())
            }
            3 => self.normalize(name, width),
            4 => self.attend(from),
            5 => {
                let erf = self.emit("Erf", &[name], Vec::new());
                self.emit("Mul", &[name, &erf], Vec::new())
            }
            6 => {
                let alike = alike(&tokens_now, from);
                self.half(name, &alike)
            }
            7 => {
                let op = *self.seeded.one(&["Softmax", "Tanh"]);
                let axis = if op == "Softmax" { vec![int("axis", -1)] } else { Vec::new() };
                self.emit(op, &[name], axis)
            }
            _ => {
                // The same tokens always have the same length; others only their width.
                let doubled = self.emit("Concat", &[name, name], vec![int("axis", 2)]);
                let weight = self.weight(2 * width, width);
                self.emit("MatMul", &[&doubled, &weight], Vec::new())
            }
        };
        let made = if self.seeded.chance(1, 3) { self.emit("Add", &[&made, name], Vec::new()) } else { made };
        self.tokens.push(Live { name: made, ..from.clone() });
    }

    fn normalize(&mut self, from: &str, width: usize) -> String {
        let [scale, shift] = [(0.5, 1.5), (-0.5, 0.5)].map(|(low, high)| self.between(width, low, high));
        if self.opset >= 17 {
            return self.emit("LayerNormalization", &[from, &scale, &shift], vec![int("axis", -1)]);
        }
        // Written out, as exporters for older opsets do.
        let over = || vec![ints("axes", &[-1])];
        let mean = self.emit("ReduceMean", &[from], over());
        let centred = self.emit("Sub", &[from, &mean], Vec::new());
        let square = self.emit("Mul", &[&centred, &centred], Vec::new());
        let variance = self.emit("ReduceMean", &[&square], over());
        let epsilon = self.between(1, 1e-3, 1e-3);
        let safe = self.emit("Add", &[&variance, &epsilon], Vec::new());
        let deviation = self.emit("Sqrt", &[&safe], Vec::new());
        let unit = self.emit("Div", &[&centred, &deviation], Vec::new());
        let scaled = self.emit("Mul", &[&unit, &scale], Vec::new());
        self.emit("Add", &[&scaled, &shift], Vec::new())
    }

    fn attend(&mut self, from: &Live) -> String {
        let [query, key, value] = [(); 3].map(|()| {
            let weight = self.weight(from.width, from.width);
            self.emit("MatMul", &[&from.name, &weight], Vec::new())
        });
        let turned = self.emit("Transpose", &[&key], vec![ints("perm", &[0, 2, 1])]);
        let mut scores = self.emit("MatMul", &[&query, &turned], Vec::new());
        // The mask fits the tokens that are looked up, not those made of pixels.
        if let Some(mask) = self.mask.clone().filter(|_| from.length == TOKENS) {
            scores = self.emit("Add", &[&scores, &mask], Vec::new());
        }
        let shares = self.emit("Softmax", &[&scores], vec![int("axis", -1)]);
        self.emit("MatMul", &[&shares, &value], Vec::new())
    }

    /// Everything that nobody reads yet is brought down to one vector, and that to class scores.
    fn finish(&mut self) {
        let mut parts: Vec<Live> = Vec::new();
        if let Some(picture) = self.pictures.last().cloned() {
            let pooled = self.emit("GlobalAveragePool", &[&picture.name], Vec::new());
            let name = self.emit("Flatten", &[&pooled], Vec::new());
            parts.push(Live { name, ..picture });
        }
        if let Some(tokens) = self.tokens.last().cloned() {
            let axes = vec![ints("axes", &[1]), int("keepdims", 0)];
            let name = if self.opset < 18 {
                self.emit("ReduceMean", &[&tokens.name], axes)
            } else {
                let axes = self.integers(&[1]);
                self.emit("ReduceMean", &[&tokens.name, &axes], vec![int("keepdims", 0)])
            };
            parts.push(Live { name, ..tokens });
        }
        let joined = if let [a, b] = parts.as_slice() {
            picture(self.emit("Concat", &[&a.name, &b.name], vec![int("axis", 1)]), a.width + b.width)
        } else {
            parts[0].clone()
        };
        let weight = self.constant(&[joined.width, CLASSES], 0.8);
        let bias = self.constant(&[CLASSES], 0.5);
        let mut scores = self.emit("Gemm", &[&joined.name, &weight, &bias], Vec::new());
        if self.seeded.chance(1, 2) {
            scores = self.emit("Softmax", &[&scores], vec![int("axis", 1)]);
        }
        self.outputs.insert(0, scores);
        for name in self.outputs.clone() {
            self.builder.output(&name);
        }
        for (name, cast) in self.halves.clone() {
            // With both, onnxruntime rounds a tensor or not as the cast has a quantizer or not, which the float run of
            // the same segment cannot follow.
            if !self.outputs.contains(&cast) {
                self.builder.typed_output(&name, ElementType::Float16);
            }
        }
    }
}
