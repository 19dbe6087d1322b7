//! Hand-worked scales, and onnxruntime's own.
#![expect(clippy::cast_possible_truncation, reason = "test data of known size")]

use super::*;

fn int8() -> Grid {
    Grid::signed(8).unwrap()
}

#[test]
fn affine_by_hand() {
    // [−1, 3] on uint8 codes 0…3 (2 bits): S = 4/3, −(−1)/S = 0.75 → Z = 1.
    let (p, why) = affine(Range::new(-1.0, 3.0), Grid::unsigned(2).unwrap());
    assert_eq!((p.scale, p.zero_point, why), (4.0 / 3.0, 1, None));
    // [−1, 1] on int8: S = 2/255, −128 + 127.5 = −0.5 → half to even: 0.
    let (p, _) = affine(Range::new(-1.0, 1.0), int8());
    assert_eq!((p.scale, p.zero_point), (2.0_f32 / 255.0, 0));
    // [2, 6] is widened to [0, 6]: S = 6/255, Z = −128.
    let (p, _) = affine(Range::new(2.0, 6.0), int8());
    assert_eq!((p.scale, p.zero_point), (6.0_f32 / 255.0, -128));
    // [−6, −2] becomes [−6, 0]: Z = −128 + 255 = 127.
    let (p, _) = affine(Range::new(-6.0, -2.0), int8());
    assert_eq!((p.scale, p.zero_point), (6.0_f32 / 255.0, 127));
}

#[test]
fn symmetric_by_hand() {
    // int8: 127 divides although the grid reaches −128.
    let (p, _) = symmetric(2.54, int8(), SymmetricRule::onnxruntime(int8()));
    assert_eq!((p.scale, p.zero_point, p.grid.q_min()), (0.02, 0, -128));
    // int4: 3/7.5 = 0.4 in onnxruntime; 3/7 by the rule of the other widths.
    let int4 = Grid::signed(4).unwrap();
    assert_eq!(symmetric(3.0, int4, SymmetricRule::onnxruntime(int4)).0.scale, 0.4);
    assert_eq!(symmetric(3.0, int4, SymmetricRule::MaxCode).0.scale, 3.0 / 7.0);
    // 2 bits, −2…1: amax/1.
    let int2 = Grid::signed(2).unwrap();
    assert_eq!(symmetric(3.0, int2, SymmetricRule::onnxruntime(int2)).0.scale, 3.0);
    // uint8 about the middle: 5.1/127.5 = 0.04, Z = round(127.5) = 128; positive data: 5.1/255 = 0.02, Z = 0.
    let uint8 = Grid::unsigned(8).unwrap();
    let (p, _) = symmetric(5.1, uint8, SymmetricRule::onnxruntime(uint8));
    assert_eq!((p.scale, p.zero_point), (0.04, 128));
    let (p, _) = symmetric(5.1, uint8, SymmetricRule::Positive);
    assert_eq!((p.scale, p.zero_point), (0.02, 0));
}

#[test]
fn ranges_without_a_scale() {
    let unit = QuantParams::unit(int8());
    for (low, high, reason) in [
        (f32::NAN, 1.0, Degenerate::NotFinite),
        (0.0, f32::NAN, Degenerate::NotFinite),
        (f32::NEG_INFINITY, 1.0, Degenerate::NotFinite),
        (0.0, f32::INFINITY, Degenerate::NotFinite),
        (f32::INFINITY, f32::NEG_INFINITY, Degenerate::NotFinite), // the min–max of no value
        (2.0, 1.0, Degenerate::NotFinite),
        (0.0, 0.0, Degenerate::ZeroWidth),
        (-0.0, 0.0, Degenerate::ZeroWidth),
        (0.0, 1e-40, Degenerate::TooSmall),
        // 255·2^-126 gives S = 2^-126, the smallest normal; one step less does not.
        (0.0, (255.0 * f32::MIN_POSITIVE).next_down(), Degenerate::TooSmall),
    ] {
        assert_eq!(affine(Range::new(low, high), int8()), (unit, Some(reason)), "[{low}, {high}]");
    }
    assert_eq!(affine(Range::new(0.0, 255.0 * f32::MIN_POSITIVE), int8()).0.scale, f32::MIN_POSITIVE);
    assert_eq!(symmetric(-1.0, int8(), SymmetricRule::MaxCode), (unit, Some(Degenerate::NotFinite)));
    assert_eq!(symmetric(0.0, int8(), SymmetricRule::MaxCode), (unit, Some(Degenerate::ZeroWidth)));
    assert_eq!(symmetric(f32::NAN, int8(), SymmetricRule::MaxCode), (unit, Some(Degenerate::NotFinite)));
}

#[test]
fn the_widest_range_does_not_overflow() {
    // f32::MAX − (−f32::MAX) overflows float32 but not float64: S = 2·MAX/255.
    let (p, why) = affine(Range::symmetric(f32::MAX), int8());
    assert_eq!(why, None);
    assert_eq!(f64::from(p.scale), f64::from((2.0 * f64::from(f32::MAX) / 255.0) as f32));
    assert_eq!(p.zero_point, 0);
}

#[derive(serde::Deserialize)]
struct Golden {
    types: Vec<String>,
    rows: Vec<Vec<i64>>,
    grids: Vec<(i32, i32)>,
    grid_rows: Vec<Vec<i64>>,
}

fn float(bits: i64) -> f32 {
    f32::from_bits(u32::try_from(bits).unwrap())
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/scale_zp.json")).unwrap()
}

/// `tests/golden/scale_zp.py` made the table: onnxruntime's `compute_scale_zp(low, high, q_min, q_max, symmetric)`.
#[test]
fn every_scale_and_zero_point_is_onnxruntimes() {
    let golden = golden();
    assert!(golden.rows.len() >= 140);
    for row in &golden.rows {
        let range = Range::new(float(row[0]), float(row[1]));
        for (name, expected) in golden.types.iter().zip(row[2..].chunks_exact(4)) {
            let (kind, bits) = name.split_at(name.find(char::is_numeric).unwrap());
            let bits = bits.parse().unwrap();
            let grid = if kind == "INT" { Grid::signed(bits) } else { Grid::unsigned(bits) }.unwrap();
            let (p, _) = affine(range, grid);
            assert_eq!((p.scale, i64::from(p.zero_point)), (float(expected[0]), expected[1]), "{name} {range:?}");
            let (p, _) = symmetric(range.amax(), grid, SymmetricRule::onnxruntime(grid));
            assert_eq!((p.scale, i64::from(p.zero_point)), (float(expected[2]), expected[3]), "sym {name} {range:?}");
        }
    }
}

/// Narrow grids and odd widths, which onnxruntime has no type for, by its formula; the ways to say the same agree.
#[test]
fn grids_without_a_type_follow_onnxruntimes_formula() {
    let golden = golden();
    assert!(golden.grid_rows.len() >= 70 && golden.grids.contains(&(-127, 127)));
    for row in &golden.grid_rows {
        let range = Range::new(float(row[0]), float(row[1]));
        for (&(q_min, q_max), expected) in golden.grids.iter().zip(row[2..].chunks_exact(4)) {
            let bits = u8::try_from((q_max - q_min).ilog2() + 1).unwrap();
            let grid = match (q_min, q_min + q_max) {
                (0, _) => Grid::unsigned(bits),
                (_, 0) => Grid::signed_narrow(bits),
                _ => Grid::signed(bits),
            }
            .unwrap();
            assert_eq!((grid.q_min(), grid.q_max()), (q_min, q_max));
            let (p, _) = affine(range, grid);
            assert_eq!((p.scale, i64::from(p.zero_point)), (float(expected[0]), expected[1]), "{grid:?} {range:?}");
            let spanned = symmetric(range.amax(), grid, SymmetricRule::Span);
            let (p, _) = spanned;
            assert_eq!((p.scale, i64::from(p.zero_point)), (float(expected[2]), expected[3]), "{grid:?} {range:?}");
            if q_min == -q_max {
                assert_eq!(symmetric(range.amax(), grid, SymmetricRule::MaxCode), spanned);
            }
        }
    }
}

/// Data that are never negative: the positive rule is the affine scheme, which needs no zero-point there.
#[test]
fn the_positive_rule_is_affine_from_zero() {
    for row in &golden().rows {
        let high = float(row[1]).abs();
        for bits in [2, 4, 8, 16] {
            let grid = Grid::unsigned(bits).unwrap();
            let (p, reason) = symmetric(high, grid, SymmetricRule::Positive);
            assert_eq!((p, reason), affine(Range::new(0.0, high), grid));
            assert_eq!(p.zero_point, 0);
        }
    }
}
