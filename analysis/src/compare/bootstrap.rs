//! An interval for the difference of two accumulated errors over samples: the percentile bootstrap (Efron 1979), paired.
//!
//! A resample draws as many samples as there are, with repetition, the same for both configurations: most of what varies
//! from sample to sample is common to both and falls out of the difference. The draws are those of a seeded generator and
//! shared by all layers, so that equal reports give equal intervals. Of many samples, runs of neighbours are drawn as
//! one: a window computes this between two frames.

use super::decibels;
use crate::{data::SplitMix64, report::SampleEnergy};

/// Resamples: the ends of the interval are the 25th values from either end.
const RESAMPLES: usize = 1000;
/// Units drawn at most.
const MOST_UNITS: usize = 64;
/// Of fewer samples the interval would be far narrower than the truth, and no word is better than a wrong one.
pub(super) const LEAST_SAMPLES: usize = 5;

/// How often each unit is in each resample.
pub(super) struct Resampling {
    samples: usize,
    units: usize,
    /// `RESAMPLES` rows of `units` counts.
    counts: Vec<f64>,
}

impl Resampling {
    /// Draws for so many samples; `None` where they are too few.
    pub(super) fn new(samples: usize) -> Option<Self> {
        if samples < LEAST_SAMPLES {
            return None;
        }
        let units = samples.min(MOST_UNITS);
        let mut random = SplitMix64::new(0);
        let mut counts = vec![0.0; RESAMPLES * units];
        for resample in counts.chunks_exact_mut(units) {
            for _ in 0..units {
                // The high half of the product is uniform below `units`.
                let drawn = (u128::from(random.next()) * units as u128) >> 64;
                #[expect(clippy::cast_possible_truncation, reason = "below `units`")]
                let unit = drawn as usize;
                resample[unit] += 1.0;
            }
        }
        Some(Self { samples, units, counts })
    }

    /// The middle 95 % of the differences in dB that the resamples give; both slices have one entry a sample.
    pub(super) fn interval(&self, was: &[SampleEnergy], now: &[SampleEnergy]) -> (f64, f64) {
        let (was, now) = (self.by_unit(was), self.by_unit(now));
        let mut differences: Vec<f64> = self
            .counts
            .chunks_exact(self.units)
            .map(|counts| {
                let mut sums = [(0.0, 0.0); 2];
                for ((count, was), now) in counts.iter().zip(&was).zip(&now) {
                    for (sum, energy) in sums.iter_mut().zip([was, now]) {
                        sum.0 += count * energy.signal;
                        sum.1 += count * energy.noise;
                    }
                }
                decibels(sums[0], sums[1])
            })
            .collect();
        differences.sort_unstable_by(f64::total_cmp);
        (quantile(&differences, 0.025), quantile(&differences, 0.975))
    }

    fn by_unit(&self, energies: &[SampleEnergy]) -> Vec<SampleEnergy> {
        let mut units = vec![SampleEnergy::default(); self.units];
        for (index, energy) in energies.iter().enumerate() {
            let unit = &mut units[index * self.units / self.samples];
            unit.signal += energy.signal;
            unit.noise += energy.noise;
        }
        units
    }
}

/// Linear between the values around the place, as NumPy's `quantile` does by default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the slice")]
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    // Between equal infinities there is nothing to interpolate.
    if low == high || !low.is_finite() { low } else { low + (high - low) * (place - below as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        // 0.025 · 4 = 0.1: a tenth of the way from 1 to 3.
        assert!((quantile(&[1.0, 3.0, 4.0, 5.0, 9.0], 0.025) - 1.2).abs() < 1e-12);
        assert_eq!(quantile(&[f64::NEG_INFINITY, 1.0], 0.025), f64::NEG_INFINITY);
    }

    #[test]
    fn a_difference_that_is_the_same_in_every_sample_has_no_width() {
        // Every sample's noise falls to a tenth: 10 dB in every resample.
        let was: Vec<SampleEnergy> =
            (1..=8).map(|i| SampleEnergy { signal: 100.0 * f64::from(i), noise: f64::from(i * i) }).collect();
        let now: Vec<SampleEnergy> = was.iter().map(|e| SampleEnergy { noise: e.noise / 10.0, ..*e }).collect();
        let (low, high) = Resampling::new(8).unwrap().interval(&was, &now);
        assert!((low - 10.0).abs() < 1e-9 && (high - 10.0).abs() < 1e-9, "{low} {high}");
        assert!(Resampling::new(LEAST_SAMPLES - 1).is_none());
    }

    #[test]
    fn the_interval_is_what_numpy_computes_of_the_same_draws() {
        // tests/golden/bootstrap.py: the same draws, NumPy's quantile. 200,000 draws of its own generator give −0.597 and 1.827.
        const LOW: f64 = -0.607_255_730_942_265_6;
        const HIGH: f64 = 1.831_057_364_256_785_6;
        let energies = |noise: [f64; 8]| -> Vec<SampleEnergy> {
            noise.iter().enumerate().map(|(i, &noise)| SampleEnergy { signal: 10.0 + i as f64, noise }).collect()
        };
        let was = energies([1.0, 2.0, 0.5, 4.0, 1.5, 0.25, 3.0, 1.0]);
        let now = energies([0.9, 2.5, 0.4, 2.0, 1.6, 0.2, 2.8, 1.3]);
        let (low, high) = Resampling::new(8).unwrap().interval(&was, &now);
        assert!((low - LOW).abs() < 1e-9 && (high - HIGH).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn many_samples_are_drawn_in_runs() {
        let resampling = Resampling::new(130).unwrap();
        assert_eq!(resampling.units, MOST_UNITS);
        let ones = vec![SampleEnergy { signal: 1.0, noise: 1.0 }; 130];
        let units = resampling.by_unit(&ones);
        // 130 = 64 · 2 + 2: two units hold a third sample.
        assert_eq!(units.iter().map(|u| u.signal).sum::<f64>(), 130.0);
        assert_eq!(units.iter().filter(|u| u.signal == 3.0).count(), 2);
    }
}
