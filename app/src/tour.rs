//! The steps of the sample's tour, as data; the card that shows them is [`crate::views::tour`].

/// A step of the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TourStep {
    /// The curve falls here.
    Cliff,
    /// One channel does it.
    Channel,
    /// Per-channel scales mend it.
    Fix,
    /// Write the model and see it verified.
    Export,
}

impl TourStep {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Cliff, Self::Channel, Self::Fix, Self::Export];

    /// The step after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.iter().copied().skip_while(|step| *step != self).nth(1)
    }

    /// 1 for the first.
    pub fn number(self) -> usize {
        1 + Self::ALL.iter().position(|step| *step == self).unwrap_or(0)
    }
}
