//! ONNX files in and out: the schema, loading without copying weights, values of tensors, and saving without leaving a
//! half-written file.
//!
//! Nothing here knows what an operator means, except [`already_quantized`], which recognises quantized models by
//! operator names. A file is judged before it is decoded (`wire`), because the decoder alone neither says where a
//! file is damaged, nor reports what it drops, nor bounds what it allocates.

pub mod proto;
pub mod raise;

mod external;
mod load;
mod names;
mod pack;
mod quantized;
mod save;
mod schema;
mod shared;
mod sink;
mod sniff;
mod values;
mod visit;
mod wire;

pub use external::read_external;
pub use load::{Loaded, load, load_bytes, with_inline_data};
pub(crate) use names::Names;
pub use pack::{float_proto, integer_tensor, tensor_proto};
pub use quantized::already_quantized;
pub use save::{ExternalPolicy, SaveOptions, save};
pub use shared::SharedFloats;
pub use values::{float_values, integer_values, tensor_values};
pub use visit::{outer_references, subgraphs, visit_graphs, visit_nodes};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod shared_models;
