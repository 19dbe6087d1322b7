//! Values of the constants that computing nodes read: initializers and Constant nodes as the file has them, and what
//! onnxruntime makes of nodes that read constants alone (a reshaped weight, a widened float16).

use std::{collections::BTreeMap, sync::Arc};

use super::{Graph, Source, TensorId};
use crate::{
    error::{Error, Result},
    onnx::{
        SharedFloats, float_values,
        proto::{AttributeProto, DataType, NodeProto, TensorProto},
    },
    say,
};

/// Constant values by tensor.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    values: BTreeMap<TensorId, Arc<TensorProto>>,
}

impl Constants {
    /// Initializers and Constant nodes of the graph. [`Constants::missing`] lists what must be computed.
    ///
    /// # Errors
    /// [`Error::Model`] for a Constant node without a value.
    pub fn stored(graph: &Graph) -> Result<Self> {
        let mut values = BTreeMap::new();
        // A graph exists: the skeleton was built from it.
        let initializers = graph.model.graph.iter().flat_map(|g| &g.initializer);
        for proto in initializers {
            if let Some(&id) = proto.name.as_deref().and_then(|name| graph.by_name.get(name)) {
                values.insert(id, Arc::new(proto.clone()));
            }
        }
        for (id, node) in graph.nodes.iter().enumerate().filter(|(_, n)| n.op == "Constant" && n.is_constant) {
            if let Some(&output) = node.outputs.iter().flatten().next()
                && let Some(value) = constant_value(graph.proto(id), graph.name(output))?
            {
                values.insert(output, Arc::new(value));
            }
        }
        Ok(Self { values })
    }

    /// Constants that non-constant nodes read (or that are outputs) and that only running their nodes can tell.
    pub fn missing(&self, graph: &Graph) -> Vec<TensorId> {
        let needed = |t: TensorId| {
            let info = &graph.tensors[t];
            info.is_output || info.consumers.iter().any(|&c| !graph.nodes[c].is_constant)
        };
        (0..graph.tensors.len())
            .filter(|&t| graph.tensors[t].is_constant && matches!(graph.tensors[t].source, Source::Node(_)))
            .filter(|&t| needed(t) && !self.values.contains_key(&t))
            .collect()
    }

    /// Adds a computed value.
    pub fn insert(&mut self, tensor: TensorId, value: TensorProto) {
        self.values.insert(tensor, Arc::new(value));
    }

    /// The constant as ONNX holds it.
    pub fn get(&self, tensor: TensorId) -> Option<&Arc<TensorProto>> {
        self.values.get(&tensor)
    }

    /// All constants.
    pub fn iter(&self) -> impl Iterator<Item = (&TensorId, &Arc<TensorProto>)> {
        self.values.iter()
    }

    /// The values of a float32 constant, row-major; `None` for another type or a damaged tensor.
    pub fn float_values(&self, tensor: TensorId) -> Option<SharedFloats> {
        let proto = self.values.get(&tensor).filter(|p| p.data_type == Some(DataType::Float as i32))?;
        // What is wrong with a tensor is told here too.
        let values = float_values(proto).ok()?;
        let shared = proto.raw_data.as_ref().filter(|raw| raw.len() == size_of_val(&values[..]));
        Some(shared.and_then(SharedFloats::from_raw).unwrap_or_else(|| values.into_owned().into()))
    }

    /// The constant's shape.
    pub fn dims(&self, tensor: TensorId) -> Option<Vec<usize>> {
        self.values.get(&tensor)?.dims.iter().map(|&d| usize::try_from(d).ok()).collect()
    }
}

/// What a Constant node holds, as a tensor named `name`; `None` for strings and sparse values, which no layer reads.
fn constant_value(node: &NodeProto, name: &str) -> Result<Option<TensorProto>> {
    let tensor = |data_type: DataType, dims: Vec<i64>| TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(data_type as i32),
        dims,
        ..TensorProto::default()
    };
    let length = |n: usize| vec![i64::try_from(n).unwrap_or(i64::MAX)];
    let attribute =
        node.attribute.first().ok_or_else(|| Error::model(say!("Constant node of `{}` has no value", name)))?;
    let AttributeProto { name: kind, t, f, floats, i, ints, .. } = attribute;
    let value = match kind.as_deref().unwrap_or_default() {
        "value" => t.as_deref().map(|value| TensorProto { name: Some(name.to_owned()), ..value.clone() }),
        "value_float" => {
            Some(TensorProto { float_data: vec![f.unwrap_or(0.0)], ..tensor(DataType::Float, Vec::new()) })
        }
        "value_floats" => {
            Some(TensorProto { float_data: floats.clone(), ..tensor(DataType::Float, length(floats.len())) })
        }
        "value_int" => Some(TensorProto { int64_data: vec![i.unwrap_or(0)], ..tensor(DataType::Int64, Vec::new()) }),
        "value_ints" => Some(TensorProto { int64_data: ints.clone(), ..tensor(DataType::Int64, length(ints.len())) }),
        _ => None,
    };
    Ok(value)
}
