//! Whole models: the ranges and scales that onnxruntime's and PPQ's tools chose for every tensor of a model on 32
//! samples, against the flavours' on tensors that this program's own engine computes.
//!
//! onnxruntime's tool observes an unoptimized session of the float model, which is what this engine runs. PPQ quantizes
//! the constants **before** it calibrates the activations, so the tensors it observed are those of a model whose weights
//! went through its int8 grid. It computed them with torch, whose convolutions round differently in the last bits; the
//! thresholds hide that. On the float model its scales would be up to a factor of 3.5 off. No tensor is excepted.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]
#![expect(clippy::cast_possible_truncation, reason = "PPQ keeps its scales in float32")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

use ndarray::{ArrayD, Axis};
use quantlens_analysis::{
    calibrate::{Flavour, FlavourStatistics, MinMax, flavours::choose},
    engine::{Session, SessionKind, Value, expose},
    job::CancelToken,
    onnx::{
        self,
        proto::{ModelProto, NodeProto},
    },
    quant::{Grid, Scheme},
    tensor::TensorData,
};
use quantlens_tests::core::{runtime, shared};
use serde_json::Value as Json;

const RELATIVE: f64 = 1e-5;

/// A model and 32 samples of its input, with what the tools made of them.
struct Model {
    model: ModelProto,
    input: &'static str,
    samples: ArrayD<f32>,
    golden: PathBuf,
}

/// Every float tensor of a model over its samples.
type Statistics = BTreeMap<String, FlavourStatistics>;

/// Runs all samples of one input once and hands every float tensor to `see`.
fn stream(session: &Session, input: &str, samples: &ArrayD<f32>, mut see: impl FnMut(&str, &[f32])) {
    let names = session.output_names();
    for sample in samples.axis_chunks_iter(Axis(0), 1) {
        let shape = sample.shape().iter().map(|&d| d as i64).collect();
        let data: Vec<f32> = sample.iter().copied().collect();
        see(input, &data);
        let value = Value::from_floats(shape, data);
        let outputs = session.run(&[(input, &value)], &CancelToken::new()).expect("the model runs");
        for (name, output) in names.iter().zip(&outputs) {
            if let Some(values) = output.floats() {
                see(name, values);
            }
        }
    }
}

/// Two passes over the samples: ends first, then everything that needs them.
fn collect(model: &ModelProto, input: &str, samples: &ArrayD<f32>) -> Statistics {
    let graph = model.graph.as_ref().expect("it has a graph");
    let tensors: Vec<String> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
    let exposed = expose(model, &tensors);
    let session = runtime().session(&exposed, SessionKind::Float, "the model").expect("onnxruntime runs it");
    let mut ends: BTreeMap<String, MinMax> = BTreeMap::new();
    stream(&session, input, samples, |name, values| ends.entry(name.to_owned()).or_default().observe(values));
    let empty = |seen: &MinMax| FlavourStatistics::new(seen.range().expect("numbers were seen"));
    let mut statistics: Statistics = ends.iter().map(|(name, seen)| (name.clone(), empty(seen))).collect();
    stream(&session, input, samples, |name, values| {
        statistics.get_mut(name).expect("the first pass saw it").observe_sample(values);
    });
    statistics
}

/// `model` with its constants sent through PPQ's grid, −128 … 127 without a zero-point: Conv weights per output channel
/// by min–max, operands of arithmetic by percentile. Biases stay float, and so do the constants of nodes that `theirs` has no output of.
fn with_ppq_constants(model: &ModelProto, theirs: &Json) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_mut().expect("it has a graph");
    let read_by = |ops: &[&str], places: Range<usize>| -> BTreeSet<String> {
        let quantized = |node: &NodeProto| {
            let places = theirs["tensors"][&node.output[0]].as_array();
            places.is_some_and(|places| places.iter().any(|place| place["io"] == "out"))
        };
        let nodes = graph.node.iter().filter(|node| ops.contains(&node.op_type()) && quantized(node));
        nodes.flat_map(|node| node.input[places.start..places.end.min(node.input.len())].to_vec()).collect()
    };
    let weights = read_by(&["Conv"], 1..2);
    let operands = read_by(&["Mul", "Add", "Sub", "Div"], 0..2);
    for constant in &mut graph.initializer {
        let name = constant.name().to_owned();
        let mut tensor = onnx::tensor_values(constant).expect("a constant");
        let TensorData::Float32(values) = &mut tensor.data else { continue };
        if weights.contains(&name) {
            let channel = tensor.shape.iter().skip(1).product();
            for values in values.chunks_mut(channel) {
                let amax = values.iter().fold(0.0_f32, |amax, value| amax.max(value.abs()));
                fake_quantize(values, (2.0 * f64::from(amax) / 255.0).max(1e-8) as f32);
            }
        } else if operands.contains(&name) {
            let mut statistics = FlavourStatistics::new(MinMax::of(values).range().expect("it holds numbers"));
            statistics.observe_sample(values);
            let grid = Grid::signed(8).unwrap();
            let choice = choose(Flavour::PpqPercentile, &statistics, grid, Scheme::Symmetric);
            fake_quantize(values, choice.scale.expect("PPQ has a symmetric scale").0);
        }
        *constant = onnx::tensor_proto(&name, &tensor);
    }
    model
}

fn fake_quantize(values: &mut [f32], scale: f32) {
    values.iter_mut().for_each(|v| *v = (*v / scale).round_ties_even().clamp(-128.0, 127.0) * scale);
}

fn array<T: ndarray_npy::ReadableElement>(path: &Path) -> ArrayD<T> {
    let file = File::open(path).expect("it can be read");
    ndarray_npy::NpzReader::new(file).and_then(|mut file| file.by_name("input.npy")).expect("the array is there")
}

fn squeezenet(test: &str) -> Option<Model> {
    let inputs = shared(test, "golden/inputs_imagenet224.npz")?;
    let golden = inputs.parent()?.to_owned();
    let model = onnx::load(&golden.join("squeezenet11r.onnx")).expect("the model opens").model;
    Some(Model { model, input: "data", samples: array(&inputs), golden })
}

fn ultraface(test: &str) -> Option<Model> {
    let inputs = shared(test, "golden/inputs_ultraface_u8.npz")?;
    let golden = inputs.parent()?.to_owned();
    let model = onnx::load(&golden.join("ultraface.onnx")).expect("the model opens").model;
    let samples = array::<u8>(&inputs).mapv(|pixel| (f32::from(pixel) - 127.0) / 128.0);
    Some(Model { model, input: "input", samples, golden })
}

impl Model {
    fn json(&self, file: &str) -> Json {
        let file = File::open(self.golden.join(file)).expect("the golden values are there");
        serde_json::from_reader(file).expect("they are JSON")
    }

    /// What differs from the `ort_….json` of every method, in words.
    fn against_onnxruntime(&self, name: &str) -> Vec<String> {
        let statistics = collect(&self.model, self.input, &self.samples);
        let mut different = Vec::new();
        for (method, flavour) in [
            ("MinMax", Flavour::OrtMinMax),
            ("Entropy", Flavour::OrtEntropy),
            ("Entropy_2048_128", Flavour::OrtEntropy2048),
            ("Percentile", Flavour::OrtPercentile),
        ] {
            let theirs = self.json(&format!("ort_{name}_N32_{method}.json"));
            let theirs = theirs["tensors"].as_object().expect("tensors by name");
            assert!(theirs.len() > 60);
            for (tensor, theirs) in theirs {
                let grid = Grid::signed(8).unwrap();
                let range = choose(flavour, &statistics[tensor], grid, Scheme::Affine).range;
                for (end, ours) in [("lowest", range.low), ("highest", range.high)] {
                    compare(&mut different, &format!("{flavour} {tensor} {end}"), f64::from(ours), &theirs[end]);
                }
            }
        }
        different
    }

    /// What differs from the scales and zero-points that `quantize_static` wrote for uint8 activations, in words.
    fn against_quantize_static(&self, name: &str, methods: &[(&str, Flavour)]) -> Vec<String> {
        let statistics = collect(&self.model, self.input, &self.samples);
        let mut different = Vec::new();
        for (method, flavour) in methods {
            let theirs = self.json(&format!("ort_drift_{name}_N32_{method}.json"));
            let theirs = theirs["scales"].as_object().expect("scales by name");
            let mut compared = 0;
            for (tensor, theirs) in theirs.iter().filter(|(tensor, _)| statistics.contains_key(*tensor)) {
                let observed = &statistics[self.owner_of(tensor)];
                let choice = choose(*flavour, observed, Grid::unsigned(8).unwrap(), Scheme::Affine);
                let (scale, zero_point) = choice.scale.expect("onnxruntime has a scale for every range");
                compare(&mut different, &format!("{flavour} {tensor}"), f64::from(scale), &theirs["scale"]);
                compare(&mut different, &format!("{flavour} {tensor}"), f64::from(zero_point), &theirs["zp"]);
                compared += 1;
            }
            assert!(compared >= 39, "{compared}");
        }
        different
    }

    /// The tensor whose scale `quantize_static` gives this one: the output of a pool or Slice has its input's.
    fn owner_of<'a>(&'a self, tensor: &'a str) -> &'a str {
        let graph = self.model.graph.as_ref().expect("it has a graph");
        let mut joined = graph.node.iter().filter(|n| n.op_type().ends_with("Pool") || n.op_type() == "Slice");
        joined.find(|node| node.output[0] == tensor).map_or(tensor, |node| &node.input[0])
    }

    /// What differs from the `ppq_….json` of these methods, in words. Only scales that PPQ observed: the others it took
    /// from a neighbour.
    fn against_ppq(&self, name: &str, methods: &[(&str, Flavour)]) -> Vec<String> {
        let golden = |method: &str| self.json(&format!("ppq_{name}_N32_{method}.json"));
        let model = with_ppq_constants(&self.model, &golden(methods[0].0));
        let statistics = collect(&model, self.input, &self.samples);
        let mut different = Vec::new();
        for (method, flavour) in methods {
            let theirs = golden(method);
            let mut compared = 0;
            for (tensor, places) in theirs["tensors"].as_object().expect("tensors by name") {
                let places = places.as_array().expect("a list of places");
                for place in places.iter().filter(|place| place["state"] == "ACTIVATED") {
                    let choice = choose(*flavour, &statistics[tensor], Grid::signed(8).unwrap(), Scheme::Symmetric);
                    let (scale, zero_point) = choice.scale.expect("PPQ has a symmetric scale");
                    compare(&mut different, &format!("{flavour} {tensor}"), f64::from(scale), &place["scale"][0]);
                    assert_eq!(f64::from(zero_point), place["offset"][0].as_f64().unwrap());
                    compared += 1;
                }
            }
            assert!(compared >= 20, "{compared}");
        }
        different
    }
}

fn compare(different: &mut Vec<String>, what: &str, ours: f64, theirs: &Json) {
    let theirs = theirs.as_f64().expect("a number");
    let off = (ours - theirs).abs() / theirs.abs().max(f64::MIN_POSITIVE);
    if ours != theirs && off > RELATIVE {
        different.push(format!("{what}: {ours} and not {theirs} ({off:.1e})"));
    }
}

#[test]
fn squeezenet_as_onnxruntime_has_it() {
    let Some(model) = squeezenet("squeezenet_as_onnxruntime_has_it") else { return };
    assert_eq!(model.against_onnxruntime("squeezenet11r"), [""; 0]);
}

#[test]
fn ultraface_as_onnxruntime_has_it() {
    let Some(model) = ultraface("ultraface_as_onnxruntime_has_it") else { return };
    assert_eq!(model.against_onnxruntime("ultraface"), [""; 0]);
}

#[test]
fn scales_as_quantize_static_writes_them() {
    let test = "scales_as_quantize_static_writes_them";
    let (Some(squeezenet), Some(ultraface)) = (squeezenet(test), ultraface(test)) else { return };
    let methods = [("MinMax", Flavour::OrtMinMax), ("Percentile", Flavour::OrtPercentile)];
    assert_eq!(squeezenet.against_quantize_static("squeezenet11r", &methods), [""; 0]);
    assert_eq!(ultraface.against_quantize_static("ultraface", &methods[..1]), [""; 0]);
}

#[test]
fn squeezenet_as_ppq_has_it() {
    let Some(model) = squeezenet("squeezenet_as_ppq_has_it") else { return };
    let methods = [("kl", Flavour::PpqKl), ("mse", Flavour::PpqMse), ("percentile", Flavour::PpqPercentile)];
    assert_eq!(model.against_ppq("squeezenet11r", &methods), [""; 0]);
}

#[test]
fn ultraface_as_ppq_has_it() {
    let Some(model) = ultraface("ultraface_as_ppq_has_it") else { return };
    assert_eq!(model.against_ppq("ultraface", &[("kl", Flavour::PpqKl)]), [""; 0]);
}
