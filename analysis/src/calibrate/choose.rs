//! Which range a tensor gets, by which method, and with which note for the user.

use serde::Serialize;

use super::{
    curve::{Curve, NoCandidate, cut},
    entropy::entropy_curve,
    flavours::{self, Flavour},
    kl::kl_curve,
    method::Method,
    mse::mse_curves,
    percentile::percentile_curves,
    statistics::TensorValues,
};
use crate::quant::{IntegerFormat, NumberFormat, Range};
use crate::text::Text;

/// A range and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeChoice {
    /// The chosen range, not widened to 0.
    pub range: Range,
    /// The method that gave it: min–max where the asked one could not.
    pub method: Method,
    /// Every threshold considered and its cost: one curve, or one for each end; none for min–max.
    pub curves: Vec<Curve>,
    /// Why the method is not the one that was asked for; or, if it is, what is odd in another tool's choice.
    pub note: Option<Text>,
}

/// The range that `method` chooses; `percentile` is the per cent that [`Method::Percentile`] keeps inside.
///
/// A method that has nothing to choose between gives the observed range and says why. [`Method::Manual`] has no choice
/// of its own and gives the observed range too.
pub fn choose(method: Method, data: &TensorValues, format: NumberFormat, percentile: f64) -> RangeChoice {
    let observed = data.histogram.range();
    search(method, data, format, percentile).unwrap_or_else(|why| fallen_back(method, observed, why.reason()))
}

fn search(
    method: Method,
    data: &TensorValues,
    format: NumberFormat,
    percentile: f64,
) -> Result<RangeChoice, NoCandidate> {
    let histogram = &data.histogram;
    let observed = histogram.range();
    // Only percentile does without.
    let integer = || match format {
        NumberFormat::Integer(format) => Ok(format),
        NumberFormat::Float(_) => Err(NoCandidate::NoGrid),
    };
    let of_threshold = |curve: Curve| {
        let range = curve.threshold().map_or(observed, |t| cut(observed, t));
        (range, vec![curve])
    };
    let (range, curves) = match method {
        Method::MinMax | Method::Manual => (observed, Vec::new()),
        Method::Percentile => percentile_curves(histogram, percentile)?,
        Method::Kl => of_threshold(kl_curve(histogram, integer()?)?),
        Method::Entropy => of_threshold(entropy_curve(histogram, integer()?)?),
        Method::Mse => mse_curves(histogram, integer()?)?,
        Method::Flavour(flavour) => return of_flavour(flavour, data, integer()?),
    };
    Ok(RangeChoice { range, method, curves, note: None })
}

fn of_flavour(flavour: Flavour, data: &TensorValues, format: IntegerFormat) -> Result<RangeChoice, NoCandidate> {
    let method = Method::Flavour(flavour);
    let counted = data.flavours.as_ref().ok_or(NoCandidate::NotCounted)?;
    let choice = flavours::choose(flavour, counted, format.grid, format.scheme);
    if choice.is_fallback {
        return Ok(fallen_back(method, choice.range, choice.note.unwrap_or_default()));
    }
    let curves = choice.curve.into_iter().collect();
    Ok(RangeChoice { range: choice.range, method, curves, note: choice.note })
}

fn fallen_back(method: Method, range: Range, why: Text) -> RangeChoice {
    let note = Some(Text::joined(": ", [method.name().into(), why]));
    RangeChoice { range, method: Method::MinMax, curves: Vec::new(), note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calibrate::DEFAULT_PERCENTILE,
        quant::{Codes, FloatFormat, Scheme, Sign},
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
    fn a_flavour_chooses_under_its_own_name_and_what_it_notes_is_no_fallback() {
        let data = of(&values());
        for (scheme, flavour) in
            [Scheme::Affine, Scheme::Symmetric].into_iter().flat_map(|s| Flavour::ALL.map(|f| (s, f)))
        {
            let asked = Method::Flavour(flavour);
            let choice = choose(asked, &data, format(8, scheme), DEFAULT_PERCENTILE);
            let IntegerFormat { grid, .. } = format(8, scheme).integer().unwrap();
            let own = flavours::choose(flavour, data.flavours.as_ref().unwrap(), grid, scheme);
            assert_eq!((choice.method, choice.range, &choice.note), (asked, own.range, &own.note));
            assert_eq!(choice.curves, Vec::from_iter(own.curve));
            let says = flavour == Flavour::OrtEntropy
                || (scheme == Scheme::Affine && matches!(flavour, Flavour::PpqKl | Flavour::TensorRt));
            assert_eq!(choice.note.is_some(), says, "{flavour}: {:?}", choice.note);
        }
    }

    #[test]
    fn a_flavour_without_an_answer_is_min_max() {
        for values in [vec![0.0; 9], vec![f32::NEG_INFINITY, 1.0, f32::INFINITY]] {
            let data = of(&values);
            for flavour in Flavour::ALL {
                let choice = choose(Method::Flavour(flavour), &data, format(8, Scheme::Affine), DEFAULT_PERCENTILE);
                assert_eq!((choice.method, choice.range), (Method::MinMax, data.histogram.range()), "{flavour}");
                assert!(choice.note.unwrap().starts_with(&format!("{flavour}: ")));
            }
        }
        let kl = Method::Flavour(Flavour::PpqKl);
        let sixteen = choose(kl, &of(&values()), format(16, Scheme::Symmetric), DEFAULT_PERCENTILE);
        assert_eq!((sixteen.method, sixteen.curves.len()), (Method::MinMax, 0));
        assert!(sixteen.note.unwrap().starts_with("ppq-kl: PPQ's 4096 bins are fewer"));
        // Not counted as the tool counts, and no integers.
        let bare = TensorValues { flavours: None, ..of(&values()) };
        let entropy = Method::Flavour(Flavour::OrtEntropy);
        let choice = choose(entropy, &bare, format(8, Scheme::Affine), DEFAULT_PERCENTILE);
        assert_eq!(choice.method, Method::MinMax);
        let float = NumberFormat::Float(FloatFormat::Float8E4M3);
        let choice = choose(entropy, &of(&values()), float, DEFAULT_PERCENTILE);
        assert_eq!((choice.method, choice.range), (Method::MinMax, of(&values()).histogram.range()));
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
