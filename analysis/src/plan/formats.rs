//! Which width every tensor and constant gets, and who decides it. Nothing is ignored in silence: an entry that cannot
//! take effect is refused where it is made, and a rule that takes effect nowhere is refused too.

use std::collections::BTreeMap;

use super::limits::{self, target_defaults};
use crate::{
    calibrate::{DEFAULT_PERCENTILE, Method},
    config::{Granularity, LayerSettings, QuantConfig},
    error::{Error, Result},
    graph::{Graph, LayerId, OperandRole, TensorId},
    job::Warning,
    onnx::raise,
    quant::{Bits, Codes, FloatFormat, IntegerFormat, NumberFormat, Range, Scheme, Sign},
    target,
};

/// The first opset whose Cast knows bfloat16.
const BFLOAT16_OPSET: i64 = 13;

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
        let group_bits = resolver.group_settings()?;
        let mut layers = Vec::with_capacity(graph.layers.len());
        for id in 0..graph.layers.len() {
            layers.push(resolver.layer(id, &group_bits)?);
        }
        resolver.refuse_formats_of_later_opsets(&layers)?;
        let mut tensors = vec![None; graph.tensors.len()];
        for (id, layer) in graph.layers.iter().enumerate() {
            for &tensor in &layer.outputs {
                if graph.quantizable.place(tensor).is_some()
                    && let Some(bits) = layers[id].activation_bits
                    && let Some(number) = layers[id].activation_grid.number(bits, &graph.target.activations)?
                {
                    tensors[tensor] = Some(TensorFormat { number, range: layers[id].range });
                }
            }
        }
        resolver.refuse_combinations(&layers, &tensors)?;
        Ok(Self { layers, tensors, warnings: resolver.warnings })
    }
}

/// The layer that decides the format of this layer's outputs.
pub(crate) fn format_owner(graph: &Graph, layer: LayerId) -> LayerId {
    let output = graph.layers[layer].outputs.first();
    let owner = output.and_then(|&t| graph.quantizable.owner(t));
    owner.and_then(|t| graph.maker(t)).unwrap_or(layer)
}

/// Why the outputs of a layer cannot be quantized; `None` if they can.
pub(crate) fn activation_fixed(graph: &Graph, layer: LayerId) -> Option<String> {
    let row = &graph.layers[layer];
    if row.outputs.iter().any(|&t| graph.quantizable.place(t).is_some()) {
        return None;
    }
    let element = row.outputs.first().and_then(|&t| graph.tensors[t].element_type);
    Some(match element {
        Some(e) if e != crate::tensor::ElementType::Float32 => format!("its output is {}", e.name()),
        _ if row.is_input() => "no operator that reads it asks for a quantized input".into(),
        _ => format!("{} leaves {} float here", graph.target.title, row.op),
    })
}

/// Why the range of a layer's outputs is not chosen; `None` if it is.
pub(crate) fn range_fixed(graph: &Graph, layer: LayerId) -> Option<String> {
    let row = &graph.layers[layer];
    let place = row
        .outputs
        .iter()
        .find_map(|&t| graph.quantizable.place(t).filter(|p| p.fixed_range.is_some() || p.fixed_params.is_some()))?;
    Some(match place.fixed_range {
        Some((low, high)) => format!("the output of {} lies between {low} and {high} always", row.op),
        None => format!("{} prescribes the scale of {}", graph.target.title, row.op),
    })
}

/// Why the constants of a layer cannot be quantized; `None` if they can.
pub(crate) fn weight_fixed(graph: &Graph, layer: LayerId) -> Option<String> {
    if graph.layers[layer].weights().next().is_some() { None } else { Some("it has no constant operand".into()) }
}

struct Resolver<'a> {
    graph: &'a Graph,
    config: &'a QuantConfig,
    warnings: Vec<Warning>,
}

impl Resolver<'_> {
    fn refuse_unknown_names(&self) -> Result<()> {
        for (name, settings) in &self.config.layers {
            let id = self.graph.layer_named(name).ok_or_else(|| {
                let near = nearest(name, self.graph.layers.iter().map(|l| l.name.as_str()));
                Error::config(
                    format!("layers[`{name}`]"),
                    format!("the model has no such layer; did you mean `{near}`?"),
                )
            })?;
            self.refuse_impossible(id, settings)?;
        }
        Ok(())
    }

    /// Refuses what a layer's own entry asks for and the layer cannot have.
    fn refuse_impossible(&self, id: LayerId, settings: &LayerSettings) -> Result<()> {
        let row = &self.graph.layers[id];
        let refuse =
            |what: &str, why: String| Err(Error::config(format!("layer `{}`", row.name), format!("{what}: {why}")));
        check_values(settings).or_else(|(what, why)| refuse(what, why))?;
        let wants_weights = LayerSettings { weight_bits: integer(settings.weight_bits), ..settings.of_weights() };
        let wants_weights = !wants_weights.is_empty();
        if let Some(why) = weight_fixed(self.graph, id).filter(|_| wants_weights) {
            return refuse("weights cannot be quantized", why);
        }
        if let Some(granularity) = settings.granularity.filter(|g| !self.has_axis_for(id, *g)) {
            let axis = if granularity == Granularity::PerChannel { "output-channel" } else { "input" };
            return refuse(&granularity.name(), format!("its constants have no {axis} axis; use per-tensor"));
        }
        let output = LayerSettings { activation_bits: integer(settings.activation_bits), ..settings.of_output() };
        let wants_activation = !output.is_empty();
        if let Some(why) = activation_fixed(self.graph, id).filter(|_| wants_activation) {
            return refuse("the output cannot be quantized", why);
        }
        if let Some(why) = range_fixed(self.graph, id).filter(|_| settings.chooses_range()) {
            return refuse("the range cannot be chosen", why);
        }
        if settings.fold_batch_norm == Some(true) && row.batch_norm.is_none() {
            return refuse("fold_batch_norm", "it has no batch norm that can be folded".into());
        }
        for name in settings.reads.keys() {
            self.read_tensor(id, name)?;
        }
        Ok(())
    }

    /// Whether the layer's weights have the axis that scales of this fineness run along.
    fn has_axis_for(&self, id: LayerId, granularity: Granularity) -> bool {
        let row = &self.graph.layers[id];
        row.weights().any(|operand| match granularity {
            Granularity::PerTensor => true,
            Granularity::PerChannel => matches!(operand.role, OperandRole::Weight { axis: Some(_) }),
            Granularity::PerGroup(_) => {
                matches!(operand.role, OperandRole::Weight { .. })
                    && self.graph.input_axis(id, operand.position).is_some()
            }
        })
    }

    /// Refuses pairs of widths that the target does not multiply.
    fn refuse_combinations(&self, layers: &[LayerFormat], tensors: &[Option<TensorFormat>]) -> Result<()> {
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
                    format!("layer `{}`", row.name),
                    format!(
                        "{} does not multiply {read}-bit activations by {weights}-bit weights; it has {}",
                        target.title,
                        pairs.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Refuses formats that the model's operators have no form for.
    fn refuse_formats_of_later_opsets(&self, layers: &[LayerFormat]) -> Result<()> {
        for (row, format) in self.graph.layers.iter().zip(layers) {
            let reads = format.reads.values().copied().map(Some);
            for bits in [format.weight_bits, format.activation_bits].into_iter().chain(reads).flatten() {
                let Bits::Small(small) = bits else { continue };
                let why = if small.has_scale() {
                    raise::obstacle(&self.graph.model)
                } else {
                    (small == FloatFormat::BFloat16 && self.graph.opset < BFLOAT16_OPSET).then(|| {
                        format!(
                            "Cast knows bfloat16 from opset {BFLOAT16_OPSET} on, the model has {}; use float16",
                            self.graph.opset
                        )
                    })
                };
                if let Some(why) = why {
                    return Err(Error::config(format!("layer `{}`", row.name), why));
                }
            }
        }
        Ok(())
    }

    fn read_tensor(&self, id: LayerId, name: &str) -> Result<TensorId> {
        let row = &self.graph.layers[id];
        let tensor = self.graph.by_name.get(name).copied().filter(|t| row.reads.contains(t));
        tensor.filter(|&t| self.graph.quantizable.place(t).is_some()).ok_or_else(|| {
            let names: Vec<&str> = row.reads.iter().map(|&t| self.graph.name(t)).collect();
            Error::config(
                format!("layer `{}`: reads[`{name}`]", row.name),
                format!("it reads no such quantizable tensor; it reads {}", names.join(", ")),
            )
        })
    }

    /// A rule that matches nothing, or nothing that can obey it, is a mistake the user wants to hear of.
    fn refuse_idle_rules(&mut self) -> Result<()> {
        for (index, rule) in self.config.rules.iter().enumerate() {
            let place = || format!("rules[{index}]");
            let matched: Vec<LayerId> = (0..self.graph.layers.len())
                .filter(|&l| rule.applies(&self.graph.layers[l].name, &self.graph.layers[l].op))
                .collect();
            if matched.is_empty() {
                return Err(Error::config(place(), "no layer of this model fits its pattern"));
            }
            let can_weights = matched.iter().any(|&l| weight_fixed(self.graph, l).is_none());
            let can_activation = matched.iter().any(|&l| activation_fixed(self.graph, l).is_none());
            check_values(&rule.settings).map_err(|(what, why)| Error::config(place(), format!("{what}: {why}")))?;
            let wants_weights = integer(rule.settings.weight_bits).is_some();
            let wants_activation = integer(rule.settings.activation_bits).is_some();
            if (wants_weights && !can_weights) || (wants_activation && !can_activation) {
                return Err(Error::config(place(), "none of the layers it matches can be quantized so"));
            }
            let followers = matched.iter().filter(|&&l| format_owner(self.graph, l) != l).count();
            if wants_activation && followers > 0 {
                self.warnings.push(Warning::new(
                    "rule-follows-owner",
                    format!("rules[{index}]: {followers} of the layers it matches take their format from the layer whose scale they share"),
                ));
            }
        }
        Ok(())
    }

    /// Explicit activation settings of every shared-scale group, by owner: an entry on any member edits the group.
    fn group_settings(&self) -> Result<BTreeMap<LayerId, LayerSettings>> {
        let mut groups: BTreeMap<LayerId, (String, LayerSettings)> = BTreeMap::new();
        for (id, row) in self.graph.layers.iter().enumerate() {
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
                    format!("layer `{}`", row.name),
                    format!("it shares its scale with `{}`, which asks for another output format", entry.0),
                ));
            }
            entry.1.overlay(&wish);
        }
        Ok(groups.into_iter().map(|(id, (_, settings))| (id, settings)).collect())
    }

    fn layer(&self, id: LayerId, groups: &BTreeMap<LayerId, LayerSettings>) -> Result<LayerFormat> {
        let row = &self.graph.layers[id];
        let settings = self.settings(id);
        let owner = format_owner(self.graph, id);
        let mut deciding = self.settings(owner);
        if let Some(explicit) = groups.get(&owner) {
            deciding.overlay(explicit);
        }
        let weight_bits = weight_fixed(self.graph, id).is_none().then(|| settings.weight_bits.unwrap_or(Bits::Float));
        let granularity = settings.granularity.filter(|g| self.has_axis_for(id, *g)).unwrap_or(Granularity::PerTensor);
        let quantizes_weights = weight_bits.is_some_and(|b| !b.is_float());
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
            range: range_rule(&deciding).map_err(|why| Error::config(format!("layer `{}`", row.name), why))?,
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
        limits::check(&self.graph.target, &format)
            .map_err(|why| Error::config(format!("layer `{}`", row.name), why))?;
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

/// An integer width, if that is what is asked for.
fn integer(bits: Option<Bits>) -> Option<Bits> {
    bits.filter(|b| !b.is_float())
}

/// Refuses values that mean nothing whatever the layer: `(setting, why)`.
fn check_values(settings: &LayerSettings) -> std::result::Result<(), (&'static str, String)> {
    if let Some(percentile) = settings.percentile.filter(|p| !(*p > 0.0 && *p <= 100.0)) {
        return Err(("percentile", format!("{percentile} is no share; use a number above 0 and up to 100")));
    }
    if let Some(Range { low, high }) = settings.range
        && !(low.is_finite() && high.is_finite() && low <= high)
    {
        return Err(("range", format!("{low} … {high} is no finite interval")));
    }
    if settings.weight_sign == Some(Sign::Unsigned) && settings.weight_codes == Some(Codes::Narrow) {
        return Err(("weight_codes", "unsigned codes have no most negative one to leave out".into()));
    }
    if settings.activation_sign == Some(Sign::Unsigned) && settings.activation_codes == Some(Codes::Narrow) {
        return Err(("activation_codes", "unsigned codes have no most negative one to leave out".into()));
    }
    Ok(())
}

/// The rule in the settings of a layer; a manual range must be there.
fn range_rule(settings: &LayerSettings) -> std::result::Result<RangeRule, &'static str> {
    let method = settings.method.unwrap_or_default();
    if method == Method::Manual && settings.range.is_none() {
        return Err("the method is manual and there is no range; give one, or choose another method");
    }
    let percentile = settings.percentile.unwrap_or(DEFAULT_PERCENTILE);
    Ok(RangeRule { method, percentile, manual: settings.range.filter(|_| method == Method::Manual) })
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
