//! Running models: onnxruntime behind one door, the values between segments, and incremental execution.
//!
//! [`Engine::prepare`] builds the sessions a plan needs; the passes only read them, so that samples run side by side.

mod alone;
mod call;
mod codes;
mod fused;
mod kernel;
mod late;
mod lend;
mod pass;
mod quantized;
mod run;
mod sample;
mod segment;
mod session;
mod suffix;
mod value;
mod vanished;
mod view;
mod watch;
mod wave;

pub use alone::{Alone, Constants};
pub use kernel::OwnKernels;
pub use pass::{Engine, FloatRun, Seconds};
pub use sample::{LayerSums, PassCount, SampleRun, Store};
pub use session::{Runtime, Session, SessionKind, expose};
pub use suffix::{Finished, Reference, Suffix};
pub use value::Value;
pub use watch::{Look, watched};
pub use wave::{Changed, OwnSessions, Start};
