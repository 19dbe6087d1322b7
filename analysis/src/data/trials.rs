//! *Try recipes*: the float model under each plausible preprocessing, ranked.
//!
//! With labels accuracy decides. Without, mean top-1 confidence is only a hint: a model may be sure of nonsense, and
//! inputs of far too large a scale saturate the softmax. So the basis is part of the result and the window prints it.

use super::{
    dataset::Dataset,
    picture::{Layout, PictureShape},
    recipe::{Channels, Recipe},
    sanity::{Runner, Share, sanity_of},
    source::DataKind,
};
use crate::{
    error::{Error, Result},
    say, t,
};

/// At most this many samples are run for each recipe.
pub const TRIAL_SAMPLES: usize = 16;

/// What the ranking goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialBasis {
    /// Accuracy on labelled samples.
    Accuracy,
    /// Mean confidence of the best class.
    Confidence,
}

impl TrialBasis {
    /// What stands under the ranking.
    pub fn note(self) -> &'static str {
        match self {
            Self::Accuracy => t!("ranked by accuracy"),
            Self::Confidence => t!("ranked by mean top-1 confidence: a hint, not a proof"),
        }
    }
}

/// One recipe's result.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeTrial {
    /// The recipe, every field set.
    pub recipe: Recipe,
    /// What the row is called: `imagenet BGR`.
    pub name: String,
    /// Over the labelled samples; `None` without any.
    pub accuracy: Option<Share>,
    /// Mean confidence of the best class, 0…1.
    pub confidence: f64,
    /// Whether this is what the data set uses now.
    pub is_current: bool,
}

/// All trials, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeTrials {
    /// Best first; equal ones in the order raw, 0-1, -1-1, imagenet, imagenet-caffe.
    pub trials: Vec<RecipeTrial>,
    /// What the order goes by.
    pub basis: TrialBasis,
    /// Samples that were run for each, spread evenly over the data.
    pub samples: usize,
}

/// Runs the float model under every legal recipe on up to [`TRIAL_SAMPLES`] samples.
///
/// # Errors
/// [`Error::Data`] when no recipe could apply (no picture input, arrays that are floats already), and what the runner fails with.
pub fn try_recipes(dataset: &Dataset, runner: &mut Runner<'_>) -> Result<RecipeTrials> {
    let n = dataset.len().min(TRIAL_SAMPLES);
    let picked: Vec<usize> = (0..n).map(|k| k * dataset.len() / n).collect();
    let mut trials = Vec::new();
    for (recipe, is_current) in candidates(dataset)? {
        // A preset that this input cannot take (imagenet on one channel) is no candidate.
        let Ok(trial) = dataset.on_trial(Some(&recipe)) else { continue };
        let Some(used) = trial.recipe().map(|used| used.recipe.clone()) else { continue };
        let sanity = sanity_of(&trial, &picked, None, runner)?;
        let name = title(&used);
        trials.push(RecipeTrial {
            recipe: used,
            name,
            accuracy: sanity.accuracy,
            confidence: sanity.mean_confidence,
            is_current,
        });
    }
    if trials.is_empty() {
        return Err(Error::data(say!("no recipe fits this input, so there is nothing to try")));
    }
    let basis = if trials.iter().any(|t| t.accuracy.is_some()) { TrialBasis::Accuracy } else { TrialBasis::Confidence };
    let score = |t: &RecipeTrial| match basis {
        TrialBasis::Accuracy => t.accuracy.map_or(0.0, Share::ratio),
        TrialBasis::Confidence => t.confidence,
    };
    // Stable: equal scores keep the candidates' order.
    trials.sort_by(|a, b| score(b).total_cmp(&score(a)));
    Ok(RecipeTrials { trials, basis, samples: n })
}

/// The recipes to try, and whether each is the current one. The current one is among them.
fn candidates(dataset: &Dataset) -> Result<Vec<(Recipe, bool)>> {
    let picture = dataset.inputs().iter().find_map(|input| PictureShape::of(input, None).map(|shape| (input, shape)));
    let Some((input, shape)) = picture else {
        return Err(Error::data(say!("no model input takes pictures, so there is no preprocessing to try")));
    };
    refuse_ready_values(dataset)?;
    let current = dataset.recipe().map(|used| used.recipe.clone());
    // Bare arrays are what the raw recipe makes of them.
    let as_is = Recipe::preset("raw").filter(|_| current.is_none());
    let base = current.clone().or(as_is);
    let array_layout = current.as_ref().and_then(|r| r.array_layout);
    let mut all: Vec<(Recipe, bool)> = Vec::new();
    for name in ["raw", "0-1", "-1-1", "imagenet", "imagenet-caffe"] {
        let Some(preset) = Recipe::preset(name) else { continue };
        for layout in [Layout::Nchw, Layout::Nhwc] {
            if PictureShape::of(input, Some(layout)).is_none_or(|s| s.layout != layout) {
                continue;
            }
            let orders: &[Option<Channels>] =
                if shape.channels == Some(1) { &[None] } else { &[Some(Channels::Rgb), Some(Channels::Bgr)] };
            for order in orders {
                let mut recipe = Recipe { layout: Some(layout), array_layout, ..preset.clone() };
                if let Some(order) = order {
                    recipe = recipe.with_channels(*order);
                }
                // How a picture is cropped is not what is on trial.
                if let Some(current) = &current {
                    (recipe.size, recipe.resize) = (current.size, current.resize);
                }
                let Ok(recipe) = recipe.fitted(input) else { continue };
                let is_current = base.as_ref().and_then(|b| b.fitted(input).ok()).is_some_and(|b| same(&b, &recipe));
                all.push((recipe, is_current));
            }
        }
    }
    if let Some(current) = current.filter(|_| !all.iter().any(|(_, is)| *is)) {
        all.push((current, true));
    }
    Ok(all)
}

/// Numbers that are no pixels have been preprocessed already: doing it twice proves nothing.
fn refuse_ready_values(dataset: &Dataset) -> Result<()> {
    if matches!(dataset.kind(), DataKind::Pictures | DataKind::Synthetic) || dataset.recipe().is_some() {
        return Ok(());
    }
    let sample = dataset.sample(0)?;
    let pixels = sample.tensors.iter().filter(|t| t.shape.len() >= 3).any(|tensor| {
        let values = || super::elements::numbers(&tensor.data).map(|n| n.as_f64());
        values().all(|v| v.fract() == 0.0 && (0.0..=255.0).contains(&v)) && values().any(|v| v > 1.0)
    });
    if pixels {
        Ok(())
    } else {
        Err(Error::data(say!("the arrays hold no pixels 0…255: they are preprocessed already")))
    }
}

/// Whether two fitted recipes do the same to pixels, whatever they are called.
fn same(a: &Recipe, b: &Recipe) -> bool {
    let unnamed = |r: &Recipe| Recipe { name: String::new(), ..r.clone() };
    unnamed(a) == unnamed(b)
}

fn title(recipe: &Recipe) -> String {
    let order = recipe.channels.filter(|c| *c != Channels::Gray).map_or("", Channels::name);
    format!("{} {order}", recipe.name).trim().to_owned()
}
