//! The layer's accumulated error sample by sample, and the way to look at one sample alone.

use egui::{ComboBox, Ui};
use quantlens_analysis::{metrics::Measure, report::LayerRow, t};

use super::ErrorsState;
use crate::{
    command::{Command, Commands},
    document::Document,
    figure::{FigureSpec, samples::samples_spec},
    format,
    views::figures::figure_ui,
    widgets::section,
};

/// Height of the chart, in points.
const CHART_HEIGHT: f32 = 160.0;

/// In which order the samples stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleOrder {
    /// As the data have them.
    #[default]
    Data,
    /// Lowest SQNR first.
    Worst,
}

/// Draws the section; `row` is that of the report on screen.
pub(super) fn samples_ui(ui: &mut Ui, doc: &Document, row: &LayerRow, state: &mut ErrorsState, send: &mut Commands) {
    section(ui, t!("Samples"));
    let Some(spec) = spec_of(doc, row, state.order) else {
        ui.label(t!("There are no errors of single samples."));
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.selectable_value(&mut state.order, SampleOrder::Data, t!("In order"));
        ui.selectable_value(&mut state.order, SampleOrder::Worst, t!("Worst first"));
        ui.separator();
        scope_ui(ui, doc, row, send);
    });
    figure_ui(ui, &spec, CHART_HEIGHT, 0, doc, send);
}

/// Which samples the window shows the numbers of.
fn scope_ui(ui: &mut Ui, doc: &Document, row: &LayerRow, send: &mut Commands) {
    let Some((whole, row)) = whole(doc, row) else { return };
    let name = |index: usize| whole.sample_names.get(index).cloned().unwrap_or_default();
    if let Some(worst) = row.worst_sample() {
        let hover = t!(
            "{} at {}: table, strip and scoreboard show it alone",
            name(worst.index),
            format::db_unit(worst.sqnr_db)
        );
        if ui.button(t!("Show the worst sample here")).on_hover_text(hover).clicked() {
            send.push(Command::ScopeSample(Some(worst.index)));
        }
    }
    let now = doc.scope.map_or_else(|| t!("All samples").to_owned(), |index| entry(index, &name(index)));
    let response = ComboBox::from_id_salt("sample scope").selected_text(now).show_ui(ui, |ui| {
        if ui.selectable_label(doc.scope.is_none(), t!("All samples")).clicked() {
            send.push(Command::ScopeSample(None));
        }
        for (index, energy) in row.by_sample.iter().enumerate() {
            let text = format!("{}  {}", entry(index, &name(index)), format::db_unit(energy.sqnr_db()));
            if ui.selectable_label(doc.scope == Some(index), text).clicked() {
                send.push(Command::ScopeSample(Some(index)));
            }
        }
    });
    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, t!("Samples shown")));
}

fn entry(index: usize, name: &str) -> String {
    format!("{} {name}", format::count(index as u64 + 1))
}

/// The report of all samples and its row of the layer, whatever is on screen.
fn whole<'a>(doc: &'a Document, row: &LayerRow) -> Option<(&'a quantlens_analysis::report::Report, &'a LayerRow)> {
    let whole = doc.whole_report()?;
    let of_all = whole.rows.get(row.info.index).filter(|found| found.info.name == row.info.name)?;
    Some((whole, of_all))
}

/// The chart; `None` without samples.
pub(super) fn spec_of(doc: &Document, row: &LayerRow, order: SampleOrder) -> Option<FigureSpec> {
    let (whole, row) = whole(doc, row)?;
    let mut samples: Vec<(usize, Measure)> =
        row.by_sample.iter().enumerate().map(|(index, energy)| (index, energy.sqnr_db())).collect();
    if samples.is_empty() {
        return None;
    }
    if order == SampleOrder::Worst {
        samples.sort_by(|a, b| {
            let (x, y) = (format::db_rank(a.1), format::db_rank(b.1));
            x.0.cmp(&y.0).then(x.1.total_cmp(&y.1))
        });
    }
    let worst = row.worst_sample().map(|worst| worst.index);
    let title = t!("Accumulated error of {} by sample", row.info.name);
    Some(samples_spec(&samples, &whole.sample_names, worst, title))
}
