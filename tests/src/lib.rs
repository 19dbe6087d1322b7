//! What the tests share; the tests themselves are in `tests/`.

pub mod core;
pub mod window;
