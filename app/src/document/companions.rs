//! What the pages need of the other selected layers, which are drawn beside the anchor: their pages' data, each with the
//! configuration it was measured under.

use std::{collections::BTreeMap, sync::Arc};

use quantlens_analysis::{config::QuantConfig, report::LayerDetail};

/// So many layers at most stand in one figure.
pub const MOST_LAYERS: usize = 4;

/// The pages' data of selected layers other than the anchor.
#[derive(Clone, Debug, Default)]
pub struct Companions {
    /// By layer, what was measured under which configuration.
    pub details: BTreeMap<String, (Arc<QuantConfig>, Arc<LayerDetail>)>,
    /// Asked for: also what failed, which is not asked for again under the same configuration.
    pub asked: Option<(String, Arc<QuantConfig>)>,
}

impl Companions {
    /// Whether the layer's data are of this configuration.
    pub fn has(&self, layer: &str, config: &Arc<QuantConfig>) -> bool {
        self.details.get(layer).is_some_and(|(of, _)| of == config)
    }
}
