//! Every metric of a tensor pair, in one table: what is shown, saved and sorted derives from it.

use super::{ErrorSums, Measure, cosine, gain, mae, max_abs, mse, nmse, sqnr};

/// Which values of a metric are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The more the better.
    Higher,
    /// The less the better.
    Lower,
    /// As near to 1 as possible.
    NearOne,
    /// As near to 0 as possible, from either side.
    NearZero,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its key in files: `sqnr_db`.
    pub name: &'static str,
    /// Its name for people: "SQNR".
    pub title: &'static str,
    /// Its unit: "dB", or "" where it has none or the tensor's own.
    pub unit: &'static str,
    /// Which values are good.
    pub better: Better,
    /// Its value.
    pub of: fn(&ErrorSums) -> Measure,
}

/// Every metric, the headline first.
pub const METRICS: [Metric; 9] = [
    Metric { name: "sqnr_db", title: "SQNR", unit: "dB", better: Better::Higher, of: sqnr::sqnr_db },
    Metric { name: "cosine", title: "Cosine", unit: "", better: Better::Higher, of: cosine::cosine },
    Metric { name: "gain", title: "Gain", unit: "", better: Better::NearOne, of: gain::gain },
    Metric { name: "nmse", title: "NMSE", unit: "", better: Better::Lower, of: nmse::nmse },
    Metric { name: "mse", title: "MSE", unit: "", better: Better::Lower, of: mse::mse },
    Metric { name: "rmse", title: "RMSE", unit: "", better: Better::Lower, of: mse::rmse },
    Metric { name: "mae", title: "MAE", unit: "", better: Better::Lower, of: mae::mae },
    Metric { name: "mean_error", title: "Mean error", unit: "", better: Better::NearZero, of: mae::mean_error },
    Metric { name: "max_abs", title: "Max abs", unit: "", better: Better::Lower, of: max_abs::max_abs },
];

/// The metric with this key.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_metric_answers() {
        let mut names: Vec<&str> = METRICS.iter().map(|m| m.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        let sums = ErrorSums::of(&[1.0, 2.0], &[1.0, 2.5]);
        let broken = ErrorSums::of(&[1.0, 2.0], &[1.0, f32::NAN]);
        for metric in METRICS {
            assert!((metric.of)(&sums).value().is_some(), "{}", metric.name);
            assert!((metric.of)(&ErrorSums::default()).why().is_some(), "{}", metric.name);
            assert!((metric.of)(&broken).why().is_some(), "{}", metric.name);
        }
        assert_eq!(metric("gain").unwrap().better, Better::NearOne);
        assert!(metric("snr").is_none());
    }
}
