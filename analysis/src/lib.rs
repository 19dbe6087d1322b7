//! The core of Quantlens.

pub mod error;
pub mod job;

pub use error::{Error, Result};
