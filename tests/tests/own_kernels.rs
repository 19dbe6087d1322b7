//! Kernels of this program's own give onnxruntime's bits on every shape, or leave the work to it.
//!
//! Several samples each, of which all are compared with onnxruntime running the file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use quantlens_analysis::{
    config::QuantConfig,
    data::{DataOptions, DataSource},
    quant::Bits,
    workbench::ExportOptions,
};
use quantlens_tests::{
    core::{bench, evaluate, open, quietly, shared},
    models::{Builder, float, int, ints, save_array},
    seeded::Seeded,
    session::errs_as_shown,
};

const CHANNELS: usize = 5;
const SAMPLES: usize = 4;

/// Kernel, strides, dilations, pads, height and width of the input.
type Geometry = ([i64; 2], [i64; 2], [i64; 2], [i64; 4], [usize; 2]);

const GEOMETRIES: [Geometry; 10] = [
    ([3, 3], [1, 1], [1, 1], [1; 4], [14, 14]),
    ([3, 3], [1, 1], [1, 1], [1; 4], [7, 7]),
    ([3, 3], [1, 1], [1, 1], [1; 4], [37, 130]),
    ([3, 3], [2, 2], [1, 1], [1; 4], [56, 56]),
    ([3, 3], [2, 2], [1, 1], [0, 0, 1, 1], [31, 18]),
    ([3, 3], [1, 1], [2, 3], [2, 3, 2, 3], [20, 21]),
    ([5, 5], [1, 1], [1, 1], [2; 4], [19, 33]),
    ([7, 7], [2, 3], [1, 1], [3; 4], [28, 28]),
    ([1, 4], [1, 2], [1, 1], [0, 1, 0, 2], [6, 50]),
    ([11, 11], [1, 1], [1, 1], [5; 4], [16, 16]),
];

/// `x` through a convolution, a batch norm and a bound, and a second convolution that reads all channels.
fn network(geometry: &Geometry, groups: usize, seed: u64) -> Builder {
    let (kernel, strides, dilations, pads, [height, width]) = geometry;
    let mut seeded = Seeded::new(seed);
    let mut values = |count: usize| seeded.units(count, 1.0);
    let mut builder = Builder::new(13);
    let side = |length: usize| i64::try_from(length).unwrap();
    builder.input("x", &[side(CHANNELS), side(*height), side(*width)]);
    let taps = kernel.map(|k| usize::try_from(k).unwrap());
    let shape = [CHANNELS, CHANNELS / groups, taps[0], taps[1]];
    builder.constant("w", &shape, values(shape.iter().product()));
    for name in ["b", "gamma", "beta", "mean"] {
        builder.constant(name, &[CHANNELS], values(CHANNELS));
    }
    builder.constant("variance", &[CHANNELS], values(CHANNELS).iter().map(|v| v.abs() + 0.1).collect());
    builder.constant("head", &[3, CHANNELS, 1, 1], values(3 * CHANNELS));
    for (name, bound) in [("low", -0.5), ("high", 1.5)] {
        builder.constant(name, &[], vec![bound]);
    }
    let attributes = vec![
        int("group", side(groups)),
        ints("kernel_shape", kernel),
        ints("strides", strides),
        ints("dilations", dilations),
        ints("pads", pads),
    ];
    builder.node("Conv", &["x", "w", "b"], "conv", attributes);
    let norm = ["conv", "gamma", "beta", "mean", "variance"];
    builder.node("BatchNormalization", &norm, "norm", vec![float("epsilon", 1e-3)]);
    if seed.is_multiple_of(2) {
        builder.node("Relu", &["norm"], "act", vec![]);
    } else {
        builder.node("Clip", &["norm", "low", "high"], "act", vec![]);
    }
    builder.node("Conv", &["act", "head"], "y", vec![]);
    builder.output("act");
    builder.output("y");
    builder
}

/// Whether the report and the export are what onnxruntime alone makes; how many kernels were used and how many refused.
fn holds(geometry: &Geometry, groups: usize, seed: u64, odd: Option<f32>) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let model = network(geometry, groups, seed).save(folder.path());
    let shape = [SAMPLES, CHANNELS, geometry.4[0], geometry.4[1]];
    let mut seeded = Seeded::new(seed + 100);
    let mut values: Vec<f32> = seeded.units(shape.iter().product(), 3.0);
    if let Some(odd) = odd {
        // In the last sample, after the kernels were found equal.
        let at = values.len() - 40;
        values[at] = odd;
    }
    let data = save_array(folder.path(), &shape, values);
    equals_onnxruntime(&model, &data, &format!("{geometry:?}"))
}

/// The same of a model with its data.
fn equals_onnxruntime(model: &Path, data: &Path, what: &str) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut workbench = bench(model, data, SAMPLES, None);
    let config = QuantConfig::default();
    let shown = evaluate(&mut workbench, &config);
    let path = folder.path().join("out.onnx");
    let options = ExportOptions { verified_samples: usize::MAX };
    let exported = quietly(|job| workbench.export(&config.clone().into(), &path, &options, job)).unwrap();
    let v = &exported.verification;
    assert_eq!((v.failure.as_deref(), v.elements_different), (None, 0), "{what}");
    errs_as_shown(&workbench, &path, &shown).unwrap_or_else(|e| panic!("{e}: {what}"));
    let kernels = workbench.own_kernels();
    (kernels.used, kernels.refused)
}

#[test]
fn depthwise_convolutions_of_all_shapes() {
    for (seed, geometry) in GEOMETRIES.iter().enumerate() {
        let (used, refused) = holds(geometry, CHANNELS, seed as u64, None);
        // It and the one behind it, in float and quantized, where onnxruntime adds in the order that is documented.
        if cfg!(target_arch = "x86_64") {
            assert_eq!((used, refused), (4, 0), "{geometry:?}");
        }
    }
}

#[test]
fn other_convolutions_of_all_shapes() {
    for (seed, geometry) in GEOMETRIES.iter().enumerate() {
        let (used, refused) = holds(geometry, 1, seed as u64, None);
        // Both in float and quantized.
        if cfg!(target_arch = "x86_64") {
            assert_eq!((used, refused), (4, 0), "{geometry:?}");
        }
    }
}

/// `x` times a matrix, times another; `rows` of it at a time.
fn products(rows: usize, depth: usize, columns: usize) -> Builder {
    let mut seeded = Seeded::new((rows + depth) as u64);
    let mut builder = Builder::new(13);
    let side = |length: usize| i64::try_from(length).unwrap();
    builder.input("x", &[side(rows), side(depth)]);
    builder.constant("w", &[depth, columns], seeded.units(depth * columns, 1.0));
    builder.constant("v", &[columns, 3], seeded.units(columns * 3, 1.0));
    builder.node("MatMul", &["x", "w"], "product", vec![]);
    builder.node("MatMul", &["product", "v"], "y", vec![]);
    builder.output("product");
    builder.output("y");
    builder
}

#[test]
fn products_with_matrices_of_all_depths() {
    // Beyond 384 onnxruntime adds otherwise where it prepared the weights, as in the float run; one row is its own.
    for (rows, depth, columns) in [(2, 7, 5), (15, 384, 40), (15, 640, 33), (40, 130, 700), (3, 1300, 17), (1, 600, 30)]
    {
        let folder = tempfile::tempdir().unwrap();
        let model = products(rows, depth, columns).save(folder.path());
        let shape = [SAMPLES, rows, depth];
        let values = Seeded::new(9).units(shape.iter().product(), 3.0);
        let data = save_array(folder.path(), &shape, values);
        let what = format!("{rows}×{depth}×{columns}");
        let counts = equals_onnxruntime(&model, &data, &what);
        if cfg!(target_arch = "x86_64") {
            assert_eq!(counts, if rows == 1 { (0, 0) } else { (4, 0) }, "{what}");
        }
    }
}

#[test]
fn weights_of_zeros_prove_nothing_for_others_of_their_shape() {
    // Sums of zeros are equal in any order; onnxruntime's is not the likeliest one for prepared weights this deep.
    let (rows, depth, columns) = (15, 640, 200);
    let mut builder = Builder::new(13);
    let side = |length: usize| i64::try_from(length).unwrap();
    builder.input("x", &[side(rows), side(depth)]);
    builder.constant("zeros", &[depth, columns], vec![0.0; depth * columns]);
    builder.constant("w", &[depth, columns], Seeded::new(5).units(depth * columns, 1.0));
    for (weights, output) in [("zeros", "nothing"), ("w", "y")] {
        builder.node("MatMul", &["x", weights], output, vec![]);
        builder.output(output);
    }
    let folder = tempfile::tempdir().unwrap();
    let model = builder.save(folder.path());
    let shape = [SAMPLES, rows, depth];
    let data = save_array(folder.path(), &shape, Seeded::new(9).units(shape.iter().product(), 3.0));
    let (used, refused) = equals_onnxruntime(&model, &data, "zeros");
    if cfg!(target_arch = "x86_64") {
        assert_eq!((used, refused), (4, 0));
    }
}

#[test]
fn values_that_are_not_finite_are_onnxruntime_s() {
    for groups in [CHANNELS, 1] {
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            holds(&GEOMETRIES[0], groups, 2, Some(odd));
        }
    }
}

#[test]
fn the_kernels_serve_real_models() {
    let test = "the_kernels_serve_real_models";
    for (model, least) in [("mobilenetv2_bn_coarse8", 17 + 17 + 36), ("ultraface_rfb_320", 20)] {
        let Some(model) = shared(test, &format!("models/models/{model}.onnx")) else { continue };
        let mut workbench = open(&model, None).unwrap();
        let options = DataOptions { limit: Some(2), ..DataOptions::default() };
        workbench.set_data(&DataSource::parse("synthetic".as_ref()), &options).unwrap();
        let mut config = QuantConfig::default();
        config.defaults.weight_bits = Some(Bits::Int(8));
        evaluate(&mut workbench, &config);
        let kernels = workbench.own_kernels();
        println!("{}: {kernels:?}", model.display());
        if cfg!(target_arch = "x86_64") {
            assert!(kernels.used >= least && kernels.refused == 0, "{kernels:?}");
        }
    }
}
