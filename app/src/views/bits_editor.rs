//! The choice of a bit width.
