//! Why this range and not another one's, in words with numbers: what the range in use keeps and why, what the other keeps
//! and why, and what that would change.

use quantlens_analysis::{
    calibrate::{Method, Side},
    report::{MethodCurves, RangeMark, ThresholdDetail},
    t,
    text::text,
};

use super::percent;
use crate::format::{method as method_name, number, range as range_text, sentence, significant};

/// The answer: two or three sentences about `current` beside `other`, which is another method's choice.
pub fn why(detail: &ThresholdDetail, current: &RangeMark, other: &RangeMark) -> String {
    if current.range == other.range {
        let (ours, theirs) = (name(current.method), method_name(other.method));
        return t!("{} keeps {}, and so does {}.", ours, span(detail, current), theirs);
    }
    let mut sentences = vec![reason(detail, current, other), reason(detail, other, current)];
    sentences.extend(difference(current, other));
    sentences.join(" ")
}

/// What a method keeps and why; `beside` is what its cost is compared with.
fn reason(detail: &ThresholdDetail, mark: &RangeMark, beside: &RangeMark) -> String {
    let kept = t!("{} keeps {}", name(mark.method), span(detail, mark));
    if let Some(note) = &mark.note
        && mark.method.flavour().is_none()
    {
        return t!("{}: {}.", kept, note);
    }
    match mark.method {
        Method::MinMax => t!("{}, every value observed.", kept),
        Method::Manual => t!("{}.", kept),
        Method::Percentile => {
            let level = detail.curves_of(mark.method).and_then(|curves| curves.level);
            level.map_or_else(
                || t!("{}.", kept),
                |level| t!("{}: beyond each end lie at most {} of the values.", kept, percent(level)),
            )
        }
        Method::Flavour(flavour) => t!("{}: {}.", kept, flavour.difference()),
        method => {
            costs(detail, method, mark, beside).map_or_else(|| t!("{}.", kept), |costs| t!("{}, {}.", kept, costs))
        }
    }
}

/// "where its cost is lowest: 0.0101 nats, against 0.0123 for TensorRT's 4.10".
fn costs(detail: &ThresholdDetail, method: Method, mark: &RangeMark, beside: &RangeMark) -> Option<String> {
    let curves = detail.curves_of(method)?;
    let (own, theirs) = (cost(curves, mark)?, cost(curves, beside)?);
    let theirs = if theirs.is_finite() { significant(theirs, 3) } else { t!("an infinite one").into() };
    let own = format!("{} {}", significant(own, 3), text(curves.unit));
    Some(t!("where its cost is lowest: {}, against {} for {}", own, theirs, span(detail, beside)))
}

/// What a method's curve says of a range. Of two ends each curve holds the other end still, so only the squared error,
/// which the histogram tells for any range, has an answer.
fn cost(curves: &MethodCurves, mark: &RangeMark) -> Option<f64> {
    match curves.curves.as_slice() {
        [curve] if curve.side == Side::Both => curve.cost_near(mark.range.amax()),
        _ if curves.method == Method::Mse => mark.effect.as_ref().map(|effect| effect.mse()),
        _ => None,
    }
}

/// "There 0.02 % of the values are clipped instead of 0.11 %, and the SQNR is 27.9 instead of 28.6 dB."
fn difference(current: &RangeMark, other: &RangeMark) -> Option<String> {
    let (now, then) = (current.effect.as_ref()?, other.effect.as_ref()?);
    let share = |share: f64| match share {
        0.0 => "0\u{A0}%".to_owned(),
        s if s < 1e-5 => t!("under 0.001\u{A0}%").to_owned(),
        s => percent(s),
    };
    let clipped = if now.clipped_share == 0.0 && then.clipped_share == 0.0 {
        t!("There nothing is clipped either").to_owned()
    } else {
        t!("There {} of the values are clipped instead of {}", share(then.clipped_share), share(now.clipped_share))
    };
    let Some((now_db, then_db)) = now.sqnr_db().zip(then.sqnr_db()) else { return Some(t!("{}.", clipped)) };
    let (now_db, then_db) = (number(now_db, 1), number(then_db, 1));
    Some(if now_db == then_db {
        t!("{}, and the SQNR is {} dB either way.", clipped, now_db)
    } else {
        t!("{}, and the SQNR is {} instead of {} dB.", clipped, then_db, now_db)
    })
}

/// A range as its quantizer sees it: a threshold on the magnitude where it is one.
fn span(detail: &ThresholdDetail, mark: &RangeMark) -> String {
    let t = mark.range.amax();
    if mark.method != Method::MinMax && detail.moved(detail.observed, Side::Both, t) == mark.range {
        format!("|r| ≤ {}", significant(f64::from(t), 3))
    } else {
        range_text(mark.range)
    }
}

fn name(method: Method) -> String {
    match method {
        Method::Manual => t!("The range set by hand").into(),
        method => sentence(method_name(method)),
    }
}
