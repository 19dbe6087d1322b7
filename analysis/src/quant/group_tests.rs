//! Against onnxruntime's `block_size` (`tests/golden/groups.py`), and by hand.

use super::*;
use crate::quant::{Degenerate, Grid, IntegerFormat, QuantParams, Range, Scheme, SymmetricRule};

#[derive(serde::Deserialize)]
struct Golden {
    accepted: Vec<(usize, usize, usize, bool)>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    #[serde(rename = "type")]
    kind: String,
    symmetric: bool,
    shape: Vec<usize>,
    axis: usize,
    block: usize,
    low: Vec<u32>,
    high: Vec<u32>,
    scales: Vec<u32>,
    zero_points: Vec<i32>,
    input: Vec<u32>,
    codes: Vec<i32>,
    output: Vec<u32>,
    packed: Option<String>,
    tool_scales: Option<Vec<u32>>,
    tool_zero_points: Option<Vec<i32>>,
}

impl Case {
    fn grid(&self) -> Grid {
        match self.kind.as_str() {
            "INT4" => Grid::signed(4),
            "UINT4" => Grid::unsigned(4),
            "INT8" => Grid::signed(8),
            "UINT8" => Grid::unsigned(8),
            _ => Grid::signed(16),
        }
        .unwrap()
    }

    fn ranges(&self) -> Vec<Range> {
        let ends = self.low.iter().zip(&self.high);
        ends.map(|(low, high)| Range::new(f32::from_bits(*low), f32::from_bits(*high))).collect()
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../tests/golden/groups.json")).unwrap()
}

fn floats(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|bits| f32::from_bits(*bits)).collect()
}

/// Parameters for each range, and which ranges had none to give. onnxruntime's tool has formulas of its own for blocks
/// (`compute_scale_zp_blocked`): equal for symmetric signed grids, but in the affine scheme it subtracts in float32 and
/// its scale may be one float32 step away, and a block of zeros on an unsigned symmetric grid has Z in the middle.
fn group_params(
    ranges: &[Range],
    grid: Grid,
    scheme: Scheme,
    rule: SymmetricRule,
) -> (Vec<QuantParams>, Vec<(usize, Degenerate)>) {
    let format = IntegerFormat { grid, scheme, rule, power_of_two: false };
    let mut degenerate = Vec::new();
    let params = ranges.iter().enumerate().map(|(group, range)| {
        let (params, reason) = format.params(*range);
        degenerate.extend(reason.map(|reason| (group, reason)));
        params
    });
    (params.collect(), degenerate)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn every_block_is_onnxruntimes() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 5 * 2 * 5);
    for case in &golden.cases {
        let place = format!("{} {:?} axis {} block {}", case.kind, case.shape, case.axis, case.block);
        let layout = GroupLayout::of(&case.shape, case.axis, case.block).unwrap();
        let (scheme, grid) = (if case.symmetric { Scheme::Symmetric } else { Scheme::Affine }, case.grid());
        let (params, _) = group_params(&case.ranges(), grid, scheme, SymmetricRule::onnxruntime(grid));
        let scales: Vec<u32> = params.iter().map(|p| p.scale.to_bits()).collect();
        assert_eq!(scales, case.scales, "{place}");
        assert_eq!(params.iter().map(|p| p.zero_point).collect::<Vec<_>>(), case.zero_points, "{place}");
        let input = floats(&case.input);
        let mut codes = vec![0; input.len()];
        quantize_to_int_groups(&input, &params, layout, &mut codes);
        assert_eq!(codes, case.codes, "{place}");
        let mut output = vec![0.0; input.len()];
        dequantize_groups(&codes, &params, layout, &mut output);
        assert_eq!(bits(&output), case.output, "{place}");
        let clippings = fake_quantize_groups(&input, &mut output, &params, layout);
        assert_eq!(bits(&output), case.output, "{place}");
        assert_eq!(clippings.iter().map(|c| c.nan).sum::<u64>(), 1, "{place}");
        if let Some(packed) = &case.packed {
            let hex: String = pack_nibbles(&codes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, *packed, "{place}");
        }
    }
}

#[test]
fn ranges_of_blocks_are_numpys() {
    for case in &golden().cases {
        let layout = GroupLayout::of(&case.shape, case.axis, case.block).unwrap();
        let input = floats(&case.input);
        // The last four elements were replaced after the ranges had been taken.
        let odd: Vec<usize> = (input.len() - 4..input.len()).map(|i| layout.group_of(i)).collect();
        let (ours, theirs) = (group_ranges(&input, layout), case.ranges());
        assert_eq!(ours.len(), layout.groups());
        for (group, (ours, theirs)) in ours.iter().zip(&theirs).enumerate().filter(|(group, _)| !odd.contains(group)) {
            assert_eq!(ours, theirs, "group {group}");
        }
        assert_eq!(group_amax(&input, layout)[0], theirs[0].amax());
    }
}

/// Where onnxruntime's quantization tool chooses otherwise than its own formula for whole tensors, which we follow.
#[test]
fn the_tool_differs_by_one_float32_step_and_in_unsigned_blocks_of_zeros() {
    let (mut equal, mut near) = (0, 0);
    for case in &golden().cases {
        let (Some(scales), Some(zero_points)) = (&case.tool_scales, &case.tool_zero_points) else { continue };
        for (group, (ours, theirs)) in case.scales.iter().zip(scales).enumerate() {
            let zeros = case.low[group] == 0 && case.high[group] == 0;
            assert!(ours == theirs || (!case.symmetric && ours.abs_diff(*theirs) == 1));
            assert!(case.zero_points[group] == zero_points[group] || zeros);
            equal += usize::from(ours == theirs);
            near += usize::from(ours != theirs);
        }
    }
    assert!(equal > 200 && near > 0, "{equal} {near}");
}

#[test]
fn layouts_have_the_number_of_scales_that_onnxruntime_takes() {
    let accepted = golden().accepted;
    assert!(accepted.iter().any(|row| row.3) && accepted.iter().any(|row| !row.3));
    for (length, group, count, taken) in accepted {
        let blocks = GroupLayout::of(&[2, length], 1, group).unwrap().blocks();
        assert_eq!(blocks == count, taken, "{length} in blocks of {group}: {count}");
        assert_eq!(parameter_shape(&[2, length], 1, group).unwrap(), [2, blocks]);
    }
    assert_eq!(GroupLayout::of(&[2, 8], 2, 4), None);
    assert_eq!(GroupLayout::of(&[2, 8], 1, 0), None);
    assert_eq!(parameter_shape(&[8, 6, 3, 3], 1, 4).unwrap(), [8, 2, 3, 3]);
}

#[test]
fn groups_by_hand() {
    // [K = 3, N = 2] by axis 0 in groups of 2: rows 0–1 and row 2; groups (block, n): 0 {0, 2}, 1 {1, 3}, 2 {4}, 3 {5}.
    let layout = GroupLayout::of(&[3, 2], 0, 2).unwrap();
    assert_eq!((0..6).map(|i| layout.group_of(i)).collect::<Vec<_>>(), [0, 1, 0, 1, 2, 3]);
    let mut values = [7.0, -1.5, -3.0, 0.1, 0.0, f32::NAN];
    assert_eq!(group_amax(&values, layout)[..3], [7.0, 1.5, 0.0]);
    // int4 narrow: S = amax/7 = 1, 1.5/7, and 1 for zeros and for NaN.
    let grid = Grid::signed_narrow(4).unwrap();
    let ranges = group_ranges(&values, layout);
    let (params, degenerate) = group_params(&ranges, grid, Scheme::Symmetric, SymmetricRule::MaxCode);
    assert_eq!(params.iter().map(|p| p.scale).collect::<Vec<_>>(), [1.0, 1.5 / 7.0, 1.0, 1.0]);
    assert_eq!(degenerate, [(2, Degenerate::ZeroWidth), (3, Degenerate::NotFinite)]);
    let mut codes = [0; 6];
    quantize_to_int_groups(&values, &params, layout, &mut codes);
    // −1.5/(1.5/7) = −7; 0.1/0.214 = 0.47 → 0; the NaN is the grid's first code.
    assert_eq!(codes, [7, -7, -3, 0, 0, -7]);
    let clippings = fake_quantize_groups_in_place(&mut values, &params, layout);
    assert_eq!(values, [7.0, -7.0 * (1.5_f32 / 7.0), -3.0, 0.0, 0.0, -7.0]);
    assert_eq!(clippings.iter().map(|c| (c.clipped, c.nan)).collect::<Vec<_>>(), [(0, 0), (0, 0), (0, 0), (0, 1)]);
    // Group 1: −1.5 is met up to float32 rounding, 0.1 is lost.
    assert!((clippings[1].rounding_error_energy - 0.01).abs() < 1e-9);
}

#[test]
fn odd_and_negative_nibbles() {
    // −8 → 8, 7 → 7, −1 → F.
    assert_eq!(pack_nibbles(&[-8, 7, -1]), [0x78, 0x0F]);
    assert!(pack_nibbles(&[]).is_empty());
}

#[test]
fn empty_weights_have_no_groups_or_no_elements() {
    let grid = Grid::signed(8).unwrap();
    for (shape, axis) in [([0, 4], 1), ([4, 0], 1), ([4, 0], 0), ([0, 4], 0)] {
        let layout = GroupLayout::of(&shape, axis, 3).unwrap();
        let ranges = group_ranges(&[], layout);
        assert_eq!(ranges.len(), layout.groups());
        let params = vec![QuantParams::unit(grid); ranges.len()];
        assert_eq!(fake_quantize_groups_in_place(&mut [], &params, layout).len(), ranges.len());
        quantize_to_int_groups(&[], &params, layout, &mut []);
        dequantize_groups(&[], &params, layout, &mut []);
    }
}

/// Enough slabs for several tasks; each group must equal a tensor of its own, wherever it ran.
#[test]
fn groups_equal_their_own_tensors_on_any_number_of_threads() {
    for (shape, axis) in [(vec![40, 150], 1), (vec![700, 5], 0), (vec![20, 33, 3, 3], 1), (vec![1, 200_000], 1)] {
        let layout = GroupLayout::of(&shape, axis, 4).unwrap();
        let input: Vec<f32> =
            (0_i16..=12_345).cycle().map(|i| f32::from(i) * 0.37 - 2000.0).take(layout.len()).collect();
        let grid = Grid::signed(4).unwrap();
        let ranges: Vec<Range> =
            group_ranges(&input, layout).iter().map(|r| Range::symmetric(r.amax() * 0.6)).collect();
        let (params, _) = group_params(&ranges, grid, Scheme::Affine, SymmetricRule::Span);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut values = input.clone();
            let clippings = pool.install(|| fake_quantize_groups_in_place(&mut values, &params, layout));
            (values, clippings)
        };
        let (values, clippings) = run(1);
        assert_eq!(run(3), (values.clone(), clippings.clone()));
        assert!(clippings.iter().any(|c| c.clipped > 0));
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); layout.groups()];
        (0..layout.len()).for_each(|i| members[layout.group_of(i)].push(i));
        for (group, members) in members.iter().enumerate() {
            let mut alone: Vec<f32> = members.iter().map(|i| input[*i]).collect();
            let clipping = fake_quantize_in_place(&mut alone, &params[group]);
            assert_eq!(alone, members.iter().map(|i| values[*i]).collect::<Vec<_>>());
            assert_eq!(clipping, clippings[group]);
        }
    }
}
