//! How differently values are distributed: KL and Jensen–Shannon divergence of two histograms, in nats.
//!
//! Both are taken from 256 bins over the float tensor's range. Jensen–Shannon is the headline: it is symmetric, never
//! infinite and at most ln 2. KL needs help where the quantized run leaves a bin empty, as it does in most.

use super::Measure;
use crate::{calibrate::DisplayHistogram, mark};

/// Mass added to the quantized distribution for KL, spread over all bins; it is renormalised afterwards.
const SMOOTHING: f64 = 1e-6;

/// KL(P‖Q), P the float values, Q the quantized ones plus 1e−6/256 in each bin.
pub fn kl(float: &DisplayHistogram, quantized: &DisplayHistogram) -> Measure {
    over(float, quantized, |p, q| {
        let each = SMOOTHING / mean_length(q);
        p.iter().zip(q).map(|(p, q)| term(*p, (q + each) / (1.0 + SMOOTHING))).sum()
    })
}

/// ½·KL(P‖M) + ½·KL(Q‖M) with `M = (P + Q)/2`, in `[0, ln 2]`.
pub fn js(float: &DisplayHistogram, quantized: &DisplayHistogram) -> Measure {
    over(float, quantized, |p, q| {
        let halves = p.iter().zip(q).map(|(p, q)| {
            let middle = f64::midpoint(*p, *q);
            f64::midpoint(term(*p, middle), term(*q, middle))
        });
        halves.sum()
    })
}

/// `p·ln(p/q)`, 0 where p is 0.
fn term(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "256 bins")]
fn mean_length(bins: &[f64]) -> f64 {
    bins.len() as f64
}

fn over(float: &DisplayHistogram, quantized: &DisplayHistogram, divergence: impl Fn(&[f64], &[f64]) -> f64) -> Measure {
    if float.range() != quantized.range() {
        return Measure::NotApplicable(mark!("the two histograms have different bins"));
    }
    match (normalised(float.counts()), normalised(quantized.counts())) {
        // Rounding may leave −1e-17 where the two are equal.
        (Some(p), Some(q)) => Measure::Value(divergence(&p, &q).max(0.0)),
        _ => Measure::NotApplicable(mark!("there are no values to compare")),
    }
}

fn normalised(counts: &[u64]) -> Option<Vec<f64>> {
    let total: u64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let shares = || counts.iter().map(|count| *count as f64 / total as f64).collect();
    (total > 0).then(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::Range;

    fn histogram(values: &[f32]) -> DisplayHistogram {
        let mut histogram = DisplayHistogram::new(Range::new(0.0, 256.0));
        histogram.observe(values);
        histogram
    }

    fn value(measure: Measure) -> f64 {
        measure.value().unwrap()
    }

    #[test]
    fn by_hand() {
        let p = histogram(&[0.5, 1.5]); // ½, ½
        let q = histogram(&[0.5, 0.5, 0.5, 1.5]); // ¾, ¼
        // KL = ½·ln(½/¾) + ½·ln(½/¼) = ½·ln(4/3); the smoothing moves it by about 1e-6.
        assert!((value(kl(&p, &q)) - 0.5 * (4.0_f64 / 3.0).ln()).abs() < 3e-6);
        // M = ⅝, ⅜: JS = ½(½·ln 0.8 + ½·ln(4/3)) + ½(¾·ln 1.2 + ¼·ln(2/3)).
        let expected = 0.5 * (0.5 * 0.8_f64.ln() + 0.5 * (4.0_f64 / 3.0).ln())
            + 0.5 * (0.75 * 1.2_f64.ln() + 0.25 * (2.0_f64 / 3.0).ln());
        assert!((value(js(&p, &q)) - expected).abs() < 1e-15);
        assert_eq!(value(js(&p, &q)), value(js(&q, &p)));
    }

    #[test]
    fn the_extremes() {
        let (p, q) = (histogram(&[0.5]), histogram(&[9.5]));
        assert_eq!(value(js(&p, &p)), 0.0);
        assert!((value(js(&p, &q)) - 2.0_f64.ln()).abs() < 1e-15);
        // Where Q is empty it holds 1e-6/256 of 1 + 1e-6: ln(256e6·(1 + 1e-6)).
        assert!((value(kl(&p, &q)) - (256e6_f64 * (1.0 + 1e-6)).ln()).abs() < 1e-12);
        assert!(js(&p, &histogram(&[])).why().is_some());
        assert!(js(&p, &DisplayHistogram::new(Range::new(0.0, 1.0))).why().is_some());
    }
}
