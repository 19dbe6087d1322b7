//! Figures: a page builds one [`FigureSpec`], the screen and the saved file both draw it.
//!
//! [`spec`] is the vocabulary, [`ticks`] and [`hover`] what both readers of a chart need in words, [`screen`] and [`mod@file`]
//! the two drawers; [`histogram`], [`channels`], [`threshold`], [`samples`] and [`arithmetic`] say what the layer pages
//! show, [`pinned`] what the pinned baseline adds to them, [`handles`] lets the user move a range on them,
//! [`share`] puts a chart under the scoreboard in one picture. The graph is no chart: [`sheet`] draws its file; nor are
//! feature maps and samples: [`tiles`]. Whatever a
//! page shows leaves the program as a [`picture`] or as its numbers ([`data`]), as the user's [`choice`] wants it.

pub mod arithmetic;
mod brush;
mod cells;
pub mod channels;
pub mod choice;
pub mod data;
pub mod file;
pub mod handles;
mod head;
pub mod histogram;
pub mod hover;
mod inset;
mod letters;
pub mod overlay;
mod page;
pub mod picture;
pub mod pinned;
pub mod samples;
pub mod scatter;
pub mod screen;
pub mod share;
pub mod sheet;
pub mod sorted_channels;
pub mod spec;
pub mod threshold;
pub mod ticks;
pub mod tiles;

pub use choice::FigureChoice;
pub use data::FigureData;
pub use file::FileOptions;
pub use handles::Moved;
pub use picture::Picture;
pub use screen::{ScreenOptions, Shown, figure_ui};
pub use spec::{Axis, Bar, FigureSpec, Handle, Ink, Mark, Scale, Series, Shape, Span, Stroke};

/// The colour of a role.
pub fn colour(tokens: &crate::theme::Tokens, ink: Ink) -> egui::Color32 {
    match ink {
        Ink::Float => tokens.float,
        Ink::Quantized => tokens.quantized,
        Ink::Current => tokens.threshold,
        Ink::Alternative => tokens.pinned,
        Ink::Suspect => tokens.pinned,
        Ink::Clipped => tokens.clipped,
        Ink::Quiet => tokens.weak,
        Ink::Layer(place) => tokens.layers[place % tokens.layers.len()],
    }
}
