//! The quantized model as a file: written from the plan alone, then read back and run before anybody is told that it is
//! good.

mod constants;
mod guard;
mod names;
mod narrow;
mod needed;
mod opset;
mod pairs;
mod qdq;
pub mod verify;

pub use needed::needed_opsets;
pub use qdq::{Qdq, qdq};
