use super::*;
use crate::graph::testing::Builder;

/// Totals of a tensor of three values whose error has energy `e2` over a signal of 25 (`f = (3, 4, 0)`), all inherited.
fn of(sums: ErrorSums) -> Totals {
    Totals { accumulated: Some(sums), inherited: Some(sums), introduced: Some(ErrorSums::default()) }
}

fn noisy(e: f32) -> Totals {
    of(ErrorSums::of(&[3.0, 4.0, 0.0], &[3.0 + e, 4.0, 0.0]))
}

fn notes(graph: &Graph, totals: &[Totals]) -> Vec<Option<DriftNote>> {
    (0..graph.layers.len()).map(|layer| drift_note(graph, layer, totals)).collect()
}

#[test]
fn a_residual_add_names_both_branches() {
    let graph = Builder::new(17)
        .input("x", &[1, 3])
        .node("Sigmoid", &["x"], &["s"])
        .node("Add", &["s", "x"], &["a"])
        .output("a")
        .graph(&[]);
    // x: NMSE 0.25/25 = 0.01 (20 dB); s: 4/25 = 0.16 (7.96 dB); a: 1/25 = 0.04 (13.98 dB).
    let found = notes(&graph, &[noisy(0.5), noisy(2.0), noisy(1.0)]);
    assert_eq!((&found[0], &found[1]), (&None, &None));
    let note = found[2].clone().unwrap();
    assert!((note.rise_db - 10.0 * 4f64.log10()).abs() < 1e-12);
    assert_eq!(note.from, "n_s");
    assert_eq!(
        note.sentence(),
        "The error falls by 6.0 dB against `n_s`: Add mixes `n_s` at 8.0 dB with the cleaner `x` at 20.0 dB."
    );
    // A fall below the threshold is none: 10·log10(1.12) = 0.49 dB.
    let little = notes(&graph, &[noisy(0.5), noisy(1.0), noisy((1.0f32 / 1.12).sqrt())]);
    assert_eq!(little[2], None);
}

#[test]
fn averaging_has_its_expected_gain_and_its_measured_one() {
    let graph =
        Builder::new(17).input("x", &[1, 1, 2, 2]).node("GlobalAveragePool", &["x"], &["p"]).output("p").graph(&[]);
    // e = ±1 in turn on four values of 3: they cancel but for what the mean keeps.
    // Σf² = 36, Σe² = 4 over four values; mean 3 against 3.25: Σf² = 9, Σe² = 0.0625 over one.
    let totals = [of(ErrorSums::of(&[3.0; 4], &[4.0, 4.0, 2.0, 3.0])), of(ErrorSums::of(&[3.0], &[3.25]))];
    let note = drift_note(&graph, 1, &totals).unwrap();
    // Power 3/4 before, 1/16 after: a twelfth, 10.8 dB; the signal's power is 9 before and after.
    let [FallReason::Averages { window, expected_db, error_db, signal_db, .. }] = note.reasons.as_slice() else {
        panic!("{note:?}")
    };
    assert_eq!((*window, *expected_db), (4.0, 10.0 * 4f64.log10()));
    assert!((error_db + 10.0 * 12f64.log10()).abs() < 1e-12 && signal_db.abs() < 1e-12, "{note:?}");
    assert!((note.rise_db - 10.0 * 12f64.log10()).abs() < 1e-12);
    assert_eq!(
        note.sentence(),
        "The error falls by 10.8 dB against `x`: GlobalAveragePool averages 4 values: the error's power changes by \
         −10.8 dB, where that of independent errors would by −6.0 dB, and the signal's by +0.0 dB."
    );
}

#[test]
fn an_activation_is_named_alone_or_behind_its_products() {
    let graph = Builder::new(17)
        .input("x", &[1, 3])
        .constant("w", &[3, 3], &[1.0; 9])
        .node("MatMul", &["x", "w"], &["m"])
        .node("Relu", &["m"], &["r"])
        .node("Sigmoid", &["r"], &["s"])
        .node("LeakyRelu", &["s"], &["l"])
        .output("l")
        .graph(&[]);
    let totals: Vec<Totals> = [1.0, 0.5, 0.25, 0.125].map(noisy).to_vec();
    let found = notes(&graph, &totals);
    let reasons: Vec<&[FallReason]> = found.iter().map(|n| n.as_ref().map_or(&[][..], |n| &n.reasons)).collect();
    let ops: Vec<&str> = graph.layers.iter().map(|l| l.op.as_str()).collect();
    assert_eq!(ops, ["Input", "MatMul", "Sigmoid", "LeakyRelu"], "Relu shares the quantizer of the products");
    // Every layer halves e against the same signal: −6 dB of error power, 0 dB of signal power.
    let [FallReason::FavoursSignal { op, .. }, FallReason::Cuts { soft: false, fused: true, .. }] = reasons[1] else {
        panic!("{:?}", reasons[1])
    };
    assert_eq!(op, "MatMul with its Relu");
    let words = "MatMul with its Relu passes the signal better than the error: the error's power falls by 6.0 dB, the \
                 signal's stays";
    assert!(found[1].as_ref().is_some_and(|note| note.sentence().contains(words)), "{found:?}");
    assert!(matches!(reasons[2], [FallReason::Saturates { error_db, .. }] if (error_db + 6.02).abs() < 0.01));
    assert!(matches!(reasons[3], [FallReason::Cuts { soft: true, fused: false, .. }]));
}

#[test]
fn an_unknown_operator_says_so() {
    let graph = Builder::new(17).input("x", &[1, 3]).node("Transpose", &["x"], &["t"]).output("t").graph(&[]);
    let note = drift_note(&graph, 1, &[noisy(1.0), noisy(0.5)]).unwrap();
    assert_eq!(note.sentence(), "The error falls by 6.0 dB against `x`, for no reason that this program recognises.");
    let gone = drift_note(&graph, 1, &[noisy(1.0), noisy(0.0)]).unwrap();
    assert!(gone.sentence().starts_with("No error is left of the one in `x`"));
    // Nothing to fall from, and nothing known.
    assert_eq!(drift_note(&graph, 1, &[noisy(0.0), noisy(0.0)]), None);
    assert_eq!(drift_note(&graph, 1, &[Totals::default(), noisy(0.5)]), None);
}

#[test]
fn another_branch_and_a_normalisation() {
    let graph = Builder::new(17)
        .input("x", &[1, 3])
        .node("Exp", &["x"], &["bad"])
        .node("Neg", &["x"], &["other"])
        .node("LayerNormalization", &["bad", "w"], &["n"])
        .constant("w", &[3], &[1.0; 3])
        .output("other")
        .output("n")
        .graph(&[]);
    assert_eq!(graph.layers.len(), 4);
    // `bad` is 1.2 times its float values: the whole error lies along the signal. e = (0.6, 0.8, 0), NMSE 1/25.
    let bad = of(ErrorSums::of(&[3.0, 4.0, 0.0], &[3.6, 4.8, 0.0]));
    let found = notes(&graph, &[noisy(0.5), bad, noisy(0.5), noisy(0.1)]);
    let other = found[2].clone().unwrap();
    assert_eq!(other.from, "n_bad");
    assert!(
        matches!(other.reasons.as_slice(), [FallReason::OtherBranch { reads, nmse }] if reads == "x" && *nmse == 0.01)
    );
    let normalised = found[3].clone().unwrap();
    let [FallReason::Normalises { gain_before, along_signal, .. }] = normalised.reasons.as_slice() else {
        panic!("{normalised:?}")
    };
    assert!((gain_before - 1.2).abs() < 1e-6 && (along_signal - 1.0).abs() < 1e-6, "{normalised:?}");
}

#[test]
fn quantizers_that_take_the_error_back_are_told_from_the_operator() {
    let graph = Builder::new(17).input("x", &[1, 3]).node("Sigmoid", &["x"], &["s"]).output("s").graph(&[]);
    // Inherited as it came, e = (1, 0, 0); the quantizer rounds half of it away: e_int = (−0.5, 0, 0), correlation −1.
    let (f, r, q) = ([3.0, 4.0, 0.0], [4.0, 4.0, 0.0], [3.5, 4.0, 0.0]);
    let own = Totals {
        accumulated: Some(ErrorSums::of(&f, &q)),
        inherited: Some(ErrorSums::of(&f, &r)),
        introduced: Some(ErrorSums::of(&r, &q)),
    };
    let note = drift_note(&graph, 1, &[noisy(1.0), own]).unwrap();
    let [FallReason::OwnQuantizers { db, correlation: Some(rho) }] = note.reasons.as_slice() else {
        panic!("{note:?}")
    };
    assert!((db - 10.0 * 4f64.log10()).abs() < 1e-12 && (rho + 1.0).abs() < 1e-12);
}
