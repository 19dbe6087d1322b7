//! How far a value over few samples can be trusted: the percentile bootstrap of Efron (1979) over the samples.
//!
//! A resample draws as many samples as there are, with replacement, and adds their energies as the value itself does;
//! 95 % of the resamples' values lie in the interval. All layers see the same resamples, so their intervals can be
//! compared, and the draws are seeded, so they are the same in every run.

use serde::Serialize;

use crate::report::SampleEnergy;

/// How often samples are drawn anew.
const RESAMPLES: usize = 1000;
/// Start of the generator; any number would do, but always the same.
const SEED: u64 = 0x51_4C_53_45_4E_53; // "QLSENS"

/// Where 95 % of the resamples' values lie, in dB. An end is infinite where resamples are free of error, and then `null`
/// in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 % lie below.
    pub low: f64,
    /// 2.5 % lie above.
    pub high: f64,
}

/// The draws for a number of samples.
#[derive(Clone, Debug)]
pub struct Resamples {
    /// How often each sample is drawn, by resample.
    counts: Vec<Vec<f64>>,
}

impl Resamples {
    /// The seeded draws for `samples` samples.
    pub fn new(samples: usize) -> Self {
        let mut state = SEED;
        let draw = |state: &mut u64| {
            let mut counts = vec![0.0; samples];
            for _ in 0..samples {
                counts[below(state, samples)] += 1.0;
            }
            counts
        };
        let enough = if samples < 2 { 0 } else { RESAMPLES };
        Self { counts: (0..enough).map(|_| draw(&mut state)).collect() }
    }

    /// The interval of `10·log10(Σ signal / Σ noise)`; `None` for fewer than two samples, where nothing can be drawn.
    pub fn sqnr(&self, energies: &[SampleEnergy]) -> Option<Interval> {
        self.interval(|counts| decibels(energies, counts))
    }

    /// The interval of the difference of two such values of the same samples, `of − from`.
    pub fn gain(&self, of: &[SampleEnergy], from: &[SampleEnergy]) -> Option<Interval> {
        self.interval(|counts| decibels(of, counts) - decibels(from, counts))
    }

    fn interval(&self, value: impl Fn(&[f64]) -> f64) -> Option<Interval> {
        let mut values: Vec<f64> = self.counts.iter().map(|counts| value(counts)).filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&values, 0.025)?, high: quantile(&values, 0.975)? })
    }
}

fn decibels(energies: &[SampleEnergy], counts: &[f64]) -> f64 {
    let sum = |of: fn(&SampleEnergy) -> f64| energies.iter().zip(counts).map(|(e, n)| n * of(e)).sum::<f64>();
    10.0 * (sum(|e| e.signal).log10() - sum(|e| e.noise).log10())
}

/// The quantile of sorted values, linear between two of them, as NumPy's default.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "a thousand values")]
    let place = share * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    // Equal ends first: between two infinities there is no difference.
    if low.total_cmp(&high).is_eq() { Some(low) } else { Some(low + (high - low) * place.fract()) }
}

/// A number below `end`, by `SplitMix64`; the remainder's bias is far below what a thousand draws can show.
fn below(state: &mut u64, end: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((z ^ (z >> 31)) >> 33).unwrap_or(0) % end.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy(signal: f64, noise: f64) -> SampleEnergy {
        SampleEnergy { signal, noise }
    }

    #[test]
    fn quantiles_are_numpys() {
        // np.quantile([1, 2, 4, 8, 16], [0.025, 0.5, 0.975]) = 1.1, 4, 15.2: places 0.1, 2 and 3.9.
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        let of = |share| quantile(&values, share).unwrap();
        assert!((of(0.025) - 1.1).abs() < 1e-12 && (of(0.975) - 15.2).abs() < 1e-12);
        assert_eq!(of(0.5).to_bits(), 4.0_f64.to_bits());
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0, f64::INFINITY, f64::INFINITY], 0.9), Some(f64::INFINITY));
    }

    #[test]
    fn two_samples_by_hand() {
        // Drawing twice from {A, B}: AA, AB or BB. Signal 1 each, noise 0.1 and 0.001: 10 dB, 10·log10(2/0.101) =
        // 12.967 dB, 30 dB. Each of AA and BB comes up about every fourth time, so both ends are reached.
        let energies = [energy(1.0, 0.1), energy(1.0, 0.001)];
        let resamples = Resamples::new(2);
        let found = resamples.sqnr(&energies).unwrap();
        assert!((found.low - 10.0).abs() < 1e-9 && (found.high - 30.0).abs() < 1e-9, "{found:?}");
        let both = resamples.counts.iter().filter(|c| c[0] == 1.0).count();
        assert!((400..600).contains(&both), "{both} of 1000 hold both samples");
        // A gain over itself is 0 in every resample.
        assert_eq!(resamples.gain(&energies, &energies), Some(Interval { low: 0.0, high: 0.0 }));
    }

    #[test]
    fn an_independent_run_agrees() {
        // Python, independent of this generator:
        //   rng = np.random.default_rng(0); i = rng.integers(0, 8, (200000, 8))
        //   np.quantile(10*np.log10(s[i].sum(1) / n[i].sum(1)), [0.025, 0.975])
        // with s = 1..8 and n = 0.01·[3,1,4,1,5,9,2,6] gives (18.928, 22.817).
        let noise = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let energies: Vec<_> = (1..=8).zip(noise).map(|(s, n)| energy(f64::from(s), 0.01 * n)).collect();
        let found = Resamples::new(8).sqnr(&energies).unwrap();
        // Ends of a thousand draws scatter by about 0.1 dB.
        assert!((found.low - 18.928).abs() < 0.3 && (found.high - 22.817).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn one_sample_has_no_interval_and_free_of_error_has_no_end() {
        assert_eq!(Resamples::new(1).sqnr(&[energy(1.0, 0.1)]), None);
        let found = Resamples::new(2).sqnr(&[energy(1.0, 0.1), energy(1.0, 0.0)]).unwrap();
        assert_eq!(found.high, f64::INFINITY);
        assert_eq!(serde_json::to_string(&found).unwrap(), r#"{"low":10.0,"high":null}"#);
    }
}
