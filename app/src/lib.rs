//! The window of Quantlens: shows a [`document::Document`], sends [`command::Command`]s, runs the analysis on a thread.

pub mod action;
pub mod app;
pub mod apply;
pub mod batch;
pub mod brush;
pub mod cli;
pub mod command;
pub mod copy;
pub mod dialogs;
pub mod document;
pub mod engine;
pub mod figure;
pub mod files;
pub mod filter;
pub mod format;
pub mod formula;
pub mod graph_layout;
pub mod heat;
pub mod help;
pub mod history;
pub mod interval;
pub mod keys;
pub mod layout_thread;
pub mod memo;
pub mod palette;
pub mod rows;
pub mod runtime;
pub mod selection;
pub mod session;
pub mod session_file;
pub mod spread;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod theme;
pub mod tour;
pub mod views;
pub mod widgets;
pub mod window;
pub mod worker;

pub use eframe::egui;
