//! Samples to run a model on.
