//! The model as stock onnxruntime runs it: what every time is measured against.

use std::sync::Arc;

use super::{
    Workbench,
    samples::{input_values, no_data},
};
use crate::{
    engine::{Session, SessionKind, Value, expose},
    error::Result,
    job::CancelToken,
};

/// How onnxruntime runs the model by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// With full optimization, as a user's program does.
    Optimized,
    /// Without any.
    Unoptimized,
    /// With full optimization, every tensor of the graph an output: what any tool does that looks at all of them.
    AllIntermediates,
}

/// A session of the whole model and the samples to run.
#[derive(Debug)]
pub struct PlainModel {
    session: Session,
    inputs: Vec<String>,
    samples: Vec<Vec<Arc<Value>>>,
}

impl Workbench {
    /// The whole model in one session, with every sample in memory.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`]; [`crate::Error::Data`] without samples or where one cannot be read.
    pub fn plain_model(&self, kind: Plain) -> Result<PlainModel> {
        let graph = &self.graph;
        let session_kind = if kind == Plain::Unoptimized { SessionKind::Float } else { SessionKind::Optimized };
        let nodes = graph.nodes.iter().filter(|node| !node.is_constant);
        let made = nodes.flat_map(|node| node.outputs.iter().flatten()).map(|&tensor| graph.name(tensor).to_owned());
        let exposed = if kind == Plain::AllIntermediates { made.collect() } else { Vec::new() };
        let session = self.runtime.stock_session(&expose(&graph.model, &exposed), session_kind, "the model")?;
        let dataset = &self.data.as_ref().ok_or_else(no_data)?.dataset;
        let samples = (0..dataset.len()).map(|index| input_values(dataset, index)).collect::<Result<_>>()?;
        let inputs = graph.inputs.iter().map(|&tensor| graph.name(tensor).to_owned()).collect();
        Ok(PlainModel { session, inputs, samples })
    }
}

impl PlainModel {
    /// Runs every sample once, one a call.
    ///
    /// # Errors
    /// [`crate::Error::Runtime`].
    pub fn run_all(&self) -> Result<()> {
        let cancel = CancelToken::new();
        for sample in &self.samples {
            let feeds: Vec<(&str, &Value)> =
                self.inputs.iter().map(String::as_str).zip(sample.iter().map(AsRef::as_ref)).collect();
            self.session.run(&feeds, &cancel)?;
        }
        Ok(())
    }
}
