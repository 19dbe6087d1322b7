//! One description of a figure, drawn on screen and into files.
