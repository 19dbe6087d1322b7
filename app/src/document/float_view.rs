//! The document as it would be with the float model in the place of the quantized one: what every view draws while Q is held.
//!
//! A whole document, so that no view has to know of it. What is made for it is kept as long as its original is the same:
//! views compare reports by identity, and a new copy in every frame would make them work everything out again.

use std::{collections::BTreeMap, sync::Arc};

use quantlens_analysis::{
    compare::Comparison,
    report::{FeatureMaps, LayerDetail, LayerErrors, Report},
};

use super::{Document, Loaded, Pins};
use crate::memo::{Memo, Same};

/// Whether views draw the float model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FloatView {
    /// The key is held.
    pub held: bool,
    /// The menu says so, until it says otherwise.
    pub kept: bool,
}

impl FloatView {
    /// Whether they do.
    pub fn is_shown(self) -> bool {
        self.held || self.kept
    }
}

/// The float model's counterparts of what is on screen.
#[derive(Debug, Default)]
pub struct FloatCopies {
    report: Memo<Same<Report>, Arc<Report>>,
    whole: Memo<Same<Report>, Arc<Report>>,
    detail: Memo<Same<LayerDetail>, Arc<LayerDetail>>,
    maps: Memo<Same<FeatureMaps>, Arc<FeatureMaps>>,
    errors: Memo<Same<LayerErrors>, Arc<LayerErrors>>,
    companions: BTreeMap<String, Memo<Same<LayerDetail>, Arc<LayerDetail>>>,
    comparison: Memo<Same<Comparison>, Arc<Comparison>>,
}

impl FloatCopies {
    /// The document with the float model's numbers. Nothing is pinned in it: a baseline is compared with the quantized
    /// model; only which samples flip stays, so that their cards do not move under the pointer.
    pub fn of(&mut self, doc: &Document) -> Document {
        let mut float = doc.clone();
        replace(&mut float.report, &mut self.report, Report::as_float);
        float.whole = doc.whole.as_ref().map(|whole| kept(&mut self.whole, whole, Report::as_float));
        replace(&mut float.detail, &mut self.detail, LayerDetail::as_float);
        self.companions.retain(|layer, _| float.companions.details.contains_key(layer));
        for (layer, (_, detail)) in &mut float.companions.details {
            let memo = self.companions.entry(layer.clone()).or_default();
            *detail = kept(memo, detail, LayerDetail::as_float);
        }
        replace(&mut float.maps, &mut self.maps, FeatureMaps::as_float);
        replace(&mut float.errors, &mut self.errors, LayerErrors::as_float);
        let comparison = doc.pins.comparison.as_ref();
        let comparison = comparison.map(|found| kept(&mut self.comparison, found, Comparison::flips_alone));
        float.pins = Pins { comparison, ..Pins::default() };
        float.pinned = None;
        float.weighed = None;
        float
    }
}

fn kept<T>(memo: &mut Memo<Same<T>, Arc<T>>, original: &Arc<T>, make: impl FnOnce(&T) -> T) -> Arc<T> {
    Arc::clone(memo.get(Same(Arc::clone(original)), |original| Arc::new(make(&original.0))))
}

fn replace<T>(value: &mut Loaded<Arc<T>>, memo: &mut Memo<Same<T>, Arc<T>>, make: impl FnOnce(&T) -> T) {
    if let Some(original) = &mut value.value {
        *original = kept(memo, original, make);
    }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::{metrics::Measure, report::Share};

    use super::*;
    use crate::testing::{detail, document, maps};

    #[test]
    fn every_number_is_the_float_models() {
        let mut doc = document(6);
        doc.detail.set(Arc::new(detail("conv1")));
        doc.maps.set(Arc::new(maps("conv1", 3)));
        let mut copies = FloatCopies::default();
        let float = copies.of(&doc);
        let report = float.report.value.as_ref().unwrap();
        assert_eq!(report.score.accuracy, Some(Share { count: 357, of: 360 }));
        assert_eq!(report.score.agreement, Some(Share { count: 360, of: 360 }));
        assert_eq!(report.cost.quantized_bytes, report.rows.iter().map(|row| row.float_bytes).sum::<u64>());
        let exact = |row: &quantlens_analysis::report::LayerRow| row.accumulated.sqnr_db == Measure::Exact;
        assert!(report.rows.iter().all(exact));
        let shown = float.detail.value.as_ref().unwrap().activation.as_ref().unwrap();
        assert_eq!(shown.quantized_counts, shown.float_counts);
        assert!(float.maps.value.as_ref().unwrap().maps.iter().all(|map| map.float == map.quantized));
        // The answers stay: they hold both runs'.
        assert_eq!(report.answers, doc.report.value.as_ref().unwrap().answers);
        // Another frame draws the very same copies.
        assert!(Arc::ptr_eq(report, copies.of(&doc).report.value.as_ref().unwrap()));
    }
}
