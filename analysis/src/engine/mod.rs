//! Running models: onnxruntime behind one door, the values between segments, and incremental execution.

mod alone;
mod fused;
mod pass;
mod segment;
mod session;
mod spare;
mod value;

pub use alone::{Alone, Constants};
pub use pass::{Engine, LayerSums, PassCount, SampleRun, Seconds, Store};
pub use session::{Runtime, Session, SessionKind, expose};
pub use value::Value;
