//! The filter language of the layer list.

use quantlens_analysis::report::{LayerInfo, LayerRow};

/// A parsed filter; the empty text matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    words: Vec<String>,
}

impl Query {
    /// Parses a filter.
    ///
    /// # Errors
    /// A sentence that names the part that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { words: text.split_whitespace().map(str::to_lowercase).collect() })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a layer fits; `row` is `None` until it was evaluated.
    pub fn matches(&self, info: &LayerInfo, _row: Option<&LayerRow>) -> bool {
        let (name, op) = (info.name.to_lowercase(), info.op.to_lowercase());
        self.words.iter().all(|word| name.contains(word) || op.contains(word))
    }
}
