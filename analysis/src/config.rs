//! What the user asked for: a sparse, serialisable, undoable [`QuantConfig`]. What it means for every tensor of a model
//! is worked out in [`crate::plan`], which refuses what cannot take effect; nothing here knows a graph.
//!
//! Later entries win: the defaults, then the rules in their order, then the layer's own entry.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    calibrate::Method,
    error::{Error, Result},
    quant::{Bits, Codes, Range, Scheme, Sign},
};

/// The `schema` value this program writes and reads.
pub const CONFIG_SCHEMA: &str = "quantlens-config/1";

/// How finely the scales of a weight follow its values.
///
/// In files: `"per-tensor"`, `"per-channel"`, `"per-group-32"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// One scale for the whole tensor.
    PerTensor,
    /// One scale for each output channel.
    PerChannel,
    /// One scale for so many weights along the input axis, within an output channel.
    PerGroup(u32),
}

impl Granularity {
    /// As the user reads it: `per-tensor`, `per-channel`, `per-group-32`.
    pub fn name(self) -> String {
        match self {
            Self::PerTensor => "per-tensor".into(),
            Self::PerChannel => "per-channel".into(),
            Self::PerGroup(group) => format!("per-group-{group}"),
        }
    }

    /// Whether there may be more than one scale.
    pub fn is_fine(self) -> bool {
        self != Self::PerTensor
    }
}

impl FromStr for Granularity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let group = text.strip_prefix("per-group-").and_then(|size| size.parse().ok()).filter(|size| *size > 0);
        match (text, group) {
            ("per-tensor", _) => Ok(Self::PerTensor),
            ("per-channel", _) => Ok(Self::PerChannel),
            (_, Some(size)) => Ok(Self::PerGroup(size)),
            _ => Err(Error::config(
                "granularity",
                format!("`{text}` is none; use per-tensor, per-channel or per-group-32 (any size)"),
            )),
        }
    }
}

impl Serialize for Granularity {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Granularity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.to_string()))
    }
}

/// Settings of a layer, each `None` where this entry leaves the matter to an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSettings {
    /// Format of the layer's constant operands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<Bits>,
    /// Format of the layer's output tensor, after its fused ReLU or Clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<Bits>,
    /// One weight scale, or one for each output channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granularity: Option<Granularity>,
    /// How the range of the output tensor is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Per cent of the output's mass that [`Method::Percentile`] keeps inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// The output's range under [`Method::Manual`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// Whether the output has a zero-point of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_scheme: Option<Scheme>,
    /// Whether the output's codes are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_sign: Option<Sign>,
    /// Whether the output's codes include the most negative one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_codes: Option<Codes>,
    /// Whether the weights have zero-points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_scheme: Option<Scheme>,
    /// Whether the weights' codes are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_sign: Option<Sign>,
    /// Whether the weights' codes include the most negative one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_codes: Option<Codes>,
    /// Whether a following batch norm is folded into the weights before they are quantized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold_batch_norm: Option<bool>,
    /// Formats in which this layer reads tensors otherwise than their producers hold them, by tensor name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, ReadSettings>,
}

/// How one consumer reads one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadSettings {
    /// The consumer's own format for the tensor.
    pub bits: Bits,
}

impl LayerSettings {
    /// What of these settings speaks of the output tensor's quantizer, and so belongs to the owner of a shared scale.
    pub fn of_output(&self) -> Self {
        Self {
            activation_bits: self.activation_bits,
            method: self.method,
            percentile: self.percentile,
            range: self.range,
            activation_scheme: self.activation_scheme,
            activation_sign: self.activation_sign,
            activation_codes: self.activation_codes,
            ..Self::default()
        }
    }

    /// Whether these settings say how the output's range is found.
    pub fn chooses_range(&self) -> bool {
        self.method.is_some() || self.percentile.is_some() || self.range.is_some()
    }

    /// What of these settings speaks of the weights' quantizers.
    pub fn of_weights(&self) -> Self {
        Self {
            weight_bits: self.weight_bits,
            granularity: self.granularity,
            weight_scheme: self.weight_scheme,
            weight_sign: self.weight_sign,
            weight_codes: self.weight_codes,
            ..Self::default()
        }
    }

    /// Lays `later` over `self`: what `later` says wins.
    pub fn overlay(&mut self, later: &Self) {
        fn put<T: Clone>(slot: &mut Option<T>, value: &Option<T>) {
            if value.is_some() {
                slot.clone_from(value);
            }
        }
        put(&mut self.weight_bits, &later.weight_bits);
        put(&mut self.activation_bits, &later.activation_bits);
        put(&mut self.granularity, &later.granularity);
        put(&mut self.method, &later.method);
        put(&mut self.percentile, &later.percentile);
        put(&mut self.range, &later.range);
        put(&mut self.activation_scheme, &later.activation_scheme);
        put(&mut self.activation_sign, &later.activation_sign);
        put(&mut self.activation_codes, &later.activation_codes);
        put(&mut self.weight_scheme, &later.weight_scheme);
        put(&mut self.weight_sign, &later.weight_sign);
        put(&mut self.weight_codes, &later.weight_codes);
        put(&mut self.fold_batch_norm, &later.fold_batch_norm);
        self.reads.extend(later.reads.iter().map(|(k, v)| (k.clone(), *v)));
    }

    /// Whether this entry says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Settings for every layer that a pattern names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Applies to layers of this operator (`Softmax`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Applies to layers whose name fits this glob (`head/*`; `*` and `?`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it sets. (Unknown keys of a rule are refused by [`QuantConfig::from_json`], which sees the raw object.)
    #[serde(flatten)]
    pub settings: LayerSettings,
}

impl Rule {
    /// Whether the rule speaks of a layer with this name and operator. A rule with both patterns needs both.
    pub fn applies(&self, layer: &str, op: &str) -> bool {
        self.op.as_deref().is_none_or(|want| want == op) && self.name.as_deref().is_none_or(|g| glob(g, layer))
    }
}

/// The user's intent for a whole model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantConfig {
    /// [`CONFIG_SCHEMA`].
    pub schema: String,
    /// Name of the target.
    pub target: String,
    /// What holds where nothing else is said; what is `None` here is the target's own default.
    #[serde(default, skip_serializing_if = "LayerSettings::is_empty")]
    pub defaults: LayerSettings,
    /// In order; later ones win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// By layer name; these win over the rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, LayerSettings>,
}

impl Default for QuantConfig {
    fn default() -> Self {
        Self {
            schema: CONFIG_SCHEMA.into(),
            target: "onnxruntime".into(),
            defaults: LayerSettings::default(),
            rules: Vec::new(),
            layers: BTreeMap::new(),
        }
    }
}

impl QuantConfig {
    /// A configuration in which every weight and activation stays float.
    pub fn all_float() -> Self {
        let mut config = Self::default();
        config.defaults.weight_bits = Some(Bits::Float);
        config.defaults.activation_bits = Some(Bits::Float);
        config
    }

    /// What this configuration says about one layer, all entries laid over each other; unsaid things stay `None`.
    pub fn settings_for(&self, layer: &str, op: &str) -> LayerSettings {
        let mut settings = self.defaults.clone();
        for rule in self.rules.iter().filter(|rule| rule.applies(layer, op)) {
            settings.overlay(&rule.settings);
        }
        if let Some(own) = self.layers.get(layer) {
            settings.overlay(own);
        }
        settings
    }

    /// Changes the layer's own entry; an entry left empty is removed, so that an undone edit leaves no trace.
    pub fn edit_layer(&mut self, layer: &str, edit: impl FnOnce(&mut LayerSettings)) {
        let entry = self.layers.entry(layer.to_owned()).or_default();
        edit(entry);
        if entry.is_empty() {
            self.layers.remove(layer);
        }
    }

    /// Reads a `*.quantlens.json`; `place` names the file in errors.
    ///
    /// # Errors
    /// [`Error::Config`] that names the key, for another schema, an unknown key or an impossible value.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| Error::config(place, e.to_string()))?;
        check_rule_keys(&value, place)?;
        let config: Self = serde_json::from_value(value).map_err(|e| Error::config(place, e.to_string()))?;
        if config.schema != CONFIG_SCHEMA {
            let found = &config.schema;
            return Err(Error::config(place, format!("schema is `{found}`; this program reads `{CONFIG_SCHEMA}`")));
        }
        Ok(config)
    }

    /// The file's text, indented.
    pub fn to_json(&self) -> String {
        // Serialising plain strings, numbers and maps with string keys into memory has no failure.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// `serde(flatten)` cannot refuse unknown keys by itself, and a misspelt key must not be ignored in silence.
fn check_rule_keys(value: &serde_json::Value, place: &str) -> Result<()> {
    const KNOWN: [&str; 16] = [
        "op",
        "name",
        "weight_bits",
        "activation_bits",
        "granularity",
        "method",
        "percentile",
        "range",
        "activation_scheme",
        "activation_sign",
        "activation_codes",
        "weight_scheme",
        "weight_sign",
        "weight_codes",
        "fold_batch_norm",
        "reads",
    ];
    let rules = value.get("rules").and_then(|r| r.as_array());
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        for key in rule.as_object().into_iter().flat_map(|o| o.keys()) {
            if !KNOWN.contains(&key.as_str()) {
                return Err(Error::config(
                    format!("{place}: rules[{index}]"),
                    format!("unknown key `{key}`; known are {}", KNOWN.join(", ")),
                ));
            }
        }
    }
    Ok(())
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters and `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut i, mut j) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while j < t.len() {
        match p.get(i) {
            Some('*') => {
                retry = Some((i, j));
                i += 1;
            }
            Some(&c) if c == '?' || Some(&c) == t.get(j) => {
                i += 1;
                j += 1;
            }
            _ => match retry {
                // Let the last `*` swallow one character more.
                Some((star, from)) => {
                    i = star + 1;
                    j = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    p.iter().skip(i).all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glob_backtracks_over_stars() {
        assert!(glob("head/*", "head/conv/1"));
        assert!(glob("*conv?_*w", "a/conv1_conv2_w"));
        assert!(!glob("head/*", "neck/head"));
        assert!(glob("*", ""));
        assert!(!glob("?", ""));
    }

    #[test]
    fn later_entries_win() {
        let text = r#"{"schema":"quantlens-config/1","target":"onnxruntime","defaults":{"weight_bits":8},
            "rules":[{"op":"Conv","weight_bits":4},{"name":"head/*","weight_bits":16,"activation_bits":"float"}],
            "layers":{"head/a":{"activation_bits":8}}}"#;
        let config = QuantConfig::from_json(text, "test").unwrap();
        assert_eq!(config.settings_for("x", "Gemm").weight_bits, Some(Bits::Int(8)));
        assert_eq!(config.settings_for("x", "Conv").weight_bits, Some(Bits::Int(4)));
        let head = config.settings_for("head/a", "Conv");
        assert_eq!((head.weight_bits, head.activation_bits), (Some(Bits::Int(16)), Some(Bits::Int(8))));
        assert_eq!(QuantConfig::from_json(&config.to_json(), "again").unwrap(), config);
    }

    #[test]
    fn misspelt_keys_are_refused_by_name() {
        for (text, key) in [
            (r#"{"schema":"quantlens-config/1","target":"x","rules":[{"op":"Conv","weight_bit":4}]}"#, "weight_bit"),
            (r#"{"schema":"quantlens-config/1","target":"x","layers":{"a":{"bits":4}}}"#, "bits"),
            (r#"{"schema":"quantlens-config/9","target":"x"}"#, "quantlens-config/9"),
        ] {
            let error = QuantConfig::from_json(text, "c.json").unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("c.json"), "{error}");
        }
    }

    #[test]
    fn an_entry_edited_back_leaves_no_trace() {
        let mut config = QuantConfig::default();
        config.edit_layer("a", |s| s.weight_bits = Some(Bits::Int(4)));
        config.edit_layer("a", |s| s.weight_bits = None);
        assert_eq!(config, QuantConfig::default());
    }
}
