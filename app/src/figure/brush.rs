//! Strokes, colours and anchors of a figure's page, apart from where anything stands.

use plotters::style::{
    RGBAColor,
    text_anchor::{HPos, Pos, VPos},
};

use super::spec::Stroke;

/// The stretches of a path that are drawn in this stroke: the path itself, or dashes cut along it. `unit` is the pixels of
/// one pixel at 1×.
pub(super) fn pieces(points: &[(i32, i32)], stroke: Stroke, unit: i32) -> Vec<Vec<(i32, i32)>> {
    let (on, off) = match stroke {
        Stroke::Solid => return vec![points.to_vec()],
        Stroke::Dashed => (7.0 * f64::from(unit), 4.0 * f64::from(unit)),
        Stroke::Long => (16.0 * f64::from(unit), 5.0 * f64::from(unit)),
        Stroke::Dotted => (2.0 * f64::from(unit), 3.0 * f64::from(unit)),
    };
    let mut out = Vec::new();
    // Runs through the pattern over the whole path, so that corners do not start it again.
    let mut phase = 0.0;
    for pair in points.windows(2) {
        let &[a, b] = pair else { continue };
        let length = f64::from(b.0 - a.0).hypot(f64::from(b.1 - a.1));
        let along = |s: f64| (blend(a.0, b.0, s / length), blend(a.1, b.1, s / length));
        let mut s = 0.0;
        while s < length {
            let (drawn, left) = if phase < on { (true, on - phase) } else { (false, on + off - phase) };
            let piece = left.min(length - s);
            if drawn {
                out.push(vec![along(s), along(s + piece)]);
            }
            s += piece;
            // Rounding may leave a sliver of the pattern; less than a hundredth of a pixel is its end.
            phase = if left - piece < 0.01 { if drawn { on } else { 0.0 } } else { phase + piece };
            if piece < 0.01 {
                s += 0.01;
            }
        }
    }
    out
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    TopLeft,
    TopRight,
    Top,
    Left,
    Right,
}

impl Anchor {
    pub(super) fn pos(self) -> Pos {
        match self {
            Self::TopLeft => Pos::new(HPos::Left, VPos::Top),
            Self::TopRight => Pos::new(HPos::Right, VPos::Top),
            Self::Top => Pos::new(HPos::Center, VPos::Top),
            Self::Left => Pos::new(HPos::Left, VPos::Center),
            Self::Right => Pos::new(HPos::Right, VPos::Center),
        }
    }
}

/// A colour of the theme at this opacity.
pub(super) fn paint(color: egui::Color32, alpha: f64) -> RGBAColor {
    RGBAColor(color.r(), color.g(), color.b(), alpha)
}

/// The pixel at `share` of the way.
#[expect(clippy::cast_possible_truncation, reason = "between two pixels of one page")]
pub(super) fn blend(from: i32, to: i32, share: f64) -> i32 {
    (f64::from(from) + f64::from(to - from) * share).round() as i32
}

/// Whether two rectangles (left, top, right, bottom) touch.
pub(super) fn overlap(a: &[i32; 4], b: &[i32; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_a_corner() {
        // 7 on, 4 off: 10 pixels right leave 1 of the gap, which the first pixel down uses up.
        let cut = pieces(&[(0, 0), (10, 0), (10, 10)], Stroke::Dashed, 1);
        assert_eq!(cut, [vec![(0, 0), (7, 0)], vec![(10, 1), (10, 8)]]);
        assert_eq!(pieces(&[(0, 0), (10, 0)], Stroke::Solid, 1), [vec![(0, 0), (10, 0)]]);
        assert!(pieces(&[(3, 3), (3, 3)], Stroke::Dotted, 1).is_empty());
    }
}
