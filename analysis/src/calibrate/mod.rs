//! From observed values to a range.
