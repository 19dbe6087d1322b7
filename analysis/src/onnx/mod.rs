//! ONNX files in and out: the schema, loading without copying weights, values of tensors, and saving without leaving a
//! half-written file.
//!
//! Nothing here knows what an operator means, except [`already_quantized`], which recognises quantized models by
//! operator names. A file is judged before it is decoded ([`wire`]), because the decoder alone neither says where a
//! file is damaged, nor reports what it drops, nor bounds what it allocates.

pub mod proto;

mod schema;
mod sniff;
mod visit;
mod wire;

pub use visit::{outer_references, subgraphs, visit_graphs, visit_nodes};
