//! Checks, float sanity and *Try recipes*, with small functions in the place of a model.

use std::fs;

use ndarray::{Array4, array};

use super::{
    testing::{input, npz, open, plain},
    *,
};
use crate::{
    error::{Error, Result},
    tensor::ElementType,
};

const F32: ElementType = ElementType::Float32;

#[test]
fn checks_count_and_warn() {
    let rows = array![[1.0_f32, 3.0], [5.0, 5.0], [1.0, 3.0]];
    let (_folder, path) = npz! { "x": rows };
    let checked = check(&open(&path, &[input("x", F32, &[-1, 2])]).unwrap(), 10).unwrap();
    // Mean (1+3+5+5+1+3)/6 = 3; squares 1+9+25+25+1+9 = 70, 70/6 − 9 = 8/3.
    let stats = checked.inputs[0].values.unwrap();
    assert_eq!((stats.min, stats.max, stats.mean), (1.0, 5.0, 3.0));
    assert!((stats.deviation - (8.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    let codes: Vec<&str> = checked.banners.iter().map(|b| b.code.as_str()).collect();
    assert_eq!(codes, ["data-constant", "data-identical"]);
    assert!(checked.banners[0].message.contains("the first is 1") && checked.banners[1].message.contains("2 (as 0)"));
}

#[test]
fn pixels_in_a_model_of_normalised_pictures() {
    let pictures = Array4::from_shape_fn((1, 3, 96, 96), |(_, c, h, w)| u8::try_from((c * 80 + h + w) % 256).unwrap());
    let (_folder, path) = npz! { "x": pictures };
    let inputs = [input("x", F32, &[-1, 3, 96, 96])];
    let data = open(&path, &inputs).unwrap();
    let checked = check(&data, 1).unwrap();
    assert_eq!(checked.banners[0].code, "data-range", "{:?}", checked.banners);
    assert_eq!(checked.inputs[0].channels.len(), 3);
    // Channel 0 runs from 0 to 190, h and w average 47.5 each.
    let red = checked.inputs[0].channels[0];
    assert_eq!((red.min, red.max, red.mean), (0.0, 190.0, 95.0));
    let right = data.with_recipe(Recipe::preset("imagenet").as_ref()).unwrap();
    assert!(check(&right, 1).unwrap().banners.is_empty());
}

/// A model that knows red from blue when fed RGB in 0…1: its scores are the means of the channels, ten times.
fn colour_model(sample: &Sample) -> Result<Vec<f32>> {
    let values = sample.tensors[0].as_f32().unwrap();
    let mean = |c: usize| values[c * 64..(c + 1) * 64].iter().sum::<f32>() / 64.0;
    // Out of its range it saturates to the same answer.
    if values.iter().any(|v| *v > 1.5 || *v < -0.5) {
        return Ok(vec![0.0, 1.0, 0.0]);
    }
    Ok((0..3).map(|c| 10.0 * mean(c)).collect())
}

fn colours() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, colour) in [("0", [200, 10, 30]), ("2", [20, 0, 180])] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for k in 0..4 {
            plain(&folder.path().join(format!("{class}/{k}.png")), colour.map(|v| v + k));
        }
    }
    folder
}

#[test]
fn float_sanity_counts_and_names() {
    let folder = colours();
    fs::write(folder.path().join("names.txt"), "red\ngreen\nblue\n").unwrap();
    let data = open(folder.path(), &[input("x", F32, &[-1, 3, 8, 8])]).unwrap();
    let sanity = float_sanity(&data, 8, data.class_names(), &mut colour_model).unwrap();
    assert_eq!(sanity.accuracy, Some(Share { hits: 8, total: 8 }));
    let best = &sanity.rows[0].top[0];
    assert_eq!((best.class, best.name.as_deref(), sanity.rows[0].label), (0, Some("red"), Some(0)));
    // Logits 2000/255, 100/255, 300/255: 1/(1 + e^(−1900/255) + e^(−1700/255)).
    let expected = 1.0 / (1.0 + (-1900.0_f64 / 255.0).exp() + (-1700.0_f64 / 255.0).exp());
    assert!((best.confidence - expected).abs() < 1e-6, "{best:?}");
    assert!(sanity.banners.is_empty());
    // Three names say nothing of two classes.
    let wrong = float_sanity(&data, 8, data.class_names(), &mut |_| Ok(vec![1.0, 0.0])).unwrap();
    assert!(wrong.rows.iter().flat_map(|row| &row.top).all(|score| score.name.is_none()));
    let codes: Vec<&str> = wrong.banners.iter().map(|b| b.code.as_str()).collect();
    assert_eq!(codes, ["accuracy-chance", "labels-range"]);
    assert!(float_sanity(&data, 8, None, &mut |_| Ok(vec![1.0])).is_err());
    assert!(matches!(float_sanity(&data, 8, None, &mut |_| Err(Error::Cancelled)), Err(Error::Cancelled)));
}

#[test]
fn the_right_recipe_wins() {
    let folder = colours();
    let inputs = [input("x", F32, &[-1, 3, 8, 8])];
    let data = open(folder.path(), &inputs).unwrap();
    let result = try_recipes(&data, &mut colour_model).unwrap();
    let best = &result.trials[0];
    assert_eq!(
        (best.name.as_str(), best.accuracy, best.is_current),
        ("0-1 RGB", Some(Share { hits: 8, total: 8 }), true)
    );
    assert_eq!((result.basis, result.samples, result.trials.len()), (TrialBasis::Accuracy, 8, 10));
    assert_eq!(result.trials.iter().filter(|t| t.is_current).count(), 1);
    let swapped = result.trials.iter().find(|t| t.name == "0-1 BGR").unwrap();
    assert_eq!(swapped.accuracy.unwrap().hits, 0);
    // An own recipe is among them and marked.
    let own = Recipe { std: vec![1.01], ..Recipe::preset("0-1").unwrap() };
    let result = try_recipes(&data.with_recipe(Some(&own)).unwrap(), &mut colour_model).unwrap();
    assert_eq!((result.trials.len(), result.trials.iter().filter(|t| t.is_current).count()), (11, 1));
    // Without labels it is a hint.
    fs::rename(folder.path().join("0"), folder.path().join("zero")).unwrap();
    let data = open(folder.path(), &inputs).unwrap();
    let result = try_recipes(&data, &mut colour_model).unwrap();
    assert!(result.basis == TrialBasis::Confidence && result.basis.note().contains("not a proof"));
    assert!(result.trials.windows(2).all(|t| t[0].confidence >= t[1].confidence));
}

#[test]
fn recipes_are_tried_on_pixel_arrays_only() {
    let (_folder, path) = npz! { "x": Array4::<u8>::from_elem((2, 3, 8, 8), 200), "y": array![1_i64, 1] };
    let inputs = [input("x", F32, &[-1, 3, 8, 8])];
    let result = try_recipes(&open(&path, &inputs).unwrap(), &mut colour_model).unwrap();
    // Bare arrays are what the raw recipe makes of them; out of range the model says class 1, which is right here.
    let current = result.trials.iter().find(|t| t.is_current).unwrap();
    assert_eq!((current.name.as_str(), current.accuracy.unwrap().hits), ("raw RGB", 2));
    let (_folder, path) = npz! { "x": Array4::<f32>::from_elem((2, 3, 8, 8), 0.5) };
    let error = try_recipes(&open(&path, &inputs).unwrap(), &mut colour_model).unwrap_err().to_string();
    assert!(error.contains("preprocessed already"), "{error}");
}
