//! Which width every tensor and constant gets, and who decides it. Nothing is ignored in silence: an entry that cannot
//! take effect is refused where it is made, and a rule that takes effect nowhere is refused too.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::{self, target_defaults};
use crate::{
    calibrate::{DEFAULT_PERCENTILE, Method},
    config::{Granularity, LayerSettings, QuantConfig},
    error::{Error, Result},
    graph::{Graph, LayerId, TensorId},
    job::Warning,
    mark,
    quant::{Bits, Codes, IntegerFormat, NumberFormat, Range, Scheme, Sign},
    say, target,
    text::Text,
};

/// The format of a tensor that carries a quantizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorFormat {
    /// Codes, and how scale and zero-point follow from a range.
    pub number: NumberFormat,
    /// How the range is chosen.
    pub range: RangeRule,
}

/// How a range is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeRule {
    /// The method.
    pub method: Method,
    /// Per cent that [`Method::Percentile`] keeps inside.
    pub percentile: f64,
    /// The range of [`Method::Manual`], which has one always.
    pub manual: Option<Range>,
}

/// The formats of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFormat {
    /// Of its constants; `None` where it has none that can be quantized.
    pub weight_bits: Option<Bits>,
    /// Scales of its weights.
    pub granularity: Granularity,
    /// Codes of its weights.
    pub weight_grid: GridRule,
    /// Of its outputs; `None` where they cannot be quantized.
    pub activation_bits: Option<Bits>,
    /// Codes of its outputs, and of constants that are added or multiplied like outputs.
    pub activation_grid: GridRule,
    /// How its output's range is chosen.
    pub range: RangeRule,
    /// Whether its batch norm is folded: only where the weights are quantized.
    pub folds_batch_norm: bool,
    /// Formats in which it reads tensors otherwise than their makers hold them.
    pub reads: BTreeMap<TensorId, Bits>,
    /// Whether anything differs from the configuration's defaults.
    pub is_edited: bool,
}

/// Which integers stand for a tensor, apart from their width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GridRule {
    /// With or without a zero-point of its own.
    pub scheme: Scheme,
    /// Two's complement or not.
    pub sign: Sign,
    /// With or without the most negative code.
    pub codes: Codes,
}

impl GridRule {
    /// The format of `bits` bits, whose scales follow the rules of `target`: of its activations or of its weights.
    ///
    /// # Errors
    /// [`Error::Config`] unless `bits` is 2 to 8 or 16.
    pub fn integer(self, bits: u8, target: &target::NumberFormat) -> Result<IntegerFormat> {
        let rule = target.scale_rule.of(self.sign, bits);
        let format = IntegerFormat::new(bits, self.scheme, self.sign, self.codes, rule)?;
        Ok(IntegerFormat { power_of_two: target.power_of_two, ..format })
    }

    /// The format of this width; `None` for float32, which has no quantizer.
    ///
    /// # Errors
    /// [`Error::Config`] for a width that does not exist.
    pub fn number(self, bits: Bits, target: &target::NumberFormat) -> Result<Option<NumberFormat>> {
        Ok(match bits {
            Bits::Int(bits) => Some(NumberFormat::Integer(self.integer(bits, target)?)),
            Bits::Small(format) => Some(NumberFormat::Float(format)),
            Bits::Float => None,
        })
    }
}

/// The formats of a whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct FormatPlan {
    /// By layer.
    pub layers: Vec<LayerFormat>,
    /// By tensor; `None` where it stays float.
    pub tensors: Vec<Option<TensorFormat>>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl FormatPlan {
    /// Resolves `config` for `graph`, which has been arranged for the configuration's target.
    ///
    /// # Errors
    /// [`Error::Config`] that names the layer or rule and says why it cannot take effect.
    pub fn resolve(graph: &Graph, config: &QuantConfig) -> Result<Self> {
        let mut resolver = Resolver { graph, config, warnings: Vec::new() };
        resolver.refuse_unknown_names()?;
        resolver.refuse_idle_rules()?;
        let group_bits = resolver.group_settings(0..graph.layers.len())?;
        let mut layers = Vec::with_capacity(graph.layers.len());
        for id in 0..graph.layers.len() {
            layers.push(resolver.layer(id, &group_bits)?);
        }
        resolver.refuse_formats_of_later_opsets(&layers)?;
        let mut tensors = vec![None; graph.tensors.len()];
        for (id, layer) in layers.iter().enumerate() {
            set_tensors(graph, id, layer, &mut tensors)?;
        }
        resolver.refuse_combinations(&layers, &tensors)?;
        Ok(Self { layers, tensors, warnings: resolver.warnings })
    }

    /// What [`FormatPlan::resolve`] makes of `config`, which says of every layer but `edited` what the configuration
    /// behind this plan says: a sweep asks for as many plans as the model has layers.
    ///
    /// # Errors
    /// As [`FormatPlan::resolve`].
    pub(crate) fn amended(&self, graph: &Graph, config: &QuantConfig, edited: &[LayerId]) -> Result<Self> {
        let mut resolver = Resolver { graph, config, warnings: self.warnings.clone() };
        for &id in edited {
            if let Some(own) = config.layers.get(&graph.layers[id].name) {
                resolver.refuse_impossible(id, own)?;
            }
        }
        let owners: BTreeSet<LayerId> = edited.iter().map(|&id| format_owner(graph, id)).collect();
        // Who shares a scale with an edited layer takes its format from the same entries.
        let touched = || (0..graph.layers.len()).filter(|&id| owners.contains(&format_owner(graph, id)));
        let groups = resolver.group_settings(touched())?;
        let (mut layers, mut tensors) = (self.layers.clone(), self.tensors.clone());
        for id in touched() {
            layers[id] = resolver.layer(id, &groups)?;
            set_tensors(graph, id, &layers[id], &mut tensors)?;
        }
        resolver.refuse_formats_of_later_opsets(&layers)?;
        resolver.refuse_combinations(&layers, &tensors)?;
        Ok(Self { layers, tensors, warnings: resolver.warnings })
    }
}

/// The formats of a layer's outputs.
fn set_tensors(
    graph: &Graph,
    layer: LayerId,
    format: &LayerFormat,
    tensors: &mut [Option<TensorFormat>],
) -> Result<()> {
    for &tensor in &graph.layers[layer].outputs {
        let bits = format.activation_bits.filter(|_| graph.quantizable.place(tensor).is_some());
        let number = bits.map(|bits| format.activation_grid.number(bits, &graph.target.activations)).transpose()?;
        tensors[tensor] = number.flatten().map(|number| TensorFormat { number, range: format.range });
    }
    Ok(())
}

/// The layer that decides the format of this layer's outputs.
pub(crate) fn format_owner(graph: &Graph, layer: LayerId) -> LayerId {
    let output = graph.layers[layer].outputs.first();
    let owner = output.and_then(|&t| graph.quantizable.owner(t));
    owner.and_then(|t| graph.maker(t)).unwrap_or(layer)
}

/// Why the outputs of a layer cannot be quantized; `None` if they can.
pub(crate) fn activation_fixed(graph: &Graph, layer: LayerId) -> Option<Text> {
    let row = &graph.layers[layer];
    if row.outputs.iter().any(|&t| graph.quantizable.place(t).is_some()) {
        return None;
    }
    let element = row.outputs.first().and_then(|&t| graph.tensors[t].element_type);
    Some(match element {
        Some(e) if e != crate::tensor::ElementType::Float32 => say!("its output is {}", e.name()),
        _ if row.is_input() => say!("no operator that reads it asks for a quantized input"),
        _ => graph.block_reason(layer).unwrap_or_else(|| say!("{} leaves {} float here", graph.target.title, row.op)),
    })
}

/// Why the range of a layer's outputs is not chosen; `None` if it is.
pub(crate) fn range_fixed(graph: &Graph, layer: LayerId) -> Option<Text> {
    let row = &graph.layers[layer];
    let place = row
        .outputs
        .iter()
        .find_map(|&t| graph.quantizable.place(t).filter(|p| p.fixed_range.is_some() || p.fixed_params.is_some()))?;
    Some(match place.fixed_range {
        Some((low, high)) => say!("the output of {} lies between {} and {} always", row.op, low, high),
        None => say!("{} prescribes the scale of {}", graph.target.title, row.op),
    })
}

/// Why the constants of a layer cannot be quantized; `None` if they can.
pub(crate) fn weight_fixed(graph: &Graph, layer: LayerId) -> Option<Text> {
    let has_weights = graph.layers[layer].weights().next().is_some();
    (!has_weights).then(|| graph.block_reason(layer).unwrap_or_else(|| say!("it has no constant operand")))
}

pub(super) struct Resolver<'a> {
    pub(super) graph: &'a Graph,
    pub(super) config: &'a QuantConfig,
    pub(super) warnings: Vec<Warning>,
}

impl Resolver<'_> {
    pub(super) fn read_tensor(&self, id: LayerId, name: &str) -> Result<TensorId> {
        let row = &self.graph.layers[id];
        let tensor = self.graph.by_name.get(name).copied().filter(|t| row.reads.contains(t));
        if tensor.is_some_and(|t| row.nodes.iter().any(|&n| self.graph.nodes[n].captured.contains(&t))) {
            return Err(Error::config(
                say!("layer `{}`: reads[`{}`]", row.name, name),
                say!("a subgraph of {} reads it by its name, as its producer left it; set the producer", row.op),
            ));
        }
        tensor.filter(|&t| self.graph.quantizable.place(t).is_some()).ok_or_else(|| {
            let names: Vec<&str> = row.reads.iter().map(|&t| self.graph.name(t)).collect();
            Error::config(
                say!("layer `{}`: reads[`{}`]", row.name, name),
                say!("it reads no such quantizable tensor; it reads {}", Text::joined(mark!(", "), names)),
            )
        })
    }

    /// Explicit activation settings of the shared-scale groups of these layers, by owner: an entry on any member edits
    /// the group.
    fn group_settings(&self, layers: impl Iterator<Item = LayerId>) -> Result<BTreeMap<LayerId, LayerSettings>> {
        let mut groups: BTreeMap<LayerId, (String, LayerSettings)> = BTreeMap::new();
        for id in layers {
            let row = &self.graph.layers[id];
            let Some(own) = self.config.layers.get(&row.name) else { continue };
            let wish = own.of_output();
            if wish.is_empty() {
                continue;
            }
            let entry = groups.entry(format_owner(self.graph, id)).or_insert_with(|| (row.name.clone(), wish.clone()));
            // They contradict each other where it matters who speaks last.
            let (mut first, mut last) = (entry.1.clone(), wish.clone());
            first.overlay(&wish);
            last.overlay(&entry.1);
            if first != last {
                return Err(Error::config(
                    say!("layer `{}`", row.name),
                    say!("it shares its scale with `{}`, which asks for another output format", entry.0),
                ));
            }
            entry.1.overlay(&wish);
        }
        Ok(groups.into_iter().map(|(id, (_, settings))| (id, settings)).collect())
    }

    fn layer(&mut self, id: LayerId, groups: &BTreeMap<LayerId, LayerSettings>) -> Result<LayerFormat> {
        let row = &self.graph.layers[id];
        let settings = self.settings(id);
        let owner = format_owner(self.graph, id);
        let mut deciding = self.settings(owner);
        if let Some(explicit) = groups.get(&owner) {
            deciding.overlay(explicit);
        }
        let weight_bits = weight_fixed(self.graph, id).is_none().then(|| settings.weight_bits.unwrap_or(Bits::Float));
        let quantizes_weights = weight_bits.is_some_and(|b| !b.is_float());
        let mut granularity = settings.granularity.unwrap_or(Granularity::PerTensor);
        if let Some(bits) = weight_bits.filter(|b| !b.is_float()) {
            if has_scales(bits) {
                limits::check_granularity(&self.graph.target, granularity)
                    .map_err(|why| Error::config(say!("layer `{}`", row.name), why))?;
            }
            granularity = self.granularity(id, bits, granularity);
        }
        let mut reads = BTreeMap::new();
        for (name, read) in &settings.reads {
            if !read.bits.is_float() {
                reads.insert(self.read_tensor(id, name)?, read.bits);
            }
        }
        let mut format = LayerFormat {
            weight_bits,
            granularity,
            activation_bits: activation_fixed(self.graph, id)
                .is_none()
                .then(|| deciding.activation_bits.unwrap_or(Bits::Float)),
            range: range_rule(&deciding).map_err(|why| Error::config(say!("layer `{}`", row.name), why))?,
            weight_grid: GridRule {
                scheme: settings.weight_scheme.unwrap_or(Scheme::Symmetric),
                sign: settings.weight_sign.unwrap_or(Sign::Signed),
                codes: settings.weight_codes.unwrap_or(Codes::Full),
            },
            activation_grid: GridRule {
                scheme: deciding.activation_scheme.unwrap_or(Scheme::Affine),
                sign: deciding.activation_sign.unwrap_or(Sign::Signed),
                codes: deciding.activation_codes.unwrap_or(Codes::Full),
            },
            folds_batch_norm: quantizes_weights && row.batch_norm.is_some() && settings.fold_batch_norm != Some(false),
            reads,
            is_edited: false,
        };
        format.is_edited = self.is_edited(id, &format, groups);
        limits::check(&self.graph.target, &format).map_err(|why| Error::config(say!("layer `{}`", row.name), why))?;
        Ok(format)
    }

    fn settings(&self, id: LayerId) -> LayerSettings {
        let row = &self.graph.layers[id];
        let mut settings = target_defaults(&self.graph.target);
        settings.overlay(&self.config.settings_for(&row.name, &row.op));
        settings
    }

    /// Whether the layer's formats differ from what the defaults alone would give it.
    fn is_edited(&self, id: LayerId, format: &LayerFormat, groups: &BTreeMap<LayerId, LayerSettings>) -> bool {
        let mut defaults = target_defaults(&self.graph.target);
        defaults.overlay(&self.config.defaults);
        let differs = |settings: &LayerSettings| {
            let mut all = defaults.clone();
            all.overlay(settings);
            all != defaults
        };
        let row = &self.graph.layers[id];
        let mut own = self.config.settings_for(&row.name, &row.op);
        if format.activation_bits.is_none() {
            own = LayerSettings { fold_batch_norm: own.fold_batch_norm, reads: own.reads.clone(), ..own.of_weights() };
        }
        if format.weight_bits.is_none() {
            own = LayerSettings { reads: own.reads.clone(), ..own.of_output() };
        }
        differs(&own) || groups.get(&format_owner(self.graph, id)).is_some_and(differs)
    }
}

/// Whether weights of this format have scales at all.
pub(super) fn has_scales(bits: Bits) -> bool {
    !matches!(bits, Bits::Small(format) if !format.has_scale())
}

/// An integer width, if that is what is asked for.
pub(super) fn integer(bits: Option<Bits>) -> Option<Bits> {
    bits.filter(|b| !b.is_float())
}

/// The rule in the settings of a layer; a manual range must be there.
fn range_rule(settings: &LayerSettings) -> std::result::Result<RangeRule, Text> {
    let method = settings.method.unwrap_or_default();
    if method == Method::Manual && settings.range.is_none() {
        return Err(say!("the method is manual and there is no range; give one, or choose another method"));
    }
    let percentile = settings.percentile.unwrap_or(DEFAULT_PERCENTILE);
    Ok(RangeRule { method, percentile, manual: settings.range.filter(|_| method == Method::Manual) })
}
