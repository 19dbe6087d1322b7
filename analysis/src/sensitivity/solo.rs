//! The configurations behind a value: one layer alone, or all but one.

use std::sync::Arc;

use super::SweepKind;
use crate::{
    config::{LayerSettings, QuantConfig, ReadSettings},
    error::Result,
    graph::{Graph, LayerId},
    plan::{FormatPlan, activation_fixed, format_owner, weight_fixed},
    quant::Bits,
};

/// Layers with quantizers of this kind, in graph order. A layer that takes its output's format from another one is that
/// one's matter, unless it has weights.
pub(crate) fn candidates(graph: &Graph, kind: SweepKind) -> Vec<LayerId> {
    let has_weights = |id| kind.has_weights() && weight_fixed(graph, id).is_none();
    let has_output =
        |id| kind.has_activations() && activation_fixed(graph, id).is_none() && format_owner(graph, id) == id;
    (0..graph.layers.len()).filter(|&id| has_weights(id) || has_output(id)).collect()
}

/// One layer quantized and all others float, for every layer in turn: what they share is worked out once.
#[derive(Debug)]
pub(crate) struct Solos {
    /// The configuration that is asked about.
    config: Arc<QuantConfig>,
    /// With every layer float.
    float: QuantConfig,
    /// What that resolves to.
    float_formats: FormatPlan,
}

impl Solos {
    /// Of the layers of `config`.
    ///
    /// # Errors
    /// As [`FormatPlan::resolve`].
    pub(crate) fn new(graph: &Graph, config: &Arc<QuantConfig>) -> Result<Self> {
        let mut float = QuantConfig::clone(config);
        for id in 0..graph.layers.len() {
            put(&mut float, graph, id, solo_settings(graph, config, id, Keeps::default(), Bits::Float));
        }
        let float_formats = FormatPlan::resolve(graph, &float)?;
        Ok(Self { config: Arc::clone(config), float, float_formats })
    }

    /// Formats with every layer float but `layer`, whose quantizers of `kind` have `bits`, and who shares its scale. What
    /// the layer's other settings say (range method, granularity, scheme, …) stays.
    ///
    /// # Errors
    /// As [`FormatPlan::resolve`]: the target may not have the width.
    pub(crate) fn formats(&mut self, graph: &Graph, layer: LayerId, kind: SweepKind, bits: Bits) -> Result<FormatPlan> {
        let owner = format_owner(graph, layer);
        let members: Vec<LayerId> = (0..graph.layers.len()).filter(|&id| format_owner(graph, id) == owner).collect();
        let mut before = Vec::with_capacity(members.len());
        for &id in &members {
            let is_asked = id == layer;
            let keeps = Keeps {
                weights: is_asked && kind.has_weights(),
                output: kind.has_activations(),
                reads: is_asked && kind.has_activations(),
            };
            before.push(self.float.layers.get(&graph.layers[id].name).cloned().unwrap_or_default());
            put(&mut self.float, graph, id, solo_settings(graph, &self.config, id, keeps, bits));
        }
        let formats = self.float_formats.amended(graph, &self.float, &members);
        for (&id, settings) in members.iter().zip(before) {
            put(&mut self.float, graph, id, settings);
        }
        formats
    }
}

/// Which quantizers of a layer are asked about.
#[derive(Clone, Copy, Default)]
struct Keeps {
    weights: bool,
    output: bool,
    reads: bool,
}

/// A layer's own entry with what is kept at `bits` and everything else float.
fn solo_settings(graph: &Graph, config: &QuantConfig, id: LayerId, keeps: Keeps, bits: Bits) -> LayerSettings {
    let mut settings = config.layers.get(&graph.layers[id].name).cloned().unwrap_or_default();
    if weight_fixed(graph, id).is_none() {
        settings.weight_bits = Some(if keeps.weights { bits } else { Bits::Float });
    }
    if activation_fixed(graph, id).is_none() {
        settings.activation_bits = Some(if keeps.output { bits } else { Bits::Float });
    }
    if !keeps.reads {
        make_float(&mut settings, own_reads(config, graph, id));
    }
    settings
}

fn put(config: &mut QuantConfig, graph: &Graph, id: LayerId, settings: LayerSettings) {
    config.edit_layer(&graph.layers[id].name, |own| *own = settings);
}

/// `config` with the quantizers of `kind` of `layer` float; `None` where `formats`, which `config` resolves to, has none
/// there.
pub(crate) fn without(
    graph: &Graph,
    config: &QuantConfig,
    formats: &FormatPlan,
    layer: LayerId,
    kind: SweepKind,
) -> Option<QuantConfig> {
    let owner = format_owner(graph, layer);
    let is_quantized = |bits: Option<Bits>| bits.is_some_and(|bits| !bits.is_float());
    let has_weights = kind.has_weights() && is_quantized(formats.layers[layer].weight_bits);
    let has_output = kind.has_activations() && is_quantized(formats.layers[layer].activation_bits);
    let reads = if kind.has_activations() { own_reads(config, graph, layer) } else { Vec::new() };
    if !has_weights && !has_output && reads.is_empty() {
        return None;
    }
    let mut relieved = config.clone();
    for (id, row) in graph.layers.iter().enumerate() {
        let is_relieved = id == layer;
        let shares = has_output && format_owner(graph, id) == owner && activation_fixed(graph, id).is_none();
        if !is_relieved && !shares {
            continue;
        }
        let reads = if is_relieved { reads.clone() } else { Vec::new() };
        relieved.edit_layer(&row.name, |settings| {
            if is_relieved && has_weights {
                settings.weight_bits = Some(Bits::Float);
            }
            if shares {
                settings.activation_bits = Some(Bits::Float);
            }
            make_float(settings, reads);
        });
    }
    Some(relieved)
}

/// Tensors that the layer reads in a format of its own, by whatever entry says so.
fn own_reads(config: &QuantConfig, graph: &Graph, layer: LayerId) -> Vec<String> {
    let row = &graph.layers[layer];
    let reads = config.settings_for(&row.name, &row.op).reads;
    reads.into_iter().filter(|(_, read)| !read.bits.is_float()).map(|(tensor, _)| tensor).collect()
}

fn make_float(settings: &mut LayerSettings, reads: Vec<String>) {
    settings.reads.extend(reads.into_iter().map(|tensor| (tensor, ReadSettings { bits: Bits::Float })));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::Builder;

    /// Conv → `MaxPool`, which hands the Conv's quantizer on → Conv.
    fn graph() -> Graph {
        Builder::new(17)
            .input("x", &[1, 1, 4, 4])
            .constant("v", &[1, 1, 1, 1], &[0.5])
            .constant("w", &[1, 1, 1, 1], &[0.25])
            .node("Conv", &["x", "v"], &["a"])
            .node("MaxPool", &["a"], &["p"])
            .node("Conv", &["p", "w"], &["y"])
            .output("y")
            .graph(&[])
    }

    fn id(graph: &Graph, name: &str) -> LayerId {
        graph.layer_named(name).unwrap()
    }

    /// `(weights, output)` of every layer.
    fn widths(formats: &FormatPlan) -> Vec<(Option<Bits>, Option<Bits>)> {
        formats.layers.iter().map(|l| (l.weight_bits, l.activation_bits)).collect()
    }

    fn resolved(graph: &Graph, config: &QuantConfig) -> FormatPlan {
        FormatPlan::resolve(graph, config).unwrap()
    }

    fn alone(graph: &Graph, config: &QuantConfig, layer: &str, kind: SweepKind, bits: Bits) -> FormatPlan {
        let mut solos = Solos::new(graph, &Arc::new(config.clone())).unwrap();
        let float = solos.float.clone();
        let formats = solos.formats(graph, id(graph, layer), kind, bits).unwrap();
        assert_eq!(solos.float, float, "the next layer starts from the same");
        formats
    }

    #[test]
    fn a_layer_alone_takes_with_it_who_shares_its_scale() {
        let graph = graph();
        assert_eq!(candidates(&graph, SweepKind::Both), [id(&graph, "x"), id(&graph, "n_a"), id(&graph, "n_y")]);
        assert_eq!(candidates(&graph, SweepKind::Weights), [id(&graph, "n_a"), id(&graph, "n_y")]);
        let four = Some(Bits::Int(4));
        let float = Some(Bits::Float);
        let of = |kind| widths(&alone(&graph, &QuantConfig::default(), "n_a", kind, Bits::Int(4)));
        assert_eq!(of(SweepKind::Both), [(None, float), (four, four), (None, four), (float, float)]);
        assert_eq!(of(SweepKind::Weights), [(None, float), (four, float), (None, float), (float, float)]);
        assert_eq!(of(SweepKind::Activations), [(None, float), (float, four), (None, four), (float, float)]);
    }

    #[test]
    fn relief_takes_only_what_is_there() {
        let graph = graph();
        let mut config = QuantConfig::default();
        config.edit_layer("n_y", |s| s.weight_bits = Some(Bits::Float));
        let formats = FormatPlan::resolve(&graph, &config).unwrap();
        let of = |name, kind| without(&graph, &config, &formats, id(&graph, name), kind);
        assert_eq!(of("n_y", SweepKind::Weights), None, "they are float already");
        let (eight, float) = (Some(Bits::Int(8)), Some(Bits::Float));
        let relieved = of("n_a", SweepKind::Both).unwrap();
        assert_eq!(
            widths(&resolved(&graph, &relieved)),
            [(None, eight), (float, float), (None, float), (float, eight)]
        );
        let relieved = of("n_a", SweepKind::Weights).unwrap();
        assert_eq!(
            widths(&resolved(&graph, &relieved)),
            [(None, eight), (float, eight), (None, eight), (float, eight)]
        );
    }

    #[test]
    fn own_read_formats_belong_to_the_reader() {
        let graph = graph();
        let mut config = QuantConfig::default();
        config.edit_layer("n_y", |s| {
            s.reads.insert("p".into(), ReadSettings { bits: Bits::Int(16) });
        });
        let reads = |formats: &FormatPlan| formats.layers.last().unwrap().reads.len();
        let of = |name, kind| reads(&alone(&graph, &config, name, kind, Bits::Int(8)));
        assert_eq!(of("n_y", SweepKind::Both), 1);
        assert_eq!(of("n_y", SweepKind::Weights), 0);
        assert_eq!(of("n_a", SweepKind::Both), 0);
        let formats = FormatPlan::resolve(&graph, &config).unwrap();
        let relieved = without(&graph, &config, &formats, id(&graph, "n_y"), SweepKind::Both).unwrap();
        assert_eq!(reads(&resolved(&graph, &relieved)), 0);
    }

    /// Against the configuration written out whole.
    #[test]
    fn an_amended_plan_is_the_resolved_one() {
        let graph = graph();
        let mut config = QuantConfig::default();
        config.defaults.granularity = Some(crate::config::Granularity::PerChannel);
        config.edit_layer("n_a", |s| s.percentile = Some(99.0));
        config.edit_layer("n_y", |s| {
            s.reads.insert("p".into(), ReadSettings { bits: Bits::Int(16) });
        });
        for kind in SweepKind::ALL {
            for layer in candidates(&graph, kind) {
                let name = graph.layers[layer].name.clone();
                let mut whole = config.clone();
                for (id, row) in graph.layers.iter().enumerate() {
                    let shares = format_owner(&graph, id) == format_owner(&graph, layer);
                    let keeps = Keeps {
                        weights: id == layer && kind.has_weights(),
                        output: shares && kind.has_activations(),
                        reads: id == layer && kind.has_activations(),
                    };
                    let settings = solo_settings(&graph, &config, id, keeps, Bits::Int(4));
                    whole.edit_layer(&row.name, |own| *own = settings);
                }
                let expected = resolved(&graph, &whole);
                assert_eq!(alone(&graph, &config, &name, kind, Bits::Int(4)), expected, "{name} {kind:?}");
                if let Some(relieved) = without(&graph, &config, &resolved(&graph, &config), layer, kind) {
                    let amended = resolved(&graph, &config).amended(&graph, &relieved, &[layer]).unwrap();
                    assert_eq!(amended, resolved(&graph, &relieved), "without {name} {kind:?}");
                }
            }
        }
    }
}
