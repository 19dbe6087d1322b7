//! The methods' choices as marks: those that fall on the same pixel are one mark that names them all, since a dozen labels
//! on top of each other name nothing.

use quantlens_analysis::{
    calibrate::Method,
    report::{RangeMark, ThresholdDetail},
    t,
};

use super::View;
use crate::{
    figure::spec::{Handle, Ink, Mark, Stroke},
    format::{method_short, significant},
};

/// Choices closer than this share of the axis are drawn as one: about two pixels of a page's width.
const NEAR: f64 = 0.004;
/// Names on one label; of more the rest is counted.
const NAMED: usize = 2;

/// One line with everyone who chose it.
struct Cluster {
    x: f32,
    methods: Vec<Method>,
    /// Whether all of them chose the same float32.
    is_equal: bool,
    is_current: bool,
}

/// The marks over an axis of this width, the range in use with its handles last, which is on top.
pub(super) fn marks(
    detail: &ThresholdDetail,
    (current, handles): (&RangeMark, &[Handle]),
    view: View,
    width: f64,
) -> Vec<Mark> {
    let places = |mark: &RangeMark| view.places(detail.observed, mark.range);
    let in_use = |handle: &Handle| Cluster { x: handle.value, methods: Vec::new(), is_equal: true, is_current: true };
    let mut clusters: Vec<Cluster> = handles.iter().map(in_use).collect();
    let others = detail.choices.iter().filter(|choice| choice.note.is_none() || choice.method.flavour().is_some());
    for choice in others.filter(|choice| choice.method != current.method) {
        for x in places(choice).into_iter().filter(|x| x.is_finite()) {
            let near = |cluster: &&mut Cluster| (f64::from(cluster.x) - f64::from(x)).abs() <= NEAR * width;
            match clusters.iter_mut().find(near) {
                Some(cluster) => {
                    cluster.is_equal &= cluster.x.to_bits() == x.to_bits();
                    cluster.methods.push(choice.method);
                }
                None => clusters.push(Cluster { x, methods: vec![choice.method], is_equal: true, is_current: false }),
            }
        }
    }
    clusters.sort_by_key(|cluster| cluster.is_current);
    clusters.iter().filter(|cluster| cluster.x.is_finite()).map(|cluster| mark(cluster, current.method)).collect()
}

fn mark(cluster: &Cluster, in_use: Method) -> Mark {
    let mut names: Vec<String> = cluster.methods.iter().map(|m| method_short(*m).to_owned()).collect();
    if cluster.is_current {
        names.insert(0, t!("in use: {}", method_short(in_use)));
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(if cluster.is_equal { " = " } else { " ≈ " });
    let others = if more > 0 { t!(" + {} more,", more) } else { String::new() };
    let label = format!("{named}{others} {}", significant(f64::from(cluster.x), 3));
    let is_own = cluster.methods.iter().any(|m| m.flavour().is_none());
    let (ink, stroke) = match (cluster.is_current, is_own) {
        (true, _) => (Ink::Current, Stroke::Solid),
        (false, true) => (Ink::Alternative, Stroke::Dashed),
        (false, false) => (Ink::Alternative, Stroke::Dotted),
    };
    Mark { x: f64::from(cluster.x), label, ink, stroke }
}
