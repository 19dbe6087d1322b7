//! What the Threshold page shows of one tensor: the curve of every method, every method's choice, and what any other
//! range would do. A range that is being dragged is weighed here too, from the histogram, without a run.

use std::sync::Arc;

use crate::{
    calibrate::{Curve, HistogramError, Method, RangeEffect, Side},
    quant::{IntegerFormat, Range, Scheme},
    text::Text,
};

/// Range choices of one tensor.
#[derive(Clone, Debug)]
pub struct ThresholdDetail {
    /// The tensor whose range decides: the owner of a shared scale, or the layer's own output.
    pub tensor: String,
    /// The layer that makes it.
    pub owner: String,
    /// The smallest and the largest value of all samples.
    pub observed: Range,
    /// The grid that a range is turned into.
    pub format: IntegerFormat,
    /// The curves of every method that has one, this program's own first, in the order of [`Method::WITH_CURVE`].
    pub curves: Vec<MethodCurves>,
    /// What every method chooses, this program's own first, in the order of [`Method::all`].
    pub choices: Vec<RangeMark>,
    /// What is in use.
    pub current: RangeMark,
    /// Width of a histogram bin: how far a percentile may be off, and the step of a key.
    pub bin_width: f32,
    /// Values of all samples.
    pub values: u64,
    /// For [`ThresholdDetail::weigh`]; `None` where nothing but zeros was observed.
    pub histogram: Option<Arc<HistogramError>>,
}

/// The cost of every threshold that one method weighed.
#[derive(Clone, Debug)]
pub struct MethodCurves {
    /// The method.
    pub method: Method,
    /// One curve for a threshold on the magnitude, or one for each end; empty where there is no candidate.
    pub curves: Vec<Curve>,
    /// Unit of the costs.
    pub unit: &'static str,
    /// The cost that decides where the minimum does not: the share that may lie beyond an end.
    pub level: Option<f64>,
    /// Why there is no curve.
    pub note: Option<Text>,
}

/// A range and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeMark {
    /// Who chose it.
    pub method: Method,
    /// The range, not widened to 0.
    pub range: Range,
    /// The scale that follows.
    pub scale: f32,
    /// The zero-point that follows.
    pub zero_point: i32,
    /// The error it makes, from the histogram; `None` where nothing but zeros was observed.
    pub effect: Option<RangeEffect>,
    /// Why the method could not choose, or what is odd in another tool's choice.
    pub note: Option<Text>,
}

impl ThresholdDetail {
    /// What `range` does to the tensor, as the histogram of all samples tells it.
    pub fn weigh(&self, method: Method, range: Range) -> RangeMark {
        mark(self.format, self.histogram.as_deref(), method, range, None)
    }

    /// The range `from` with one end moved to `value`; both where the grid or the curve knows one threshold only. A
    /// threshold beyond every value moves the end that lies further out, so that it is kept to the last bit.
    pub fn moved(&self, from: Range, side: Side, value: f32) -> Range {
        if self.format.scheme == Scheme::Symmetric || side == Side::Both {
            return self.threshold(value.abs());
        }
        match side {
            Side::Low => Range { low: value.min(0.0).min(from.high), ..from },
            _ => Range { high: value.max(0.0).max(from.low), ..from },
        }
    }

    /// `[-t, t]` cut to what was observed; data that stay away from 0 leave an end at `t` all the same.
    fn threshold(&self, t: f32) -> Range {
        let Range { low, high } = self.observed;
        if t <= self.observed.amax() {
            Range { low: low.max(-t).min(t), high: high.min(t).max(-t) }
        } else if high >= -low {
            Range { low, high: t }
        } else {
            Range { low: -t, high }
        }
    }

    /// The reals that the first and the last code stand for when the range is `range`.
    pub fn representable(&self, range: Range) -> Range {
        self.format.params(range).0.representable()
    }

    /// The curves of a method.
    pub fn curves_of(&self, method: Method) -> Option<&MethodCurves> {
        self.curves.iter().find(|c| c.method == method)
    }

    /// What a method chooses.
    pub fn choice_of(&self, method: Method) -> Option<&RangeMark> {
        self.choices.iter().find(|c| c.method == method)
    }
}

/// A range with the parameters and the error that follow from it.
pub(crate) fn mark(
    format: IntegerFormat,
    histogram: Option<&HistogramError>,
    method: Method,
    range: Range,
    note: Option<Text>,
) -> RangeMark {
    let (params, _) = format.params(range);
    RangeMark {
        method,
        range,
        scale: params.scale,
        zero_point: params.zero_point,
        effect: histogram.map(|h| h.effect(&params)),
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{Codes, Sign};

    fn detail(scheme: Scheme, low: f32, high: f32) -> ThresholdDetail {
        let format = IntegerFormat::onnxruntime(8, scheme, Sign::Signed, Codes::Full).unwrap();
        let observed = Range::new(low, high);
        ThresholdDetail {
            tensor: "t".into(),
            owner: "a".into(),
            observed,
            format,
            curves: Vec::new(),
            choices: Vec::new(),
            current: mark(format, None, Method::MinMax, observed, None),
            bin_width: 0.01,
            values: 1,
            histogram: None,
        }
    }

    #[test]
    fn an_end_moves_alone_and_a_threshold_moves_both() {
        let affine = detail(Scheme::Affine, -2.0, 5.0);
        let from = Range::new(-2.0, 5.0);
        assert_eq!(affine.moved(from, Side::Low, -1.5), Range::new(-1.5, 5.0));
        assert_eq!(affine.moved(from, Side::High, 3.1), Range::new(-2.0, 3.1));
        assert_eq!(affine.moved(from, Side::High, 7.3), Range::new(-2.0, 7.3), "beyond what was observed");
        assert_eq!(affine.moved(from, Side::Low, 0.5), Range::new(0.0, 5.0), "0 stays inside");
        assert_eq!(affine.moved(from, Side::Both, 3.0), Range::new(-2.0, 3.0));
        let symmetric = detail(Scheme::Symmetric, -2.0, 5.0);
        assert_eq!(symmetric.moved(from, Side::Low, -1.5), Range::new(-1.5, 1.5));
    }

    #[test]
    fn every_threshold_is_kept_to_the_last_bit() {
        for (low, high) in [(-2.0, 5.0), (-5.0, 2.0), (1.0, 6.0), (-6.0, -1.0), (0.0, 5.0)] {
            let detail = detail(Scheme::Symmetric, low, high);
            for t in [0.3, 1.7, 5.0, 5.000_000_5, 9.1] {
                let range = detail.moved(detail.observed, Side::Both, t);
                assert!(range.low <= range.high, "{range:?}");
                assert_eq!(range.amax().to_bits(), t.to_bits(), "{low} {high} {t}: {range:?}");
            }
        }
    }
}
