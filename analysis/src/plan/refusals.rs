//! What a configuration may not say: names that the model has not, settings that a layer cannot have, formats that the
//! model's opset or the target lacks. Each is refused by name, before anything is run.

use super::{
    LayerFormat, TensorFormat,
    formats::{Resolver, activation_fixed, format_owner, integer, range_fixed, weight_fixed},
    granularity::ScaleAxes,
};
use crate::{
    config::LayerSettings,
    error::{Error, Result},
    graph::{LayerId, OperandRole},
    job::Warning,
    mark,
    onnx::raise,
    quant::{Bits, Codes, FloatFormat, Range, Sign},
    say,
    text::Text,
};

/// The first opset whose Cast knows bfloat16.
const BFLOAT16_OPSET: i64 = 13;

impl Resolver<'_> {
    pub(super) fn refuse_unknown_names(&self) -> Result<()> {
        check_values(&self.config.defaults)
            .map_err(|(what, why)| Error::config("defaults", Text::joined(": ", [what.into(), why])))?;
        for (name, settings) in &self.config.layers {
            let id = self.graph.layer_named(name).ok_or_else(|| {
                let near = nearest(name, self.graph.layers.iter().map(|l| l.name.as_str()));
                Error::config(
                    format!("layers[`{name}`]"),
                    say!("the model has no such layer; did you mean `{}`?", near),
                )
            })?;
            self.refuse_impossible(id, settings)?;
        }
        Ok(())
    }

    /// Refuses what a layer's own entry asks for and the layer cannot have.
    pub(super) fn refuse_impossible(&self, id: LayerId, settings: &LayerSettings) -> Result<()> {
        let row = &self.graph.layers[id];
        let refuse =
            |what: Text, why: Text| Err(Error::config(say!("layer `{}`", row.name), Text::joined(": ", [what, why])));
        check_values(settings).or_else(|(what, why)| refuse(what.into(), why))?;
        let (wants_weights, wants_activation) = wants(settings);
        if let Some(why) = weight_fixed(self.graph, id).filter(|_| wants_weights) {
            return refuse(say!("weights cannot be quantized"), why);
        }
        if let Some(granularity) = settings.granularity
            && let Some(why) = ScaleAxes::of(self.graph, id).refusal(granularity)
        {
            return refuse(granularity.name().into(), why);
        }
        if let Some(why) = activation_fixed(self.graph, id).filter(|_| wants_activation) {
            return refuse(say!("the output cannot be quantized"), why);
        }
        if let Some(why) = range_fixed(self.graph, id).filter(|_| settings.chooses_range()) {
            return refuse(say!("the range cannot be chosen"), why);
        }
        if settings.fold_batch_norm == Some(true) && row.batch_norm.is_none() {
            return refuse("fold_batch_norm".into(), say!("it has no batch norm that can be folded"));
        }
        for name in settings.reads.keys() {
            self.read_tensor(id, name)?;
        }
        Ok(())
    }

    /// Refuses pairs of widths that the target does not multiply.
    pub(super) fn refuse_combinations(&self, layers: &[LayerFormat], tensors: &[Option<TensorFormat>]) -> Result<()> {
        let target = &self.graph.target;
        for (row, format) in self.graph.layers.iter().zip(layers) {
            let is_product = row.operands.iter().any(|o| matches!(o.role, OperandRole::Weight { .. }));
            let first = row.nodes.first().and_then(|&n| self.graph.nodes[n].inputs.first().copied().flatten());
            let (Some(weights), Some(input)) = (format.weight_bits.filter(|_| is_product), first) else { continue };
            let held = tensors[input].and_then(|t| t.number.integer()).map(|n| Bits::Int(n.grid.bits()));
            let Some(read) = format.reads.get(&input).copied().or(held) else { continue };
            if !target.allows(read, weights) {
                let pairs: Vec<String> = target.combinations.iter().map(ToString::to_string).collect();
                return Err(Error::config(
                    say!("layer `{}`", row.name),
                    say!(
                        "{} does not multiply {}-bit activations by {}-bit weights; it has {}",
                        target.title,
                        read,
                        weights,
                        Text::joined(mark!(", "), pairs)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Refuses formats that the model's operators have no form for.
    pub(super) fn refuse_formats_of_later_opsets(&self, layers: &[LayerFormat]) -> Result<()> {
        for (row, format) in self.graph.layers.iter().zip(layers) {
            let reads = format.reads.values().copied().map(Some);
            for bits in [format.weight_bits, format.activation_bits].into_iter().chain(reads).flatten() {
                let Bits::Small(small) = bits else { continue };
                let why = if small.has_scale() {
                    raise::obstacle(&self.graph.model)
                } else {
                    (small == FloatFormat::BFloat16 && self.graph.opset < BFLOAT16_OPSET).then(|| {
                        say!(
                            "Cast knows bfloat16 from opset {} on, the model has {}; use float16",
                            BFLOAT16_OPSET,
                            self.graph.opset
                        )
                    })
                };
                if let Some(why) = why {
                    return Err(Error::config(say!("layer `{}`", row.name), why));
                }
            }
        }
        Ok(())
    }

    /// A rule that matches nothing, or nothing that can obey it, is a mistake the user wants to hear of.
    pub(super) fn refuse_idle_rules(&mut self) -> Result<()> {
        for (index, rule) in self.config.rules.iter().enumerate() {
            let place = || format!("rules[{index}]");
            let matched: Vec<LayerId> = (0..self.graph.layers.len())
                .filter(|&l| rule.applies(&self.graph.layers[l].name, &self.graph.layers[l].op))
                .collect();
            if matched.is_empty() {
                return Err(Error::config(place(), say!("no layer of this model fits its pattern")));
            }
            let settings = &rule.settings;
            check_values(settings)
                .map_err(|(what, why)| Error::config(place(), Text::joined(": ", [what.into(), why])))?;
            let (wants_weights, wants_activation) = wants(settings);
            let none = |can: &dyn Fn(LayerId) -> bool| !matched.iter().any(|&l| can(l));
            let can_weights = |l| weight_fixed(self.graph, l).is_none();
            let can_activation = |l| activation_fixed(self.graph, l).is_none();
            let can_range = |l| can_activation(l) && range_fixed(self.graph, l).is_none();
            let can_scale = |l| settings.granularity.is_none_or(|g| self.has_axis_for(l, g));
            let idle = if wants_weights && none(&can_weights) {
                say!("none of the layers it matches has weights that can be quantized")
            } else if wants_activation && none(&can_activation) {
                say!("none of the layers it matches has an output that can be quantized")
            } else if settings.chooses_range() && none(&can_range) {
                say!("none of the layers it matches has a range that can be chosen")
            } else if settings.granularity.is_some() && none(&can_scale) {
                say!("none of the layers it matches has weights that can be scaled so finely")
            } else {
                Text::default()
            };
            if !idle.is_empty() {
                return Err(Error::config(place(), idle));
            }
            let followers = matched.iter().filter(|&&l| format_owner(self.graph, l) != l).count();
            if wants_activation && followers > 0 {
                self.warnings.push(Warning::new(
                    "rule-follows-owner",
                    say!(
                        "rules[{}]: {} of the layers it matches take their format from the layer whose scale they share",
                        index,
                        followers
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Whether settings speak of quantized weights, and of quantized outputs. Float asks for nothing that is not there.
fn wants(settings: &LayerSettings) -> (bool, bool) {
    let weights = LayerSettings { weight_bits: integer(settings.weight_bits), ..settings.of_weights() };
    let output = LayerSettings { activation_bits: integer(settings.activation_bits), ..settings.of_output() };
    (!weights.is_empty(), !output.is_empty())
}

/// Refuses values that mean nothing whatever the layer: `(setting, why)`.
fn check_values(settings: &LayerSettings) -> std::result::Result<(), (&'static str, Text)> {
    if let Some(percentile) = settings.percentile.filter(|p| !(*p > 0.0 && *p <= 100.0)) {
        return Err(("percentile", say!("{} is no share; use a number above 0 and up to 100", percentile)));
    }
    if let Some(Range { low, high }) = settings.range
        && !(low.is_finite() && high.is_finite() && low <= high)
    {
        return Err(("range", say!("{} … {} is no finite interval", low, high)));
    }
    if settings.range.is_some_and(|range| range.low == 0.0 && range.high == 0.0) {
        return Err(("range", say!("from 0 to 0 there is no scale; let one end be another value")));
    }
    if settings.weight_sign == Some(Sign::Unsigned) && settings.weight_codes == Some(Codes::Narrow) {
        return Err(("weight_codes", say!("unsigned codes have no most negative one to leave out")));
    }
    if settings.activation_sign == Some(Sign::Unsigned) && settings.activation_codes == Some(Codes::Narrow) {
        return Err(("activation_codes", say!("unsigned codes have no most negative one to leave out")));
    }
    Ok(())
}

/// The candidate with the longest common run of characters at either end.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let score = |other: &str| {
        let front = name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let back = name.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
        front + back
    };
    candidates.max_by_key(|c| score(c)).unwrap_or_default().to_owned()
}
