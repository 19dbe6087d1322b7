//! How wide the user wants the table's columns; kept between runs, by name, so that a column of another version is no
//! reason to forget the others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rows::Column;

/// Widths that the user has set, in points; other columns have their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnWidths(BTreeMap<String, f32>);

impl ColumnWidths {
    /// Least and most width, in points.
    pub const LIMITS: (f32, f32) = (28.0, 400.0);

    /// The column's width, where the user has set it.
    pub fn get(&self, column: Column) -> Option<f32> {
        let (least, most) = Self::LIMITS;
        self.0.get(column.key()).filter(|width| width.is_finite()).map(|width| width.clamp(least, most))
    }

    /// Sets a width, or forgets it.
    pub fn set(&mut self, column: Column, width: Option<f32>) {
        let (least, most) = Self::LIMITS;
        match width.filter(|width| width.is_finite()) {
            Some(width) => self.0.insert(column.key().to_owned(), width.clamp(least, most)),
            None => self.0.remove(column.key()),
        };
    }

    /// Whether no width is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_widths_are_bounded_and_unknown_columns_do_no_harm() {
        let mut widths: ColumnWidths = serde_json::from_str(r#"{"op":1e9,"of_another_version":50.0}"#).unwrap();
        assert_eq!(widths.get(Column::Op), Some(400.0));
        widths.set(Column::Op, Some(f32::NAN));
        assert_eq!(widths.get(Column::Op), None);
        widths.set(Column::Size, Some(3.0));
        assert_eq!(widths.get(Column::Size), Some(28.0));
    }
}
