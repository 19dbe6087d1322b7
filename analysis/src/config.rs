//! What the user asked for: a sparse, serialisable, undoable [`QuantConfig`]. What it means for every tensor of a model
//! is worked out in [`crate::plan`], which refuses what cannot take effect; nothing here knows a graph.
//!
//! Later entries win: the defaults, then the rules in their order, then the layer's own entry.

mod glob;
mod granularity;
mod settings;

use std::collections::BTreeMap;

pub use glob::glob;
pub use granularity::Granularity;
use serde::{Deserialize, Serialize};
pub use settings::{LayerSettings, ReadSettings};

use crate::{
    error::{Error, Result},
    job::Warning,
    quant::Bits,
    say,
};

/// The `schema` value this program writes and reads.
pub const CONFIG_SCHEMA: &str = "quantlens-config/1";

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

    /// Reads what this program wrote; `place` names the file in errors.
    ///
    /// # Errors
    /// [`Error::Config`] that names the key, for another schema, an unknown key or an impossible value.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        Self::from_value(parsed(text, place)?, place)
    }

    /// Reads a `*.quantlens.json`, which a person may have written: one that names no target has the default's, and the
    /// warning says so.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_file(text: &str, place: &str) -> Result<(Self, Option<Warning>)> {
        let mut value = parsed(text, place)?;
        let mut warning = None;
        if let Some(object) = value.as_object_mut().filter(|object| !object.contains_key("target")) {
            let target = Self::default().target;
            let message = say!("{}: the file names no target; {} is used", place, target);
            warning = Some(Warning::new("no-target", message));
            object.insert("target".into(), target.into());
        }
        Ok((Self::from_value(value, place)?, warning))
    }

    fn from_value(value: serde_json::Value, place: &str) -> Result<Self> {
        check_rule_keys(&value, place)?;
        let config: Self = serde_json::from_value(value).map_err(|e| Error::config(place, e.to_string()))?;
        if config.schema != CONFIG_SCHEMA {
            let found = &config.schema;
            return Err(Error::config(place, say!("schema is `{}`; this program reads `{}`", found, CONFIG_SCHEMA)));
        }
        Ok(config)
    }

    /// The file's text, indented.
    pub fn to_json(&self) -> String {
        // Serialising plain strings, numbers and maps with string keys into memory has no failure.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn parsed(text: &str, place: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|e| Error::config(place, e.to_string()))
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
                    say!("unknown key `{}`; known are {}", key, KNOWN.join(", ")),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_file_without_a_target_has_the_default_one_and_says_so() {
        let text = r#"{"schema":"quantlens-config/1","defaults":{"weight_bits":4}}"#;
        let (config, warning) = QuantConfig::from_file(text, "c.json").unwrap();
        assert_eq!((config.target.as_str(), config.defaults.weight_bits), ("onnxruntime", Some(Bits::Int(4))));
        let warning = warning.unwrap();
        assert_eq!(warning.code, "no-target");
        assert_eq!(warning.message, "c.json: the file names no target; onnxruntime is used");
        assert!(QuantConfig::from_json(text, "c.json").is_err(), "this program always writes one");
        let named = r#"{"schema":"quantlens-config/1","target":"tflite"}"#;
        let (config, warning) = QuantConfig::from_file(named, "c.json").unwrap();
        assert_eq!((config.target.as_str(), warning), ("tflite", None));
        for broken in ["[]", "3", r#"{"defaults":{}}"#, r#"{"schema":"quantlens-config/1","target":null}"#] {
            assert!(QuantConfig::from_file(broken, "c.json").is_err(), "{broken}");
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
