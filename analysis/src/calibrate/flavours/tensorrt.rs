//! The TensorRT-style entropy search of pytorch-quantization and `ModelOpt` 0.47 (`calib/histogram.py`). What TensorRT's
//! own closed calibrator does is not known here.

use super::{
    FlavourChoice,
    ppq::TORCH_FAILS,
    statistics::{FlavourStatistics, SIGNED_BINS},
    torch::{halved, linspace_from_zero},
};
use crate::{
    calibrate::{Curve, Side},
    quant::{Grid, Range, Scheme},
    say,
    text::Text,
};

/// `start_bin`: the fewest bins that a candidate keeps, whatever the number of levels.
const START_BIN: usize = 128;

/// The threshold of |r| among 128 … 2048 bins, scale `T/(2^(b−1)−1)`, no zero-point.
///
/// Oddity of the tool that is not reproduced: its histogram grows with the batches, keeping the first batch's bin
/// width, so its threshold depends on their size and order. Here all samples are one batch.
///
/// `unsigned=True` is what an unsigned symmetric grid over data without negatives means; everything else is signed.
pub(super) fn entropy(statistics: &FlavourStatistics, grid: Grid, scheme: Scheme) -> FlavourChoice {
    let observed = statistics.range();
    let Some(counts) = statistics.magnitude() else { return FlavourChoice::fallback(observed, Text::of(TORCH_FAILS)) };
    let unsigned = scheme == Scheme::Symmetric && !grid.is_signed() && observed.low >= 0.0;
    let bits = u32::from(grid.bits()) - u32::from(!unsigned);
    let (curve, undefined) = search(&halved(counts), observed.amax(), 1 << bits);
    let threshold = curve.thresholds[curve.best];
    let (low, zero_point) = match (unsigned, grid.is_signed()) {
        (true, _) => (0.0, 0),
        (false, true) => (-threshold, 0),
        (false, false) => (-threshold, 1 << (grid.bits() - 1)),
    };
    let max_code = f64::from((1_u32 << bits) - 1);
    #[expect(clippy::cast_possible_truncation, reason = "rounding to float32 is the point")]
    let scale = (f64::from(threshold) / max_code) as f32;
    let range = Range { low, high: threshold };
    let scale_and_zero = Some((scale, zero_point));
    let mut choice = FlavourChoice { range, scale: scale_and_zero, curve: Some(curve), is_fallback: false, note: None };
    if undefined {
        choice.add_note(say!(
            "the narrowest candidates keep no value at all; their undefined divergence wins the tool's comparison and \
             is shown as 0"
        ));
    }
    if scale < f32::MIN_POSITIVE {
        // No normal float32, which the tool could not use.
        choice.scale = Some((1.0, 0));
    }
    match scheme {
        Scheme::Symmetric => choice,
        Scheme::Affine => choice.cut_to(observed, say!("TensorRT has no zero-points; its symmetric threshold is used")),
    }
}

/// `_compute_amax_entropy` with stride 1: the divergence of every threshold of at least 128 bins, and the **last** of
/// the smallest. The flag says that a divergence that is no number won.
///
/// Oddities: the first bin, with the zeros in it, is made equal to the second; the normalisation inside the tool has no
/// effect, `SciPy` normalises `P` and `Q` each by its own sum; a candidate that keeps no value at all is 0/0, which
/// NumPy's argmin takes for the smallest, so a tensor of one repeated magnitude gets `max|r|·2047/2048`.
pub(super) fn search(counts: &[u64], amax: f32, levels: usize) -> (Curve, bool) {
    let mut bins = counts.to_vec();
    if bins.len() > 1 {
        bins[0] = bins[1];
    }
    let sums = Sums::of(&bins);
    let mut curve = Curve { side: Side::Both, thresholds: Vec::new(), costs: Vec::new(), best: 0 };
    let mut undefined = false;
    for kept in START_BIN..=bins.len() {
        let cost = sums.divergence(kept, levels, bins[kept - 1]);
        curve.thresholds.push(linspace_from_zero(amax, bins.len(), kept));
        curve.costs.push(cost.unwrap_or(0.0));
        let last = curve.costs.len() - 1;
        if cost.is_none() || (!undefined && curve.costs[last] <= curve.costs[curve.best]) {
            curve.best = last;
        }
        undefined |= cost.is_none();
    }
    (curve, undefined)
}

/// Prefix sums, which make a candidate cost `levels` steps.
struct Sums {
    /// Values below each bin.
    mass: Vec<u64>,
    /// Filled bins below each bin.
    filled: Vec<u32>,
    /// `Σ c ln c` below each bin.
    log_mass: Vec<f64>,
}

impl Sums {
    fn of(bins: &[u64]) -> Self {
        let mut sums = Self { mass: vec![0], filled: vec![0], log_mass: vec![0.0] };
        let (mut mass, mut filled, mut log_mass) = (0, 0, 0.0);
        for count in bins {
            mass += count;
            filled += u32::from(*count > 0);
            log_mass += count_log(*count);
            sums.mass.push(mass);
            sums.filled.push(filled);
            sums.log_mass.push(log_mass);
        }
        sums
    }

    /// `KL(P‖Q)` in nats of the first `kept` bins: `P` has the outliers in its last bin, `Q` the kept mass of each level
    /// spread over its filled bins. Bin `j` belongs to level `⌊j·levels/kept⌋`. ∞ where the last bin has outliers but
    /// nothing of its own; `None` where nothing is kept.
    ///
    /// With masses instead of shares: `(Σ P ln P − Σ P ln Q)/N + ln(N_Q/N)`, where all bins of a level share `ln Q`.
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    fn divergence(&self, kept: usize, levels: usize, last: u64) -> Option<f64> {
        let (total, inside) = (self.mass[self.mass.len() - 1], self.mass[kept]);
        if inside == 0 {
            return None;
        }
        let outliers = total - inside;
        if outliers > 0 && last == 0 {
            return Some(f64::INFINITY);
        }
        let mut cross = 0.0;
        let mut last_log = 0.0;
        let mut from = 0;
        for level in 1..=levels {
            let to = (level * kept).div_ceil(levels);
            let filled = self.filled[to] - self.filled[from];
            if filled > 0 {
                let mass = (self.mass[to] - self.mass[from]) as f64;
                last_log = (mass / f64::from(filled)).ln();
                cross += mass * last_log;
            }
            from = to;
        }
        // The outliers belong to the last bin, which is filled and so in the last filled level.
        cross += outliers as f64 * last_log;
        let own = self.log_mass[kept] - count_log(last) + count_log(last + outliers);
        let divergence = (own - cross) / total as f64 + (inside as f64 / total as f64).ln();
        // Rounding may leave a divergence of 0 slightly negative.
        Some(divergence.max(0.0))
    }
}

/// `c ln c`, 0 for 0.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn count_log(count: u64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * (count as f64).ln() }
}

/// The search is over half of the collected bins.
const _: () = assert!(SIGNED_BINS * 2 == super::statistics::MAGNITUDE_BINS);
