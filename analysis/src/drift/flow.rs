//! Whether a layer amplifies the error it receives, and how its own error stands to it (QUANTIZATION.md §4).

use super::{Received, Totals};
use crate::{
    mark,
    metrics::{ErrorSums, Measure},
    report::{Flow, FlowKind},
};

/// Values closer than this, relative, are the same energy: a tensor that is only moved is summed in another order.
const SAME: f64 = 1e-9;

/// Why a layer has no flow.
const NO_INPUTS: &str = mark!("it reads no other layer's values");
const EXACT: &str = mark!("what it reads is exact, and so is what it makes of it");
const UNKNOWN_INPUT: &str =
    mark!("the error of a tensor it reads is not known: it is a further output of its layer, or not finite");
const UNKNOWN_OUTPUT: &str = mark!("its inherited error is not known");

/// Noise energy as a share of the signal's: 0 where the tensor is exact, infinite where only the error is there, `None`
/// where nothing finite was compared.
pub fn nmse(sums: &ErrorSums) -> Option<f64> {
    if sums.broken > 0 || sums.n == 0 {
        None
    } else if sums.sum_e2 == 0.0 {
        Some(0.0)
    } else if sums.sum_f2 == 0.0 {
        Some(f64::INFINITY)
    } else {
        Some(sums.sum_e2 / sums.sum_f2)
    }
}

/// The layer's inherited NMSE against the largest and the smallest NMSE of what it reads.
///
/// # Errors
/// Why there is nothing to compare, in words.
pub fn flow(received: &[Received], inherited: Option<&ErrorSums>) -> Result<Flow, &'static str> {
    if received.is_empty() {
        return Err(NO_INPUTS);
    }
    let inputs: Option<Vec<f64>> = received.iter().map(|input| input.sums.as_ref().and_then(nmse)).collect();
    let inputs = inputs.ok_or(UNKNOWN_INPUT)?;
    let inherited = inherited.and_then(nmse).ok_or(UNKNOWN_OUTPUT)?;
    let smallest = inputs.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = inputs.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 && inherited == 0.0 {
        return Err(EXACT);
    }
    let kind = if inherited > largest * (1.0 + SAME) {
        FlowKind::Amplifies
    } else if inherited < smallest * (1.0 - SAME) {
        FlowKind::Attenuates
    } else {
        FlowKind::Mixes
    };
    Ok(Flow { kind, inherited_nmse: inherited, smallest_input_nmse: smallest, largest_input_nmse: largest })
}

/// `ρ` of `Σe² = Σe_inh² + Σe_int² + 2ρ·√(Σe_inh²·Σe_int²)`: 1 where the layer's own error adds to the inherited one in
/// full, 0 where their energies add, negative where it takes some of it back.
pub fn correlation(totals: &Totals) -> Measure {
    let (Some(all), Some(inherited), Some(introduced)) = (totals.accumulated, totals.inherited, totals.introduced)
    else {
        return Measure::NotApplicable(mark!("the tensor holds no floating-point values to compare"));
    };
    if all.broken + inherited.broken + introduced.broken > 0 || all.n != inherited.n || all.n != introduced.n {
        return Measure::NotApplicable(mark!("NaN or infinity where the other run has none"));
    }
    if inherited.sum_e2 == 0.0 {
        return Measure::NotApplicable(mark!("nothing is inherited"));
    }
    if introduced.sum_e2 == 0.0 {
        return Measure::NotApplicable(mark!("nothing is introduced"));
    }
    let shared = 0.5 * (all.sum_e2 - inherited.sum_e2 - introduced.sum_e2);
    // The roots apart: the product of two energies of attention masks could overflow.
    let value = shared / (inherited.sum_e2.sqrt() * introduced.sum_e2.sqrt());
    // float32 rounds the two parts and the whole apart, so a full agreement can come out a little beyond 1.
    Measure::Value(value.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(float: &[f32], quantized: &[f32]) -> Received {
        Received { from: 0, sums: Some(ErrorSums::of(float, quantized)) }
    }

    /// Errors of three elements against `f = (3, 4, 0)`, whose energy is 25.
    const F: [f32; 3] = [3.0, 4.0, 0.0];

    #[test]
    fn by_hand() {
        // Inputs: e = (1, 0, 0), NMSE 1/25 = 0.04, and e = (0, 0, 0.5), NMSE 0.01.
        let inputs = [input(&F, &[4.0, 4.0, 0.0]), input(&F, &[3.0, 4.0, 0.5])];
        let of = |q: [f32; 3]| flow(&inputs, Some(&ErrorSums::of(&F, &q))).unwrap();
        // e = (1, 1, 0): 0.08 is above both: 3.01 dB above the larger.
        let up = of([4.0, 5.0, 0.0]);
        assert_eq!((up.kind, up.smallest_input_nmse, up.largest_input_nmse), (FlowKind::Amplifies, 0.01, 0.04));
        assert!((up.change_db().unwrap() - 10.0 * 2f64.log10()).abs() < 1e-12);
        // e = (0, 0, 0.25): 0.0025 is a quarter of the smaller: −6.02 dB.
        let down = of([3.0, 4.0, 0.25]);
        assert_eq!((down.kind, down.inherited_nmse), (FlowKind::Attenuates, 0.0025));
        assert!((down.change_db().unwrap() + 10.0 * 4f64.log10()).abs() < 1e-12);
        // e = (0, 0.5, 0.5): 0.02 lies between.
        let between = of([3.0, 4.5, 0.5]);
        assert_eq!((between.kind, between.change_db()), (FlowKind::Mixes, None));
        // One input that is handed on: no change.
        let same = flow(&inputs[..1], Some(&ErrorSums::of(&F, &[4.0, 4.0, 0.0]))).unwrap();
        assert_eq!((same.kind, same.change_db()), (FlowKind::Mixes, Some(0.0)));
    }

    #[test]
    fn exact_unknown_and_missing_inputs() {
        let exact = input(&F, &F);
        let noisy = ErrorSums::of(&F, &[4.0, 4.0, 0.0]);
        assert_eq!(flow(&[], Some(&noisy)), Err(NO_INPUTS));
        assert_eq!(flow(&[exact], Some(&ErrorSums::of(&F, &F))), Err(EXACT));
        // Out of nothing: amplified without a finite number of dB.
        let from_nothing = flow(&[exact], Some(&noisy)).unwrap();
        assert_eq!((from_nothing.kind, from_nothing.change_db()), (FlowKind::Amplifies, None));
        // An exact input counts as 0: between it and the noisy one is mixed.
        let noisy_input = Received { from: 1, sums: Some(noisy) };
        let half = ErrorSums::of(&F, &[3.5, 4.0, 0.0]);
        assert_eq!(flow(&[exact, noisy_input], Some(&half)).unwrap().kind, FlowKind::Mixes);
        // What removes the whole error attenuates by no finite number.
        let removed = flow(&[noisy_input], Some(&ErrorSums::of(&F, &F))).unwrap();
        assert_eq!((removed.kind, removed.change_db()), (FlowKind::Attenuates, None));
        assert_eq!(flow(&[Received { from: 0, sums: None }, noisy_input], Some(&half)), Err(UNKNOWN_INPUT));
        let broken = input(&[1.0], &[f32::NAN]);
        assert_eq!(flow(&[broken], Some(&half)), Err(UNKNOWN_INPUT));
        assert_eq!(flow(&[noisy_input], None), Err(UNKNOWN_OUTPUT));
        // An error in a tensor of zeros is infinitely many times the signal.
        assert_eq!(nmse(&ErrorSums::of(&[0.0], &[1.0])), Some(f64::INFINITY));
    }

    fn totals(f: [f32; 3], reference: [f32; 3], q: [f32; 3]) -> Totals {
        Totals {
            accumulated: Some(ErrorSums::of(&f, &q)),
            inherited: Some(ErrorSums::of(&f, &reference)),
            introduced: Some(ErrorSums::of(&reference, &q)),
        }
    }

    #[test]
    fn correlation_by_hand() {
        // e_inh = (1, 0, 0), e_int = (0, 1, 0): at right angles.
        assert_eq!(correlation(&totals(F, [4.0, 4.0, 0.0], [4.0, 5.0, 0.0])), Measure::Value(0.0));
        // e_int = 2·e_inh: Σe² = 9, 1 and 4: (9 − 5)/2/√4 = 1. Taken back in full: e = 0, (0 − 2)/2/1 = −1.
        assert_eq!(correlation(&totals(F, [4.0, 4.0, 0.0], [6.0, 4.0, 0.0])), Measure::Value(1.0));
        assert_eq!(correlation(&totals(F, [4.0, 4.0, 0.0], F)), Measure::Value(-1.0));
        // e_inh = (1, 0, 0), e_int = (1, 1, 0): Σe² = 4 + 1, (5 − 1 − 2)/2/√2 = 1/√2.
        let Measure::Value(rho) = correlation(&totals(F, [4.0, 4.0, 0.0], [5.0, 5.0, 0.0])) else { panic!() };
        assert!((rho - 0.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(correlation(&totals(F, F, [4.0, 4.0, 0.0])).why(), Some("nothing is inherited"));
        assert_eq!(correlation(&totals(F, [4.0, 4.0, 0.0], [4.0, 4.0, 0.0])).why(), Some("nothing is introduced"));
        assert!(correlation(&Totals::default()).value().is_none());
    }
}
