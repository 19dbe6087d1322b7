//! The analysis thread.

/// A job the worker can do, as a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {}
