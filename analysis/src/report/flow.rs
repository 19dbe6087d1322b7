//! What a layer does to the error it receives, as data.

use crate::t;
use serde::Serialize;

/// Amplifies, attenuates or mixes (QUANTIZATION.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowKind {
    /// The inherited NMSE is above the largest among what the layer reads.
    Amplifies,
    /// It is below the smallest.
    Attenuates,
    /// It is neither.
    Mixes,
}

impl FlowKind {
    /// As it stands in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amplifies => t!("amplifies"),
            Self::Attenuates => t!("attenuates"),
            Self::Mixes => t!("mixes"),
        }
    }
}

/// What a layer's float function makes of the error of its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Which of the three.
    pub kind: FlowKind,
    /// `Σe_inh²/Σf²` of the layer's output; infinite where the float output is all zeros.
    pub inherited_nmse: f64,
    /// The smallest accumulated NMSE among the layer's activation inputs; an exact input counts as 0.
    pub smallest_input_nmse: f64,
    /// The largest.
    pub largest_input_nmse: f64,
}

impl Flow {
    /// By how much the NMSE changes, in dB, against the input nearest to it: positive where the layer amplifies,
    /// negative where it attenuates, 0 where it hands one error on. `None` where it mixes several, and where the change
    /// has no finite number of dB.
    pub fn change_db(&self) -> Option<f64> {
        let against = match self.kind {
            FlowKind::Amplifies => self.largest_input_nmse,
            FlowKind::Attenuates => self.smallest_input_nmse,
            FlowKind::Mixes => {
                // Equal up to the order in which energies were added.
                let is_one = self.largest_input_nmse - self.smallest_input_nmse <= 1e-9 * self.largest_input_nmse;
                return is_one.then_some(0.0);
            }
        };
        let change = 10.0 * (self.inherited_nmse.log10() - against.log10());
        change.is_finite().then_some(change)
    }
}
