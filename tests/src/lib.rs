//! What the tests share; the tests themselves are in `tests/`.

pub mod window;
