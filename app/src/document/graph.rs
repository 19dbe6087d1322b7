//! What the Graph page draws, and how far the drawing is.

use std::sync::Arc;

use quantlens_analysis::report::ModelInfo;

use crate::graph_layout::{
    Drawing, Net,
    walk::{Trail, Walk},
};

/// The drawing of the open model.
#[derive(Clone, Debug, Default)]
pub struct GraphState {
    /// The last finished drawing, and what it is a drawing of.
    pub drawn: Option<(Arc<Net>, Arc<Drawing>)>,
    /// What is being drawn.
    pub running: Option<Drafting>,
    /// What the user stopped; it is not begun again unasked.
    pub stopped: Option<Arc<Net>>,
    /// The model that was last looked at for this: while it is the same, so is the net.
    pub of: Option<Arc<ModelInfo>>,
    /// Where to look, and a number that changes when it is asked for again.
    pub look: (Look, u64),
    /// The last way that was gone from card to card with the keys.
    pub trail: Option<Trail>,
    /// Changes when the menu of the selected card is asked for.
    pub menu: u64,
}

impl GraphState {
    /// The drawing as one walks on it; `None` while there is none.
    pub fn walk(&self) -> Option<Walk<'_>> {
        self.drawn.as_ref().map(|(net, drawing)| Walk { net, drawing })
    }
}

/// A drawing on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafting {
    /// Of what.
    pub net: Arc<Net>,
    /// Without the search for few crossings.
    pub quick: bool,
    /// When it was begun, in seconds of the window's clock.
    pub since: f64,
    /// How much is done of how much.
    pub progress: (usize, usize),
}

/// Where the Graph page is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// At everything.
    #[default]
    All,
    /// At the selected layers.
    Selection,
}

/// After so many seconds a drawing without the search for few crossings is offered.
const OFFER_QUICK_AFTER_S: f64 = 2.5;

impl Drafting {
    /// Whether the quick drawing is to be offered at `now`.
    pub fn is_slow(&self, now: f64) -> bool {
        !self.quick && now - self.since >= OFFER_QUICK_AFTER_S
    }

    /// Seconds until it is; `None` once it is or where it will not be.
    pub fn slow_in(&self, now: f64) -> Option<f64> {
        (!self.quick && !self.is_slow(now)).then_some(self.since + OFFER_QUICK_AFTER_S - now)
    }
}
