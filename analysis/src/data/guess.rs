//! A first recipe for a model nobody has described, with the reason that the window shows beside it.
//!
//! The shape says how large and in which order; it cannot say how the pixels were scaled. That part is a convention of the
//! model families that use such shapes, so a guess is never used in silence, and *Try recipes* puts it to the test.

use super::{
    picture::{Layout, PictureShape},
    recipe::{Recipe, Resize},
};
use crate::{
    say,
    tensor::{ElementType, ModelInput},
    text::Text,
};

/// What is known beside the input itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The model's file name, graph name or producer, as one text.
    pub model_name: Option<&'a str>,
}

/// A guess with what [`Recipe::guess`] leaves out.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    pub(super) recipe: Recipe,
    pub(super) reason: Text,
    /// Whether nearly every model of this shape is like this, so that data far off its range deserve a banner.
    pub(super) confident: bool,
}

impl Recipe {
    /// The likeliest recipe for `input` and why; `raw` for inputs that take no pictures.
    pub fn guess(input: &ModelInput, hints: Hints<'_>) -> (Self, Text) {
        let guess = guess(input, hints);
        (guess.recipe, guess.reason)
    }
}

pub(super) fn guess(input: &ModelInput, hints: Hints<'_>) -> Guess {
    let Some(shape) = PictureShape::of(input, None) else {
        return made("raw", None, say!("the input takes no pictures"), false);
    };
    if !matches!(
        input.element_type,
        ElementType::Float32 | ElementType::Float16 | ElementType::Float64 | ElementType::BFloat16
    ) {
        return made("raw", None, say!("{} inputs take pixels as they are", input.element_type.name()), true);
    }
    by_name(input, hints).unwrap_or_else(|| by_shape(&shape))
}

/// Families known by name.
fn by_name(input: &ModelInput, hints: Hints<'_>) -> Option<Guess> {
    let name = hints.model_name.unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    let because = |what: Text| say!("the model's name ({})", what);
    if has(&["ultraface", "version-rfb", "version-slim"]) {
        let mut guess =
            made("raw", Some(Resize::Stretch), because(say!("Ultra-Light face detectors take (x-127)/128")), true);
        guess.recipe = Recipe { name: "ultraface".to_owned(), mean: vec![127.0], std: vec![128.0], ..guess.recipe };
        return Some(guess);
    }
    if has(&["yolo"]) {
        return Some(made(
            "0-1",
            Some(Resize::Letterbox { fill: 114 }),
            because(say!("YOLO takes 0…1, letterboxed")),
            true,
        ));
    }
    if has(&["caffe"]) {
        return Some(made("imagenet-caffe", None, because(say!("Caffe models take BGR less the mean colour")), true));
    }
    // CNTK's MNIST of the model zoo calls its input so and divides inside the graph.
    if input.name == "Input3" {
        return Some(made("raw", None, say!("the input's name (the model zoo's MNIST takes 0…255)"), true));
    }
    None
}

/// What models of this shape usually take.
fn by_shape(shape: &PictureShape) -> Guess {
    let side = shape.width.unwrap_or(224).min(shape.height.unwrap_or(224));
    let square = shape.width == shape.height;
    if shape.channels == Some(1) {
        return made("0-1", None, say!("one channel, float: usually 0…1"), false);
    }
    if side < 96 {
        return made("0-1", None, say!("colour pictures of {} pixels: usually 0…1", side), false);
    }
    match shape.layout {
        Layout::Nhwc => made(
            "-1-1",
            Some(Resize::ShorterSide(256)),
            say!("channels last: TensorFlow models usually take −1…1"),
            false,
        ),
        Layout::Nchw if square => {
            let reason = say!("three channels first, {}×{}: usually an ImageNet classifier", side, side);
            made("imagenet", None, reason, shape.width.is_some())
        }
        Layout::Nchw => {
            made("0-1", None, say!("not square: usually a detector that takes the stretched picture, 0…1"), false)
        }
    }
}

fn made(preset: &str, resize: Option<Resize>, reason: Text, confident: bool) -> Guess {
    // Every name passed here is a preset; "raw" is the empty recipe and stands in for none.
    let mut recipe = Recipe::preset(preset).unwrap_or(Recipe {
        name: "raw".to_owned(),
        size: None,
        resize: Resize::Stretch,
        layout: None,
        array_layout: None,
        channels: None,
        scale: 1.0,
        mean: Vec::new(),
        std: Vec::new(),
    });
    recipe.resize = resize.unwrap_or(recipe.resize);
    Guess { recipe, reason, confident }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;

    #[test]
    fn known_shapes_and_names() {
        let name = |dims: &[i64], model: &str| {
            let (recipe, reason) =
                Recipe::guess(&input("x", ElementType::Float32, dims), Hints { model_name: Some(model) });
            assert!(!reason.is_empty());
            recipe.name
        };
        assert_eq!(name(&[-1, 3, 224, 224], "squeezenet1.1"), "imagenet");
        assert_eq!(name(&[-1, 224, 224, 3], "mobilenet_v2"), "-1-1");
        assert_eq!(name(&[-1, 1, 8, 8], "digits"), "0-1");
        assert_eq!(name(&[1, 3, 240, 320], "ultraface_rfb_320"), "ultraface");
        assert_eq!(name(&[1, 3, 640, 640], "yolov8n"), "0-1");
        assert_eq!(name(&[-1, 30, 1, 40], "str_ww"), "raw");
        let (mnist, _) = Recipe::guess(&input("Input3", ElementType::Float32, &[1, 1, 28, 28]), Hints::default());
        assert_eq!(mnist.name, "raw");
        let (bytes, reason) = Recipe::guess(&input("x", ElementType::Uint8, &[1, 3, 224, 224]), Hints::default());
        assert_eq!((bytes.name.as_str(), reason.as_str()), ("raw", "uint8 inputs take pixels as they are"));
    }

    #[test]
    fn every_guess_fits_its_own_input() {
        for dims in [[-1, 3, 224, 224], [-1, 224, 224, 3], [-1, 1, 28, 28], [1, 3, 240, 320], [-1, -1, -1, -1]] {
            let x = input("x", ElementType::Float32, &dims);
            let (recipe, _) = Recipe::guess(&x, Hints::default());
            recipe.fitted(&x).unwrap();
        }
    }
}
