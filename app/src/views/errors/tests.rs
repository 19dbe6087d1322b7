use std::sync::Arc;

use egui_kittest::{Harness, kittest::Queryable as _};
use quantlens_analysis::{
    metrics::Measure,
    quant::Clipping,
    report::{CutErrors, ErrorPart, ErrorSource, LayerErrors, QuantizerErrors, SampleEnergy},
};

use super::*;
use crate::{
    command::Command,
    views::page_fixtures::{LAYER, document},
};

fn part(source: ErrorSource, db: f64, share: f64) -> ErrorPart {
    let errors = crate::views::fixtures::errors(db);
    let channels = vec![Measure::Value(db), Measure::Value(db - 5.0), Measure::Exact];
    ErrorPart { source, errors, share: Some(share), channels }
}

fn with_errors() -> Document {
    let mut doc = document(8);
    let clipped = Clipping { clipped: 31, clipped_error_energy: 3.0, rounding_error_energy: 97.0, nan: 0 };
    doc.errors.set(Arc::new(LayerErrors {
        layer: LAYER.into(),
        samples: 8,
        local: crate::views::fixtures::errors(9.8),
        parts: vec![part(ErrorSource::Weights, 10.2, 0.91), part(ErrorSource::Activation, 21.0, 0.08)],
        quantizer: Some(QuantizerErrors { total: clipped, values: 10_000, channels: vec![clipped; 3] }),
        cut: Some(CutErrors {
            op: "Relu".into(),
            values_share: 0.55,
            error_share: Some(0.4),
            before_db: Measure::Value(5.8),
            after_db: Measure::Value(8.1),
        }),
    }));
    let report = doc.report.value.as_mut().map(Arc::make_mut).unwrap();
    report.sample_names = ["a.png", "b.png"].map(Into::into).into();
    report.rows[0].by_sample =
        [SampleEnergy { signal: 100.0, noise: 1.0 }, SampleEnergy { signal: 100.0, noise: 10.0 }].into();
    doc
}

struct State {
    doc: Document,
    state: ErrorsState,
    send: Commands,
}

fn show(doc: Document) -> Harness<'static, State> {
    let state = State { doc, state: ErrorsState::default(), send: Commands::default() };
    Harness::builder()
        .with_size([900.0, 1400.0])
        .build_ui_state(|ui, state: &mut State| errors_ui(ui, &state.doc, &mut state.state, &mut state.send), state)
}

#[test]
fn the_page_says_where_the_error_comes_from() {
    let mut harness = show(with_errors());
    // 10·log10(0.004/0.0065) = −2.1 dB.
    harness.get_by_label(
        "The weights alone make 91 % of the local error's energy; 3 % of the output quantizer's error is clipping. It \
         attenuates what it receives by 2.1 dB.",
    );
    harness.get_by_label_contains("Relu cuts 55.0 % of the values, where 40.0 % of the error's energy stood: 5.8 dB");
    harness.get_by_label("of its error's energy, in 31 of 10\u{202F}000 values");
    harness.get_by_label("Worst: b.png (sample 2) at 10.0 dB; best: a.png at 20.0 dB");
    harness.get_by_label("Show the worst sample here").click();
    harness.run();
    assert_eq!(harness.state_mut().send.take(), [Command::ScopeSample(Some(1))]);
}

#[test]
fn the_worst_channels_come_first() {
    let doc = with_errors();
    assert_eq!(channels::worst(doc.errors.value.as_ref().unwrap()), [1, 0, 2], "5 dB less, then the rest, then exact");
}

#[test]
fn values_of_another_layer_are_not_shown() {
    let mut doc = with_errors();
    doc.selection.replace(["other".to_owned()]);
    doc.errors.ask(0.0);
    show(doc).get_by_label("Reading other");
}

#[test]
fn the_float_view_has_no_error_and_says_why() {
    let mut doc = with_errors();
    doc.float_view.held = true;
    let mut copies = crate::document::FloatCopies::default();
    let mut harness = show(copies.of(&doc));
    harness.get_by_label(
        "In the float model nothing is quantized, so this layer neither receives nor makes an error. What its activation \
         cuts it cuts here too.",
    );
    harness.get_by_label("Relu cuts 55.0 % of the values; there is no error before it");
    harness.get_by_label("It changes no value.");
    assert!(harness.query_by_label_contains("attenuates").is_none());
    assert!(harness.query_by_label_contains("10.2 dB").is_none(), "the weights make no error");
    doc.float_view.held = false;
    harness.state_mut().doc = doc;
    harness.run();
    assert!(harness.query_all_by_label_contains("10.2 dB").next().is_some());
}
