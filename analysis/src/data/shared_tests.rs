//! The room on the real development data, against numbers that others computed. Skipped where the data are not checked out.

use std::{collections::BTreeMap, fs};

use super::{
    testing::{input, shared},
    *,
};
use crate::tensor::{Dim, ElementType, ModelInput, TensorData};

const F32: ElementType = ElementType::Float32;

fn open(path: &std::path::Path, inputs: &[ModelInput], options: &DataOptions) -> Dataset {
    Dataset::open_with(&DataSource::Path(path.to_owned()), inputs, options).unwrap()
}

/// The largest and the mean difference in pixel levels between a sample and what Pillow made of the same file.
fn difference(ours: &[f32], theirs: &[f32], levels: f32) -> (f32, f32) {
    assert_eq!(ours.len(), theirs.len());
    let off = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() * levels);
    let (max, sum) = off.fold((0.0_f32, 0.0_f32), |(m, s), d| (m.max(d), s + d));
    (max, sum / ours.len() as f32)
}

#[test]
fn imagenet_pictures_as_others_prepared_them() {
    let (Some(images), Some(golden), Some(list)) = (
        shared("imagenet_pictures", "models/images/imagenet"),
        shared("imagenet_pictures", "golden/inputs_imagenet224.npz"),
        shared("imagenet_pictures", "golden/images.json"),
    ) else {
        return;
    };
    let inputs = [input("data", F32, &[-1, 3, 224, 224])];
    let ours = open(&images, &inputs, &DataOptions::default());
    assert_eq!(
        (ours.len(), ours.labels().map(<[_]>::len), ours.recipe().unwrap().recipe.name.as_str()),
        (64, Some(64), "imagenet")
    );
    let theirs = open(&golden, &[input("input", F32, &[-1, 3, 224, 224])], &DataOptions::default());
    let list: serde_json::Value = serde_json::from_str(&fs::read_to_string(list).unwrap()).unwrap();
    let names: BTreeMap<String, usize> = (0..ours.len()).map(|i| (ours.name(i).into(), i)).collect();
    let mut compared = 0;
    for (k, name) in list["files"].as_array().unwrap().iter().take(theirs.len()).enumerate() {
        let Some(&i) = names.get(name.as_str().unwrap()) else { continue };
        let (a, b) = (ours.sample(i).unwrap(), theirs.sample(k).unwrap());
        // One level of the red channel is 1/(255·0.229) = 0.0171.
        let (max, mean) = difference(a.tensors[0].as_f32().unwrap(), b.tensors[0].as_f32().unwrap(), 255.0 * 0.229);
        // The JPEG decoders differ by up to 3 levels, the resampling by 1: at most 4 over all 64 files when compared with Pillow.
        assert!(max <= 4.01 && mean < 0.5, "{name}: {max} levels at most, {mean} on average");
        compared += 1;
    }
    assert!(compared > 0, "no picture is in both sets");
}

#[test]
fn a_png_as_pillow_resizes_it() {
    let Some(path) = shared("a_png_as_pillow_resizes_it", "models/images/open/astronaut.png") else { return };
    let recipe = Recipe::preset("raw").unwrap();
    let options = DataOptions { recipe: Some(recipe), ..DataOptions::default() };
    let data = open(&path, &[input("x", F32, &[1, 240, 320, 3])], &options);
    let tensor = data.sample(0).unwrap().tensors.remove(0);
    let values = tensor.as_f32().unwrap();
    // Pillow 512×512 → 320×240, bilinear. Its two passes round to 8 bits in between, so single values differ by 1 level
    // (12 % of them do); the means agree to 0.01.
    let pillow = [(0, 0, [158, 152, 157]), (100, 200, [224, 217, 217]), (239, 319, [0, 0, 0])];
    for (y, x, colour) in pillow {
        let ours = &values[(y * 320 + x) * 3..][..3];
        assert!(ours.iter().zip(colour).all(|(a, b)| (a - b as f32).abs() <= 1.0), "({y},{x}): {ours:?}");
    }
    let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
    assert!((sum - 26_404_933.0).abs() / 230_400.0 < 0.02, "{sum}");
}

#[test]
fn labels_of_the_open_pictures() {
    let Some(images) = shared("labels_of_the_open_pictures", "models/images") else { return };
    let inputs = [input("data", F32, &[-1, 3, 224, 224])];
    let order = [
        "bird",
        "fish_reptile_amphibian",
        "invertebrate",
        "dog",
        "other_mammal",
        "food_plant_nature",
        "vehicle",
        "artifact",
    ];
    let labels = LabelOptions { column: Some("coarse8".to_owned()), classes: Some(order.map(str::to_owned).to_vec()) };
    let data = open(&images, &inputs, &DataOptions { labels, ..DataOptions::default() });
    assert_eq!(data.len(), 96);
    let of = |name: &str| {
        (0..data.len()).find(|&i| data.name(i).ends_with(name)).and_then(|i| data.sample(i).unwrap().label)
    };
    assert_eq!(
        (of("people_soccer.jpg"), of("dog_golden_retriever_puppy.jpg"), of("cat_kitten.jpg")),
        (Some(7), Some(3), None)
    );
    // Without options the first integer column is ImageNet's.
    let data = open(&images.join("open"), &inputs, &DataOptions::default());
    let of = |name: &str| (0..data.len()).find(|&i| data.name(i) == name).and_then(|i| data.sample(i).unwrap().label);
    assert_eq!((of("people_soccer.jpg"), of("cat_kitten.jpg")), (Some(805), None));
    assert_eq!(data.class_names().and_then(|n| n.get(805)), Some("soccer_ball"));
}

#[test]
fn digits_and_features() {
    let Some(models) = shared("digits_and_features", "models") else { return };
    let mnist = [input("Input3", F32, &[1, 1, 28, 28])];
    let data = open(&models.join("data/mnist_dev.npz"), &mnist, &DataOptions::default());
    assert_eq!(
        (data.len(), data.labels().map(<[_]>::len), data.feeds()[0].shape.clone()),
        (500, Some(500), vec![1, 1, 28, 28])
    );
    assert!(check(&data, 32).unwrap().banners.is_empty());
    let folder = open(&models.join("data/mnist_png"), &mnist, &DataOptions::default());
    assert_eq!((folder.len(), folder.recipe().unwrap().recipe.name.as_str()), (60, "raw"));
    // The PNG files are rows of the archive: 0/0003.png is row 3, pixel for pixel.
    for i in 0..folder.len() {
        let sample = folder.sample(i).unwrap();
        let row: usize = sample.name[2..6].parse().unwrap();
        let same = data.sample(row).unwrap();
        assert_eq!((&sample.tensors, sample.label), (&same.tensors, same.label), "{}", sample.name);
    }
    let features = [input("input", F32, &[-1, 30, 1, 40])];
    let data = open(&models.join("data/str_ww_dev.npz"), &features, &DataOptions::default());
    assert_eq!((data.len(), data.labels().map(<[_]>::len), data.recipe()), (45, Some(45), None));
    let digits = [input("image", F32, &[-1, 1, 8, 8])];
    assert_eq!(open(&models.join("digits/digits_calib.npz"), &digits, &DataOptions::default()).len(), 128);
}

#[test]
fn cifar_channels_last() {
    let Some(path) = shared("cifar_channels_last", "models/data/cifar10_dev.npz") else { return };
    let last = [input("input", F32, &[-1, 32, 32, 3])];
    let plain = open(&path, &last, &DataOptions::default());
    assert_eq!((plain.len(), plain.feeds()[0].note.as_str()), (200, "uint8 cast to float32 (no value changed)"));
    let first = [input("input", F32, &[-1, 3, 32, 32])];
    let refused = Dataset::open(&DataSource::Path(path.clone()), &first, None, None).unwrap_err().to_string();
    assert!(refused.contains("array_layout = \"NHWC\""), "{refused}");
    let recipe = Recipe { array_layout: Some(Layout::Nhwc), ..Recipe::preset("raw").unwrap() };
    let turned = open(&path, &first, &DataOptions { recipe: Some(recipe), ..DataOptions::default() });
    let (a, b) = (plain.sample(7).unwrap(), turned.sample(7).unwrap());
    let (a, b) = (a.tensors[0].as_f32().unwrap(), b.tensors[0].as_f32().unwrap());
    assert!((0..1024).all(|i| (0..3).all(|c| a[3 * i + c] == b[1024 * c + i])));
}

#[test]
fn faces_with_their_recipe() {
    let Some(path) = shared("faces_with_their_recipe", "golden/inputs_ultraface_u8.npz") else { return };
    let inputs = [input("input", F32, &[1, 3, 240, 320])];
    let bare = open(&path, &inputs, &DataOptions { limit: Some(4), ..DataOptions::default() });
    let (recipe, _) = Recipe::guess(&inputs[0], Hints { model_name: Some("ultraface_rfb_320.onnx") });
    let data = bare.with_recipe(Some(&recipe)).unwrap();
    let (raw, got) = (bare.sample(3).unwrap(), data.sample(3).unwrap());
    let (raw, got) = (raw.tensors[0].as_f32().unwrap(), got.tensors[0].as_f32().unwrap());
    assert!(raw.iter().zip(got).all(|(p, v)| (p - 127.0) / 128.0 == *v) && raw.iter().any(|p| *p != raw[0]));
}

#[test]
fn sentences_by_name() {
    let Some(path) = shared("sentences_by_name", "models/data/minilm_dev.npz") else { return };
    let dims = || Some(["batch", "seq"].map(|s| Dim::Symbolic(s.to_owned())).to_vec());
    let inputs = ["input_ids", "attention_mask", "token_type_ids"].map(|n| ModelInput {
        name: n.to_owned(),
        element_type: ElementType::Int64,
        dims: dims(),
    });
    let data = open(&path, &inputs, &DataOptions::default());
    let codes: Vec<&str> = data.warnings().iter().map(|w| w.code.as_str()).collect();
    assert_eq!((data.len(), data.labels(), codes), (48, None, vec!["data-array-unused"]));
    let sample = data.sample(47).unwrap();
    assert!(sample.tensors.iter().all(|t| t.shape == [1, 15]));
    let TensorData::Int64(mask) = &sample.tensors[1].data else { panic!("the mask is int64") };
    assert!(mask.iter().all(|m| *m == 0 || *m == 1) && mask[0] == 1);
    assert!(check(&data, 48).unwrap().inputs.iter().all(|i| i.non_finite == 0));
}
