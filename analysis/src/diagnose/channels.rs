//! Channels of very different reach under one scale.
//!
//! A symmetric scale per tensor is set by the channel with the largest magnitude, its *reach*. A channel whose reach is
//! `k` times smaller uses `1/k` of the grid's levels, so of `b` bits it keeps `b − log2(k)`. Which channel is the widest
//! is not enough to know: the figure that matters is what the *median* channel has left.

use crate::{
    quant::{Bits, Grid},
    report::{ActivationChannel, WeightChannel},
};

/// A reach this many times the median one is named as an outlier: 4 × costs the median channel two bits.
pub const OUTLIER_RATIO: f64 = 4.0;

/// Smallest and largest value of one channel, whatever it is a channel of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelRange {
    /// Channel index.
    pub index: usize,
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl ChannelRange {
    /// The largest magnitude in the channel.
    pub fn reach(&self) -> f32 {
        self.low.abs().max(self.high.abs())
    }
}

impl From<&WeightChannel> for ChannelRange {
    fn from(channel: &WeightChannel) -> Self {
        Self { index: channel.index, low: channel.low, high: channel.high }
    }
}

impl From<&ActivationChannel> for ChannelRange {
    fn from(channel: &ActivationChannel) -> Self {
        Self { index: channel.index, low: channel.low, high: channel.high }
    }
}

/// What a weight channel's scale can hold: both ends of the signed grid, `q_min·S … q_max·S`; `None` where the weights are
/// float or the width is none that [`Grid`] knows.
pub fn weight_limits(channel: &WeightChannel, bits: Option<Bits>) -> Option<(f32, f32)> {
    let (Some(scale), Some(Bits::Int(width))) = (channel.scale, bits) else { return None };
    let grid = Grid::signed(width).ok()?;
    Some((scale * grid.q_min() as f32, scale * grid.q_max() as f32))
}

/// How unevenly a tensor's values are spread over its channels.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSpread {
    /// The channel with the largest reach; ties: the lowest index.
    pub widest: usize,
    /// Its reach.
    pub widest_reach: f32,
    /// The lower median of all channels' reaches.
    pub median_reach: f32,
    /// `widest_reach / median_reach`.
    pub ratio: f64,
    /// Channels whose reach is at least [`OUTLIER_RATIO`] times the median one, ascending.
    pub outliers: Vec<usize>,
    /// Bits that the median channel keeps under one scale, at least 0; `None` for a float format.
    pub median_bits: Option<f64>,
}

/// The spread of these channels; `None` for fewer than two, or where the median channel is all zero or not finite.
pub fn channel_spread(channels: &[ChannelRange], bits: Option<Bits>) -> Option<ChannelSpread> {
    if channels.len() < 2 {
        return None;
    }
    let mut reaches: Vec<f32> = channels.iter().map(ChannelRange::reach).collect();
    reaches.sort_by(f32::total_cmp);
    let median_reach = *reaches.get((reaches.len() - 1) / 2)?;
    let mut widest = channels.first()?;
    for channel in channels {
        if channel.reach() > widest.reach() {
            widest = channel;
        }
    }
    let ratio = f64::from(widest.reach()) / f64::from(median_reach);
    if median_reach <= 0.0 || !ratio.is_finite() {
        return None;
    }
    let threshold = OUTLIER_RATIO * f64::from(median_reach);
    let mut outliers: Vec<usize> =
        channels.iter().filter(|c| f64::from(c.reach()) >= threshold).map(|c| c.index).collect();
    outliers.sort_unstable();
    let median_bits = match bits {
        Some(Bits::Int(width)) => Some((f64::from(width) - ratio.log2()).max(0.0)),
        Some(Bits::Small(_) | Bits::Float) | None => None,
    };
    Some(ChannelSpread {
        widest: widest.index,
        widest_reach: widest.reach(),
        median_reach,
        ratio,
        outliers,
        median_bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(reaches: &[f32]) -> Vec<ChannelRange> {
        reaches.iter().enumerate().map(|(index, &r)| ChannelRange { index, low: -r, high: 0.5 * r }).collect()
    }

    #[test]
    fn one_wide_channel_leaves_the_others_few_bits() {
        // Sorted reaches 1, 1, 2, 64: lower median 1, ratio 64 = 2^6, so 8 − 6 = 2 bits remain.
        let spread = channel_spread(&ranges(&[1.0, 64.0, 2.0, 1.0]), Some(Bits::Int(8))).unwrap();
        assert_eq!((spread.widest, spread.ratio, spread.median_bits), (1, 64.0, Some(2.0)));
        assert_eq!(spread.outliers, [1]);
    }

    #[test]
    fn bits_never_fall_below_zero_and_float_has_none() {
        let wide = ranges(&[1.0, 1.0, 1024.0]);
        assert_eq!(channel_spread(&wide, Some(Bits::Int(8))).unwrap().median_bits, Some(0.0));
        assert_eq!(channel_spread(&wide, Some(Bits::Float)).unwrap().median_bits, None);
    }

    #[test]
    fn too_little_to_compare_has_no_spread() {
        assert!(channel_spread(&ranges(&[3.0]), None).is_none());
        assert!(channel_spread(&ranges(&[0.0, 0.0, 5.0]), None).is_none());
        assert!(channel_spread(&ranges(&[1.0, f32::INFINITY, 1.0]), None).is_none());
    }
}
