//! Samples to run a model on.

mod convert;
mod elements;
mod inflate;
mod npy;
mod npz;
