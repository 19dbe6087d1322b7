//! A document with one selected layer, for tests of the layer pages: a convolution whose channel 5 dwarfs the others and
//! whose output has a long tail.

use std::{path::PathBuf, sync::Arc};

use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, QuantConfig},
    data::{
        ClassScore, DataCheck, DataSource, Feed, InputCheck, Recipe, RecipeTrial, Sanity, SanityRow,
        Share as DataShare, UsedRecipe, ValueStats,
        info::{DataInfo, Preview, PreviewInput},
    },
    job::Warning,
    metrics::{Errors, Measure},
    plan::{GridRule, ScaleAxes},
    quant::{Bits, Codes, Range, Scheme, Sign},
    report::{
        ActivationChannel, ActivationSummary, Cost, Distribution, DriftNote, FallReason, Flow, FlowKind, LayerDetail,
        LayerInfo, LayerRow, Memory, ModelInfo, Report, Score, ThresholdDetail, Timing, WeightChannel, WeightScale,
        WeightSummary,
    },
    tensor::{Dim, ElementType, ModelInput},
};

use crate::document::Document;

/// The layer of the fixture.
pub(crate) const LAYER: &str = "block2/depthwise";

/// The weight's one scale: 49.53 / 127 = 0.39.
const FIRST: WeightScale = WeightScale { range: Range { low: -49.53, high: 31.0 }, scale: 0.39, zero_point: 0 };

/// A document with everything that the layer pages of [`LAYER`] need.
pub(crate) fn document(channels: usize) -> Document {
    let mut doc = Document::new();
    let info = layer();
    doc.model = Some(Arc::new(model(vec![info.clone()])));
    doc.report.set(Arc::new(report(info)));
    doc.detail.set(Arc::new(detail(channels)));
    doc.selection.replace([LAYER.to_owned()]);
    doc
}

/// A model with these layers.
pub(crate) fn model(layers: Vec<LayerInfo>) -> ModelInfo {
    ModelInfo {
        path: PathBuf::from("models/mobilenetv2-12.onnx"),
        sha256: "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5".into(),
        file_bytes: 13_964_571,
        opsets: vec![(String::new(), 12)],
        ir_version: 6,
        producer: "pytorch 1.7".into(),
        inputs: vec![ModelInput {
            name: "input".into(),
            element_type: ElementType::Float32,
            dims: Some(vec![Dim::Symbolic("batch".into()), Dim::Fixed(3), Dim::Fixed(224), Dim::Fixed(224)]),
        }],
        outputs: vec!["output".into()],
        nodes: 105,
        operators: vec![("Conv".into(), 52), ("Clip".into(), 35), ("Add".into(), 10), ("Gemm".into(), 1)],
        parameters: 3_487_816,
        target: crate::testing::target(),
        layers,
        warnings: Vec::new(),
    }
}

/// What the model says about [`LAYER`].
pub(crate) fn layer() -> LayerInfo {
    LayerInfo {
        index: 0,
        name: LAYER.into(),
        op: "Conv".into(),
        output: "block2/depthwise_relu".into(),
        fused: vec!["block2/bn".into(), "block2/relu".into()],
        inputs: vec![("block2/expand_relu".into(), "block2/expand".into())],
        weight: Some(("block2/depthwise.weight".into(), vec![32, 1, 3, 3])),
        parameters: 320,
        weight_fixed: None,
        weight_axes: ScaleAxes { channels: true, inputs: vec![1], has_short_groups: true },
        activation_fixed: None,
        range_fixed: None,
        shares_activation_with: Vec::new(),
        through: Vec::new(),
        shares_weight_with: Vec::new(),
    }
}

fn errors(db: f64) -> Errors {
    let nmse = 10f64.powf(-db / 10.0);
    Errors {
        sqnr_db: Measure::Value(db),
        cosine: Measure::Value(1.0 - nmse / 2.0),
        nmse: Measure::Value(nmse),
        mse: Measure::Value(nmse * 1.7),
        max_abs: Measure::Value(2.4),
        gain: Measure::Value(0.98),
    }
}

/// A report with this one layer.
pub(crate) fn report(info: LayerInfo) -> Report {
    let row = LayerRow {
        info: Arc::new(info),
        weight_bits: Some(Bits::Int(8)),
        activation_bits: Some(Bits::Int(8)),
        granularity: Some(Granularity::PerTensor),
        edited: false,
        local: errors(9.8),
        accumulated: errors(8.1),
        inherited: errors(24.0),
        introduced: errors(9.8),
        flow: Ok(Flow {
            kind: FlowKind::Attenuates,
            inherited_nmse: 0.004,
            smallest_input_nmse: 0.0065,
            largest_input_nmse: 0.0065,
        }),
        correlation: Measure::Value(-0.12),
        why_falls: Some(DriftNote {
            rise_db: 2.3,
            from: "block2/expand".into(),
            from_sqnr_db: Measure::Value(5.8),
            reasons: vec![FallReason::Cuts { op: "Relu".into(), soft: false, fused: true }],
        }),
        clipped_fraction: Measure::Value(0.0031),
        vanished_fraction: None,
        weight: Some(WeightSummary {
            tensor: "block2/depthwise.weight".into(),
            bits: Bits::Int(8),
            granularity: Granularity::PerTensor,
            scale_range: (0.39, 0.39),
            sqnr_db: Measure::Value(9.8),
            folded: true,
            number: crate::testing::number(Scheme::Symmetric),
            rule: Some(GridRule { scheme: Scheme::Symmetric, sign: Sign::Signed, codes: Codes::Full }),
            first: FIRST,
        }),
        activation: Some(ActivationSummary {
            // 5.9086 / 255; −128 + 2.1/S = −37.4.
            scale: 0.023_171,
            zero_point: -37,
            low: -2.1,
            high: 3.808_593_8,
            method: Method::Kl,
            grid: Some((-128, 127)),
            number: crate::testing::number(Scheme::Affine),
            rule: GridRule { scheme: Scheme::Affine, sign: Sign::Signed, codes: Codes::Full },
            percentile: 99.99,
        }),
        by_sample: Arc::default(),
        float_bytes: 1280,
        quantized_bytes: 448,
        macs: 2_257_920,
        bops: 144_506_880,
    };
    Report {
        sample_names: Arc::default(),
        answers: Arc::default(),
        scope: None,
        needs: vec![(String::new(), 17)],
        config: Arc::new(QuantConfig::default()),
        target: crate::testing::target(),
        samples: 32,
        samples_total: 32,
        rows: vec![row],
        outputs: Vec::new(),
        score: Score {
            float_accuracy: None,
            accuracy: None,
            agreement: None,
            output_sqnr_db: Measure::Value(8.0),
            output: "output".into(),
        },
        cost: Cost::default(),
        memory: Memory::default(),
        timing: Timing::default(),
        warnings: Vec::new(),
    }
}

/// A bell around 0.2 with a tail to the right, as counts of 256 bins over −2.1 … 6.
#[expect(clippy::cast_possible_truncation, reason = "counts below a million")]
fn bell(center: f64, width: f64, tail: f64) -> Vec<u64> {
    (0..256)
        .map(|i| {
            let v = -2.1 + 8.1 * (f64::from(i) + 0.5) / 256.0;
            let body = 90_000.0 * (-0.5 * ((v - center) / width).powi(2)).exp();
            (body + tail * (-(v - center).abs()).exp()) as u64
        })
        .collect()
}

fn detail(channels: usize) -> LayerDetail {
    let fake_rounded = |counts: &[u64]| -> Vec<u64> {
        counts.chunks(4).flat_map(|group| [0, group.iter().sum::<u64>(), 0, 0].into_iter().take(group.len())).collect()
    };
    let float = bell(0.2, 0.5, 900.0);
    LayerDetail {
        layer: LAYER.into(),
        samples: 8,
        activation: Some(Distribution {
            tensor: "block2/depthwise_relu".into(),
            low: -2.1,
            high: 6.0,
            quantized_counts: fake_rounded(&float),
            float_counts: float,
            thresholds: Some((-2.106, 3.861)),
            step: Some((0.0234, -38)),
        }),
        weights: Some(Distribution {
            tensor: "block2/depthwise.weight".into(),
            low: -49.0,
            high: 31.0,
            float_counts: bell(4.0, 0.05, 20.0),
            quantized_counts: fake_rounded(&bell(4.0, 0.05, 20.0)),
            thresholds: Some((-49.92, 49.53)),
            step: Some((0.39, 0)),
        }),
        density: None,
        weight_density: None,
        weight_channels: (0..channels).map(weight_channel).collect(),
        activation_channels: (0..channels)
            .map(|index| ActivationChannel {
                index,
                low: 0.0,
                high: 1.0 + (index % 7) as f32,
                sqnr_db: Measure::Value(12.0 + (index % 11) as f64),
            })
            .collect(),
        threshold: Some(Arc::new(threshold(Scheme::Affine))),
        threshold_note: None,
        is_whole: true,
    }
}

/// Choices for a bell around 0.2 with a tail to the right, from −2.1 to 6; KL is in use.
#[expect(clippy::cast_possible_truncation, reason = "any float32 will do")]
pub(crate) fn threshold(scheme: Scheme) -> ThresholdDetail {
    let values: Vec<f32> = (0..60_000_u32)
        .map(|i| {
            let u = (f64::from(i) * 0.618_033_988_75).fract().clamp(1e-6, 1.0 - 1e-6);
            let bell = 0.2 + 0.28 * (u / (1.0 - u)).ln();
            let value = if i % 40 == 0 { 0.6 - 0.55 * u.ln() } else { bell };
            value.clamp(-2.1, 6.0) as f32
        })
        .chain([-2.1, 6.0])
        .collect();
    crate::testing::threshold_of(LAYER, &values, scheme, Method::Kl)
}

fn weight_channel(index: usize) -> WeightChannel {
    let reach = if index == 5 { 49.53 } else { 0.1 + 0.13 * ((index * 7) % 5) as f32 };
    let sqnr_db = match index {
        5 => Measure::Value(41.2),
        9 => Measure::Exact,
        _ => Measure::Value(2.0 + (index % 9) as f64),
    };
    WeightChannel { index, low: -reach, high: 0.8 * reach, scale: Some(0.39), sqnr_db }
}

/// Samples of pictures with labels, checked and answered: what the Data page shows of MobileNetV2's images.
pub(crate) fn data() -> DataInfo {
    let inputs = model(Vec::new()).inputs;
    let recipe = Recipe::preset("imagenet").unwrap().fitted(&inputs[0]).unwrap();
    let picture = |i: u32| {
        image::RgbImage::from_fn(96, 72, |x, y| {
            let [red, green, blue] = [x * 2, y * 3, 40 * (i % 6)].map(|v| u8::try_from(v).unwrap());
            image::Rgb([red, green, blue])
        })
    };
    let names = ["tabby cat", "golden retriever", "espresso", "sports car", "lighthouse", "strawberry"];
    DataInfo {
        source: DataSource::Path(PathBuf::from("models/images/imagenet")),
        kind: "pictures".into(),
        is_array: false,
        samples: 32,
        available: 200,
        labels: true,
        class_names: Arc::new(names.map(String::from).to_vec()),
        recipe: Some(UsedRecipe {
            recipe,
            guessed: true,
            reason: "a float input of 3×224×224, as image classifiers trained on ImageNet have".into(),
        }),
        feeds: vec![Feed {
            input: "input".into(),
            array: "pictures".into(),
            shape: vec![1, 3, 224, 224],
            note: "recipe imagenet".into(),
        }],
        inputs,
        check: check(),
        sanity: Some(sanity()),
        previews: (0..6)
            .map(|i| Preview {
                name: format!("n0212{i}345_{i}.JPEG").into(),
                label: Some(i as usize),
                source: Some(picture(i)),
                inputs: vec![PreviewInput {
                    input: "input".into(),
                    shape: vec![1, 3, 224, 224],
                    low: -2.1179,
                    high: 2.64,
                    picture: Some(picture(i)),
                    first: vec![-1.2, 0.3, 0.4],
                    shading: None,
                    text: None,
                }],
            })
            .collect(),
        vocabulary: None,
        synthetic: false,
        warnings: vec![Warning::new(
            "image-skipped",
            "2 of 202 files were skipped: broken.jpg is no picture, empty.png is empty",
        )],
    }
}

fn check() -> DataCheck {
    let stats = |mean, deviation| ValueStats { min: -2.1179, max: 2.64, mean, deviation };
    DataCheck {
        samples: 32,
        inputs: vec![InputCheck {
            name: "input".into(),
            shape: vec![1, 3, 224, 224],
            element_type: ElementType::Float32,
            values: Some(stats(0.0725, 1.1876)),
            channels: vec![stats(-0.0132, 1.2011), stats(0.0417, 1.1722), stats(0.1891, 1.1866)],
            non_finite: 0,
        }],
        banners: Vec::new(),
    }
}

fn sanity() -> Sanity {
    let score = |class: usize, confidence: f64| ClassScore { class, name: None, score: 9.0, confidence };
    // Sample 3 is answered wrongly.
    let best = |i: usize| (0..5).map(move |k| (i + k + usize::from(i == 3)) % 6);
    let row = |i: usize| SanityRow {
        name: format!("n0212{i}345_{i}.JPEG").into(),
        label: Some(i % 6),
        top: best(i).zip([0.81, 0.08, 0.04, 0.03, 0.02]).map(|(class, c)| score(class, c)).collect(),
    };
    Sanity {
        rows: (0..20).map(row).collect(),
        classes: 6,
        accuracy: Some(DataShare { hits: 23, total: 32 }),
        top5: Some(DataShare { hits: 30, total: 32 }),
        mean_confidence: 0.741,
        banners: Vec::new(),
    }
}

/// A ranking of recipes, the one in use second.
pub(crate) fn trials() -> Vec<RecipeTrial> {
    let trial = |(name, hits, confidence, is_current): (&str, usize, f64, bool)| RecipeTrial {
        recipe: Recipe::preset("raw").unwrap(),
        name: name.into(),
        accuracy: Some(DataShare { hits, total: 16 }),
        confidence,
        is_current,
    };
    [
        ("imagenet RGB", 13, 0.78, false),
        ("imagenet BGR", 11, 0.69, true),
        ("0-1 RGB", 9, 0.55, false),
        ("raw RGB", 1, 0.99, false),
    ]
    .map(trial)
    .to_vec()
}
