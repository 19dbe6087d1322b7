//! Files that a user opens, cut at every length and with bytes changed: each reader gives a value or an error, never a
//! panic, and takes no more memory than a file of that size can be worth. One test, since the peak of a process is one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use ndarray::{Array4, ShapeBuilder as _, array};
use ndarray_npy::{NpzWriter, WriteNpyExt as _};
use prost::{Message as _, bytes::Bytes};
use quantlens::{filter::Query, session_file::SessionFile};
use quantlens_analysis::{
    calibrate::Method,
    config::{Granularity, QuantConfig, Rule},
    data::{ClassNames, DataOptions, DataSource, Dataset, LabelOptions, Recipe, Vocabulary, check},
    graph::{Constants, Graph},
    onnx,
    quant::{Bits, Range},
    target::Target,
    tensor::{Dim, ElementType, ModelInput},
};
use quantlens_tests::{models, seeded::Seeded};

/// Cuts and changes tried of each file, at most.
const CUTS: usize = 120;
const CHANGES: usize = 200;
/// What the readers together may take beyond what the process had: the files have a few kilobytes.
const MOST_BYTES: u64 = 1 << 30;

/// The most address space that this process has had, touched or not; `None` where the system does not tell.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}

/// Every damaged form of a file: cut at lengths spread over it (all of them where it is short), with single bytes
/// changed, and with runs of bytes that numbers of lengths and shapes are made of.
fn damaged(whole: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let step = whole.len().div_ceil(CUTS).max(1);
    let mut all: Vec<Vec<u8>> = (0..whole.len()).step_by(step).map(|length| whole[..length].to_vec()).collect();
    let mut seeded = Seeded::new(seed);
    for round in 0..CHANGES {
        let mut copy = whole.to_vec();
        // Headers are at either end more often than in the middle.
        let near = if seeded.chance(1, 2) { copy.len().min(160) } else { copy.len() };
        let at = if seeded.chance(1, 3) { copy.len() - 1 - seeded.below(near) } else { seeded.below(near) };
        match round % 4 {
            0 => copy[at] ^= 1 << seeded.below(8),
            1 => copy[at] = u8::try_from(seeded.below(256)).unwrap(),
            2 => copy.iter_mut().skip(at).take(8).for_each(|byte| *byte = 0xff),
            _ => copy.insert(at, *seeded.one(b"0919(){}[],:\"-.eE\0")),
        }
        all.push(copy);
    }
    all
}

/// Reads every damaged form of `whole`, which itself must be read; the panics that it led to.
fn panics(what: &str, whole: &[u8], read: impl Fn(&[u8]) -> bool) -> Vec<String> {
    if !matches!(catch_unwind(AssertUnwindSafe(|| read(whole))), Ok(true)) {
        return vec![format!("{what}: the whole file is not read")];
    }
    let forms = damaged(whole, whole.len() as u64);
    let panics = |form: &&Vec<u8>| catch_unwind(AssertUnwindSafe(|| read(form))).is_err();
    forms.iter().filter(panics).map(|form| format!("{what}: {}", form.escape_ascii())).collect()
}

fn input(name: &str, element_type: ElementType, dims: &[i64]) -> ModelInput {
    let dim = |&d: &i64| usize::try_from(d).map_or(Dim::Symbolic("N".into()), Dim::Fixed);
    ModelInput { name: name.into(), element_type, dims: Some(dims.iter().map(dim).collect()) }
}

/// Opens what lies at `path` as samples, and reads the first of them.
fn open_data(path: &Path, inputs: &[ModelInput]) -> bool {
    let labels = LabelOptions::default();
    let options = DataOptions { labels, ..DataOptions::default() };
    let Ok(data) = Dataset::open_with(&DataSource::Path(path.to_owned()), inputs, &options) else { return false };
    let samples = (0..data.len().min(3)).all(|index| data.sample(index).is_ok());
    samples && check(&data, 3).is_ok()
}

fn model(bytes: &[u8]) -> bool {
    let Ok(loaded) = onnx::load_bytes(Path::new("a.onnx"), Bytes::copy_from_slice(bytes)) else { return false };
    let _ = onnx::already_quantized(&loaded.model);
    let Ok(skeleton) = Graph::skeleton(Arc::new(loaded.model)) else { return false };
    let Ok(constants) = Constants::stored(&skeleton) else { return false };
    skeleton.finish(&std::collections::BTreeMap::new(), constants).is_ok()
}

/// A convolution with its activation, a pool and a product.
fn small_model() -> Vec<u8> {
    let mut net = models::Builder::new(17);
    net.input("x", &[1, 4, 4]);
    net.constant("w", &[2, 1, 3, 3], (0..18).map(|i| i as f32 / 9.0).collect());
    net.node("Conv", &["x", "w"], "c", vec![models::ints("kernel_shape", &[3, 3])]);
    net.node("Relu", &["c"], "r", Vec::new());
    net.integers("shape", &[-1, 8]);
    net.node("Reshape", &["r", "shape"], "f", Vec::new());
    net.constant("m", &[8, 2], (0..16).map(|i| i as f32 / 8.0).collect());
    net.node("MatMul", &["f", "m"], "y", Vec::new());
    net.output("y");
    net.model().encode_to_vec()
}

struct Files(tempfile::TempDir);

impl Files {
    /// Writes a file of the folder, and gives its path.
    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// What a text reader makes of bytes that may be no text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn numpy_files(files: &Files) -> Vec<String> {
    let pictures = [input("x", ElementType::Float32, &[-1, 3, 4, 4])];
    let values = Array4::from_shape_fn((2, 3, 4, 4), |(n, c, y, x)| (n * 48 + c * 16 + y * 4 + x) as f32);
    let mut npy = Vec::new();
    values.write_npy(&mut npy).unwrap();
    let mut fortran = Vec::new();
    let turned = Array4::from_shape_fn((2, 3, 4, 4).f(), |(n, c, y, x)| (n + c * 2 + y + x) as f32);
    turned.write_npy(&mut fortran).unwrap();
    let mut labels = Vec::new();
    array![1_i64, 2].write_npy(&mut labels).unwrap();
    let packed = |compressed: bool| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = if compressed { NpzWriter::new_compressed(&mut bytes) } else { NpzWriter::new(&mut bytes) };
        writer.add_array("x", &values).unwrap();
        writer.add_array("labels", &array![0_i64, 1]).unwrap();
        writer.finish().unwrap();
        bytes.into_inner()
    };
    let mut found = Vec::new();
    for (what, whole) in [("a.npy", &npy), ("f.npy", &fortran), ("a.npz", &packed(false)), ("z.npz", &packed(true))] {
        found.extend(panics(what, whole, |bytes| open_data(&files.put(what, bytes), &pictures)));
    }
    files.put("folder/0.npy", &npy);
    let folder = files.0.path().join("folder");
    found.extend(panics("labels.npy", &labels, |bytes| {
        files.put("folder/labels.npy", bytes);
        open_data(&folder, &pictures)
    }));
    found
}

fn pictures(files: &Files) -> Vec<String> {
    let inputs = [input("x", ElementType::Float32, &[-1, 3, 8, 8])];
    let picture = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([20, if x > y { 200 } else { 3 }, 90]));
    let mut found = Vec::new();
    for (name, format) in [
        ("p.png", image::ImageFormat::Png),
        ("p.jpg", image::ImageFormat::Jpeg),
        ("p.bmp", image::ImageFormat::Bmp),
        ("p.webp", image::ImageFormat::WebP),
    ] {
        let mut whole = std::io::Cursor::new(Vec::new());
        if image::DynamicImage::from(picture.clone()).write_to(&mut whole, format).is_err() {
            continue;
        }
        let folder = files.0.path().join(format!("of {name}"));
        found.extend(panics(name, &whole.into_inner(), |bytes| {
            files.put(&format!("of {name}/{name}"), bytes);
            open_data(&folder, &inputs)
        }));
    }
    let table = b"file,label\np.png,cat\n\"q.png\",dog\n";
    let folder = files.0.path().join("labelled");
    for name in ["p.png", "q.png"] {
        std::fs::create_dir_all(&folder).unwrap();
        picture.save(folder.join(name)).unwrap();
    }
    found.extend(panics("labels.csv", table, |bytes| {
        files.put("labelled/labels.csv", bytes);
        open_data(&folder, &inputs)
    }));
    found
}

/// A `TensorProto` of two float32, as test sets hold them.
fn test_sets(files: &Files) -> Vec<String> {
    let inputs = [input("x", ElementType::Float32, &[1, 2])];
    // dims [1, 2], data_type 1, name "x", raw_data of eight bytes.
    let proto = b"\x08\x01\x08\x02\x10\x01\x42\x01x\x4a\x08\0\0\x80\x3f\0\0\0\x40";
    let folder = files.0.path().join("sets");
    panics("input_0.pb", proto, |bytes| {
        files.put("sets/test_data_set_0/input_0.pb", bytes);
        open_data(&folder, &inputs)
    })
}

fn texts(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    let target = Target::builtin_toml("dsp-pow2").unwrap().replace("dsp-pow2", "own");
    let target = target.as_bytes();
    found.extend(panics("target", target, |bytes| Target::from_toml(&text(bytes), "t.toml").is_ok()));
    let recipe = b"preset = \"imagenet\"\nname = \"own\"\nsize = [224, 224]\nresize = \"shorter-side\"\nshorter_side = 256\n\
                  layout = \"NCHW\"\nchannels = \"RGB\"\nscale = 0.0039\nmean = [0.4, 0.4, 0.4]\nstd = [0.2, 0.2, 0.2]\n";
    found.extend(panics("recipe", recipe, |bytes| {
        let Ok(recipe) = Recipe::from_toml(&text(bytes), "r.toml") else { return false };
        let _ = recipe.fitted(&input("x", ElementType::Float32, &[-1, 0, 0, 3]));
        recipe.fitted(&input("x", ElementType::Float32, &[-1, 3, 224, 224])).is_ok()
    }));
    let mut config = QuantConfig::default();
    config.defaults.weight_bits = Some(Bits::Int(4));
    config.edit_layer("b", |s| {
        (s.method, s.range, s.percentile) = (Some(Method::Manual), Some(Range { low: -1.0, high: 2.5 }), Some(99.9));
        s.granularity = Some(Granularity::PerGroup(32));
    });
    let settings = config.layers["b"].clone();
    config.rules.push(Rule { op: Some("Conv".into()), name: Some("a/*?".into()), settings });
    let config = config.to_json();
    found.extend(panics("config", config.as_bytes(), |bytes| {
        let Ok((config, _)) = QuantConfig::from_file(&text(bytes), "c.json") else { return false };
        let _ = config.settings_for("a/xyz", "Conv");
        !config.to_json().is_empty()
    }));
    let session = SessionFile::of(&quantlens::testing::branched_document(5)).unwrap().to_json();
    found.extend(panics("session", session.as_bytes(), |bytes| {
        SessionFile::read(&files.put("a.qlsession", bytes)).is_ok()
    }));
    for (name, whole) in [
        ("vocab.txt", &b"[PAD]\n[CLS]\nquant\n##ize\n\nall\n##\n"[..]),
        ("tokenizer.json", br#"{"model":{"type":"BPE","vocab":{"so":0,"\u0120well":1},"merges":[]},"added_tokens":[{"id":2,"content":"<s>"}]}"#),
        ("tokenizer.json", br#"{"model":{"type":"Unigram","vocab":[["<unk>",0.0],["\u2581so",-1.5]]}}"#),
    ] {
        found.extend(panics(name, whole, |bytes| {
            let Ok(words) = Vocabulary::read(&files.put(name, bytes)) else { return false };
            let _ = words.text(&[0, 1, 2, -1, i128::MAX]);
            true
        }));
    }
    for whole in [&b"cat\ndog\n"[..], b"n01440764 tench\nn01443537 goldfish\n", b"2 dog\n0 tabby cat\n"] {
        found.extend(panics("classes", whole, |bytes| ClassNames::read(&files.put("classes.txt", bytes)).is_ok()));
    }
    let filter = "conv op:Conv* bits:4 sqnr<20dB clip>1% size>=2.5M -name is:edited at:4..12 \"a b\"";
    found.extend(panics("filter", filter.as_bytes(), |bytes| Query::parse(&text(bytes)).is_ok()));
    found
}

#[test]
fn a_damaged_file_is_an_error_or_a_value() {
    let files = Files(tempfile::tempdir().unwrap());
    let before = peak_bytes();
    // A panic that is caught needs no trace; what failed is listed at the end.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let mut found = numpy_files(&files);
    found.extend(pictures(&files));
    found.extend(test_sets(&files));
    found.extend(texts(&files));
    let small = small_model();
    found.extend(panics("model", &small, model));
    std::panic::set_hook(hook);
    found.dedup_by_key(|text| text.split(':').next().map(str::to_owned));
    assert!(found.is_empty(), "{} panics: {found:#?}", found.len());
    if let (Some(before), Some(after)) = (before, peak_bytes()) {
        assert!(after - before < MOST_BYTES, "took {} MiB", (after - before) >> 20);
    }
}
