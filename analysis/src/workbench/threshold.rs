//! Every method's choice for one tensor with the curves behind it. Computed for the clicked layer alone: the curves of
//! all tensors would double the time of an analysis, and nobody looks at them all.

use std::sync::Arc;

use rayon::prelude::*;

use super::Workbench;
use crate::{
    calibrate::{Flavour, HistogramError, Method, TensorHistogram, TensorValues, choose, percentile::share_beyond},
    graph::{Owner, TensorId},
    plan::QuantPlan,
    quant::{IntegerFormat, NumberFormat, Range},
    report::{MethodCurves, RangeMark, ThresholdDetail, threshold::mark},
};

impl Workbench {
    /// The choices for the tensor whose range decides about `output`.
    ///
    /// # Errors
    /// The reason in words where there is nothing to choose.
    pub(super) fn threshold(&self, output: Option<TensorId>, plan: &QuantPlan) -> Result<Arc<ThresholdDetail>, String> {
        let tensor = output.ok_or("this row has no floating-point output")?;
        let quantizer = plan.tensors[tensor].ok_or("the output is float: there is no threshold to choose")?;
        let place = self.graph.quantizable.place(tensor).copied();
        if let Some(Owner::Constant(table)) = place.map(|p| p.owner) {
            let name = self.graph.name(table);
            return Err(format!("the scale is that of the table `{name}`, whose values the output picks"));
        }
        if let Some((scale, zero_point)) = place.and_then(|p| p.fixed_params) {
            return Err(format!(
                "{} prescribes a scale of {scale} and a zero-point of {zero_point} here: there is nothing to choose",
                self.graph.target.title
            ));
        }
        if let Some((low, high)) = place.and_then(|p| p.fixed_range) {
            return Err(format!("the operator's output lies between {low} and {high} always: the range is fixed"));
        }
        let owner = self.graph.quantizable.owner(tensor).unwrap_or(tensor);
        let data = self.data.as_ref().and_then(|d| d.statistics.histograms.get(&owner));
        let data = data.ok_or("no value was observed")?;
        let format = plan.formats.tensors[owner].or(plan.formats.tensors[tensor]).ok_or("the output is float")?;
        let Some(number) = format.number.integer() else {
            return Err("thresholds are weighed for integers; a small float takes the largest value as it is".into());
        };
        let maker = self.graph.maker(owner).map(|l| self.graph.layers[l].name.clone());
        let names = (self.graph.name(owner), maker.as_deref().unwrap_or_default());
        Ok(Arc::new(range_choices(data, number, format.range.percentile, (quantizer.method, quantizer.range), names)))
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
        Method::Percentile => "share of the values beyond",
        Method::Mse => "mean squared error",
        Method::Flavour(Flavour::PpqMse) => "squared error, as PPQ counts it",
        Method::Flavour(Flavour::PpqKl) => "bans (log10)",
        _ => "nats",
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a step to move by")]
fn step(histogram: &TensorHistogram) -> f32 {
    histogram.bin_width() as f32
}
