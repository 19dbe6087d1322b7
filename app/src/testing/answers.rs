//! Answers, previews and feature maps of the fixture: every fifth sample flips, its picture is a slope.

use image::{Rgb, RgbImage};
use quantlens_analysis::{
    data::info::{Preview, PreviewInput},
    report::{Answers, Choice, Decision, FeatureMaps, SampleAnswer, SampleEnergy},
};

/// Ten classes; of every fifth sample the quantized run picks the next one. Two in three of these break.
pub fn answers(samples: usize) -> Answers {
    let answer = |index: usize| {
        let is_flipped = index.is_multiple_of(5);
        let class = index % 10;
        let choice = |class, confidence| Choice { class: Some(class), confidence, margin: 2.0 * confidence - 1.0 };
        SampleAnswer {
            index,
            label: Some(if index % 15 == 10 { (class + 1) % 10 } else { class }),
            error: Some(SampleEnergy { signal: 100.0, noise: 1.0 + index as f64 }),
            decision: Some(Decision {
                float: choice(class, 0.99 - 0.01 * (index % 40) as f64),
                quantized: choice(if is_flipped { (class + 1) % 10 } else { class }, 0.6),
                decisions: 1,
                flipped: usize::from(is_flipped),
            }),
        }
    };
    Answers { output: "logits".into(), has_classes: true, classes: 10, samples: (0..samples).map(answer).collect() }
}

/// A picture that differs from sample to sample.
pub fn preview(sample: usize) -> Preview {
    let shade = |value: usize| u8::try_from(value % 256).unwrap_or(0);
    let slope = |x: u32, y: u32| {
        let (x, y) = (x as usize, y as usize);
        Rgb([shade(8 * x + 16 * sample), shade(8 * y), shade(4 * (x + y))])
    };
    let picture = RgbImage::from_fn(32, 32, slope);
    let input = PreviewInput {
        input: "image".into(),
        shape: vec![1, 3, 32, 32],
        low: 0.0,
        high: 1.0,
        picture: Some(picture.clone()),
        first: vec![0.0, 0.25],
        shading: None,
        text: None,
    };
    Preview {
        name: format!("sample {sample}").into(),
        label: Some(sample % 10),
        source: Some(picture),
        inputs: vec![input],
    }
}

/// Twelve channels of 16×16 values, the last one with an error that the others do not have.
pub fn maps(layer: &str, sample: usize) -> FeatureMaps {
    let value = |i: usize| ((i % 16) as f32 - 8.0) * ((i / 256) as f32 + 1.0) / 8.0;
    let float: Vec<f32> = (0..12 * 256).map(value).collect();
    let error = |i: usize| if i >= 11 * 256 { 0.4 * (i % 3) as f32 } else { 0.02 * (i % 2) as f32 };
    let quantized: Vec<f32> = float.iter().enumerate().map(|(i, v)| v + error(i)).collect();
    let none = FeatureMaps::none(layer, sample, format!("sample {sample}").into(), "");
    none.with_values(&format!("{layer}_out"), vec![1, 12, 16, 16], &float, &quantized)
}
