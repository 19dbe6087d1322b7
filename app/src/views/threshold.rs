//! How the range of the selected layer's output is chosen: what every threshold would cost, what each method would take,
//! which range is in use, and the handles and fields that set it by hand.

use egui::{ComboBox, RichText, ScrollArea, Ui};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    report::{RangeMark, ThresholdDetail},
    t,
};

use super::{
    figures::figure_ui,
    layer_page::{LayerPage, chart_height, heading_ui, layer_page, pinned_detail, stamp},
};
use crate::{
    command::{Command, Commands},
    document::Document,
    figure::{
        FigureSpec, Moved,
        threshold::{ThresholdFacts, add_pinned, threshold_spec, why},
    },
    format::{method as method_name, sentence},
    theme,
    widgets::{EmptyState, empty_state},
};

mod fields;
mod methods;
mod table;

pub(super) use methods::hint;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct ThresholdState {
    /// Whose curve is drawn; `None` for that of the method in use. A layer without that curve shows another.
    pub curve: Option<Method>,
    /// Whose choice the range in use is compared with; `None` for TensorRT's.
    pub against: Option<Method>,
}

/// A layer's choices, and the one in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choices<'a> {
    /// The layer's name.
    pub(super) layer: &'a str,
    /// All choices and curves.
    pub(super) detail: &'a ThresholdDetail,
    /// In use: the range just set, until the page's data are new.
    pub(super) current: &'a RangeMark,
    /// Whether it was just set, and only its histogram tells what it does.
    pub(super) is_set: bool,
}

impl<'a> Choices<'a> {
    /// Those of the page's layer; `None` where it has none.
    pub(super) fn of(doc: &'a Document, page: &LayerPage<'a>) -> Option<Self> {
        // A float output has nothing to choose, even while the page's data are still of when it was quantized.
        if page.row.is_some_and(|row| row.activation.is_none()) {
            return None;
        }
        let detail = page.detail.threshold.as_deref()?;
        let set = doc.weighed.as_ref().filter(|(layer, _)| layer == page.name).map(|(_, mark)| mark);
        Some(Self { layer: page.name, detail, current: set.unwrap_or(&detail.current), is_set: set.is_some() })
    }

    /// Carries out what a handle of a figure reports.
    pub(super) fn move_to(&self, moved: Moved, send: &mut Commands) {
        let range = self.detail.moved(self.current.range, moved.side, moved.value);
        send.push(Command::SetRange { layer: self.layer.to_owned(), range, done: moved.done });
    }
}

/// Draws the view.
pub fn threshold_ui(ui: &mut Ui, doc: &Document, state: &mut ThresholdState, send: &mut Commands) {
    let Some(page) = layer_page(ui, doc, send) else { return };
    let Some(choices) = Choices::of(doc, &page) else {
        nothing_ui(ui, &page);
        return;
    };
    heading_ui(ui, &title(&page), &page, send);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_width(ui.available_width() - 2.0 * theme::GRID);
        methods::methods_ui(ui, doc, choices, send);
        ui.horizontal_wrapped(|ui| {
            fields::fields_ui(ui, choices, send);
            ui.separator();
            curve_ui(ui, choices, state);
        });
        fields::facts_ui(ui, choices);
        // The answer and the first rows of the table stay in sight.
        let height = chart_height(ui, 0.62, 0.0).clamp(170.0, 420.0);
        match spec_of(doc, &page, choices, state) {
            Some(spec) => {
                if let Some(moved) = figure_ui(ui, &spec, height, 0, doc, send) {
                    choices.move_to(moved, send);
                }
            }
            None => no_curve_ui(ui, choices, state),
        }
        why_ui(ui, choices, state);
        table::table_ui(ui, choices, send);
    });
}

/// The figure on the page, for saving; `None` while there is none.
pub fn threshold_figure(doc: &Document, state: &ThresholdState) -> Option<FigureSpec> {
    let page = LayerPage::of(doc)?;
    spec_of(doc, &page, Choices::of(doc, &page)?, state)
}

fn title(page: &LayerPage<'_>) -> String {
    t!("Threshold of {}", page.name)
}

/// Why this layer has no threshold.
fn nothing_ui(ui: &mut Ui, page: &LayerPage<'_>) {
    let is_float = page.row.is_some_and(|row| row.activation.is_none());
    let title = if !page.detail.is_whole {
        t!("Reading {}", page.name)
    } else if is_float {
        t!("The output of {} is float", page.name)
    } else {
        t!("{} has no threshold to choose", page.name)
    };
    let reason = match &page.detail.threshold_note {
        Some(note) if !is_float => sentence(note),
        _ => t!("A float tensor has no range to choose. Give the output a bit width to weigh thresholds.").to_owned(),
    };
    empty_state(ui, EmptyState { title: &title, reason: &reason }, |_| {});
}

/// Whose curve is drawn.
fn drawn(choices: Choices<'_>, state: &ThresholdState) -> Method {
    let has_curve = |method: &Method| choices.detail.curves_of(*method).is_some();
    state.curve.filter(has_curve).or(Some(choices.current.method).filter(has_curve)).unwrap_or(Method::Kl)
}

fn curve_ui(ui: &mut Ui, choices: Choices<'_>, state: &mut ThresholdState) {
    let now = drawn(choices, state);
    ui.label(t!("Curve of"));
    let shown = method_name(now);
    let combo = ComboBox::from_id_salt("threshold curve").selected_text(shown).height(320.0).show_ui(ui, |ui| {
        for curves in &choices.detail.curves {
            if ui.selectable_label(curves.method == now, method_name(curves.method)).clicked() {
                state.curve = Some(curves.method);
            }
        }
    });
    let text = t!("Curve of {}", shown);
    let is_enabled = ui.is_enabled();
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
    if state.curve.is_some() && now != choices.current.method {
        let button = ui.button(t!("Follow the method in use"));
        if button.on_hover_text(t!("Draw the curve of whichever method is in use")).clicked() {
            state.curve = None;
        }
    }
}

/// Instead of the figure, where the method has no candidates.
fn no_curve_ui(ui: &mut Ui, choices: Choices<'_>, state: &ThresholdState) {
    let method = drawn(choices, state);
    let note = choices.detail.curves_of(method).and_then(|curves| curves.note.as_deref());
    let title = t!("{} has no curve here", sentence(method_name(method)));
    let reason = note.map_or_else(|| t!("It weighed no thresholds.").to_owned(), sentence);
    empty_state(ui, EmptyState { title: &title, reason: &reason }, |_| {});
}

/// Why the range in use is not another method's.
fn why_ui(ui: &mut Ui, choices: Choices<'_>, state: &mut ThresholdState) {
    let of = |method: Method| choices.detail.choice_of(method).filter(|c| c.method != choices.current.method);
    let tensorrt = Method::Flavour(Flavour::TensorRt);
    let others = || choices.detail.choices.iter().filter(|c| c.method != choices.current.method);
    let Some(other) = state.against.and_then(of).or_else(|| of(tensorrt)).or_else(|| others().next()) else { return };
    ui.add_space(2.0 * theme::GRID);
    ui.horizontal(|ui| {
        ui.label(RichText::new(t!("Why not")).strong().size(15.0));
        let shown = method_name(other.method);
        let combo = ComboBox::from_id_salt("threshold against")
            .selected_text(shown)
            .width(150.0)
            .height(320.0)
            .show_ui(ui, |ui| {
                for choice in others() {
                    if ui.selectable_label(choice.method == other.method, method_name(choice.method)).clicked() {
                        state.against = Some(choice.method);
                    }
                }
            });
        let text = t!("Compare with {}", shown);
        let is_enabled = ui.is_enabled();
        combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, is_enabled, &text));
    });
    ui.label(why(choices.detail, choices.current, other));
}

fn spec_of(doc: &Document, page: &LayerPage<'_>, choices: Choices<'_>, state: &ThresholdState) -> Option<FigureSpec> {
    let facts = ThresholdFacts { detail: choices.detail, method: drawn(choices, state), current: choices.current };
    // The histogram behind the curve is of every sample, unlike what the other pages show.
    let all = doc.report.value.as_ref().map_or(page.detail.samples, |report| report.samples_total);
    let mut spec = threshold_spec(facts, title(page), stamp(doc, all))?;
    if let Some((name, pinned)) = pinned_detail(doc, page)
        && let Some(choices) = &pinned.threshold
    {
        add_pinned(&mut spec, facts.detail, facts.method, choices.current.range, name);
    }
    Some(spec)
}
