//! Which width every tensor and constant gets, and who decides it. Nothing is ignored in silence: an entry that cannot
//! take effect is refused where it is made, and a rule that takes effect nowhere is refused too.

use std::collections::BTreeMap;

use crate::{
    calibrate::Method,
    config::{Granularity, LayerSettings, QuantConfig},
    error::{Error, Result},
    graph::{Graph, LayerId, OperandRole, TensorId},
    job::Warning,
    quant::Bits,
};

/// The format of a tensor that carries a quantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorFormat {
    /// Width of the integers.
    pub bits: u8,
    /// How the range is chosen.
    pub method: Method,
}

/// The formats of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFormat {
    /// Of its constants; `None` where it has none that can be quantized.
    pub weight_bits: Option<Bits>,
    /// Scales of its weights.
    pub granularity: Granularity,
    /// Of its outputs; `None` where they cannot be quantized.
    pub activation_bits: Option<Bits>,
    /// How its output's range is chosen.
    pub method: Method,
    /// Whether its batch norm is folded: only where the weights are quantized.
    pub folds_batch_norm: bool,
    /// Formats in which it reads tensors otherwise than their makers hold them.
    pub reads: BTreeMap<TensorId, u8>,
    /// Whether anything differs from the configuration's defaults.
    pub is_edited: bool,
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

/// The target's own defaults: what `quantize_static` does when nothing is said.
fn target_defaults() -> LayerSettings {
    LayerSettings {
        weight_bits: Some(Bits::Int(8)),
        activation_bits: Some(Bits::Int(8)),
        granularity: Some(Granularity::PerTensor),
        method: Some(Method::MinMax),
        fold_batch_norm: Some(true),
        reads: BTreeMap::new(),
    }
}

impl FormatPlan {
    /// Resolves `config` for `graph`.
    ///
    /// # Errors
    /// [`Error::Config`] that names the layer or rule and says why it cannot take effect.
    pub fn resolve(graph: &Graph, config: &QuantConfig) -> Result<Self> {
        if config.target != "onnxruntime" {
            return Err(Error::config("target", format!("`{}` is not known; use `onnxruntime`", config.target)));
        }
        let mut resolver = Resolver { graph, config, warnings: Vec::new() };
        resolver.refuse_unknown_names()?;
        resolver.refuse_idle_rules()?;
        let group_bits = resolver.group_settings()?;
        let mut layers = Vec::with_capacity(graph.layers.len());
        for id in 0..graph.layers.len() {
            layers.push(resolver.layer(id, &group_bits)?);
        }
        let mut tensors = vec![None; graph.tensors.len()];
        for (id, layer) in graph.layers.iter().enumerate() {
            for &tensor in &layer.outputs {
                if graph.quantizable.place(tensor).is_some()
                    && let Some(Bits::Int(bits)) = layers[id].activation_bits
                {
                    tensors[tensor] = Some(TensorFormat { bits, method: layers[id].method });
                }
            }
        }
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
        _ => format!("onnxruntime's quantizer leaves {} float here", row.op),
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
        let wants_weights = settings.weight_bits.is_some_and(|b| !b.is_float()) || settings.granularity.is_some();
        if let Some(why) = weight_fixed(self.graph, id).filter(|_| wants_weights) {
            return refuse("weights cannot be quantized", why);
        }
        let has_axis = row.weights().any(|o| matches!(o.role, OperandRole::Weight { axis: Some(_) }));
        if settings.granularity == Some(Granularity::PerChannel) && !has_axis {
            return refuse("per-channel", "its constants have no output-channel axis; use per-tensor".into());
        }
        let wants_activation = settings.activation_bits.is_some_and(|b| !b.is_float()) || settings.method.is_some();
        if let Some(why) = activation_fixed(self.graph, id).filter(|_| wants_activation) {
            return refuse("the output cannot be quantized", why);
        }
        if settings.fold_batch_norm == Some(true) && row.batch_norm.is_none() {
            return refuse("fold_batch_norm", "it has no batch norm that can be folded".into());
        }
        for name in settings.reads.keys() {
            self.read_tensor(id, name)?;
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
            let wants_weights = rule.settings.weight_bits.is_some_and(|b| !b.is_float());
            let wants_activation = rule.settings.activation_bits.is_some_and(|b| !b.is_float());
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
            let wish =
                LayerSettings { activation_bits: own.activation_bits, method: own.method, ..LayerSettings::default() };
            if wish.is_empty() {
                continue;
            }
            let entry = groups.entry(format_owner(self.graph, id)).or_insert_with(|| (row.name.clone(), wish.clone()));
            let differs = |a: bool, b: bool| a && b;
            let bits_differ = differs(entry.1.activation_bits.is_some(), wish.activation_bits.is_some())
                && entry.1.activation_bits != wish.activation_bits;
            let methods_differ = entry.1.method.is_some() && wish.method.is_some() && entry.1.method != wish.method;
            if bits_differ || methods_differ {
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
        let has_axis = row.weights().any(|o| matches!(o.role, OperandRole::Weight { axis: Some(_) }));
        let granularity = settings.granularity.filter(|_| has_axis).unwrap_or(Granularity::PerTensor);
        let quantizes_weights = weight_bits.is_some_and(|b| !b.is_float());
        let mut reads = BTreeMap::new();
        for (name, read) in &settings.reads {
            if let Bits::Int(bits) = read.bits {
                reads.insert(self.read_tensor(id, name)?, bits);
            }
        }
        let mut format = LayerFormat {
            weight_bits,
            granularity,
            activation_bits: activation_fixed(self.graph, id)
                .is_none()
                .then(|| deciding.activation_bits.unwrap_or(Bits::Float)),
            method: deciding.method.unwrap_or(Method::MinMax),
            folds_batch_norm: quantizes_weights && row.batch_norm.is_some() && settings.fold_batch_norm != Some(false),
            reads,
            is_edited: false,
        };
        format.is_edited = self.is_edited(id, &format, groups);
        Ok(format)
    }

    fn settings(&self, id: LayerId) -> LayerSettings {
        let row = &self.graph.layers[id];
        let mut settings = target_defaults();
        settings.overlay(&self.config.settings_for(&row.name, &row.op));
        settings
    }

    /// Whether the layer's formats differ from what the defaults alone would give it.
    fn is_edited(&self, id: LayerId, format: &LayerFormat, groups: &BTreeMap<LayerId, LayerSettings>) -> bool {
        let mut defaults = target_defaults();
        defaults.overlay(&self.config.defaults);
        let weights_differ = format.weight_bits.is_some_and(|b| Some(b) != defaults.weight_bits);
        let output_differs = format.activation_bits.is_some()
            && (format.activation_bits != defaults.activation_bits || Some(format.method) != defaults.method);
        let own = self.config.layers.get(&self.graph.layers[id].name);
        let granularity_set = own.is_some_and(|o| o.granularity.is_some_and(|g| Some(g) != defaults.granularity));
        let other = own.is_some_and(|o| o.fold_batch_norm.is_some() || !o.reads.is_empty());
        let grouped = groups.contains_key(&format_owner(self.graph, id)) && output_differs;
        weights_differ || output_differs || granularity_set || other || grouped
    }
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
