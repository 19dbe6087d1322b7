//! The cells of a density on screen: one mesh, since rectangles of their own would be smoothed at their edges and show a
//! net of seams.

use egui::{Color32, Mesh, Rect};
use egui_plot::{PlotPoint, PlotTransform};

use super::spec::{FigureSpec, Shape};
use crate::theme::Tokens;

/// Whether the figure has any cells.
pub(super) fn has_cells(spec: &FigureSpec) -> bool {
    spec.series.iter().any(|series| matches!(series.shape, Shape::Cells { .. }))
}

/// The cells of the figure inside the chart's frame, on `back`.
pub(super) fn mesh(spec: &FigureSpec, transform: &PlotTransform, tokens: &Tokens, back: Color32) -> Mesh {
    let frame = *transform.frame();
    let mut mesh = Mesh::default();
    mesh.add_colored_rect(frame, back);
    for series in &spec.series {
        let Shape::Cells { origin, size, columns, strengths } = &series.shape else { continue };
        let color = super::colour(tokens, series.ink);
        for (index, &strength) in strengths.iter().enumerate().filter(|(_, strength)| **strength > 0.0) {
            let (row, column) = (index / columns, index % columns);
            let corner = |row: usize, column: usize| {
                let x = spec.x.scale.place(origin[0] + size[0] * column as f64);
                let y = spec.y.scale.place(origin[1] + size[1] * row as f64);
                transform.position_from_point(&PlotPoint::new(x, y))
            };
            let rect = Rect::from_two_pos(corner(row, column), corner(row + 1, column + 1)).intersect(frame);
            if rect.is_positive() {
                mesh.add_colored_rect(rect, color.gamma_multiply(strength));
            }
        }
    }
    mesh
}
