//! Folding a batch norm into the linear operator before it, exact to float rounding.
//!
//! `y = (Wx + b − μ)/√(σ²+ε)·γ + β` is `W'x + b'` with `W'[c] = W[c]·k[c]`, `b'[c] = (b[c] − μ[c])·k[c] + β[c]`,
//! `k = γ/√(σ²+ε)`. Products are formed in f64 and rounded once. The output channel is axis 0 of a Conv weight, but
//! axis 1 of a ConvTranspose weight `[in, out/groups, …]`, where channel c of the output is column `c mod (out/groups)`
//! of the rows of its group; taking axis 1 alone would be right only for one group.

use super::{Graph, LayerId};
use crate::{
    error::{Error, Result},
    onnx::SharedFloats,
    say,
    tensor::elements,
    text::Text,
};

/// Weights and bias with the batch norm in them.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedAffine {
    /// Same shape as the weight.
    pub weight: SharedFloats,
    /// One value an output channel.
    pub bias: SharedFloats,
}

/// How output channels lie in a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelPlace {
    /// `index / inner mod channels`.
    Axis { inner: usize },
    /// ConvTranspose: rows of the input channels, grouped.
    Transposed { inner: usize, out_per_group: usize, in_per_group: usize },
}

impl ChannelPlace {
    fn channel(self, index: usize, channels: usize) -> usize {
        match self {
            Self::Axis { inner } => index / inner % channels,
            Self::Transposed { inner, out_per_group, in_per_group } => {
                let group = index / (inner * out_per_group) / in_per_group;
                group * out_per_group + index / inner % out_per_group
            }
        }
    }
}

/// Folds the layer's batch norm; `None` if it has none.
///
/// # Errors
/// [`Error::Model`] where sizes do not fit or a statistic is not usable (a negative variance).
pub fn fold_batch_norm(graph: &Graph, layer: LayerId) -> Result<Option<FoldedAffine>> {
    let row = &graph.layers[layer];
    let Some(norm) = row.batch_norm else { return Ok(None) };
    let damaged = |what: Text| Error::model(say!("layer `{}`: {}; the batch norm cannot be folded", row.name, what));
    let constant = |node: usize, position: usize| {
        let tensor = graph.nodes[node].inputs.get(position).copied().flatten()?;
        graph.constants.float_values(tensor)
    };
    let statistic = |position| constant(norm, position).ok_or_else(|| damaged(say!("a statistic cannot be read")));
    let (gamma, beta, mean, variance) = (statistic(1)?, statistic(2)?, statistic(3)?, statistic(4)?);
    let channels = gamma.len();
    let linear = row.nodes[0];
    let weight = constant(linear, 1).ok_or_else(|| damaged(say!("the weight cannot be read")))?;
    let bias = constant(linear, 2).unwrap_or_else(|| vec![0.0; channels].into());
    if [beta.len(), mean.len(), variance.len(), bias.len()] != [channels; 4] || channels == 0 {
        return Err(damaged(say!("the statistics have different lengths")));
    }
    let place =
        channel_place(graph, layer, channels).ok_or_else(|| damaged(say!("the weight has another channel count")))?;
    let epsilon = graph.proto(norm).attribute.iter().find(|a| a.name.as_deref() == Some("epsilon")).and_then(|a| a.f);
    let epsilon = f64::from(epsilon.unwrap_or(1e-5));
    let factor: Vec<f64> =
        gamma.iter().zip(variance.iter()).map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt()).collect();
    if factor.iter().any(|k| !k.is_finite()) {
        return Err(damaged(say!("variance + epsilon is not positive")));
    }
    let weights = weight.iter().enumerate();
    let weights = weights.map(|(index, &w)| to_f32(f64::from(w) * factor[place.channel(index, channels)]));
    let bias =
        (0..channels).map(|c| to_f32((f64::from(bias[c]) - f64::from(mean[c])) * factor[c] + f64::from(beta[c])));
    Ok(Some(FoldedAffine { bias: bias.collect(), weight: weights.collect() }))
}

#[expect(clippy::cast_possible_truncation, reason = "the one rounding of a fold")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Where output channels lie; `None` if the weight does not have `channels` of them.
fn channel_place(graph: &Graph, layer: LayerId, channels: usize) -> Option<ChannelPlace> {
    let row = &graph.layers[layer];
    let linear = row.nodes[0];
    let dims = graph.constants.dims(graph.nodes[linear].inputs.get(1).copied().flatten()?)?;
    let int = |name: &str, default: i64| {
        let attribute = graph.proto(linear).attribute.iter().find(|a| a.name.as_deref() == Some(name));
        attribute.and_then(|a| a.i).unwrap_or(default)
    };
    let inner_from = |axis: usize| elements(dims.get(axis + 1..).unwrap_or_default()).max(1);
    match row.op.as_str() {
        "ConvTranspose" => {
            let groups = usize::try_from(int("group", 1)).ok().filter(|&g| g > 0)?;
            let (rows, out_per_group) = (*dims.first()?, *dims.get(1)?);
            let fits = out_per_group.checked_mul(groups) == Some(channels) && rows % groups == 0;
            fits.then_some(ChannelPlace::Transposed {
                inner: inner_from(1),
                out_per_group,
                in_per_group: rows / groups,
            })
        }
        "Gemm" => {
            let axis = usize::from(int("transB", 0) == 0);
            (dims.get(axis) == Some(&channels)).then(|| ChannelPlace::Axis { inner: inner_from(axis) })
        }
        _ => (dims.first() == Some(&channels)).then(|| ChannelPlace::Axis { inner: inner_from(0) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_weight_finds_its_channel_group_by_group() {
        // ConvTranspose weight [4 in, 2 out/group, 1, 1], 2 groups: rows 0–1 make channels 0–1, rows 2–3 channels 2–3.
        let place = ChannelPlace::Transposed { inner: 1, out_per_group: 2, in_per_group: 2 };
        let channels: Vec<usize> = (0..8).map(|i| place.channel(i, 4)).collect();
        assert_eq!(channels, [0, 1, 0, 1, 2, 3, 2, 3]);
    }

    #[test]
    fn an_axis_repeats_over_what_lies_outside_it() {
        // Gemm weight [2 in, 3 out]: columns are channels.
        let place = ChannelPlace::Axis { inner: 1 };
        assert_eq!((0..6).map(|i| place.channel(i, 3)).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        // Conv weight [2 out, 1, 2, 1]: two values a channel.
        let place = ChannelPlace::Axis { inner: 2 };
        assert_eq!((0..4).map(|i| place.channel(i, 2)).collect::<Vec<_>>(), [0, 0, 1, 1]);
    }
}
