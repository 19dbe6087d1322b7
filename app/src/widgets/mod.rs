//! Small parts that several views draw with. They know the theme and nothing of the document.

pub mod badge;
pub mod banner;
pub mod empty_state;
pub mod error_strip;
pub mod facts;
pub mod mini_histogram;
pub mod share_bar;
pub mod text;
pub mod typed_field;

pub use badge::striped_badge;
pub use banner::{Tone, banner};
pub use empty_state::{EmptyState, empty_state};
pub use error_strip::{StripAnswer, error_strip};
pub use facts::{Fact, fact, fact_grid};
pub use mini_histogram::mini_histogram;
pub use share_bar::share_bar;
pub use text::{name_label, number_label, section};
pub use typed_field::typed_field;
