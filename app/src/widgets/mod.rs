//! Small painted things that several views use.
