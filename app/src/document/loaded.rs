//! A value with its predecessor.

/// A value that a background job makes. The previous one stays while a new one is coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<T> {
    /// The last good value.
    pub value: Option<T>,
    /// When a newer one was asked for, in seconds of the window's clock; `None` when none is on its way.
    pub pending_since: Option<f64>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { value: None, pending_since: None }
    }
}

impl<T> Loaded<T> {
    /// A newer value has been asked for; the first request of several counts.
    pub fn ask(&mut self, now: f64) {
        self.pending_since.get_or_insert(now);
    }

    /// The value has come.
    pub fn set(&mut self, value: T) {
        *self = Self { value: Some(value), pending_since: None };
    }

    /// No value will come; the previous one is right again.
    pub fn settle(&mut self) {
        self.pending_since = None;
    }

    /// Whether the value should be drawn dimmed at `now`: only when its successor is not quick.
    pub fn is_dimmed(&self, now: f64) -> bool {
        self.pending_since.is_some_and(|since| now - since > crate::theme::DIM_AFTER_S)
    }
}
