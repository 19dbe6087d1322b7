//! How sure a share of a few samples is.

use quantlens_analysis::report::Share;

/// Below this many samples a share is shown with its interval: 9 of 10 may well be 60 %.
pub const SHOWN_BELOW: usize = 100;

/// The 95 % Wilson score interval of a share, as fractions; `None` of nothing (Wilson 1927, without continuity
/// correction). It stays inside 0..=1 and is honest at 0 and at all, where the normal approximation has no width.
pub fn wilson(share: Share) -> Option<(f64, f64)> {
    /// 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if share.of == 0 {
        return None;
    }
    let (n, p) = (share.of as f64, share.fraction());
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_published_one() {
        // 9 of 10, z² = 3.841459: middle (0.9 + 0.192073)/1.384146 = 0.788987; half 1.959964/1.384146 ·
        // √(0.009 + 0.00960365) = 1.416009 · 0.136395 = 0.193137. So 0.59585 to 0.98212.
        let (low, high) = wilson(Share { count: 9, of: 10 }).unwrap();
        assert!((low - 0.595_85).abs() < 1e-4 && (high - 0.982_12).abs() < 1e-4, "{low} {high}");
        // 0 of 10: low 0, high z²/(n + z²) = 3.841459/13.841459 = 0.277533.
        let (low, high) = wilson(Share { count: 0, of: 10 }).unwrap();
        assert!(low.abs() < 1e-12 && (high - 0.277_533).abs() < 1e-6, "{low} {high}");
        let (low, high) = wilson(Share { count: 10, of: 10 }).unwrap();
        assert!((low - 0.722_467).abs() < 1e-6 && (high - 1.0).abs() < 1e-12, "{low} {high}");
        assert_eq!(wilson(Share { count: 0, of: 0 }), None);
    }
}
