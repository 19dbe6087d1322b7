//! The figure on curves of a few points.

use quantlens_analysis::{
    calibrate::{Flavour, RangeEffect},
    quant::{Codes, IntegerFormat, Scheme, Sign},
};

use super::*;
use crate::figure::Mark;

fn format(scheme: Scheme) -> IntegerFormat {
    IntegerFormat::onnxruntime(8, scheme, Sign::Signed, Codes::Full).unwrap()
}

fn choice(method: Method, low: f32, high: f32) -> RangeMark {
    RangeMark { method, range: Range::new(low, high), scale: 0.1, zero_point: 0, effect: None, note: None }
}

fn curve(side: Side, thresholds: &[f32], costs: &[f64], best: usize) -> Curve {
    Curve { side, thresholds: thresholds.to_vec(), costs: costs.to_vec(), best }
}

/// Values from −2 to 5: KL weighs the magnitude, percentile each end.
fn detail() -> ThresholdDetail {
    const ENDLESS: f64 = f64::INFINITY;
    let kl = curve(Side::Both, &[1.0, 2.0, 3.0, 4.0, 5.0], &[ENDLESS, ENDLESS, 0.3, 0.1, 0.2], 3);
    let low = curve(Side::Low, &[-2.0, -1.0, 0.0], &[0.0, 0.01, 0.5], 1);
    let high = curve(Side::High, &[0.0, 3.0, 5.0], &[0.5, 0.01, 0.0], 1);
    let curves = |method, curves, level| MethodCurves { method, curves, unit: "nats", level, note: None };
    ThresholdDetail {
        tensor: "t".into(),
        owner: "a".into(),
        observed: Range::new(-2.0, 5.0),
        format: format(Scheme::Affine),
        curves: vec![
            curves(Method::Percentile, vec![low, high], Some(0.02)),
            curves(Method::Kl, vec![kl], None),
            MethodCurves { method: Method::Entropy, curves: Vec::new(), unit: "nats", level: None, note: None },
        ],
        choices: vec![
            choice(Method::MinMax, -2.0, 5.0),
            choice(Method::Percentile, -1.0, 3.0),
            choice(Method::Kl, -2.0, 4.0),
        ],
        current: choice(Method::MinMax, -2.0, 5.0),
        bin_width: 0.01,
        values: 100,
        histogram: None,
    }
}

fn spec(detail: &ThresholdDetail, method: Method, current: &RangeMark) -> FigureSpec {
    threshold_spec(ThresholdFacts { detail, method, current }, "t".into(), String::new()).unwrap()
}

fn labels(marks: &[Mark]) -> Vec<&str> {
    marks.iter().map(|m| m.label.as_str()).collect()
}

#[test]
fn every_choice_is_a_mark_and_the_one_in_use_is_on_top() {
    let detail = detail();
    let figure = spec(&detail, Method::Kl, &detail.current);
    assert_eq!(labels(&figure.marks), ["percentile 3.00", "KL 4.00", "in use: min–max 5.00"]);
    assert_eq!(figure.marks_by_rank().next().unwrap().ink, Ink::Current);
    assert_eq!(figure.summary, "In use: min–max, threshold 5.00 (cost 0.200); KL is lowest at 4.00 (cost 0.100)");
}

#[test]
fn choices_on_one_pixel_are_one_mark_that_names_them() {
    let mut detail = detail();
    detail.choices.push(choice(Method::Flavour(Flavour::OrtMinMax), -2.0, 5.0));
    detail.choices.push(choice(Method::Flavour(Flavour::TensorRt), -4.0, 4.0));
    // 5.15 wide, of which 0.4 % is 0.0206: 4.01 is near 4, 4.03 is not.
    detail.choices.push(choice(Method::Flavour(Flavour::PpqKl), -4.01, 4.01));
    detail.choices.push(choice(Method::Flavour(Flavour::PpqMse), -4.03, 4.03));
    let figure = spec(&detail, Method::Kl, &detail.current);
    assert_eq!(
        labels(&figure.marks),
        ["percentile 3.00", "KL ≈ TensorRT + 1 more, 4.00", "PPQ mse 4.03", "in use: min–max = ORT MinMax 5.00"]
    );
    assert_eq!(figure.marks[2].stroke, Stroke::Dotted, "another tool's alone");
}

#[test]
fn one_threshold_has_one_handle_and_two_ends_have_two() {
    let detail = detail();
    let figure = spec(&detail, Method::Kl, &detail.current);
    let all = |handles: &[Handle]| -> Vec<(&str, f32, (f32, f32))> {
        handles.iter().map(|h| (h.name, h.value, h.limits)).collect()
    };
    assert_eq!(all(&figure.handles), [("Clipping threshold", 5.0, (0.01, 5.0))]);
    let figure = spec(&detail, Method::Percentile, &choice(Method::Manual, -1.5, 2.5));
    assert_eq!(all(&figure.handles), [("Lower end", -1.5, (-2.0, 0.0)), ("Upper end", 2.5, (0.0, 5.0))]);
    assert_eq!(figure.summary, "In use: manual, range −1.50 … 2.50; percentile cuts below at −1.00 and above at 3.00");
    let level = figure.series.iter().find(|s| matches!(s.shape, Shape::Level { .. })).unwrap();
    assert_eq!(level.name, "2.0\u{A0}% may lie beyond each end");
}

#[test]
fn an_end_without_values_has_neither_handle_nor_mark() {
    let detail = ThresholdDetail { observed: Range::new(0.0, 5.0), ..detail() };
    let figure = spec(&detail, Method::Percentile, &choice(Method::Manual, 0.0, 2.5));
    assert_eq!(figure.handles.len(), 1);
    assert!(figure.marks.iter().all(|mark| mark.x > 0.0));
}

#[test]
fn the_axis_holds_still_while_a_handle_moves_within_it() {
    let detail = detail();
    let bounds = |low, high| spec(&detail, Method::Percentile, &choice(Method::Manual, low, high)).x.bounds;
    assert_eq!(bounds(-2.0, 5.0), bounds(-0.3, 1.0));
    assert!(bounds(-2.0, 9.0).1 > 9.0, "a typed range beyond the data is shown");
}

#[test]
fn infinite_costs_are_one_shaded_gap() {
    let detail = detail();
    let figure = spec(&detail, Method::Kl, &detail.current);
    assert_eq!(figure.spans.len(), 1);
    assert_eq!((figure.spans[0].low, figure.spans[0].high), (0.0, 3.0));
    assert!(figure.y.bounds.1 < 1.0, "an infinite cost must not stretch the axis");
}

#[test]
fn a_curve_of_many_decades_is_logarithmic() {
    let mut wide = detail();
    wide.curves[1].curves[0].costs = vec![100.0, 1.0, 0.1, 0.01, 0.02];
    assert!(matches!(spec(&wide, Method::Kl, &wide.current).y.scale, Scale::Log { .. }));
}

#[test]
fn a_method_without_candidates_has_no_figure() {
    let detail = detail();
    let facts = ThresholdFacts { detail: &detail, method: Method::Entropy, current: &detail.current };
    assert!(threshold_spec(facts, "t".into(), String::new()).is_none());
}

/// A choice with this share clipped and this error; the signal's mean square is 1.
fn with_effect(mark: RangeMark, clipped_share: f64, mse: f64) -> RangeMark {
    let effect = RangeEffect { clipped_share, rounding_mse: mse, clipping_mse: 0.0, signal: 1.0 };
    RangeMark { effect: Some(effect), ..mark }
}

#[test]
fn the_answer_gives_both_reasons_and_the_difference() {
    let detail = detail();
    // Errors of 0.001 and 0.002 are 30.0 and 27.0 dB.
    let kl = with_effect(choice(Method::Kl, -2.0, 4.0), 0.0011, 0.001);
    let tensorrt = with_effect(choice(Method::Flavour(Flavour::TensorRt), -2.0, 3.0), 0.0235, 0.002);
    assert_eq!(
        why(&detail, &kl, &tensorrt),
        "KL keeps |r| ≤ 4.00, where its cost is lowest: 0.100 nats, against 0.300 for |r| ≤ 3.00. TensorRT-style \
         entropy keeps |r| ≤ 3.00: KL on |r| with 128 levels even for one-sided data, zeros left out, at least 128 of \
         2048 bins kept. There 2.4\u{A0}% of the values are clipped instead of 0.11\u{A0}%, and the SQNR is 27.0 instead \
         of 30.0 dB."
    );
    let percentile = with_effect(choice(Method::Percentile, -1.0, 3.0), 0.02, 0.002);
    let by_hand = with_effect(choice(Method::Manual, -1.5, 2.5), 0.0, 0.002);
    assert_eq!(
        why(&detail, &by_hand, &percentile),
        "The range set by hand keeps −1.50 … 2.50. Percentile keeps −1.00 … 3.00: beyond each end lie at most \
         2.0\u{A0}% of the values. There 2.0\u{A0}% of the values are clipped instead of 0\u{A0}%, and the SQNR is 27.0 dB \
         either way."
    );
}

#[test]
fn the_same_range_needs_no_comparison() {
    let detail = detail();
    let ort = choice(Method::Flavour(Flavour::OrtMinMax), -2.0, 5.0);
    assert_eq!(why(&detail, &detail.current, &ort), "Min–max keeps −2.00 … 5.00, and so does ONNX Runtime MinMax.");
    // Nothing is known of the error, and KL's cost at a threshold it has no finite one for is infinite.
    let low = choice(Method::Manual, -2.0, 2.0);
    let kl = choice(Method::Kl, -2.0, 4.0);
    assert_eq!(
        why(&detail, &low, &kl),
        "The range set by hand keeps |r| ≤ 2.00. KL keeps |r| ≤ 4.00, where its cost is lowest: 0.100 nats, against \
         an infinite one for |r| ≤ 2.00."
    );
}
