//! The preprocessing being edited. It is a draft until Apply: every applied change measures all ranges again.

use quantlens_analysis::{
    data::{Channels, Recipe, Resize},
    say, t,
    tensor::ModelInput,
    text::{Text, Value as _},
};

/// A recipe under edit.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// As edited; `None` while the data are used as they are.
    pub(super) recipe: Option<Recipe>,
    /// The recipe in use when the edit began.
    base: Option<Recipe>,
}

impl Draft {
    /// Starts over from the recipe in use when that has changed; keeps the edits otherwise.
    pub(super) fn follow(&mut self, used: Option<&Recipe>) {
        if self.base.as_ref() != used {
            self.base = used.cloned();
            self.recipe = used.cloned();
        }
    }

    /// Takes the edits back.
    pub(super) fn revert(&mut self) {
        self.recipe = self.base.clone();
    }

    /// Whether anything differs from what is in use.
    pub(super) fn is_edited(&self) -> bool {
        self.recipe != self.base
    }

    /// The recipe to apply: named after the preset that it equals for this input, `custom` otherwise; or why it cannot be.
    pub(super) fn checked(&self, input: &ModelInput) -> Result<Recipe, Text> {
        let recipe = self.recipe.as_ref().ok_or_else(|| say!("the data are used as they are"))?;
        let fitted = recipe.fitted(input).map_err(|e| e.value())?;
        let name = preset_of(&fitted, input).unwrap_or("custom");
        Ok(Recipe { name: name.into(), ..fitted })
    }
}

/// The preset that gives this very recipe for `input`.
fn preset_of(fitted: &Recipe, input: &ModelInput) -> Option<&'static str> {
    Recipe::PRESETS.into_iter().find(|name| {
        let preset = Recipe::preset(name).and_then(|preset| preset.fitted(input).ok());
        // How arrays lie is a matter of the data, not of the preset.
        preset.is_some_and(|p| Recipe { name: fitted.name.clone(), array_layout: fitted.array_layout, ..p } == *fitted)
    })
}

/// The draft under another channel order, with as many constants as there are channels.
pub(super) fn with_channels(recipe: Recipe, channels: Channels) -> Recipe {
    let mut recipe = recipe.with_channels(channels);
    if channels == Channels::Gray {
        recipe.mean.truncate(1);
        recipe.std.truncate(1);
    }
    recipe
}

/// The three ways of resizing, for a menu: each with the value it starts from.
pub(super) fn resize_choices(size: Option<(usize, usize)>) -> [(&'static str, Resize); 3] {
    let shorter = size.map_or(256, |(w, h)| w.min(h) * 8 / 7);
    [
        (t!("Stretch"), Resize::Stretch),
        (t!("Shorter side, then centre crop"), Resize::ShorterSide(shorter)),
        (t!("Letterbox"), Resize::Letterbox { fill: 114 }),
    ]
}

/// A number as the user may type it: `0.5`, `1/255`, with a true minus or a comma.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim().replace('−', "-").replace(',', ".");
    match text.split_once('/') {
        Some((above, below)) => {
            let (above, below): (f64, f64) = (above.trim().parse().ok()?, below.trim().parse().ok()?);
            Some(above / below).filter(|v| v.is_finite())
        }
        None => text.parse().ok(),
    }
}

/// A factor as people write it: `1/255` where it is one over a number of few digits, six significant digits otherwise.
pub(super) fn show_number(value: f64) -> String {
    let inverse = 1.0 / value;
    let rounded = (inverse * 10.0).round() / 10.0;
    if value > 0.0 && value < 0.1 && inverse.is_finite() && (inverse / rounded - 1.0).abs() < 1e-9 {
        return format!("1/{rounded}");
    }
    let text = crate::format::significant(value, 6);
    // Trailing zeros of a fraction say nothing here: fields hold constants, not measurements.
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use quantlens_analysis::tensor::{Dim, ElementType};

    use super::*;

    fn input() -> ModelInput {
        let dims = [3, 224, 224].map(Dim::Fixed);
        let dims = [Dim::Symbolic("n".into())].into_iter().chain(dims).collect();
        ModelInput { name: "x".into(), element_type: ElementType::Float32, dims: Some(dims) }
    }

    fn draft(recipe: &Recipe) -> Draft {
        let mut draft = Draft::default();
        draft.follow(Some(recipe));
        draft
    }

    #[test]
    fn edits_survive_until_the_recipe_in_use_changes() {
        let used = Recipe::preset("imagenet").unwrap().fitted(&input()).unwrap();
        let mut edited = draft(&used);
        edited.recipe.as_mut().unwrap().scale = 1.0;
        edited.follow(Some(&used));
        assert!(edited.is_edited());
        let other = Recipe::preset("raw").unwrap().fitted(&input()).unwrap();
        edited.follow(Some(&other));
        assert!(!edited.is_edited());
    }

    #[test]
    fn a_recipe_is_named_after_the_preset_it_equals() {
        let used = Recipe::preset("imagenet").unwrap().fitted(&input()).unwrap();
        let mut edited = draft(&used);
        assert_eq!(edited.checked(&input()).unwrap().name, "imagenet");
        edited.recipe.as_mut().unwrap().std[0] = 0.5;
        assert_eq!(edited.checked(&input()).unwrap().name, "custom");
        edited.recipe.as_mut().unwrap().std[0] = 0.0;
        assert!(edited.checked(&input()).unwrap_err().contains("std"));
    }

    #[test]
    fn numbers_are_typed_and_shown_as_fractions() {
        assert_eq!(parse_number("1/255"), Some(1.0 / 255.0));
        assert_eq!(parse_number(" −0,5 "), Some(-0.5));
        assert_eq!(parse_number("1/0"), None);
        assert_eq!(show_number(1.0 / 255.0), "1/255");
        assert_eq!(show_number(1.0 / 127.5), "1/127.5");
        assert_eq!(show_number(0.485), "0.485");
        assert_eq!(show_number(103.939), "103.939");
        assert_eq!(show_number(1.0), "1");
    }

    #[test]
    fn gray_keeps_one_constant() {
        let gray = with_channels(Recipe::preset("imagenet").unwrap(), Channels::Gray);
        assert_eq!((gray.mean.len(), gray.std.len()), (1, 1));
    }
}
