//! Which range a tensor gets, by which method, and with which note for the user.

use serde::Serialize;

use super::{
    curve::{Curve, NoCandidate, cut},
    entropy::entropy_curve,
    flavours,
    histogram::TensorHistogram,
    kl::kl_curve,
    method::Method,
    mse::mse_curves,
    percentile::percentile_curves,
    statistics::TensorValues,
};
use crate::quant::{IntegerFormat, NumberFormat, Range};

/// A range and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeChoice {
    /// The chosen range, not widened to 0.
    pub range: Range,
    /// The method that gave it: min–max where the asked one could not.
    pub method: Method,
    /// Every threshold considered and its cost: one curve, or one for each end; none for min–max.
    pub curves: Vec<Curve>,
    /// Why the method is not the one that was asked for.
    pub note: Option<String>,
}

/// The range that `method` chooses; `percentile` is the per cent that [`Method::Percentile`] keeps inside.
///
/// A method that has nothing to choose between gives the observed range and says why. [`Method::Manual`] has no choice
/// of its own and gives the observed range too.
pub fn choose(method: Method, data: &TensorValues, format: NumberFormat, percentile: f64) -> RangeChoice {
    let observed = data.histogram.range();
    let integer = match (method, format) {
        (Method::MinMax | Method::Manual, _) => return chosen(method, observed),
        (Method::Percentile, _) => None,
        (_, NumberFormat::Integer(format)) => Some(format),
        (_, NumberFormat::Float(_)) => return fallen_back(method, observed, NoCandidate::NoGrid),
    };
    if let (Method::Flavour(flavour), Some(format)) = (method, integer) {
        let Some(counted) = &data.flavours else { return fallen_back(method, observed, NoCandidate::NotCounted) };
        let choice = flavours::choose(flavour, counted, format.grid, format.scheme);
        let curves = choice.curve.into_iter().collect();
        return RangeChoice { range: choice.range, method, curves, note: choice.note };
    }
    match curves(method, &data.histogram, integer, percentile) {
        Ok((range, curves)) => RangeChoice { range, method, curves, note: None },
        Err(why) => fallen_back(method, observed, why),
    }
}

fn chosen(method: Method, range: Range) -> RangeChoice {
    RangeChoice { range, method, curves: Vec::new(), note: None }
}

fn fallen_back(method: Method, observed: Range, why: NoCandidate) -> RangeChoice {
    RangeChoice { note: Some(format!("{}: {}", method.name(), why.reason())), ..chosen(Method::MinMax, observed) }
}

/// The range and the curves of one of this program's own methods; only percentile does without an integer format.
fn curves(
    method: Method,
    histogram: &TensorHistogram,
    format: Option<IntegerFormat>,
    percentile: f64,
) -> Result<(Range, Vec<Curve>), NoCandidate> {
    let observed = histogram.range();
    let of_threshold = |curve: Curve| {
        let range = curve.threshold().map_or(observed, |t| cut(observed, t));
        (range, vec![curve])
    };
    let integer = || format.ok_or(NoCandidate::NoGrid);
    match method {
        Method::MinMax | Method::Manual | Method::Flavour(_) => Ok((observed, Vec::new())),
        Method::Percentile => percentile_curves(histogram, percentile),
        Method::Kl => kl_curve(histogram, integer()?).map(of_threshold),
        Method::Entropy => entropy_curve(histogram, integer()?).map(of_threshold),
        Method::Mse => mse_curves(histogram, integer()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calibrate::DEFAULT_PERCENTILE,
        quant::{Codes, Scheme, Sign},
    };

    fn values() -> Vec<f32> {
        (0..20_000).map(|i| ((i * 7919 % 10_007) as f32 / 10_007.0).powi(3)).collect()
    }

    fn of(values: &[f32]) -> TensorValues {
        let mut data = TensorValues::new(crate::calibrate::MinMax::of(values).range().unwrap());
        data.observe_sample(values);
        data
    }

    fn format(bits: u8, scheme: Scheme) -> NumberFormat {
        NumberFormat::Integer(IntegerFormat::onnxruntime(bits, scheme, Sign::Signed, Codes::Full).unwrap())
    }

    #[test]
    fn every_method_stays_within_what_was_observed_and_marks_its_choice() {
        let shifted: Vec<f32> = values().iter().map(|v| v - 0.1).collect();
        for values in [values(), values().iter().map(|v| -v).collect(), shifted] {
            let data = of(&values);
            for (scheme, method) in
                [Scheme::Affine, Scheme::Symmetric].into_iter().flat_map(|s| Method::AUTOMATIC.map(|m| (s, m)))
            {
                let choice = choose(method, &data, format(8, scheme), DEFAULT_PERCENTILE);
                let observed = data.histogram.range();
                assert!(choice.range.low >= observed.low && choice.range.high <= observed.high, "{method}");
                assert_eq!((choice.method, &choice.note), (method, &None));
                assert_eq!(choice.curves.is_empty(), method == Method::MinMax);
                for curve in &choice.curves {
                    assert!(curve.thresholds.is_sorted() && curve.thresholds.len() == curve.costs.len());
                    assert!(curve.costs.iter().all(|c| !c.is_nan()));
                    assert!(curve.best < curve.costs.len());
                }
            }
        }
    }

    #[test]
    fn sixteen_bits_fall_back_to_min_max_and_say_so() {
        let data = of(&values());
        let choice = choose(Method::Kl, &data, format(16, Scheme::Symmetric), DEFAULT_PERCENTILE);
        assert_eq!((choice.method, choice.range), (Method::MinMax, data.histogram.range()));
        assert!(choice.note.unwrap().contains("min–max"));
    }

    #[test]
    fn odd_tensors_have_an_answer_with_every_method() {
        for values in [
            vec![0.0],
            vec![3.0; 7],
            vec![-3.0],
            vec![1e-42, -1e-45],
            vec![f32::NAN, 1.0],
            vec![f32::INFINITY, 1.0],
            vec![f32::NEG_INFINITY, f32::INFINITY],
            vec![f32::MAX, f32::MIN],
        ] {
            let data = of(&values);
            for method in Method::AUTOMATIC {
                for bits in [2, 8, 16] {
                    let choice = choose(method, &data, format(bits, Scheme::Affine), DEFAULT_PERCENTILE);
                    assert!(!choice.range.low.is_nan() && !choice.range.high.is_nan());
                    let (quantizer, _) = format(bits, Scheme::Affine).quantizer(choice.range);
                    assert!(quantizer.scale() > 0.0 && quantizer.scale().is_finite());
                }
            }
        }
    }
}
