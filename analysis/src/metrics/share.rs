//! A share of hits, with the interval that the number of samples allows.

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// `hits` of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    /// How many hit; at most `n`.
    pub hits: u64,
    /// How many were tried.
    pub n: u64,
}

impl Share {
    /// The share, in `[0, 1]`; `None` if nothing was tried.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| real(self.hits) / real(self.n))
    }

    /// The 95 % Wilson score interval (Wilson 1927), inside `[0, 1]`. Unlike `p ± 1.96·√(p(1−p)/n)` it has a width when
    /// all samples hit: 8 of 8 leaves everything down to 67.6 % possible.
    pub fn wilson_95(self) -> Option<(f64, f64)> {
        let (p, n) = (self.value()?, real(self.n));
        let z2 = Z * Z;
        let centre = p + z2 / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        Some((((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // 8 of 10, z² = 3.841459: centre (0.8 + 0.192073)/1.384146 = 0.716740;
        // half = 1.959964·√(0.016 + 0.009604)/1.384146 = 0.226575 → [0.490162, 0.943318] (Agresti–Coull's table: .49, .94).
        let (low, high) = Share { hits: 8, n: 10 }.wilson_95().unwrap();
        assert!((low - 0.490_162).abs() < 2e-6 && (high - 0.943_318).abs() < 2e-6, "{low} {high}");
        // All of n: from n/(n + z²) = 8/11.841459 = 0.675592 to 1. None of n mirrors it.
        let (low, high) = Share { hits: 8, n: 8 }.wilson_95().unwrap();
        assert!((low - 8.0 / (8.0 + Z * Z)).abs() < 1e-12 && (low - 0.675_592).abs() < 1e-6 && high == 1.0);
        let (low, high) = Share { hits: 0, n: 8 }.wilson_95().unwrap();
        assert!(low == 0.0 && (high - (1.0 - 0.675_592)).abs() < 1e-6);
        assert_eq!(Share::default().wilson_95(), None);
        assert_eq!(Share { hits: 1, n: 4 }.value(), Some(0.25));
    }
}
