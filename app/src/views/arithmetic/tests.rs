//! The Arithmetic page, through what it says and which channel its formula speaks of.

use std::sync::Arc;

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use quantlens_analysis::{
    integer::LsbDifferences,
    quant::{Bits, Multiplier, Rounding},
    report::{
        BiasForm, ChannelArithmetic, Coverage, FloatCheck, MultiplierFacts, PairSaturation, Reach, RoundingDifferences,
        TensorGrid,
    },
};

use super::*;
use crate::{
    action::Action,
    command::Command,
    views::page_fixtures::{LAYER, document},
};

fn grid(tensor: &str, scale: f32, zero_point: i32) -> TensorGrid {
    TensorGrid { tensor: tensor.into(), bits: Bits::Int(8), scale, zero_point, grid: (-128, 127) }
}

fn channel(index: usize) -> ChannelArithmetic {
    // S_x·S_w = 0.5·0.02 = 0.01 in channel 0, S_y = 0.25: M = 0.04 = 0.64·2^(−4), M0 with the 24 bits of float32's 0.02.
    let weight_scale = 0.02 * (index + 1) as f32;
    let bias_scale = 0.5 * f64::from(weight_scale);
    let real = bias_scale / 0.25;
    let multiplier = Multiplier::from_real(real).unwrap();
    ChannelArithmetic {
        index,
        weight_scale,
        weight_zero_point: 0,
        bias_scale,
        multiplier: Some(MultiplierFacts {
            real,
            m0: multiplier.m0,
            fraction: multiplier.fraction(),
            shift: multiplier.shift,
            relative_error: multiplier.relative_error(real),
            nearest_shift: multiplier.nearest_shift(),
        }),
        worst: (300_000, 20),
        seen: Some((4321, 14)),
    }
}

fn integers(channels: usize) -> IntegerArithmetic {
    let differences = |one_above| LsbDifferences { equal: 4000, one_above, largest: 1, ..LsbDifferences::default() };
    let rounding = |(rounding, one_above)| RoundingDifferences { rounding, differences: differences(one_above) };
    IntegerArithmetic {
        input: grid("x", 0.5, -28),
        weights: grid("w", 0.02, 0),
        output: Some(grid("y", 0.25, -3)),
        alpha: 1.0,
        bias: BiasForm::Integer,
        clamp: (-3, 127),
        fused: Some("Relu".into()),
        taps: 576,
        channels: (0..channels).map(channel).collect(),
        worst: Reach { magnitude: 300_000, bits: 20, channel: 1 },
        seen: Some(Reach { magnitude: 4321, bits: 14, channel: 0 }),
        coverage: Coverage { samples: 8, outputs: 4007, of: 100_000 },
        roundings: Rounding::ALL.into_iter().zip([7, 2, 500]).map(rounding).collect(),
        float_check: None,
        pairs: PairSaturation::Counted { pairs: 288, can_saturate: 0, saturated: 0 },
        remarks: vec![Remark {
            level: RemarkLevel::Risk,
            code: "accumulator-risk",
            text: "It can overflow.".into(),
            advice: "Use fewer bits.".into(),
        }],
    }
}

fn with(content: ArithmeticContent) -> Document {
    let mut doc = document(8);
    doc.arithmetic.set(Arc::new(LayerArithmetic { layer: LAYER.into(), content }));
    doc
}

fn of(found: IntegerArithmetic) -> Document {
    with(ArithmeticContent::Integer(Box::new(found)))
}

struct Page {
    doc: Document,
    state: ArithmeticState,
    sent: Commands,
}

fn show(doc: Document) -> Harness<'static, Page> {
    let mut harness = Harness::builder().with_size([900.0, 1200.0]).with_context_setup(theme::install).build_ui_state(
        |ui, page: &mut Page| arithmetic_ui(ui, &page.doc, &mut page.state, &mut page.sent),
        Page { doc, state: ArithmeticState::default(), sent: Commands::default() },
    );
    harness.run();
    harness
}

#[test]
fn the_formula_holds_the_layers_own_numbers() {
    let harness = show(of(integers(3)));
    let thin = "\u{202F}";
    harness.get_by_label(&format!(
        "Accumulators reach 4{thin}321 (14 bits) on the samples, 300{thin}000 (20 bits) with the worst input: an int32 holds both."
    ));
    harness.get_by_label("576 products, Z_x = −28, Z_w = 0");
    harness.get_by_label("= 0.500000·0.0200000 = 0.0100000");
    harness.get_by_label("= S_b/0.250000 = 0.0400000");
    harness.get_by_label_contains("n = 4, off by");
    harness.get_by_label("= clamp(round(0.0400000·a) − 3, −3, 127); the clamp is Relu's");
    harness.get_by_label("none of 288 pairs can saturate");
    harness.get_by_label_contains("It can overflow. Use fewer bits.");
    harness.get_by_label(&format!(
        "4{thin}007 of the 100{thin}000 outputs of 8 samples, evenly spread, were computed in integers."
    ));
}

#[test]
fn a_row_says_all_its_cells_and_a_click_moves_the_formula_there() {
    let mut harness = show(of(integers(3)));
    let row = harness.get_by_role_and_label(
        Role::Row,
        "channel 1: M 0.080000, M0 0x51EB8500, n 3, accumulator at most 300\u{202F}000, 20 bit, seen 4\u{202F}321, 14 bit",
    );
    row.click();
    harness.run();
    assert_eq!(harness.state().state.channel, 1);
    harness.get_by_label("Formula, with the numbers of channel 1");
    harness.get_by_label("= 0.500000·0.0400000 = 0.0200000");
}

#[test]
fn each_channels_formula_has_its_own_zero_point() {
    let mut found = integers(2);
    found.channels[1].weight_zero_point = -7;
    let mut harness = show(of(found));
    harness.get_by_label("576 products, Z_x = −28, Z_w = 0");
    harness.state_mut().state.channel = 1;
    harness.run();
    harness.get_by_label("576 products, Z_x = −28, Z_w = −7");
}

#[test]
fn thousands_of_channels_lay_out_only_the_rows_in_sight() {
    let harness = show(of(integers(5000)));
    let rows = harness.get_all_by_role(Role::Row).count();
    assert!((5..40).contains(&rows), "{rows} rows");
}

#[test]
fn a_float_output_has_a_check_instead_of_roundings() {
    let mut found = integers(2);
    (found.output, found.roundings, found.fused) = (None, Vec::new(), None);
    found.channels.iter_mut().for_each(|c| c.multiplier = None);
    found.float_check = Some(FloatCheck { largest_difference: 0.0021, largest_share: 0.125 });
    let harness = show(of(found));
    harness.get_by_label_contains("off by at most 0.00210 steps of the accumulator, 12.5 % of what");
    harness.get_by_label("= 0.0100000·a");
    assert!(arithmetic_figure(&harness.state().doc).is_none());
}

#[test]
fn what_is_missing_says_why() {
    let reason = "Its input `x` is float. Quantize the layer that makes it to see the arithmetic.";
    let harness = show(with(ArithmeticContent::NotApplicable(reason.into())));
    harness.get_by_label(&format!("{LAYER} has no integer arithmetic"));
    harness.get_by_label(reason);
    let mut doc = of(integers(2));
    doc.selection.replace(["block3/expand".to_owned()]);
    doc.arithmetic.ask(0.0);
    show(doc).get_by_label("Reading block3/expand");
    let mut harness = show(Document::new());
    harness.get_by_label("Open model…").click();
    harness.run();
    assert_eq!(harness.state_mut().sent.take(), [Command::Run(Action::OpenModel)]);
    let mut found = integers(2);
    (found.seen, found.roundings, found.coverage) = (None, Vec::new(), Coverage::default());
    show(of(found)).get_by_label_contains("No sample's tensors are in memory");
}

#[test]
fn the_page_at_rest_asks_for_no_repaint_and_has_a_figure() {
    let mut harness = show(of(integers(40)));
    harness.step();
    let delay = harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert_eq!(delay, std::time::Duration::MAX);
    let spec = arithmetic_figure(&harness.state().doc).unwrap();
    assert!(spec.summary.contains("single rounding 0.05 % (by at most 1)"), "{}", spec.summary);
}

#[test]
fn the_float_view_has_no_integers() {
    let mut doc = of(integers(3));
    doc.float_view.held = true;
    let harness = show(doc.clone());
    harness.get_by_label_contains("without an accumulator that could overflow");
    harness.get_by_label("a = Σ x·w + b");
    harness.get_by_label("576 products an output");
    harness.get_by_label("y = Relu(a)");
    assert!(harness.query_by_label_contains("S_b").is_none() && harness.query_by_label_contains("M0").is_none());
    let (low, high) = doc.detail.value.as_ref().unwrap().output_ends().unwrap();
    let number = |value: f32| crate::format::significant(f64::from(value), 5).replace('-', "−");
    harness.get_by_label(&format!("output from {} to {}", number(low), number(high)));
}
