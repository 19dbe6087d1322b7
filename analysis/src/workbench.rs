//! The front door: one open model with its data, statistics, caches and current plan. The window's worker and the
//! command line both call this and nothing deeper, so that neither orchestrates the rooms by itself.
