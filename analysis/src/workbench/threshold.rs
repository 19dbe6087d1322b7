//! Every method's choice for one tensor with the curves behind it. Computed for the clicked layer alone: the curves of
//! all tensors would double the time of an analysis, and nobody looks at them all.

use std::{collections::BTreeMap, sync::Arc};

use rayon::prelude::*;

use super::Workbench;
use crate::{
    calibrate::{Flavour, HistogramError, Method, TensorHistogram, TensorValues, choose, percentile::share_beyond},
    error::Result,
    graph::{Owner, TensorId},
    job::Job,
    mark,
    plan::QuantPlan,
    quant::{IntegerFormat, NumberFormat, Range},
    report::{MethodCurves, RangeMark, ThresholdDetail, threshold::mark},
    say,
    text::Text,
};

/// A tensor whose range can be chosen.
struct ThresholdPlace {
    /// The tensor whose values decide.
    owner: TensorId,
    format: IntegerFormat,
    percentile: f64,
    in_use: (Method, Range),
}

impl Workbench {
    /// The choices for the tensor whose range decides about `output`, or the reason in words why there are none. What the
    /// methods need is counted only where there is something to choose: it takes another look at all samples.
    pub(super) fn threshold(
        &mut self,
        output: Option<TensorId>,
        plan: &QuantPlan,
        job: &mut Job<'_>,
    ) -> Result<std::result::Result<Arc<ThresholdDetail>, Text>> {
        let place = match self.threshold_place(output, plan) {
            Ok(place) => place,
            Err(why) => return Ok(Err(why)),
        };
        self.histograms(&BTreeMap::from([(place.owner, true)]), job)?;
        let data = self.data.as_ref().and_then(|d| d.statistics.histograms.get(&place.owner));
        Ok(data.ok_or_else(|| say!("no value was observed")).map(|data| {
            let maker = self.graph.maker(place.owner).map(|l| self.graph.layers[l].name.clone());
            let names = (self.graph.name(place.owner), maker.as_deref().unwrap_or_default());
            Arc::new(range_choices(data, place.format, place.percentile, place.in_use, names))
        }))
    }

    /// Whether [`Workbench::threshold`] would have to look at the samples again.
    pub(super) fn has_uncounted(&self, output: Option<TensorId>, plan: &QuantPlan) -> bool {
        let histograms = self.data.as_ref().map(|data| &data.statistics.histograms);
        self.threshold_place(output, plan).is_ok_and(|place| {
            let counted = histograms.and_then(|histograms| histograms.get(&place.owner));
            counted.is_none_or(|values| values.flavours.is_none())
        })
    }

    fn threshold_place(&self, output: Option<TensorId>, plan: &QuantPlan) -> std::result::Result<ThresholdPlace, Text> {
        let tensor = output.ok_or(say!("this row has no floating-point output"))?;
        let quantizer = plan.tensors[tensor].ok_or(say!("the output is float: there is no threshold to choose"))?;
        let place = self.graph.quantizable.place(tensor).copied();
        if let Some(Owner::Constant(table)) = place.map(|p| p.owner) {
            let name = self.graph.name(table);
            return Err(say!("the scale is that of the table `{}`, whose values the output picks", name));
        }
        if let Some((scale, zero_point)) = place.and_then(|p| p.fixed_params) {
            return Err(say!(
                "{} prescribes a scale of {} and a zero-point of {} here: there is nothing to choose",
                self.graph.target.title,
                scale,
                zero_point
            ));
        }
        if let Some((low, high)) = place.and_then(|p| p.fixed_range) {
            return Err(say!("the operator's output lies between {} and {} always: the range is fixed", low, high));
        }
        let owner = self.graph.quantizable.owner(tensor).unwrap_or(tensor);
        let format = plan.formats.tensors[owner].or(plan.formats.tensors[tensor]).ok_or(say!("the output is float"))?;
        let Some(number) = format.number.integer() else {
            return Err(say!("thresholds are weighed for integers; a small float takes the largest value as it is"));
        };
        Ok(ThresholdPlace {
            owner,
            format: number,
            percentile: format.range.percentile,
            in_use: (quantizer.method, quantizer.range),
        })
    }
}

/// Every method's choice for a tensor whose values are `data`, beside the method and range `in_use`; `names` are the
/// tensor's and its layer's.
pub fn range_choices(
    data: &TensorValues,
    format: IntegerFormat,
    percentile: f64,
    in_use: (Method, Range),
    names: (&str, &str),
) -> ThresholdDetail {
    let histogram = &data.histogram;
    let error = HistogramError::new(histogram).map(Arc::new);
    let (choices, curves) = all_methods(data, format, percentile, error.as_deref());
    ThresholdDetail {
        tensor: names.0.to_owned(),
        owner: names.1.to_owned(),
        observed: histogram.range(),
        format,
        curves,
        choices,
        current: mark(format, error.as_deref(), in_use.0, in_use.1, None),
        bin_width: step(histogram),
        values: histogram.total(),
        histogram: error,
    }
}

fn all_methods(
    data: &TensorValues,
    format: IntegerFormat,
    percentile: f64,
    error: Option<&HistogramError>,
) -> (Vec<RangeMark>, Vec<MethodCurves>) {
    let methods: Vec<Method> = Method::all().filter(|m| *m != Method::Manual).collect();
    let chosen: Vec<_> = methods
        .par_iter()
        .map(|&method| (method, choose(method, data, NumberFormat::Integer(format), percentile)))
        .collect();
    let mut choices = Vec::new();
    let mut curves = Vec::new();
    for (method, choice) in chosen {
        if Method::WITH_CURVE.contains(&method) || !choice.curves.is_empty() {
            curves.push(MethodCurves {
                method,
                curves: choice.curves,
                unit: unit(method),
                level: (method == Method::Percentile).then(|| share_beyond(percentile)),
                note: choice.note.clone(),
            });
        }
        choices.push(mark(format, error, method, choice.range, choice.note));
    }
    (choices, curves)
}

/// What a method's costs are measured in.
fn unit(method: Method) -> &'static str {
    match method {
        Method::Percentile => mark!("share of the values beyond"),
        Method::Mse => mark!("mean squared error"),
        Method::Flavour(Flavour::PpqMse) => mark!("squared error, as PPQ counts it"),
        Method::Flavour(Flavour::PpqKl) => mark!("bans (log10)"),
        _ => mark!("nats"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a step to move by")]
fn step(histogram: &TensorHistogram) -> f32 {
    histogram.bin_width() as f32
}
