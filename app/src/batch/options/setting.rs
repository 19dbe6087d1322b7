//! What one `--set` says.

use anyhow::{Context as _, Result, bail};
use quantlens_analysis::{calibrate::Method, config::Rule, quant::Range};

/// Keys of `--set`.
pub(super) const KEYS: &str = "weights, activations, granularity, method, percentile, low, high, scheme, sign, codes, \
                    weight-scheme, weight-sign, weight-codes, fold";
/// A manual range of which one end was not given: refused, since it is no interval.
const UNSET: Range = Range { low: f32::NAN, high: f32::NAN };

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_error| anyhow::anyhow!("`{text}` is no number"))
}

/// A value that a configuration file spells the same.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_value(serde_json::Value::from(text))?)
}

/// `LAYER:weights=4,activations=8`; the layer's name may hold colons itself, so the last one that is followed by a
/// known key separates.
pub(super) fn parse_setting(text: &str) -> Result<Rule> {
    let split = text.rmatch_indices(':').find(|(at, _)| text[at + 1..].split(',').all(|part| part.contains('=')));
    let Some((at, _)) = split else {
        bail!("should read LAYER:KEY=VALUE,… with the keys {KEYS}");
    };
    let (layer, assignments) = (&text[..at], &text[at + 1..]);
    let mut rule = Rule::default();
    match layer.strip_prefix("op:") {
        Some(op) => rule.op = Some(op.to_owned()),
        None => rule.name = Some(layer.to_owned()),
    }
    for assignment in assignments.split(',') {
        let (key, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        let settings = &mut rule.settings;
        match key.trim() {
            "weights" => settings.weight_bits = Some(value.parse()?),
            "activations" => settings.activation_bits = Some(value.parse()?),
            "granularity" => settings.granularity = Some(value.parse()?),
            "method" => settings.method = Some(value.parse()?),
            "percentile" => settings.percentile = Some(number(value)?),
            "low" => settings.range = Some(Range { low: number(value)?, ..settings.range.unwrap_or(UNSET) }),
            "high" => settings.range = Some(Range { high: number(value)?, ..settings.range.unwrap_or(UNSET) }),
            "scheme" => settings.activation_scheme = Some(word(value)?),
            "sign" => settings.activation_sign = Some(word(value)?),
            "codes" => settings.activation_codes = Some(word(value)?),
            "weight-scheme" => settings.weight_scheme = Some(word(value)?),
            "weight-sign" => settings.weight_sign = Some(word(value)?),
            "weight-codes" => settings.weight_codes = Some(word(value)?),
            "fold" => {
                settings.fold_batch_norm =
                    Some(value.parse().with_context(|| format!("fold is true or false, not `{value}`"))?);
            }
            other => bail!("unknown key `{other}`; known are {KEYS}"),
        }
    }
    let settings = &mut rule.settings;
    settings.method = method_of(settings.method, settings.percentile, settings.range)?;
    Ok(rule)
}

/// The method that a percentile or a range is given for, which must not contradict the one that was named.
pub(super) fn method_of(
    named: Option<Method>,
    percentile: Option<f64>,
    range: Option<Range>,
) -> Result<Option<Method>> {
    let given = [percentile.map(|_| Method::Percentile), range.map(|_| Method::Manual)];
    let mut method = named;
    for implied in given.into_iter().flatten() {
        let now = *method.get_or_insert(implied);
        if now != implied {
            let (now, implied) = (crate::format::method(now), crate::format::method(implied));
            bail!("it belongs to the method {implied}, and the method is {now}");
        }
    }
    Ok(method)
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::{config::Granularity, quant::Bits};

    use super::*;

    #[test]
    fn a_setting_splits_at_the_colon_before_its_keys() {
        let rule = parse_setting("op:Conv:weights=4,activations=float").unwrap();
        assert_eq!((rule.op.as_deref(), rule.name), (Some("Conv"), None));
        assert_eq!(rule.settings.weight_bits, Some(Bits::Int(4)));
        assert_eq!(rule.settings.activation_bits, Some(Bits::Float));
        let rule = parse_setting("a:0/b*:granularity=per-channel").unwrap();
        assert_eq!(rule.name.as_deref(), Some("a:0/b*"));
        assert_eq!(rule.settings.granularity, Some(Granularity::PerChannel));
    }

    #[test]
    fn a_setting_that_says_nothing_is_refused() {
        for text in ["conv1", "conv1:weights", "conv1:weight=4", "conv1:weights=9", "conv1:granularity=fine"] {
            assert!(parse_setting(text).is_err(), "{text}");
        }
    }
}
