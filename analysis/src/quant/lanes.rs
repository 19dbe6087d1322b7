//! The order in which a block's float64 sums are added, the same for every register width.
//!
//! A block is cut into groups of [`ROWS`] rows of [`LANES`] elements. A lane adds its four values of a group in pairs,
//! then adds that to its running sum; after the last group the lanes are added from the first to the last. Sixteen
//! lanes are a loop that the compiler turns into vector code of any width; with as many lanes as a register holds it
//! unrolls the loop first and then packs different sums together, which is four times slower. Four rows a step keep
//! the running sums, which are too many for registers, from being loaded and stored for every element.

/// Running sums side by side.
pub(crate) const LANES: usize = 16;
/// Elements that a lane adds up before it touches its running sum.
pub(crate) const ROWS: usize = 4;
/// Elements handled together.
pub(crate) const GROUP: usize = LANES * ROWS;

/// One running sum for each lane.
pub(crate) type Column = [f64; LANES];

/// The sum of a lane's values in a group.
#[inline(always)]
pub(crate) fn rows_sum(rows: [f64; ROWS]) -> f64 {
    (rows[0] + rows[1]) + (rows[2] + rows[3])
}

/// The sum of a lane's products in a group, of values that were float32. Two of those have a product that is exact in
/// float64, so that fusing it with an addition changes no bit; it is one instruction for two.
#[inline(always)]
pub(crate) fn products_sum<const FUSES: bool>(a: [f64; ROWS], b: [f64; ROWS]) -> f64 {
    if FUSES {
        a[0].mul_add(b[0], a[1] * b[1]) + a[2].mul_add(b[2], a[3] * b[3])
    } else {
        (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])
    }
}

/// The sum of the lanes.
pub(crate) fn lanes_sum(lanes: &Column) -> f64 {
    lanes.iter().sum()
}

/// The last, incomplete group, filled up with zeros.
#[inline(always)]
pub(crate) fn padded(rest: &[f32]) -> [f32; GROUP] {
    let mut group = [0.0; GROUP];
    group[..rest.len()].copy_from_slice(rest);
    group
}

/// `values` added in this order, element by element: what the sums of every extension must equal to the last bit.
#[cfg(test)]
pub(crate) fn in_order(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for group in values.chunks(GROUP) {
        let at = |i: usize| group.get(i).copied().unwrap_or(0.0);
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += (at(lane) + at(lane + 16)) + (at(lane + 32) + at(lane + 48));
        }
    }
    lanes.iter().fold(0.0, |sum, lane| sum + lane)
}

/// Float32 values of every kind in an order without pattern: `one_in` says how rare the odd ones are.
#[cfg(test)]
pub(crate) fn odd_values(len: usize, one_in: usize) -> Vec<f32> {
    let odd = [
        f32::NAN,
        -f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        1e-45,
        -1e-45,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
        0.25,
        -0.75,
        63.75,
        -64.25,
    ];
    #[expect(clippy::cast_precision_loss, reason = "test data")]
    let plain = |i: usize| ((i * 7919 % 10_007) as f32 - 5000.0) * 0.003;
    (0..len).map(|i| if i % one_in == one_in - 1 { odd[i / one_in % odd.len()] } else { plain(i) }).collect()
}
