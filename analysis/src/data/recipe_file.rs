//! Recipes as TOML, for `--preprocess FILE`.
//!
//! Every key is optional and stands over the preset, if one is named. Unknown keys are refused: a misspelt `mean` that is
//! ignored in silence costs more time than any other mistake here. Errors name the file, the line and the key.

use serde::{Deserialize, Serialize};

use super::{
    picture::Layout,
    recipe::{Channels, Recipe, Resize},
};
use crate::{
    error::{Error, Result},
    say,
    text::Text,
};

/// The file's keys.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resize: Option<ResizeMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shorter_side: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    array_layout: Option<Layout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Channels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    std: Option<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ResizeMode {
    Stretch,
    ShorterSide,
    Letterbox,
}

impl Recipe {
    /// Reads a recipe file. Keys: `preset`, `name`, `size = [width, height]`, `resize = "stretch" | "shorter-side" | "letterbox"`,
    /// `shorter_side`, `fill`, `layout` and `array_layout` (`"NCHW"`, `"NHWC"`), `channels` (`"RGB"`, `"BGR"`, `"gray"`),
    /// `scale`, `mean`, `std`. `place` is the file's name for messages.
    ///
    /// # Errors
    /// [`Error::Config`] naming file, line and key.
    pub fn from_toml(text: &str, place: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| line_of(text, span.start));
            let at = text.lines().nth(line - 1).unwrap_or_default().trim();
            Error::config(say!("{}, line {}", place, line), say!("{} (at `{}`)", e.message().trim(), at))
        })?;
        let refuse = |(key, reason): (&str, Text)| {
            let line = text.lines().position(|l| l.split('=').next().is_some_and(|k| k.trim() == key));
            let place = line.map_or(place.into(), |n| say!("{}, line {}", place, n + 1));
            Error::config(place, Text::joined(" ", [key.into(), reason]))
        };
        let recipe = file.recipe().map_err(refuse)?;
        recipe.check().map_err(refuse)?;
        Ok(recipe)
    }

    /// The file that [`Recipe::from_toml`] reads back as this recipe.
    pub fn to_toml(&self) -> String {
        let (resize, shorter_side, fill) = match self.resize {
            Resize::Stretch => (ResizeMode::Stretch, None, None),
            Resize::ShorterSide(n) => (ResizeMode::ShorterSide, Some(n), None),
            Resize::Letterbox { fill } => (ResizeMode::Letterbox, None, Some(fill)),
        };
        let file = File {
            preset: None,
            name: Some(self.name.clone()),
            size: self.size.map(|(w, h)| [w, h]),
            resize: Some(resize),
            shorter_side,
            fill,
            layout: self.layout,
            array_layout: self.array_layout,
            channels: self.channels,
            scale: Some(self.scale),
            mean: Some(self.mean.clone()),
            std: Some(self.std.clone()),
        };
        // Flat keys of numbers and texts always have a TOML form.
        toml::to_string(&file).unwrap_or_default()
    }
}

impl File {
    fn recipe(self) -> std::result::Result<Recipe, (&'static str, Text)> {
        let preset = self.preset.as_deref().unwrap_or("raw");
        let Some(base) = Recipe::preset(preset) else {
            return Err(("preset", say!("{} is none of {}", format!("{preset:?}"), Recipe::PRESETS.join(", "))));
        };
        let own = self.resize.map(|mode| match mode {
            ResizeMode::Stretch => Resize::Stretch,
            ResizeMode::ShorterSide => Resize::ShorterSide(256),
            ResizeMode::Letterbox => Resize::Letterbox { fill: 114 },
        });
        let resize = match (own.unwrap_or(base.resize), self.shorter_side, self.fill) {
            (Resize::ShorterSide(n), side, None) => Resize::ShorterSide(side.unwrap_or(n)),
            (Resize::Letterbox { fill }, None, own) => Resize::Letterbox { fill: own.unwrap_or(fill) },
            (Resize::Stretch, None, None) => Resize::Stretch,
            (_, Some(_), _) => {
                return Err(("shorter_side", say!("has no effect without resize = \"shorter-side\"")));
            }
            (_, _, Some(_)) => return Err(("fill", say!("has no effect without resize = \"letterbox\""))),
        };
        let changed = self.size.is_some()
            || self.resize.is_some()
            || self.shorter_side.is_some()
            || self.fill.is_some()
            || self.layout.is_some()
            || self.array_layout.is_some()
            || self.channels.is_some()
            || self.scale.is_some()
            || self.mean.is_some()
            || self.std.is_some();
        let base = match self.channels {
            // The preset's colours keep their constants; own ones stand in the order that the file names.
            Some(channels) if channels != Channels::Gray => base.with_channels(channels),
            _ => base,
        };
        Ok(Recipe {
            name: self.name.unwrap_or(if changed { "custom".to_owned() } else { base.name }),
            size: self.size.map(|[w, h]| (w, h)),
            resize,
            layout: self.layout.or(base.layout),
            array_layout: self.array_layout.or(base.array_layout),
            channels: self.channels.or(base.channels),
            scale: self.scale.unwrap_or(base.scale),
            mean: self.mean.unwrap_or(base.mean),
            std: self.std.unwrap_or(base.std),
        })
    }
}

/// The 1-based line of a byte position.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_round_trip() {
        for name in Recipe::PRESETS {
            let recipe = Recipe::preset(name).unwrap();
            assert_eq!(Recipe::from_toml(&recipe.to_toml(), "x.toml").unwrap(), recipe);
            assert_eq!(Recipe::from_toml(&format!("preset = {name:?}"), "x.toml").unwrap(), recipe);
        }
        let own = Recipe {
            name: "ours".to_owned(),
            size: Some((320, 240)),
            resize: Resize::Letterbox { fill: 7 },
            layout: Some(Layout::Nchw),
            array_layout: Some(Layout::Nhwc),
            channels: Some(Channels::Bgr),
            scale: 0.1,
            mean: vec![1.0, 2.0, 3.0],
            std: vec![128.0],
        };
        assert_eq!(Recipe::from_toml(&own.to_toml(), "x.toml").unwrap(), own);
    }

    #[test]
    fn keys_stand_over_the_preset() {
        let text = "preset = \"imagenet\"\nchannels = \"BGR\"\nshorter_side = 232\n";
        let recipe = Recipe::from_toml(text, "x.toml").unwrap();
        assert_eq!((recipe.name.as_str(), recipe.resize), ("custom", Resize::ShorterSide(232)));
        // Blue first now, and blue's mean is 0.406.
        assert_eq!(recipe.mean, [0.406, 0.456, 0.485]);
    }

    #[test]
    fn errors_name_line_and_key() {
        let says = |text: &str, words: &[&str]| {
            let error = Recipe::from_toml(text, "p.toml").unwrap_err().to_string();
            assert!(words.iter().all(|w| error.contains(w)), "{error}");
        };
        says("scale = 1\nmeen = [1.0]\n", &["p.toml, line 2", "meen"]);
        says("\n\nscale = \"one\"\n", &["line 3", "scale"]);
        says("size = [224]", &["line 1", "size"]);
        says("scale = 1\nstd = [0.0]", &["line 2", "std", "divide by zero"]);
        says("mean = [1.0, 2.0]", &["line 1", "mean has 2 values"]);
        says("resize = \"stretch\"\nfill = 3", &["line 2", "fill has no effect"]);
        says("preset = \"imagnet\"", &["line 1", "preset", "imagenet-caffe"]);
        says("layout = \"CHW\"", &["line 1", "layout"]);
        says("scale = ", &["line 1"]);
    }
}
