//! Another target for the open model: rows, quantizer places and cuts are worked out anew, and with them everything that
//! was computed between the cuts. The model is not read again, the data stay.

use std::sync::Arc;

use super::{Workbench, info};
use crate::{
    engine::{Engine, SampleRun},
    error::Result,
    plan::WeightCache,
    target::Target,
};

impl Workbench {
    /// Arranges the model for the target of this name, or of this file as it is now, unless it is already.
    ///
    /// # Errors
    /// [`crate::Error::Config`] where there is no such target or its file is wrong; [`crate::Error::Io`].
    pub(super) fn use_target_named(&mut self, name_or_path: &str) -> Result<()> {
        self.use_target(&Target::load(name_or_path)?, name_or_path);
        Ok(())
    }

    /// Arranges the model for `target`, which the configuration calls `name`, unless it is already. Names alone say
    /// nothing: a file can change under its own.
    pub(super) fn use_target(&mut self, target: &Arc<Target>, name: &str) {
        if *target == self.graph.target {
            if self.info.target.name != name {
                self.info = Arc::new(info::retargeted(&self.info, &self.graph, name));
            }
            return;
        }
        self.graph = Arc::new(self.graph.with_target(target));
        self.engine = Engine::new(self.runtime.clone(), Arc::clone(&self.graph));
        self.weight_cache = WeightCache::new();
        self.kept_sweeps.clear();
        self.info = Arc::new(info::retargeted(&self.info, &self.graph, name));
        let account = self.account();
        if let Some(data) = &mut self.data {
            data.samples.iter_mut().for_each(|run| *run = SampleRun::default());
            data.statistics = crate::calibrate::Statistics::default();
            data.shapes = Vec::new();
            data.is_referenced = false;
            data.reserved.fill(0);
            data.account = account;
        }
    }
}
