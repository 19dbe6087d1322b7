//! Two configurations side by side: every number of one report less the same number of another, layer by layer.
//!
//! Layers are matched by name, since another target may arrange them otherwise. What is tricky is whether a difference
//! means anything: both reports saw the same samples, so the accumulated errors are compared sample by sample, and an
//! interval of their difference is resampled (`bootstrap.rs`). A report that still refines is compared over the samples
//! that both have.

mod bootstrap;
mod copy;

use std::collections::BTreeMap;

use bootstrap::Resampling;
pub use copy::own_settings;

use crate::{
    config::LayerSettings,
    mark,
    metrics::{Errors, Measure},
    report::{Answers, LayerRow, Report, SampleEnergy, Share},
};

/// What one report has more or less than another.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Samples that both reports have, over which accumulated SQNR is compared.
    pub samples: usize,
    /// One entry a layer of the new report, in its order.
    pub rows: Vec<RowChange>,
    /// Layers that only the old report has, in its order.
    pub only_was: Vec<String>,
    /// The scoreboard's numbers.
    pub score: ScoreChange,
    /// Which samples flip in one of the two only; `None` where an output of either is no class scores.
    pub flips: Option<FlipChange>,
    by_name: BTreeMap<String, usize>,
}

/// One layer in both reports.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// The layer.
    pub name: String,
    /// The old report has no such layer; no number of it has a difference.
    pub is_only_now: bool,
    /// The two configurations treat this layer differently.
    pub differs: bool,
    /// Only this layer quantized.
    pub local: ErrorsChange,
    /// What the layer makes of the error it receives.
    pub inherited: ErrorsChange,
    /// What its own quantizers add.
    pub introduced: ErrorsChange,
    /// Everything quantized; its SQNR has an interval.
    pub accumulated: ErrorsChange,
    /// Share of the output's values that are clipped.
    pub clipped_fraction: Change,
    /// Bytes of the layer's constants.
    pub quantized_bytes: Change,
}

/// The metrics of one error in both reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorsChange {
    /// dB.
    pub sqnr_db: Change,
    /// 0 to 1.
    pub cosine: Change,
    /// `‖q‖/‖f‖`.
    pub gain: Change,
    /// `max|e|`.
    pub max_abs: Change,
}

/// One number in both reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// In the old report.
    pub was: Measure,
    /// In the new report.
    pub now: Measure,
    /// New less old; infinite where only one of them is exact, `None` where one does not apply.
    pub delta: Option<f64>,
    /// 95 % interval of `delta` over samples; `None` where the number is not known by sample, or of too few samples.
    pub interval: Option<(f64, f64)>,
}

/// The scoreboard's numbers in both reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreChange {
    /// Per cent of the samples; `None` without labels.
    pub accuracy_points: Option<f64>,
    /// Per cent of the samples; `None` without class scores.
    pub agreement_points: Option<f64>,
    /// Of the output that the score speaks of.
    pub output_sqnr_db: Change,
    /// Bytes of all constants.
    pub quantized_bytes: Change,
}

/// Samples that one of two configurations answers differently from the float model and the other does not; places among
/// the samples of the data, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlipChange {
    /// Flipped now, not before.
    pub new: Vec<usize>,
    /// Flipped before, not now.
    pub gone: Vec<usize>,
}

impl FlipChange {
    fn of(was: &Answers, now: &Answers) -> Option<Self> {
        if !(was.has_classes && now.has_classes) {
            return None;
        }
        let mut change = Self::default();
        for (old, new) in was.samples.iter().zip(&now.samples).filter(|(old, new)| old.index == new.index) {
            match (old.flip().is_some(), new.flip().is_some()) {
                (false, true) => change.new.push(new.index),
                (true, false) => change.gone.push(new.index),
                _ => {}
            }
        }
        Some(change)
    }
}

impl Change {
    /// The difference of two numbers, without an interval.
    pub fn between(was: Measure, now: Measure) -> Self {
        Self { was, now, delta: difference(was, now), interval: None }
    }

    /// Nothing to compare with.
    fn only(now: Measure) -> Self {
        Self {
            was: Measure::NotApplicable(mark!("the layer is in one of the two only")),
            now,
            delta: None,
            interval: None,
        }
    }

    /// Whether the interval leaves 0 out: with other samples of the kind the sign would most likely be the same. `None`
    /// where there is no interval.
    pub fn is_significant(&self) -> Option<bool> {
        self.interval.map(|(low, high)| low > 0.0 || high < 0.0)
    }

    /// Whether a view should draw it as no difference: none at all, or one within its interval of chance.
    pub fn is_within_chance(&self) -> bool {
        self.delta == Some(0.0) || self.is_significant() == Some(false)
    }
}

impl ErrorsChange {
    fn of(was: &Errors, now: &Errors) -> Self {
        Self {
            sqnr_db: Change::between(was.sqnr_db, now.sqnr_db),
            cosine: Change::between(was.cosine, now.cosine),
            gain: Change::between(was.gain, now.gain),
            max_abs: Change::between(was.max_abs, now.max_abs),
        }
    }

    fn only(now: &Errors) -> Self {
        Self {
            sqnr_db: Change::only(now.sqnr_db),
            cosine: Change::only(now.cosine),
            gain: Change::only(now.gain),
            max_abs: Change::only(now.max_abs),
        }
    }
}

impl Comparison {
    /// What `now` has more than `was`. Both must come from the same model and samples.
    pub fn of(was: &Report, now: &Report) -> Self {
        let samples = was.samples.min(now.samples);
        let resampling = Resampling::new(samples);
        let before: BTreeMap<&str, &LayerRow> = was.rows.iter().map(|row| (row.info.name.as_str(), row)).collect();
        let compare = |row: &LayerRow| match before.get(row.info.name.as_str()) {
            Some(&old) => {
                let differs = settings(was, old) != settings(now, row);
                RowChange { differs, ..RowChange::of(old, row, samples, resampling.as_ref()) }
            }
            None => RowChange::only(row),
        };
        let rows: Vec<RowChange> = now.rows.iter().map(compare).collect();
        let by_name: BTreeMap<String, usize> =
            rows.iter().enumerate().map(|(index, row)| (row.name.clone(), index)).collect();
        let gone = was.rows.iter().map(|row| row.info.name.clone()).filter(|name| !by_name.contains_key(name));
        let flips = FlipChange::of(&was.answers, &now.answers);
        Self { samples, only_was: gone.collect(), score: score(was, now, &rows), flips, rows, by_name }
    }

    /// The same without any layer or score: only which samples flip.
    #[must_use]
    pub fn flips_alone(&self) -> Self {
        let none = Change::only(Measure::NotApplicable("left out"));
        Self {
            samples: self.samples,
            rows: Vec::new(),
            only_was: Vec::new(),
            score: ScoreChange {
                accuracy_points: None,
                agreement_points: None,
                output_sqnr_db: none,
                quantized_bytes: none,
            },
            flips: self.flips.clone(),
            by_name: BTreeMap::new(),
        }
    }

    /// The layer of this name.
    pub fn row(&self, name: &str) -> Option<&RowChange> {
        self.rows.get(*self.by_name.get(name)?)
    }
}

impl RowChange {
    fn of(was: &LayerRow, now: &LayerRow, samples: usize, resampling: Option<&Resampling>) -> Self {
        let mut accumulated = ErrorsChange::of(&was.accumulated, &now.accumulated);
        // Energies of fewer samples than the report has could not be told which is whose.
        let pairs = was.by_sample.get(..samples).zip(now.by_sample.get(..samples)).filter(|_| samples > 0);
        if let Some((old, new)) = pairs {
            accumulated.sqnr_db.delta = Some(energy_difference(old, new));
            accumulated.sqnr_db.interval = resampling.map(|resampling| resampling.interval(old, new));
        }
        Self {
            name: now.info.name.clone(),
            is_only_now: false,
            differs: false,
            local: ErrorsChange::of(&was.local, &now.local),
            inherited: ErrorsChange::of(&was.inherited, &now.inherited),
            introduced: ErrorsChange::of(&was.introduced, &now.introduced),
            accumulated,
            clipped_fraction: Change::between(was.clipped_fraction, now.clipped_fraction),
            quantized_bytes: bytes(was.quantized_bytes, now.quantized_bytes),
        }
    }

    fn only(now: &LayerRow) -> Self {
        Self {
            name: now.info.name.clone(),
            is_only_now: true,
            differs: true,
            local: ErrorsChange::only(&now.local),
            inherited: ErrorsChange::only(&now.inherited),
            introduced: ErrorsChange::only(&now.introduced),
            accumulated: ErrorsChange::only(&now.accumulated),
            clipped_fraction: Change::only(now.clipped_fraction),
            quantized_bytes: Change::only(Measure::Value(now.quantized_bytes as f64)),
        }
    }
}

fn difference(was: Measure, now: Measure) -> Option<f64> {
    match (was, now) {
        (Measure::Value(was), Measure::Value(now)) => Some(now - was),
        (Measure::Exact, Measure::Exact) => Some(0.0),
        (Measure::Value(_), Measure::Exact) => Some(f64::INFINITY),
        (Measure::Exact, Measure::Value(_)) => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn bytes(was: u64, now: u64) -> Change {
    // A file beyond 2^53 bytes does not exist.
    Change::between(Measure::Value(was as f64), Measure::Value(now as f64))
}

/// `10·log10` of how much better the ratio of signal to noise is in `now`, from the sums over the same samples.
fn energy_difference(was: &[SampleEnergy], now: &[SampleEnergy]) -> f64 {
    let sum = |energies: &[SampleEnergy]| {
        energies.iter().fold((0.0, 0.0), |(signal, noise), e| (signal + e.signal, noise + e.noise))
    };
    decibels(sum(was), sum(now))
}

/// The same from `(Σf², Σe²)` of each; 0 where neither has an error, or where a signal is nothing.
fn decibels(was: (f64, f64), now: (f64, f64)) -> f64 {
    match (was.1 > 0.0, now.1 > 0.0) {
        _ if was.0 <= 0.0 || now.0 <= 0.0 => 0.0,
        (false, false) => 0.0,
        (true, false) => f64::INFINITY,
        (false, true) => f64::NEG_INFINITY,
        (true, true) => 10.0 * ((now.0 / now.1).log10() - (was.0 / was.1).log10()),
    }
}

fn score(was: &Report, now: &Report, rows: &[RowChange]) -> ScoreChange {
    let points = |was: Option<Share>, now: Option<Share>| {
        was.zip(now).map(|(was, now)| 100.0 * (now.fraction() - was.fraction()))
    };
    let output = now.rows.iter().position(|row| row.info.output == now.score.output);
    let mut output_sqnr_db = Change::between(was.score.output_sqnr_db, now.score.output_sqnr_db);
    let row = output.and_then(|index| rows.get(index)).filter(|_| was.score.output == now.score.output);
    if let Some(change) = row.map(|row| row.accumulated.sqnr_db) {
        output_sqnr_db.interval = change.interval;
        if was.samples != now.samples {
            // Other samples make another score; only the common ones can be compared.
            output_sqnr_db.delta = change.delta;
        }
    }
    ScoreChange {
        accuracy_points: points(was.score.accuracy, now.score.accuracy),
        agreement_points: points(was.score.agreement, now.score.agreement),
        output_sqnr_db,
        quantized_bytes: bytes(was.cost.quantized_bytes, now.cost.quantized_bytes),
    }
}

/// What is in force for a layer: its weights, its output with whoever owns its format, what it reads with bits of its own.
fn settings(report: &Report, row: &LayerRow) -> [LayerSettings; 2] {
    let info = &row.info;
    let in_force = |name: &str, op: &str| {
        let mut settings = report.target.defaults.clone();
        settings.overlay(&report.config.settings_for(name, op));
        settings
    };
    let own = in_force(&info.name, &info.op);
    let owner =
        info.shares_activation_with.first().and_then(|owner| report.rows.iter().find(|r| r.info.name == *owner));
    let output = owner.map_or_else(|| own.clone(), |owner| in_force(&owner.info.name, &owner.info.op));
    let weights = if info.weight.is_some() { own.of_weights() } else { LayerSettings::default() };
    // What the plan made of it: a layer that cannot have what is set is as if it were not.
    let weights = LayerSettings {
        weight_bits: row.weight_bits,
        granularity: row.granularity,
        fold_batch_norm: own.fold_batch_norm,
        reads: own.reads,
        ..weights
    };
    let output = row.activation_bits.map_or_else(LayerSettings::default, |bits| LayerSettings {
        activation_bits: Some(bits),
        ..output.of_output()
    });
    [weights, output]
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
