//! Reports for the views' tests: one like the built-in sample (20 layers, one cliff, one repair), one of 5,000 layers.
//!
//! The numbers are invented but of the size that real ones have, and deterministic. Every kind of cell occurs: a value,
//! exact, not applicable, a format that is fixed, one that is shared, one that was edited.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, LayerSettings, QuantConfig},
    metrics::{Errors, Measure},
    plan::{GridRule, ScaleAxes},
    quant::{Bits, Codes, Range, Scheme, Sign},
    report::{
        ActivationSummary, Cost, LayerInfo, LayerRow, Memory, ModelInfo, OutputRow, Report, Score, Share, Timing,
        WeightScale, WeightSummary,
    },
    tensor::{Dim, ElementType, ModelInput},
};

use crate::document::Document;

/// Name, operator, weight shape, local and accumulated SQNR in dB (infinite: exact), clipped share.
type Line = (&'static str, &'static str, &'static [usize], f64, f64, f64);

const EXACT: f64 = f64::INFINITY;

/// The scale of every weight: 1.5621 / 127 = 0.0123.
const FIRST: WeightScale = WeightScale { range: Range { low: -1.5621, high: 1.1 }, scale: 0.0123, zero_point: 0 };

const LINES: [Line; 20] = [
    ("image", "Input", &[], 48.2, 48.2, 0.0),
    ("stem/conv", "Conv", &[16, 3, 3, 3], 38.6, 37.1, 0.0),
    ("block1/depthwise", "Conv", &[16, 1, 3, 3], 34.9, 32.8, 0.0),
    ("block1/pointwise", "Conv", &[24, 16, 1, 1], 36.1, 30.9, 0.0001),
    ("block2/depthwise", "Conv", &[24, 1, 3, 3], 7.9, 7.7, 0.0),
    ("block2/pointwise", "Conv", &[24, 24, 1, 1], 35.2, 8.1, 0.0),
    ("block2/add", "Add", &[], 41.0, 12.4, 0.0),
    ("block3/depthwise", "Conv", &[24, 1, 3, 3], 14.2, 9.6, 0.021),
    ("block3/pointwise", "Conv", &[48, 24, 1, 1], 33.5, 9.1, 0.0003),
    ("pool", "MaxPool", &[], EXACT, 10.2, 0.0),
    ("block4/depthwise", "Conv", &[48, 1, 3, 3], 31.9, 8.8, 0.0),
    ("block4/pointwise", "Conv", &[48, 48, 1, 1], 34.4, 8.3, 0.0),
    ("block4/add", "Add", &[], 40.3, 9.0, 0.0),
    ("block5/expand", "Conv", &[96, 48, 1, 1], 33.8, 8.6, 0.0),
    ("block5/depthwise", "Conv", &[96, 1, 3, 3], 32.0, 7.4, 0.0),
    ("block5/project", "Conv", &[48, 96, 1, 1], 33.1, 6.9, 0.0),
    ("head/pool", "GlobalAveragePool", &[], 44.6, 9.7, 0.0),
    ("head/flatten", "Flatten", &[], EXACT, 9.7, f64::NAN),
    ("head/fc", "Gemm", &[10, 48], 39.2, -0.2, 0.0),
    ("head/softmax", "Softmax", &[], f64::NAN, 1.8, f64::NAN),
];

/// A measure from a table's number: infinite is exact, not a number is not applicable.
fn measure(value: f64) -> Measure {
    if value.is_nan() {
        Measure::NotApplicable("the output is float")
    } else if value.is_infinite() {
        Measure::Exact
    } else {
        Measure::Value(value)
    }
}

/// The six errors that belong to an SQNR, by the arithmetic of small errors (cosine ≈ 1 − NMSE/2).
pub(crate) fn errors(sqnr_db: f64) -> Errors {
    let nmse = if sqnr_db.is_infinite() { 0.0 } else { 10f64.powf(-sqnr_db / 10.0) };
    let exact_or = |value: f64| if sqnr_db.is_infinite() { Measure::Exact } else { measure(value) };
    Errors {
        sqnr_db: measure(sqnr_db),
        cosine: exact_or((1.0 - nmse / 2.0).max(0.0)),
        nmse: exact_or(nmse),
        mse: exact_or(nmse * 2.5),
        max_abs: exact_or(nmse.sqrt() * 6.0),
        gain: exact_or(1.0 - nmse / 8.0),
    }
}

/// Values of a weight; none where there is no shape.
fn elements(shape: &[usize]) -> u64 {
    if shape.is_empty() { 0 } else { shape.iter().map(|&n| n as u64).product() }
}

fn info(index: usize, line: &Line, before: Option<&str>) -> LayerInfo {
    let (name, op, shape, ..) = *line;
    let passes_scale = matches!(op, "MaxPool" | "Flatten");
    let count = elements(shape);
    LayerInfo {
        index,
        name: name.into(),
        op: op.into(),
        output: format!("{name}_out"),
        fused: if op == "Conv" { vec![format!("{name}/bn"), format!("{name}/relu")] } else { Vec::new() },
        inputs: before.map(|from| (format!("{from}_out"), from.to_owned())).into_iter().collect(),
        weight: (!shape.is_empty()).then(|| (format!("{name}.weight"), shape.to_vec())),
        parameters: count,
        weight_fixed: None,
        weight_axes: ScaleAxes {
            channels: !shape.is_empty(),
            inputs: shape.get(1).copied().into_iter().collect(),
            has_short_groups: true,
        },
        range_fixed: None,
        activation_fixed: (op == "Softmax")
            .then(|| "the target runs Softmax in float; its output has no quantizer".into()),
        shares_activation_with: match (passes_scale, before) {
            (true, Some(owner)) => vec![owner.to_owned(), name.to_owned()],
            _ => Vec::new(),
        },
        through: Vec::new(),
        shares_weight_with: Vec::new(),
    }
}

fn row(info: LayerInfo, line: &Line) -> LayerRow {
    let (name, op, shape, local, accumulated, clipped) = *line;
    let edited = name == "block3/depthwise";
    let weight_bits = (!shape.is_empty()).then_some(Bits::Int(if edited { 4 } else { 8 }));
    let activation_bits = (op != "Softmax").then_some(Bits::Int(8));
    let granularity = weight_bits.map(|_| Granularity::PerTensor);
    let weights = elements(shape);
    LayerRow {
        info: Arc::new(info),
        weight_bits,
        activation_bits,
        granularity,
        edited,
        local: errors(local),
        accumulated: errors(accumulated),
        inherited: errors(accumulated + 0.8),
        introduced: errors(local),
        flow: Err("a fixture has no flow"),
        correlation: Measure::NotApplicable("a fixture has none"),
        why_falls: None,
        clipped_fraction: measure(clipped),
        vanished_fraction: None,
        weight: weight_bits.map(|bits| WeightSummary {
            tensor: format!("{name}.weight"),
            bits,
            granularity: Granularity::PerTensor,
            scale_range: (0.0123, 0.0123),
            sqnr_db: measure(local + 2.0),
            folded: op == "Conv",
            number: crate::testing::number(Scheme::Symmetric),
            rule: Some(GridRule { scheme: Scheme::Symmetric, sign: Sign::Signed, codes: Codes::Full }),
            first: FIRST,
        }),
        activation: activation_bits.map(|_| ActivationSummary {
            scale: 6.0 / 255.0,
            zero_point: -128,
            low: 0.0,
            high: 6.0,
            method: Method::MinMax,
            grid: Some((-128, 127)),
            number: crate::testing::number(Scheme::Affine),
            rule: GridRule { scheme: Scheme::Affine, sign: Sign::Signed, codes: Codes::Full },
            percentile: 99.99,
        }),
        by_sample: Arc::default(),
        float_bytes: weights * 4,
        quantized_bytes: if edited { weights / 2 } else { weights },
        macs: weights * 784,
        bops: weights * 784 * 64,
    }
}

fn assemble(rows: Vec<LayerRow>, config: QuantConfig) -> Report {
    let (float_bytes, quantized_bytes) =
        rows.iter().fold((0, 0), |(f, q), row| (f + row.float_bytes, q + row.quantized_bytes));
    let (right, agreeing) = (Share { count: 116, of: 360 }, Share { count: 115, of: 360 });
    let float = Share { count: 357, of: 360 };
    Report {
        sample_names: Arc::default(),
        answers: Arc::default(),
        scope: None,
        needs: vec![(String::new(), 17)],
        config: Arc::new(config),
        target: crate::testing::target(),
        samples: 360,
        samples_total: 360,
        outputs: vec![OutputRow {
            name: "probabilities".into(),
            errors: errors(-0.2),
            top1_agreement: Some(agreeing),
            top5_agreement: Some(Share { count: 240, of: 360 }),
            accuracy: Some(right),
            float_accuracy: Some(float),
        }],
        score: Score {
            float_accuracy: Some(float),
            accuracy: Some(right),
            agreement: Some(agreeing),
            output_sqnr_db: Measure::Value(-0.2),
            output: "probabilities".into(),
        },
        cost: Cost { float_bytes, quantized_bytes, macs: 3_400_000, bops: 217_600_000 },
        memory: Memory::default(),
        timing: Timing::default(),
        warnings: Vec::new(),
        rows,
    }
}

/// The report of a broken sample at the default settings, one layer edited to 4 bits.
pub(crate) fn report() -> Report {
    let mut before: Option<&str> = None;
    let mut rows = Vec::new();
    for (index, line) in LINES.iter().enumerate() {
        rows.push(row(info(index, line, before), line));
        before = Some(line.0);
    }
    let edit = LayerSettings { weight_bits: Some(Bits::Int(4)), ..LayerSettings::default() };
    let layers = BTreeMap::from([("block3/depthwise".to_owned(), edit)]);
    assemble(rows, QuantConfig { layers, ..QuantConfig::default() })
}

/// The same after the repair: the cliff is gone and the answers are right again.
pub(crate) fn repaired() -> Report {
    let mut report = report();
    for row in report.rows.iter_mut().skip(4) {
        row.accumulated = errors(31.0 - 0.3 * row.info.index as f64);
    }
    let right = Share { count: 355, of: 360 };
    report.score.accuracy = Some(right);
    report.score.agreement = Some(Share { count: 356, of: 360 });
    report.score.output_sqnr_db = Measure::Value(24.6);
    report.config = Arc::new(QuantConfig::default());
    report
}

/// A report of `n` layers whose errors wander deterministically.
pub(crate) fn large(n: usize) -> Report {
    let mut rows = Vec::with_capacity(n);
    for index in 0..n {
        let wave = (index as f64 * 0.37).sin() * 9.0 + (index as f64 * 0.011).cos() * 6.0;
        let shape: &[usize] = if index % 3 == 0 { &[] } else { &[64, 64, 3, 3] };
        let op = ["Add", "Conv", "MatMul"][index % 3];
        let line: Line = ("layer", op, shape, 32.0 + wave, 20.0 + wave * 1.3, 0.0);
        let mut info = info(index, &line, None);
        info.name = format!("encoder/layer.{}/{}", index / 7, index % 7);
        rows.push(row(info, &line));
    }
    assemble(rows, QuantConfig::default())
}

/// A document in which this report is open, all rows shown in graph order, nothing selected.
pub(crate) fn document(report: Report) -> Document {
    let mut doc = Document::new();
    doc.title = "sample.onnx".into();
    doc.visible = (0..report.rows.len()).collect();
    doc.model = Some(Arc::new(model(&report)));
    doc.config = Arc::clone(&report.config);
    doc.report.set(Arc::new(report));
    doc
}

/// The model that a report's rows belong to.
pub(crate) fn model(report: &Report) -> ModelInfo {
    let dims = vec![Dim::Fixed(1), Dim::Fixed(3), Dim::Fixed(28), Dim::Fixed(28)];
    ModelInfo {
        path: PathBuf::from("sample.onnx"),
        sha256: "0".repeat(64),
        file_bytes: 75_776,
        opsets: vec![(String::new(), 17)],
        ir_version: 8,
        producer: "tests".into(),
        inputs: vec![ModelInput { name: "image".into(), element_type: ElementType::Float32, dims: Some(dims) }],
        outputs: vec!["probabilities".into()],
        nodes: 46,
        operators: vec![("Conv".into(), 12), ("Relu".into(), 12), ("Add".into(), 2), ("Gemm".into(), 1)],
        parameters: 18_942,
        target: crate::testing::target(),
        layers: report.rows.iter().map(|row| (*row.info).clone()).collect(),
        warnings: Vec::new(),
    }
}
