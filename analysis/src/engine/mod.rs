//! Running models: onnxruntime behind one door, the values between segments, and incremental execution.

mod fused;
mod pass;
mod segment;
mod session;
mod spare;
mod suffix;
mod value;
mod wave;

pub use pass::{Engine, LayerSums, PassCount, SampleRun, Seconds, Store};
pub use session::{Runtime, Session, SessionKind, expose};
pub use suffix::{Finished, Reference, Suffix};
pub use value::Value;
pub use wave::{Changed, OwnSessions, Start};
