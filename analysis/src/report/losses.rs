//! Layers of which the SQNR hides what is lost: a few huge values have all the energy, and the others become 0 beside them.

use super::LayerRow;
use crate::{job::Warning, say};

/// From this share of the values on a layer is named.
const MANY: f64 = 0.1;
/// So many layers are named, the others counted.
const NAMED: usize = 3;

impl LayerRow {
    /// Whether many of its values become 0 and its SQNR does not tell.
    pub fn hides_losses(&self) -> bool {
        self.vanished_fraction.is_some_and(|share| share >= MANY)
    }
}

/// Names the rows that do.
pub(crate) fn hidden_losses(rows: &[LayerRow]) -> Option<Warning> {
    let losing: Vec<&LayerRow> = rows.iter().filter(|row| row.hides_losses()).collect();
    let most = losing.iter().filter_map(|row| row.vanished_fraction).reduce(f64::max)?;
    let quoted: Vec<String> = losing.iter().take(NAMED).map(|row| format!("`{}`", row.info.name)).collect();
    let more = if losing.len() > NAMED { format!(", … ({})", losing.len()) } else { String::new() };
    Some(Warning::new(
        "losses-hidden",
        say!(
            "a few huge values, as those of a mask, take the range of {}: up to {} % of all values become 0 there, and the \
             SQNR does not show it; leave these outputs float or set narrower ranges by hand",
            quoted.join(", ") + &more,
            format!("{:.0}", 100.0 * most)
        ),
    ))
}
