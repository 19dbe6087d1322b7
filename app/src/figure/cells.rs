//! The cells of a density; on screen one mesh, since rectangles of their own would be smoothed at their edges and show a
//! net of seams.

use egui::{Color32, Mesh, Rect};
use egui_plot::{PlotPoint, PlotTransform};

use super::spec::{FigureSpec, Shape};
use crate::theme::Tokens;

/// Whether the figure has any cells.
pub(super) fn has_cells(spec: &FigureSpec) -> bool {
    spec.series.iter().any(|series| matches!(series.shape, Shape::Cells { .. }))
}

/// The cells that hold anything: two opposite corners, in data values, and their strength.
pub(super) fn filled<'a>(edges: &'a [f64], strengths: &'a [f32]) -> impl Iterator<Item = ([[f64; 2]; 2], f32)> + 'a {
    let columns = edges.len().saturating_sub(1).max(1);
    let corner = |column: usize, row: usize| Some([*edges.get(column)?, *edges.get(row)?]);
    strengths.iter().enumerate().filter(|(_, strength)| **strength > 0.0).filter_map(move |(index, strength)| {
        let (row, column) = (index / columns, index % columns);
        Some(([corner(column, row)?, corner(column + 1, row + 1)?], *strength))
    })
}

/// The cells of the figure inside the chart's frame, on `back`.
pub(super) fn mesh(spec: &FigureSpec, transform: &PlotTransform, tokens: &Tokens, back: Color32) -> Mesh {
    let frame = *transform.frame();
    let mut mesh = Mesh::default();
    mesh.add_colored_rect(frame, back);
    for series in &spec.series {
        let Shape::Cells { edges, strengths } = &series.shape else { continue };
        let color = super::colour(tokens, series.ink);
        for ([from, to], strength) in filled(edges, strengths) {
            let at = |[x, y]: [f64; 2]| {
                transform.position_from_point(&PlotPoint::new(spec.x.scale.place(x), spec.y.scale.place(y)))
            };
            let rect = Rect::from_two_pos(at(from), at(to)).intersect(frame);
            if rect.is_positive() {
                mesh.add_colored_rect(rect, color.gamma_multiply(strength));
            }
        }
    }
    mesh
}
