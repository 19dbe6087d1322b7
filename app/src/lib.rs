//! The window of Quantlens: shows a [`document::Document`], sends [`command::Command`]s, runs the analysis on a thread.

pub mod action;
pub mod apply;
pub mod batch;
pub mod command;
pub mod copy;
pub mod dialogs;
pub mod document;
pub mod figure;
pub mod filter;
pub mod format;
pub mod history;
pub mod interval;
pub mod memo;
pub mod rows;
pub mod runtime;
pub mod selection;
pub mod spread;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod theme;
pub mod tour;
pub mod views;
pub mod widgets;
pub mod worker;

pub use eframe::egui;
