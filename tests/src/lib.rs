//! What the tests share; the tests themselves are in `tests/`.

pub mod core;
pub mod frames;
pub mod models;
pub mod random_config;
pub mod random_graph;
pub mod random_model;
pub mod seeded;
pub mod session;
pub mod window;
