//! Pinned configurations: naming, choosing the baseline, going back, copying settings.

use std::sync::Arc;

use quantlens_analysis::{
    compare::{Comparison, own_settings},
    config::QuantConfig,
    report::{LayerDetail, Report},
    say,
    target::Target,
    text::Text,
};

use super::{Effects, begin, companions, edit, navigate, notify::notice};
use crate::{
    command::{Part, PinCommand},
    document::{Document, KeptPins, Level, Page, PinId},
    format::counted,
    worker::Request,
};

/// Models whose pins are kept.
const KEPT_MODELS: usize = 20;

pub(super) fn apply(doc: &mut Document, command: PinCommand, out: &mut Effects) {
    match command {
        PinCommand::Add(name) => add(doc, &name, out),
        PinCommand::Compare(pin) => {
            doc.pins.baseline = pin.filter(|id| doc.pins.get(*id).is_some());
            changed(doc, out);
        }
        PinCommand::Rename(id, name) => {
            let name = name.trim();
            if let Some(pin) = doc.pins.list.iter_mut().find(|pin| pin.id == id).filter(|_| !name.is_empty()) {
                name.clone_into(&mut pin.name);
            }
        }
        PinCommand::Remove(id) => {
            doc.pins.list.retain(|pin| pin.id != id);
            if doc.pins.baseline == Some(id) {
                doc.pins.baseline = None;
                changed(doc, out);
            }
        }
        PinCommand::GoBack(id) => {
            if let Some(pin) = doc.pins.get(id) {
                let (config, label) = (QuantConfig::clone(&pin.config), say!("go back to {}", pin.name));
                edit::commit(doc, config, label, out);
            }
        }
        PinCommand::Copy { pin, layers } => copy(doc, pin, &layers, out),
    }
}

/// Pins the configuration of now and compares with it; an empty name is replaced by a free one. A configuration that is
/// pinned already is not pinned twice.
fn add(doc: &mut Document, name: &str, out: &mut Effects) {
    let config = Arc::clone(&doc.config);
    let known = doc.pins.list.iter().find(|pin| pin.config == config).map(|pin| pin.id);
    let id = known.unwrap_or_else(|| {
        let name = if name.trim().is_empty() { doc.pins.free_name() } else { name.trim().to_owned() };
        doc.pins.add(name, config, None)
    });
    if let Some(pin) = doc.pins.list.iter_mut().find(|pin| pin.id == id) {
        if known.is_some() && !name.trim().is_empty() {
            name.trim().clone_into(&mut pin.name);
        }
        let of_now = doc.report.value.as_ref().filter(|report| report.config == pin.config);
        pin.report = of_now.or(pin.report.as_ref()).cloned();
    }
    doc.pins.baseline = Some(id);
    changed(doc, out);
}

/// The action of the key: pins and compares, or stops comparing.
pub(super) fn toggle(doc: &mut Document, out: &mut Effects) {
    if doc.pins.baseline.is_some() {
        apply(doc, PinCommand::Compare(None), out);
    } else {
        add(doc, "", out);
    }
}

/// Gives `layers` what the pin has for them, as entries of their own.
fn copy(doc: &mut Document, id: PinId, layers: &[String], out: &mut Effects) {
    let Some(pin) = doc.pins.get(id) else { return };
    let (name, from) = (pin.name.clone(), Arc::clone(&pin.config));
    let target = match Target::load(&from.target) {
        Ok(target) => target,
        Err(error) => return notice(doc, Level::Failure, say!("Not copied: {}", error), ""),
    };
    let mut config = QuantConfig::clone(&doc.config);
    for owner in edit::owners(doc, layers, Part::Both) {
        let Some(info) = doc.layer(&owner) else { continue };
        let own = own_settings((&from, &target), &config, &info.name, &info.op);
        config.edit_layer(&owner, |settings| *settings = own);
    }
    if config == *doc.config {
        return notice(doc, Level::Info, say!("Nothing to copy: as in {} already", name), "");
    }
    let what = if let [one] = layers { one.into() } else { counted(layers.len(), "layer") };
    edit::commit(doc, config, say!("copy {} from {}", what, name), out);
}

/// What follows another baseline.
fn changed(doc: &mut Document, out: &mut Effects) {
    doc.pins.asked = None;
    refresh(doc);
    navigate::new_values(doc);
    ask(doc, out);
}

/// Works out the comparison, if the pair of reports is another one.
pub(super) fn refresh(doc: &mut Document) {
    doc.pinned = doc.pins.baseline().and_then(|pin| pin.report.clone());
    // One sample's numbers have no difference to all samples'.
    let pair = doc.baseline().cloned().zip(doc.report.value.clone());
    let is_same = match (&pair, &doc.pins.compared) {
        (Some(new), Some(old)) => Arc::ptr_eq(&new.0, &old.0) && Arc::ptr_eq(&new.1, &old.1),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        doc.pins.comparison = pair.as_ref().map(|(was, now)| Arc::new(Comparison::of(was, now)));
        doc.pins.compared = pair;
    }
}

/// A report of the configuration of now is there: pins of this configuration have it, the comparison follows.
pub(super) fn report_came(doc: &mut Document, report: &Arc<Report>) {
    for pin in doc.pins.list.iter_mut().filter(|pin| pin.config == report.config) {
        if pin.report.as_ref().is_none_or(|old| old.samples <= report.samples) {
            pin.report = Some(Arc::clone(report));
        }
    }
    refresh(doc);
}

/// The baseline was evaluated.
pub(super) fn baseline_came(doc: &mut Document, report: &Arc<Report>, out: &mut Effects) {
    doc.pins.asked = None;
    report_came(doc, report);
    navigate::new_values(doc);
    ask(doc, out);
    companions::ask(doc, out);
}

/// The baseline's pages of a layer are there.
pub(super) fn detail_came(doc: &mut Document, detail: Arc<LayerDetail>, out: &mut Effects) {
    if let Some((id, Some(layer))) = doc.pins.asked.take()
        && layer == detail.layer
    {
        doc.pins.detail = Some((id, detail));
    }
    companions::ask(doc, out);
}

/// The baseline could not be evaluated: nothing is compared with it.
pub(super) fn failed(doc: &mut Document, what: &Text, details: Text, out: &mut Effects) {
    let name = doc.pins.baseline().map_or_else(String::new, |pin| pin.name.clone());
    notice(doc, Level::Failure, say!("{} cannot be compared with: {}", name, what), details);
    apply(doc, PinCommand::Compare(None), out);
}

/// Asks for what the baseline lacks: its numbers, or else the pages' data of the selected layer. Only when nothing else is
/// on its way, which would drop it.
pub(super) fn ask(doc: &mut Document, out: &mut Effects) {
    let Some(pin) = doc.pins.baseline() else { return };
    let waits = [doc.report.pending_since, doc.detail.pending_since, doc.arithmetic.pending_since];
    if doc.model.is_none() || doc.report.value.is_none() || waits.iter().any(Option::is_some) {
        return;
    }
    let (id, config) = (pin.id, Arc::clone(&pin.config));
    let is_whole = pin.report.as_ref().is_some_and(|report| report.samples >= report.samples_total);
    // What still refines will be whole without a job of its own.
    let comes_by_itself = doc.is_refining() && config == doc.config;
    let wanted = if is_whole || comes_by_itself {
        let compares = |page: Page| page.follows_layer() && page != Page::Arithmetic;
        let shows = doc.pages.shown().any(compares) && doc.data.is_some();
        let layer = doc.selection.anchor.clone().filter(|layer| shows && doc.pins.detail_of(layer).is_none());
        layer.map(Some)
    } else {
        Some(None)
    };
    let Some(layer) = wanted else { return };
    if doc.pins.asked.as_ref() == Some(&(id, layer.clone())) {
        return;
    }
    doc.pins.asked = Some((id, layer.clone()));
    let request = match layer {
        Some(layer) => Request::BaselineDetail { config, layer },
        None => Request::Baseline { config, weight_only: doc.data.is_none() },
    };
    begin(doc, request, out);
}

/// Other samples: no pin has numbers any more.
pub(super) fn forget_numbers(doc: &mut Document) {
    for pin in &mut doc.pins.list {
        pin.report = None;
    }
    (doc.pins.detail, doc.pins.asked) = (None, None);
    refresh(doc);
}

/// Another model is open: its pins take the place of the last one's, which are kept.
pub(super) fn model_opened(doc: &mut Document, model: &std::path::Path) {
    keep(doc);
    doc.pins = doc.kept_pins.iter().find(|kept| kept.model == model).map(KeptPins::restored).unwrap_or_default();
    refresh(doc);
}

/// Puts the open model's pins among those that the session stores.
fn keep(doc: &mut Document) {
    doc.kept_pins = all_kept(doc);
}

/// The pins of all models, the open one's first.
pub(crate) fn all_kept(doc: &Document) -> Vec<KeptPins> {
    let Some(model) = &doc.model else { return doc.kept_pins.clone() };
    let own = Some(doc.pins.kept(model.path.clone())).filter(|kept| !kept.pins.is_empty());
    let others = doc.kept_pins.iter().filter(|kept| kept.model != model.path).cloned();
    own.into_iter().chain(others).take(KEPT_MODELS).collect()
}
