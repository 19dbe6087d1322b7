//! Fixtures and a bench that computes nothing: for tests of the window, here and in the tests package.
//!
//! The fixture is a chain `input → conv1 → conv2 → …`; accumulated SQNR falls with depth and has a cliff at the layer two
//! thirds down. An edit to more bits raises a layer's numbers, so that flows can see an effect.

mod answers;
mod fake_bench;
mod sweep;

use std::{path::Path, sync::Arc};

use quantlens_analysis::{
    calibrate::{DEFAULT_PERCENTILE, Method, MinMax, TensorValues, choose},
    config::{Granularity, QuantConfig},
    data::{
        DataCheck, DataSource, Recipe, RecipeTrial,
        info::{DataInfo, Preview},
    },
    job::{Job as Run, Progress, Warning},
    metrics::{Errors, Measure},
    plan::{GridRule, ScaleAxes},
    quant::{Bits, Codes, IntegerFormat, NumberFormat, Range, Scheme, Sign},
    report::{
        ActivationSummary, ArithmeticContent, Cost, Distribution, ExportReport, FeatureMaps, LayerArithmetic,
        LayerDetail, LayerErrors, LayerInfo, LayerRow, Memory, ModelInfo, OutputRow, Report, SampleScope, Score, Share,
        Sweep, TargetInfo, ThresholdDetail, Timing, Verification, WeightChannel, WeightScale, WeightSummary,
    },
    sensitivity::SweepRequest,
    target::Target,
    tensor::{Dim, ElementType, ModelInput},
    workbench::range_choices,
};

pub use self::{
    answers::{answers, maps, preview},
    fake_bench::FakeBench,
    sweep::sweep,
};
use crate::{
    apply::{self, Effects},
    document::{Document, RuntimeInfo},
    worker::{Bench, DataChoice, ModelSource},
};

/// A layer: index 0 is the input row, the others convolutions.
fn layer(index: usize) -> LayerInfo {
    let is_input = index == 0;
    let name = |i: usize| if i == 0 { "input".to_owned() } else { format!("conv{i}") };
    LayerInfo {
        index,
        name: name(index),
        op: if is_input { "Input" } else { "Conv" }.into(),
        output: format!("{}_out", name(index)),
        fused: if is_input { Vec::new() } else { vec![format!("bn{index}"), format!("relu{index}")] },
        inputs: if is_input { Vec::new() } else { vec![(format!("{}_out", name(index - 1)), name(index - 1))] },
        weight: (!is_input).then(|| (format!("{}.weight", name(index)), vec![16, 8, 3, 3])),
        parameters: if is_input { 0 } else { 16 * 8 * 9 },
        weight_fixed: None,
        weight_axes: ScaleAxes { channels: !is_input, inputs: vec![8], has_short_groups: false },
        activation_fixed: None,
        range_fixed: None,
        shares_activation_with: Vec::new(),
        through: Vec::new(),
        shares_weight_with: Vec::new(),
    }
}

/// A model of `n` layers, the input row included.
pub fn model(n: usize) -> ModelInfo {
    ModelInfo {
        path: "fixture.onnx".into(),
        sha256: "00".repeat(32),
        file_bytes: 75_776,
        opsets: vec![(String::new(), 17)],
        ir_version: 8,
        producer: "fixture".into(),
        inputs: vec![ModelInput {
            name: "image".into(),
            element_type: ElementType::Float32,
            dims: Some([1, 3, 32, 32].map(Dim::Fixed).to_vec()),
        }],
        outputs: vec!["logits".into()],
        nodes: 3 * n,
        operators: vec![("Conv".into(), n.saturating_sub(1))],
        parameters: 1152 * n as u64,
        target: target(),
        layers: (0..n).map(layer).collect(),
        warnings: Vec::new(),
    }
}

/// The target of a configuration that names none.
pub fn target() -> Arc<TargetInfo> {
    let builtin = Target::builtins().first().expect("the default comes first");
    Arc::new(TargetInfo::of(&builtin.name, builtin))
}

/// Errors at `db` decibels.
pub fn errors(db: f64) -> Errors {
    let nmse = 10_f64.powf(-db / 10.0);
    Errors {
        sqnr_db: Measure::Value(db),
        cosine: Measure::Value((1.0 - nmse / 2.0).max(0.0)),
        nmse: Measure::Value(nmse),
        mse: Measure::Value(nmse * 0.04),
        max_abs: Measure::Value(nmse.sqrt() * 3.1),
        gain: Measure::Value(0.998),
    }
}

/// A signed grid of 8 bits.
pub fn number(scheme: Scheme) -> NumberFormat {
    // Eight bits are a width.
    NumberFormat::Integer(IntegerFormat::onnxruntime(8, scheme, Sign::Signed, Codes::Full).expect("8 is a width"))
}

fn row(info: LayerInfo, n: usize, config: &QuantConfig) -> LayerRow {
    let settings = config.settings_for(&info.name, &info.op);
    let i = info.index;
    let is_input = i == 0;
    let is_past_cliff = i >= (2 * n).div_ceil(3);
    let activation_bits = settings.activation_bits.unwrap_or(Bits::Int(8));
    let weight_bits = (!is_input).then(|| settings.weight_bits.unwrap_or(Bits::Int(8)));
    let extra = 6.0 * (f64::from(weight_bits.unwrap_or(activation_bits).width().min(16)) - 8.0);
    let accumulated = 44.0 - i as f64 * 0.8 - if is_past_cliff { 24.0 } else { 0.0 } + extra / 8.0;
    let granularity = settings.granularity.unwrap_or(Granularity::PerTensor);
    LayerRow {
        weight_bits,
        activation_bits: Some(activation_bits),
        granularity: weight_bits.map(|_| granularity),
        edited: config.layers.contains_key(&info.name),
        local: errors(41.0 + extra - (i % 5) as f64),
        accumulated: errors(accumulated),
        inherited: errors(accumulated + 3.0),
        introduced: errors(accumulated + 4.5),
        flow: Err("a made-up report has no flow"),
        correlation: Measure::Value(0.1),
        why_falls: None,
        clipped_fraction: Measure::Value(0.0004 * i as f64),
        vanished_fraction: None,
        weight: weight_bits.filter(|bits| !bits.is_float()).map(|bits| WeightSummary {
            tensor: format!("{}.weight", info.name),
            bits,
            granularity,
            scale_range: (0.011, 0.011),
            sqnr_db: Measure::Value(38.0 + extra),
            folded: true,
            number: number(Scheme::Symmetric),
            rule: Some(GridRule { scheme: Scheme::Symmetric, sign: Sign::Signed, codes: Codes::Full }),
            first: WeightScale { range: Range::new(-1.397, 0.9), scale: 0.011, zero_point: 0 },
        }),
        activation: (!activation_bits.is_float()).then(|| ActivationSummary {
            scale: 0.0234,
            zero_point: 12,
            low: -0.28,
            high: 5.68,
            method: settings.method.unwrap_or(Method::MinMax),
            grid: Some((0, 255)),
            number: number(Scheme::Affine),
            rule: GridRule { scheme: Scheme::Affine, sign: Sign::Signed, codes: Codes::Full },
            percentile: settings.percentile.unwrap_or(DEFAULT_PERCENTILE),
        }),
        by_sample: Arc::default(),
        float_bytes: info.parameters * 4,
        quantized_bytes: info.parameters * u64::from(weight_bits.map_or(32, Bits::width)) / 8,
        macs: 1_179_648,
        bops: 1_179_648 * 64,
        info: Arc::new(info),
    }
}

/// The report of a configuration on a model of `n` layers.
pub fn report_of(n: usize, config: &Arc<QuantConfig>) -> Report {
    let rows: Vec<LayerRow> = (0..n).map(|i| row(layer(i), n, config)).collect();
    let quantized_bytes = rows.iter().map(|row| row.quantized_bytes).sum();
    let last = rows.last().map_or(Measure::Exact, |row| row.accumulated.sqnr_db);
    Report {
        sample_names: Arc::default(),
        answers: Arc::new(answers(32)),
        scope: None,
        needs: vec![(String::new(), 17)],
        config: Arc::clone(config),
        target: target(),
        samples: 32,
        samples_total: 32,
        outputs: vec![OutputRow {
            name: "logits".into(),
            errors: errors(12.0),
            top1_agreement: Some(Share { count: 115, of: 360 }),
            top5_agreement: Some(Share { count: 201, of: 360 }),
            accuracy: Some(Share { count: 116, of: 360 }),
            float_accuracy: Some(Share { count: 357, of: 360 }),
        }],
        score: Score {
            float_accuracy: Some(Share { count: 357, of: 360 }),
            accuracy: Some(Share { count: 116, of: 360 }),
            agreement: Some(Share { count: 115, of: 360 }),
            output_sqnr_db: last,
            output: "logits".into(),
        },
        cost: Cost { float_bytes: 75_776, quantized_bytes, macs: 1_179_648, bops: 75_497_472 },
        memory: Memory { budget_bytes: 6_227_702_579, peak_bytes: 644_245_094, used_bytes: 600_000_000 },
        timing: Timing::default(),
        warnings: vec![Warning::new("range-degenerate", "tensor `conv2_out` is constant: scale 1 is used")],
        rows,
    }
}

/// The report of the default configuration.
pub fn report(n: usize) -> Report {
    report_of(n, &Arc::default())
}

/// The pages' data of a layer, with one channel that dwarfs the rest.
pub fn detail(layer: &str) -> LayerDetail {
    let distribution = |tensor: &str| Distribution {
        tensor: tensor.into(),
        low: -1.0,
        high: 6.0,
        float_counts: (0..256_u64).map(|i| 40_000 / (1 + (i as i64 - 60).unsigned_abs())).collect(),
        quantized_counts: (0..256_u64).map(|i| if i % 4 == 0 { 120_000 / (1 + i) } else { 0 }).collect(),
        thresholds: Some((-0.28, 5.68)),
        step: Some((0.0234, 12)),
    };
    let channel = |index: usize| WeightChannel {
        index,
        low: if index == 5 { -12.0 } else { -0.08 },
        high: if index == 5 { 14.0 } else { 0.09 },
        scale: Some(0.011),
        sqnr_db: Measure::Value(if index == 5 { 48.0 } else { 9.0 }),
    };
    LayerDetail {
        layer: layer.into(),
        samples: 8,
        activation: Some(distribution(&format!("{layer}_out"))),
        weights: Some(distribution(&format!("{layer}.weight"))),
        density: None,
        weight_density: None,
        weight_channels: (0..16).map(channel).collect(),
        activation_channels: Vec::new(),
        threshold: Some(Arc::new(threshold(layer))),
        threshold_note: None,
        is_whole: true,
    }
}

/// Every method's choice for a bell with a long tail; min–max is in use.
#[expect(clippy::cast_possible_truncation, reason = "any float32 will do")]
pub fn threshold(layer: &str) -> ThresholdDetail {
    let values: Vec<f32> = (0..40_000_u32)
        .map(|i| {
            let spread = (f64::from(i) * 0.618_033_988_75).fract();
            (5.96 * spread.powi(8) - 0.28 * (1.0 - spread).powi(4)) as f32
        })
        .collect();
    threshold_of(layer, &values, Scheme::Affine, Method::MinMax)
}

/// Every method's choice for these values on a signed grid of 8 bits; `method` is in use.
pub fn threshold_of(layer: &str, values: &[f32], scheme: Scheme, method: Method) -> ThresholdDetail {
    let observed = MinMax::of(values).range().unwrap_or(Range::new(0.0, 0.0));
    let mut data = TensorValues::new(observed);
    data.observe_sample(values);
    // Eight bits are a width.
    let format = IntegerFormat::onnxruntime(8, scheme, Sign::Signed, Codes::Full).expect("8 is a width");
    let chosen = choose(method, &data, NumberFormat::Integer(format), DEFAULT_PERCENTILE);
    range_choices(&data, format, DEFAULT_PERCENTILE, (method, chosen.range), (&format!("{layer}_out"), layer))
}

/// What reading samples found.
pub fn data(source: &DataChoice) -> DataInfo {
    let source = match source {
        DataChoice::Source(source) => source.clone(),
        DataChoice::Sample => DataSource::Path("sample.npz".into()),
    };
    let synthetic = matches!(source, DataSource::Synthetic { .. });
    DataInfo {
        source,
        kind: "arrays".into(),
        is_array: true,
        samples: 32,
        available: 360,
        labels: true,
        class_names: Arc::default(),
        recipe: None,
        inputs: model(1).inputs,
        feeds: Vec::new(),
        check: DataCheck { samples: 32, inputs: Vec::new(), banners: Vec::new() },
        sanity: None,
        previews: Vec::new(),
        vocabulary: None,
        synthetic,
        warnings: Vec::new(),
    }
}

/// What an export wrote; it held.
pub fn export(path: &Path) -> ExportReport {
    ExportReport {
        path: path.to_path_buf(),
        file_bytes: 21_504,
        opsets: vec![(String::new(), 17)],
        quantized_layers: 52,
        float_layers: 1,
        verification: Verification {
            samples: 8,
            quantizers_checked: 106,
            tensors_compared: 53,
            elements_different: 0,
            output_sqnr_db: Measure::Value(12.0),
            optimized_output_sqnr_db: Measure::Value(12.0),
            optimized_max_abs: 0.0,
            optimized_accuracy: Some(Share { count: 116, of: 360 }),
            optimized_agreement: Some(Share { count: 115, of: 360 }),
            failure: None,
        },
        warnings: vec![Warning::new("simulated-width", "4 bits are simulated: no gain in speed")],
    }
}

/// A document with a model of `n` layers, samples and the default configuration's report, as after opening it.
pub fn document(n: usize) -> Document {
    let mut doc = Document::new();
    doc.model = Some(Arc::new(model(n)));
    doc.title = "fixture.onnx".into();
    doc.data = Some(Arc::new(data(&DataChoice::Sample)));
    doc.data_choice = Some(DataChoice::Sample);
    doc.report.set(Arc::new(report(n)));
    doc.visible = (0..n).collect();
    doc
}

/// As [`document`], with a skip over every fourth layer and, from 40 layers on, one early layer that late ones read.
pub fn branched_document(n: usize) -> Document {
    let mut doc = document(n);
    let mut model = model(n);
    let mut read = |by: usize, from: usize| {
        if let Some(layer) = model.layers.get_mut(by) {
            let name = self::layer(from).name;
            layer.inputs.push((format!("{name}_out"), name));
        }
    };
    (5..n).step_by(4).for_each(|i| read(i, i - 3));
    if n >= 40 {
        [n - 2, n - 1].into_iter().for_each(|i| read(i, 1));
    }
    let infos = model.layers.clone();
    doc.model = Some(Arc::new(model));
    if let Some(report) = doc.report.value.as_deref() {
        let mut report = Report::clone(report);
        for (row, info) in report.rows.iter_mut().zip(infos) {
            row.info = Arc::new(info);
        }
        doc.report.set(Arc::new(report));
    }
    doc
}

/// Carries out a command and gives what it asks for.
pub fn apply(doc: &mut Document, command: crate::command::Command) -> Effects {
    let mut effects = Effects::new();
    apply::apply(doc, command, &mut effects);
    effects
}
