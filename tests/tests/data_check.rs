//! Wrong preprocessing of a real model: which mistakes the Data page flags, and which it cannot. Swapped channels and a
//! missing mean cost this model 4 and 11 of 54 right answers: too little for an alarm, and plain in "Try recipes".

use quantlens_analysis::data::{Channels, DataOptions, DataSource, LabelOptions, Recipe, info::DataInfo};
use quantlens_tests::core::{open, quietly, shared};

const TEST: &str = "wrong_preprocessing_is_flagged_where_it_can_be";
/// The model's classes in its own order.
const CLASSES: [&str; 8] = [
    "bird",
    "fish_reptile_amphibian",
    "invertebrate",
    "dog",
    "other_mammal",
    "food_plant_nature",
    "vehicle",
    "artifact",
];

fn look(what: &str, recipe: &Recipe) -> Option<(DataInfo, usize)> {
    let model = shared(TEST, "models/models/mobilenetv2_bn_coarse8.onnx")?;
    let images = shared(TEST, "models/images")?;
    let mut workbench = open(&model, None).expect("the model opens");
    let options = DataOptions {
        recipe: Some(recipe.clone()),
        limit: Some(96),
        labels: LabelOptions {
            column: Some("coarse8".into()),
            classes: Some(CLASSES.iter().map(|c| (*c).to_owned()).collect()),
        },
        model_name: None,
        ..DataOptions::default()
    };
    let info = quietly(|job| workbench.set_data_checked(&DataSource::Path(images), &options, None, job));
    let info = info.expect("the data fit");
    let sanity = info.sanity.clone().expect("the model has class scores");
    let accuracy = sanity.accuracy.expect("the photos are labelled");
    let codes = info.check.banners.iter().chain(&sanity.banners).map(|b| b.code.as_str());
    println!("{what}: {accuracy:?}, confidence {:.2}, flagged {:?}", sanity.mean_confidence, codes.collect::<Vec<_>>());
    let right = accuracy.hits;
    Some(((*info).clone(), right))
}

#[test]
fn wrong_preprocessing_is_flagged_where_it_can_be() {
    let imagenet = Recipe::preset("imagenet").unwrap();
    let Some((_, right)) = look("imagenet", &imagenet) else { return };
    let swapped = imagenet.clone().with_channels(Channels::Bgr);
    let bare = Recipe { mean: Vec::new(), std: Vec::new(), ..imagenet.clone() };
    let large = Recipe { scale: 1.0, mean: Vec::new(), std: Vec::new(), ..imagenet.clone() };
    let (_, after_swap) = look("channels swapped", &swapped).unwrap();
    let (_, without_mean) = look("no mean, no deviation", &bare).unwrap();
    let (times_255, after_large) = look("values times 255", &large).unwrap();
    assert!(right >= after_swap && right >= without_mean && right > after_large);
    let flagged = |info: &DataInfo| {
        let sanity = info.sanity.as_ref().map(|s| s.banners.clone()).unwrap_or_default();
        !info.check.banners.is_empty() || !sanity.is_empty()
    };
    assert!(flagged(&times_255), "values 255 times too large leave the model near chance");
}
