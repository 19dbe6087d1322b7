//! Edits of the configuration. Each is one undo step with a name, however many layers it touches.
//!
//! What cannot take effect is refused here, where it is made, with the reason; a mixed selection is edited as far as it
//! goes and says what was left out. Formats that several layers share are written to the one that owns them.

use std::{collections::BTreeSet, sync::Arc};

use quantlens_analysis::{
    calibrate::Method,
    config::{LayerSettings, QuantConfig},
    quant::{Bits, Range},
    report::LayerInfo,
    say,
    text::Text,
};

use super::{Effects, evaluate, notify::notice};
use crate::{
    command::{Command, Part},
    document::{Document, Level},
    format::{bits_words, counted, granularity_name},
};

pub(super) fn apply(doc: &mut Document, command: Command, out: &mut Effects) {
    match command {
        Command::SetBits { layers, part, bits } => set_bits(doc, &layers, part, bits, out),
        Command::SetGranularity { layers, granularity } => {
            let label =
                say!("make {} {}", subject(&layers, Part::Weights), Text::made(move || granularity_name(granularity)));
            edit_where(doc, &layers, label, Part::Weights, out, |s| s.granularity = Some(granularity));
        }
        Command::SetMethod { layers, method } => {
            let name = Text::made(move || crate::format::method(method).to_owned());
            let label = say!("range {} by {}", subject(&layers, Part::Activations), name);
            let before = Arc::clone(&doc.config);
            edit_where(doc, &layers, label, Part::Activations, out, |s| s.method = Some(method));
            if doc.config != before {
                weigh_choice(doc, &layers, method);
            }
        }
        Command::SetFormat { layers, settings, label } => set_format(doc, &layers, &settings, label, out),
        Command::SetRange { layer, range, done } => set_range(doc, &layer, range, done, out),
        Command::SetFold { layers, fold } => {
            let names = names(&layers);
            let label =
                if fold { say!("fold batch norm of {}", names) } else { say!("unfold batch norm of {}", names) };
            let mut config = QuantConfig::clone(&doc.config);
            layers.iter().for_each(|layer| config.edit_layer(layer, |s| s.fold_batch_norm = Some(fold)));
            commit(doc, config, label, out);
        }
        Command::ResetLayers(layers) => {
            let mut config = QuantConfig::clone(&doc.config);
            for owner in owners(doc, &layers, Part::Both) {
                config.layers.remove(&owner);
            }
            commit(doc, config, say!("reset {}", names(&layers)), out);
        }
        Command::SetTarget(target) => {
            let label = say!("quantize for {}", target);
            commit(doc, QuantConfig { target, ..QuantConfig::clone(&doc.config) }, label, out);
        }
        Command::SetDefaults(defaults) => {
            let config = QuantConfig { defaults, ..QuantConfig::clone(&doc.config) };
            commit(doc, config, say!("change the defaults"), out);
        }
        Command::GoToStep(steps) => go_to_step(doc, steps, out),
        _ => {}
    }
}

/// Undoes (below 0) or redoes so many edits; the numbers are asked for once.
pub(super) fn go_to_step(doc: &mut Document, steps: isize, out: &mut Effects) {
    let mut now = Arc::clone(&doc.config);
    for _ in 0..steps.unsigned_abs() {
        let step = if steps < 0 { doc.history.undo(&now) } else { doc.history.redo(&now) };
        let Some(step) = step else { break };
        now = step.config;
    }
    replace(doc, now, out);
}

fn set_bits(doc: &mut Document, layers: &[String], part: Part, bits: Bits, out: &mut Effects) {
    let label = say!("set {} to {}", subject(layers, part), Text::made(move || bits_words(bits)));
    let mut config = QuantConfig::clone(&doc.config);
    let refused = write_bits(doc, &mut config, layers, part, bits);
    finish(doc, config, label, layers, refused, out);
}

/// Sets what `settings` says where it applies: to the owners of the outputs, to the users of the weights.
fn set_format(doc: &mut Document, layers: &[String], settings: &LayerSettings, label: Text, out: &mut Effects) {
    let mut config = QuantConfig::clone(&doc.config);
    let mut refused = Vec::new();
    for (part, wanted) in [(Part::Activations, settings.of_output()), (Part::Weights, settings.of_weights())] {
        if wanted.is_empty() {
            continue;
        }
        for info in layers.iter().filter_map(|name| doc.layer(name)) {
            match refusal(info, part).or_else(|| setting_refusal(doc, info, &wanted)) {
                Some(reason) => refused.push((info.name.clone(), reason)),
                None => owners(doc, std::slice::from_ref(&info.name), part)
                    .iter()
                    .for_each(|owner| config.edit_layer(owner, |s| s.overlay(&wanted))),
            }
        }
    }
    finish(doc, config, label, layers, refused, out);
}

/// A range by hand; the moves of one gesture are one step.
fn set_range(doc: &mut Document, layer: &str, range: Range, done: bool, out: &mut Effects) {
    let Some(info) = doc.layer(layer) else { return };
    if let Some(reason) = refusal(info, Part::Activations).or_else(|| info.range_fixed.clone()) {
        return notice(doc, Level::Info, say!("Not changed: {}", reason), "");
    }
    let wanted = LayerSettings { method: Some(Method::Manual), range: Some(range), ..LayerSettings::default() };
    let mut config = QuantConfig::clone(&doc.config);
    for owner in owners(doc, &[layer.to_owned()], Part::Activations) {
        config.edit_layer(&owner, |s| s.overlay(&wanted));
    }
    if config != *doc.config {
        let key = Some(format!("range of {layer}"));
        doc.history.push(say!("set the range of {}", layer), Arc::clone(&doc.config), key);
        replace(doc, Arc::new(config), out);
        let detail = doc.detail.value.as_deref().filter(|detail| detail.layer == layer);
        let threshold = detail.and_then(|detail| detail.threshold.clone());
        doc.weighed = threshold.map(|t| (layer.to_owned(), t.weigh(Method::Manual, range)));
    }
    if done {
        doc.history.seal();
    }
}

/// A method's range is known before anything runs: its choice was weighed with the page's other data.
fn weigh_choice(doc: &mut Document, layers: &[String], method: Method) {
    let detail = doc.detail.value.as_deref().filter(|detail| layers.contains(&detail.layer));
    doc.weighed = detail.and_then(|d| Some((d.layer.clone(), d.threshold.as_ref()?.choice_of(method)?.clone())));
}

/// Toggles the target part of `layers` between float and what it was before; float wins where they differ.
pub(super) fn toggle_float(doc: &mut Document, layers: &[String], out: &mut Effects) {
    let part = doc.target;
    let is_float = |layer: &String| {
        let Some(info) = doc.layer(layer) else { return true };
        let s = doc.config.settings_for(&info.name, &info.op);
        let float = |bits: Option<Bits>| bits == Some(Bits::Float);
        let weights = part == Part::Activations || refusal(info, Part::Weights).is_some() || float(s.weight_bits);
        let outputs = part == Part::Weights || refusal(info, Part::Activations).is_some() || float(s.activation_bits);
        weights && outputs
    };
    if !layers.iter().all(is_float) {
        for layer in layers {
            let own = doc.config.layers.get(layer).cloned().unwrap_or_default();
            doc.before_float.insert(layer.clone(), own);
        }
        return set_bits(doc, layers, part, Bits::Float, out);
    }
    let mut config = QuantConfig::clone(&doc.config);
    for layer in layers {
        let before = doc.before_float.get(layer).cloned().unwrap_or_default();
        // What is float by default comes back as 8 bits: the key must do something.
        let or_eight = |was: Option<Bits>, default: Option<Bits>| match (was, default) {
            (None, Some(Bits::Float)) => Some(Bits::Int(8)),
            (was, _) => was.filter(|bits| *bits != Bits::Float),
        };
        let defaults = doc.config.defaults.clone();
        config.edit_layer(layer, |s| {
            if part != Part::Activations {
                s.weight_bits = or_eight(before.weight_bits, defaults.weight_bits);
            }
            if part != Part::Weights {
                s.activation_bits = or_eight(before.activation_bits, defaults.activation_bits);
            }
        });
    }
    commit(doc, config, say!("quantize {} again", subject(layers, part)), out);
}

/// Writes a format to every layer that can take it; gives `(layer, reason)` of those that cannot take any part of it.
fn write_bits(
    doc: &Document,
    config: &mut QuantConfig,
    layers: &[String],
    part: Part,
    bits: Bits,
) -> Vec<(String, Text)> {
    let parts: &[Part] = match part {
        Part::Both => &[Part::Weights, Part::Activations],
        Part::Weights => &[Part::Weights],
        Part::Activations => &[Part::Activations],
    };
    let mut refused = Vec::new();
    for info in layers.iter().filter_map(|name| doc.layer(name)) {
        let reasons: Vec<Option<Text>> = parts.iter().map(|part| refusal(info, *part)).collect();
        for (part, _) in parts.iter().zip(&reasons).filter(|(_, reason)| reason.is_none()) {
            for owner in owners(doc, std::slice::from_ref(&info.name), *part) {
                config.edit_layer(&owner, |s| match part {
                    Part::Weights => s.weight_bits = Some(bits),
                    _ => s.activation_bits = Some(bits),
                });
            }
        }
        if reasons.iter().all(Option::is_some) {
            refused.push((info.name.clone(), reasons.into_iter().flatten().next().unwrap_or_default()));
        }
    }
    refused
}

/// Edits one setting of the layers whose `part` can be quantized.
fn edit_where(
    doc: &mut Document,
    layers: &[String],
    label: Text,
    part: Part,
    out: &mut Effects,
    edit: impl Fn(&mut LayerSettings),
) {
    let mut config = QuantConfig::clone(&doc.config);
    let mut refused = Vec::new();
    let mut wanted = LayerSettings::default();
    edit(&mut wanted);
    for info in layers.iter().filter_map(|name| doc.layer(name)) {
        match refusal(info, part).or_else(|| setting_refusal(doc, info, &wanted)) {
            Some(reason) => refused.push((info.name.clone(), reason)),
            None => owners(doc, std::slice::from_ref(&info.name), part)
                .iter()
                .for_each(|owner| config.edit_layer(owner, &edit)),
        }
    }
    finish(doc, config, label, layers, refused, out);
}

/// Why a layer cannot have the range that `wanted` chooses, or the scales that it asks for: they are those of every layer
/// with the same weight.
fn setting_refusal(doc: &Document, info: &LayerInfo, wanted: &LayerSettings) -> Option<Text> {
    let scales = |granularity| {
        let users = info.shares_weight_with.iter().filter_map(|name| doc.layer(name));
        std::iter::once(info).chain(users).find_map(|user| {
            let why = user.weight_axes.refusal(granularity)?;
            Some(say!("{} of {}: {}", Text::made(move || granularity_name(granularity)), user.name, why))
        })
    };
    info.range_fixed.clone().filter(|_| wanted.chooses_range()).or_else(|| wanted.granularity.and_then(scales))
}

/// Why `part` of a layer cannot be quantized; for both parts: only if neither can.
pub(super) fn refusal(info: &LayerInfo, part: Part) -> Option<Text> {
    match part {
        Part::Weights if info.weight.is_none() => Some(say!("{} has no weights", info.name)),
        Part::Weights => info.weight_fixed.clone(),
        Part::Activations => info.activation_fixed.clone(),
        Part::Both => refusal(info, Part::Weights).and_then(|_| refusal(info, Part::Activations)),
    }
}

/// The layers whose entries hold the format of `part` for `layers`: themselves, the owner of a shared output format, every
/// user of a shared weight.
pub(super) fn owners(doc: &Document, layers: &[String], part: Part) -> BTreeSet<String> {
    let mut owners = BTreeSet::new();
    for info in layers.iter().filter_map(|name| doc.layer(name)) {
        if part != Part::Activations {
            owners.insert(info.name.clone());
            owners.extend(info.shares_weight_with.iter().cloned());
        }
        if part != Part::Weights {
            owners.insert(info.shares_activation_with.first().unwrap_or(&info.name).clone());
        }
        if part == Part::Both {
            owners.insert(info.name.clone());
        }
    }
    owners
}

/// Commits what could be edited and says what could not.
fn finish(
    doc: &mut Document,
    config: QuantConfig,
    label: Text,
    layers: &[String],
    refused: Vec<(String, Text)>,
    out: &mut Effects,
) {
    if let Some((_, reason)) = refused.first() {
        let text = if layers.len() == 1 {
            say!("Not changed: {}", reason)
        } else {
            say!("{} of {} keep their format: {}", refused.len(), counted(layers.len(), "layer"), reason)
        };
        let details = refused.iter().map(|(layer, why)| say!("{}: {}", layer, why));
        notice(doc, Level::Info, text, Text::joined("\n", details));
    }
    commit(doc, config, label, out);
}

/// Makes `config` the configuration, as one undo step, and evaluates it. No step where nothing changes.
pub(super) fn commit(doc: &mut Document, config: QuantConfig, label: Text, out: &mut Effects) {
    if config == *doc.config {
        return;
    }
    doc.history.push(label, Arc::clone(&doc.config), None);
    replace(doc, Arc::new(config), out);
}

/// Makes `config` the configuration without a step: undo, redo.
pub(super) fn replace(doc: &mut Document, config: Arc<QuantConfig>, out: &mut Effects) {
    let before = std::mem::replace(&mut doc.config, config);
    // A range just set stays weighed through edits of anything else.
    if doc.weighed.as_ref().is_some_and(|(layer, _)| ranges_differ(doc, layer, &before)) {
        doc.weighed = None;
    }
    if doc.live {
        evaluate(doc, out);
    } else {
        doc.edits_waiting += 1;
    }
}

/// Whether the quantizer of this layer's output is set otherwise now, on the layer or on one that shares it.
fn ranges_differ(doc: &Document, layer: &str, before: &QuantConfig) -> bool {
    let Some(info) = doc.layer(layer) else { return true };
    let sharing = info.shares_activation_with.iter().filter_map(|name| doc.layer(name)).chain([info]);
    let output = |config: &QuantConfig, info: &LayerInfo| config.settings_for(&info.name, &info.op).of_output();
    doc.config.target != before.target || sharing.into_iter().any(|one| output(&doc.config, one) != output(before, one))
}

fn subject(layers: &[String], part: Part) -> Text {
    match part {
        Part::Both => names(layers),
        Part::Weights => say!("weights of {}", names(layers)),
        Part::Activations => say!("activations of {}", names(layers)),
    }
}

fn names(layers: &[String]) -> Text {
    match layers {
        [one] => one.into(),
        many => counted(many.len(), "layer"),
    }
}
