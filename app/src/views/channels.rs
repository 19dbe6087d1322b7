//! The channels of the selected layer: how far each reaches under the scale in use, and how large its error is. With
//! several layers selected: the errors of all of them, sorted.

mod overlay;

use egui::{ScrollArea, Ui};
use quantlens_analysis::{
    config::Granularity,
    diagnose::channels::{ChannelRange, ChannelSpread, OUTLIER_RATIO, channel_spread, weight_limits},
    report::{LayerDetail, LayerRow},
    t,
};

use super::{
    figures::figure_ui,
    layer_page::{LayerPage, Parts, chart_height, heading_ui, layer_page, pinned_detail, stamp},
};
use crate::{
    command::{Command, Commands, Part},
    document::Document,
    figure::{
        FigureSpec,
        channels::{ChannelDatum, ChannelFacts, ChannelOrder, error_spec, range_spec},
        pinned::{common_limits, difference_spec, onto_ranges},
    },
    format,
    widgets::{EmptyState, empty_state},
};

/// What this view remembers between frames.
#[derive(Clone, Debug)]
pub struct ChannelsState {
    /// Weights or output; a layer without the chosen one shows the other.
    pub part: Part,
    /// In which order the channels stand.
    pub order: ChannelOrder,
    /// Values on a signed logarithmic axis: the small channels beside an outlier become visible.
    pub log_values: bool,
    /// Several selected layers stand in one figure.
    pub overlaid: bool,
}

impl Default for ChannelsState {
    fn default() -> Self {
        Self { part: Part::Weights, order: ChannelOrder::Index, log_values: false, overlaid: true }
    }
}

/// Draws the view.
pub fn channels_ui(ui: &mut Ui, doc: &Document, state: &mut ChannelsState, send: &mut Commands) {
    let Some(page) = layer_page(ui, doc, send) else { return };
    if let Some(spec) = overlay::overlaid(doc, &page, part_of(&page, state), state) {
        return overlay::overlay_ui(ui, doc, &page, &spec, state, send);
    }
    let shown = Shown::of(doc, &page, state);
    if shown.channels.is_empty() {
        let title = t!("{} has no channels", page.name);
        let reason = t!("It has no weights with output channels, and its output has no channel axis.");
        empty_state(ui, EmptyState { title: &title, reason }, |_| {});
        return;
    }
    heading_ui(ui, &shown.title, &page, send);
    controls_ui(ui, doc, &page, &shown, state, send);
    let pinned = Pinned::of(doc, &page, &shown);
    ScrollArea::vertical().show(ui, |ui| {
        let height = chart_height(ui, 0.5, 150.0);
        for (place, spec) in specs(&shown, pinned.as_ref(), state.order).iter().enumerate() {
            figure_ui(ui, spec, height, place, doc, send);
            ui.add_space(8.0);
        }
    });
}

/// The figures on the page, for saving; none while there are none.
pub fn channels_figures(doc: &Document, state: &ChannelsState) -> Vec<FigureSpec> {
    let Some(page) = LayerPage::of(doc) else { return Vec::new() };
    if let Some(spec) = overlay::overlaid(doc, &page, part_of(&page, state), state) {
        return vec![spec];
    }
    let shown = Shown::of(doc, &page, state);
    if shown.channels.is_empty() {
        return Vec::new();
    }
    specs(&shown, Pinned::of(doc, &page, &shown).as_ref(), state.order)
}

/// Ranges, errors, and the errors' differences from the baseline's.
fn specs(shown: &Shown, pinned: Option<&Pinned<'_>>, order: ChannelOrder) -> Vec<FigureSpec> {
    let mut ranges = shown.ranges(order);
    let difference = pinned.and_then(|pinned| pinned.onto(shown, &mut ranges, order));
    [ranges, shown.errors(order)].into_iter().chain(difference).collect()
}

/// The same channels as the pinned baseline has them.
struct Pinned<'a> {
    name: &'a str,
    channels: Vec<ChannelDatum>,
}

impl<'a> Pinned<'a> {
    fn of(doc: &'a Document, page: &LayerPage<'_>, shown: &Shown) -> Option<Self> {
        let (name, detail) = pinned_detail(doc, page)?;
        let row = doc.pinned_row(page.name);
        let channels = if shown.part == Part::Weights { weight_data(detail, row) } else { output_data(detail) };
        Some(Self { name, channels })
    }

    /// Adds the baseline's limits to the ranges, and gives the figure of the errors' differences.
    fn onto(&self, shown: &Shown, ranges: &mut FigureSpec, order: ChannelOrder) -> Option<FigureSpec> {
        if let Some(limits) = common_limits(&self.channels) {
            onto_ranges(ranges, limits, self.name);
        }
        difference_spec(&shown.channels, &self.channels, &shown.facts(), order, self.name)
    }
}

fn weight_data(detail: &LayerDetail, row: Option<&LayerRow>) -> Vec<ChannelDatum> {
    let bits = row.and_then(|row| row.weight_bits);
    let channels = detail.weight_channels.iter();
    channels.map(|c| ChannelDatum { range: c.into(), limits: weight_limits(c, bits), sqnr_db: c.sqnr_db }).collect()
}

fn output_data(detail: &LayerDetail) -> Vec<ChannelDatum> {
    let limits = detail.activation.as_ref().and_then(|a| a.thresholds);
    let channels = detail.activation_channels.iter();
    channels.map(|c| ChannelDatum { range: c.into(), limits, sqnr_db: c.sqnr_db }).collect()
}

/// One layer's channels, ready to be drawn.
struct Shown {
    part: Part,
    title: String,
    stamp: String,
    channels: Vec<ChannelDatum>,
    spread: Option<ChannelSpread>,
    one_scale: bool,
    sentence: String,
    log_values: bool,
}

impl Shown {
    fn of(doc: &Document, page: &LayerPage<'_>, state: &ChannelsState) -> Self {
        let weights = part_of(page, state) == Part::Weights;
        let shown = if weights { Self::weights(page) } else { Self::output(doc, page) };
        Self { log_values: state.log_values, ..shown }
    }

    fn weights(page: &LayerPage<'_>) -> Self {
        let bits = page.row.and_then(|row| row.weight_bits);
        let channels = weight_data(page.detail, page.row);
        let one_scale = page.row.and_then(|row| row.granularity) == Some(Granularity::PerTensor);
        let spread = channel_spread(&ranges(&channels), bits);
        let sentence = weight_sentence(spread.as_ref(), page, one_scale);
        let title = t!("Weights of {} by channel", page.name);
        Self {
            part: Part::Weights,
            title,
            stamp: String::new(),
            channels,
            spread,
            one_scale,
            sentence,
            log_values: false,
        }
    }

    fn output(doc: &Document, page: &LayerPage<'_>) -> Self {
        let limits = page.detail.activation.as_ref().and_then(|a| a.thresholds);
        let channels = output_data(page.detail);
        let spread = channel_spread(&ranges(&channels), page.row.and_then(|row| row.activation_bits));
        let sentence = spread.as_ref().map_or(String::new(), reach_sentence);
        let title = t!("Output of {} by channel", page.name);
        let stamp = stamp(doc, page.detail.samples);
        let one_scale = limits.is_some();
        Self { part: Part::Activations, title, stamp, channels, spread, one_scale, sentence, log_values: false }
    }

    fn facts(&self) -> ChannelFacts<'_> {
        ChannelFacts {
            title: &self.title,
            stamp: &self.stamp,
            outliers: self.spread.as_ref().map_or(&[], |s| &s.outliers),
            one_scale: self.one_scale,
            sentence: &self.sentence,
            // Linear up to a quarter of the usual reach: zero stays a place, and the usual channels fill the chart.
            log_unit: self.spread.as_ref().filter(|_| self.log_values).map(|s| f64::from(s.median_reach) / 4.0),
        }
    }

    fn ranges(&self, order: ChannelOrder) -> FigureSpec {
        range_spec(&self.channels, &self.facts(), order)
    }

    fn errors(&self, order: ChannelOrder) -> FigureSpec {
        error_spec(&self.channels, &self.facts(), order)
    }
}

fn ranges(channels: &[ChannelDatum]) -> Vec<ChannelRange> {
    channels.iter().map(|c| c.range).collect()
}

fn part_of(page: &LayerPage<'_>, state: &ChannelsState) -> Part {
    parts_of(page).shown(state.part)
}

fn parts_of(page: &LayerPage<'_>) -> Parts {
    let LayerDetail { weight_channels, activation_channels, .. } = page.detail;
    Parts { weights: !weight_channels.is_empty(), output: !activation_channels.is_empty() }
}

fn controls_ui(
    ui: &mut Ui,
    doc: &Document,
    page: &LayerPage<'_>,
    shown: &Shown,
    state: &mut ChannelsState,
    send: &mut Commands,
) {
    ui.horizontal_wrapped(|ui| {
        parts_of(page).switch_ui(ui, &mut state.part);
        ui.separator();
        crate::widgets::name_label(ui, egui::RichText::new(t!("Sorted by")).weak());
        for (order, text) in
            [(ChannelOrder::Index, t!("Index")), (ChannelOrder::Range, t!("Range")), (ChannelOrder::Error, t!("Error"))]
        {
            ui.selectable_value(&mut state.order, order, text);
        }
        ui.separator();
        ui.checkbox(&mut state.log_values, t!("Log values"));
        if shown.part == Part::Weights {
            granularity_ui(ui, page, send);
        }
        overlay::switch_ui(ui, doc, state);
    });
}

fn granularity_ui(ui: &mut Ui, page: &LayerPage<'_>, send: &mut Commands) {
    let (text, granularity) = match page.row.and_then(|row| row.granularity) {
        Some(Granularity::PerTensor) => (t!("Switch to per-channel scales"), Granularity::PerChannel),
        Some(Granularity::PerChannel | Granularity::PerGroup(_)) => (t!("Switch to one scale"), Granularity::PerTensor),
        None => return,
    };
    ui.separator();
    if ui.button(text).clicked() {
        send.push(Command::SetGranularity { layers: vec![page.name.to_owned()], granularity });
    }
}

fn weight_sentence(spread: Option<&ChannelSpread>, page: &LayerPage<'_>, one_scale: bool) -> String {
    let Some(spread) = spread else { return String::new() };
    let reach = reach_sentence(spread);
    let Some((bits, median_bits)) = page.row.and_then(|row| row.weight_bits).zip(spread.median_bits) else {
        return reach;
    };
    if one_scale {
        t!(
            "{}; at one scale per tensor the median channel keeps {} of {}",
            reach,
            format::number(median_bits, 1),
            format::bits_words(bits)
        )
    } else if spread.ratio >= OUTLIER_RATIO {
        let kept = format::number(median_bits, 1);
        t!(
            "{}; each channel has its own scale (with one for all, the median channel would keep {} of {})",
            reach,
            kept,
            format::bits_words(bits)
        )
    } else {
        t!("{}; each channel has its own scale", reach)
    }
}

fn reach_sentence(spread: &ChannelSpread) -> String {
    let times = format::significant(spread.ratio, 3);
    if spread.outliers.len() > 1 {
        let more = format::plural(spread.outliers.len(), "channel");
        return t!(
            "Channel {} spans {}× the median channel; {} span {}× or more",
            spread.widest,
            times,
            more,
            OUTLIER_RATIO
        );
    }
    t!("Channel {} spans {}× the median channel", spread.widest, times)
}
