//! Why quantizing hurts: named causes, each with the numbers that show it. A cause only speaks of what a report or a
//! layer's detail already holds; nothing here runs a model.

pub mod channels;

pub use channels::{ChannelSpread, channel_spread};
