//! Pinned configurations: named places to go back to, one of which the numbers of now are compared with.
//!
//! A pin is its configuration; its report is a cache that other samples make invalid and that is made again when the pin
//! becomes the baseline. The comparison belongs to one pair of reports and is worked out when either changes, never in a
//! frame.

use std::{path::PathBuf, sync::Arc};

use quantlens_analysis::{
    compare::{Comparison, RowChange},
    config::QuantConfig,
    report::{LayerDetail, Report},
};
use serde::{Deserialize, Serialize};

/// Identity of a pin while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinId(pub u64);

/// A configuration with a name.
#[derive(Clone, Debug)]
pub struct Pin {
    /// Its identity.
    pub id: PinId,
    /// What the user calls it.
    pub name: String,
    /// The configuration.
    pub config: Arc<QuantConfig>,
    /// Its numbers on the samples of now; `None` until it was evaluated on them.
    pub report: Option<Arc<Report>>,
}

/// All pins of the open model, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    /// The pins.
    pub list: Vec<Pin>,
    /// The one that numbers are compared with.
    pub baseline: Option<PinId>,
    /// The largest identity given.
    pub last_id: u64,
    /// Baseline against the numbers of now; `None` without a baseline that was evaluated.
    pub comparison: Option<Arc<Comparison>>,
    /// The pair of reports that `comparison` was made of: baseline's, now's.
    pub compared: Option<(Arc<Report>, Arc<Report>)>,
    /// The pages' data of the baseline, and whose they are.
    pub detail: Option<(PinId, Arc<LayerDetail>)>,
    /// Asked for and not here yet: the baseline's report, or this layer's pages.
    pub asked: Option<(PinId, Option<String>)>,
}

/// The pins of a model as the session keeps them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptPins {
    /// The model they belong to.
    pub model: PathBuf,
    /// `(name, configuration as its file would be)`.
    pub pins: Vec<(String, String)>,
    /// Place of the baseline among them.
    pub baseline: Option<usize>,
}

impl Pins {
    /// The pin with this identity.
    pub fn get(&self, id: PinId) -> Option<&Pin> {
        self.list.iter().find(|pin| pin.id == id)
    }

    /// The pin that numbers are compared with.
    pub fn baseline(&self) -> Option<&Pin> {
        self.get(self.baseline?)
    }

    /// How a layer differs from the baseline.
    pub fn change(&self, layer: &str) -> Option<&RowChange> {
        self.comparison.as_ref()?.row(layer)
    }

    /// Whether the layer is set otherwise in the baseline.
    pub fn differs(&self, layer: &str) -> bool {
        self.change(layer).is_some_and(|change| change.differs)
    }

    /// The baseline's pages' data of this layer.
    pub fn detail_of(&self, layer: &str) -> Option<&LayerDetail> {
        let (id, detail) = self.detail.as_ref()?;
        (Some(*id) == self.baseline && detail.layer == layer).then_some(detail)
    }

    /// A name that no pin has yet.
    pub fn free_name(&self) -> String {
        let is_free = |name: &String| self.list.iter().all(|pin| pin.name != *name);
        (1..).map(|n| format!("Pin {n}")).find(is_free).unwrap_or_default()
    }

    /// Adds a pin and gives its identity.
    pub fn add(&mut self, name: String, config: Arc<QuantConfig>, report: Option<Arc<Report>>) -> PinId {
        self.last_id += 1;
        let id = PinId(self.last_id);
        self.list.push(Pin { id, name, config, report });
        id
    }

    /// As the session keeps them.
    pub fn kept(&self, model: PathBuf) -> KeptPins {
        let baseline = self.baseline.and_then(|id| self.list.iter().position(|pin| pin.id == id));
        let pins = self.list.iter().map(|pin| (pin.name.clone(), pin.config.to_json())).collect();
        KeptPins { model, pins, baseline }
    }
}

impl KeptPins {
    /// The pins again, without numbers; one whose configuration cannot be read any more is left out.
    pub fn restored(&self) -> Pins {
        let mut pins = Pins::default();
        for (place, (name, text)) in self.pins.iter().enumerate() {
            if let Ok(config) = QuantConfig::from_json(text, name) {
                let id = pins.add(name.clone(), Arc::new(config), None);
                if self.baseline == Some(place) {
                    pins.baseline = Some(id);
                }
            }
        }
        pins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_come_back_with_their_baseline_and_without_what_cannot_be_read() {
        let mut pins = Pins::default();
        let mut config = QuantConfig::default();
        config.edit_layer("conv1", |s| s.weight_bits = Some(quantlens_analysis::quant::Bits::Int(4)));
        pins.add("broken".into(), Arc::default(), None);
        let four = pins.add("four bits".into(), Arc::new(config.clone()), None);
        pins.baseline = Some(four);
        let mut kept = pins.kept("m.onnx".into());
        kept.pins[0].1 = "{".into();
        let back = kept.restored();
        assert_eq!(back.list.len(), 1);
        assert_eq!(back.baseline().map(|pin| (pin.name.as_str(), &*pin.config)), Some(("four bits", &config)));
    }

    #[test]
    fn names_are_not_given_twice() {
        let mut pins = Pins::default();
        assert_eq!(pins.free_name(), "Pin 1");
        pins.add("Pin 1".into(), Arc::default(), None);
        assert_eq!(pins.free_name(), "Pin 2");
    }
}
