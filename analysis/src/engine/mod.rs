//! Running models: onnxruntime behind one door, the values between segments, and incremental execution.

mod segment;
mod session;
mod value;

pub use session::{Runtime, Session, SessionKind, expose};
pub use value::Value;
