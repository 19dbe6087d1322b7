//! Previews of samples, read as they come on screen.

use std::{collections::BTreeMap, sync::Arc};

use quantlens_analysis::data::info::Preview;

/// Previews kept at once: a preview of a picture takes some 70 KB.
const KEPT: usize = 512;

/// The previews that were read of the data in use.
#[derive(Clone, Debug, Default)]
pub struct Previews {
    /// By the sample's place.
    of: BTreeMap<usize, Arc<Preview>>,
    /// Samples whose previews are on their way.
    pub asked: Vec<usize>,
    /// The last ones could not be read: nothing is asked for again by itself.
    pub failed: bool,
}

impl Previews {
    /// The preview of a sample, once it was read.
    pub fn get(&self, sample: usize) -> Option<&Arc<Preview>> {
        self.of.get(&sample)
    }

    /// How many were read.
    pub fn count(&self) -> usize {
        self.of.len()
    }

    /// Whether nothing is on its way, so that more can be asked for.
    pub fn is_free(&self) -> bool {
        self.asked.is_empty() && !self.failed
    }

    /// These have come. Where there are too many, those before them are forgotten.
    pub fn take(&mut self, previews: Vec<(usize, Arc<Preview>)>) {
        self.asked.clear();
        if self.of.len() + previews.len() > KEPT {
            self.of.clear();
        }
        self.of.extend(previews);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_too_many() {
        let mut previews = Previews::default();
        for round in 0..40 {
            let batch = |i: usize| (round * 24 + i, Arc::new(crate::testing::preview(i)));
            previews.take((0..24).map(batch).collect());
            assert!(previews.of.len() <= KEPT && previews.get(round * 24 + 23).is_some());
        }
    }
}
