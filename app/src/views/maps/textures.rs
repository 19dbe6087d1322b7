//! The pictures of the maps on the graphics card, made as they come on screen.

use std::sync::Arc;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions, Theme};
use quantlens_analysis::report::{FeatureMap, FeatureMaps};

use crate::theme;

/// Float, quantized and error of each map that was on screen.
#[derive(Clone, Default)]
pub(super) struct Textures {
    of: Option<(Arc<FeatureMaps>, Theme)>,
    made: Vec<Option<[TextureHandle; 3]>>,
}

impl std::fmt::Debug for Textures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Textures({})", self.made.iter().flatten().count())
    }
}

impl Textures {
    /// Other maps or another theme: what was made is of no use.
    pub(super) fn follow(&mut self, maps: &Arc<FeatureMaps>, theme: Theme) {
        if self.of.as_ref().is_some_and(|(of, made_for)| Arc::ptr_eq(of, maps) && *made_for == theme) {
            return;
        }
        self.made = vec![None; maps.maps.len()];
        self.of = Some((Arc::clone(maps), theme));
    }

    /// The pictures of the map at this place.
    pub(super) fn of(&mut self, ctx: &Context, maps: &FeatureMaps, index: usize) -> Option<[TextureHandle; 3]> {
        let theme = self.of.as_ref()?.1;
        let map = maps.maps.get(index)?;
        let made = self.made.get_mut(index)?;
        let upload = |pixels: Vec<Color32>| {
            // A picture whose values and sides disagree would be a defect of the analysis, not a reason to fall over.
            (pixels.len() == maps.width * maps.height)
                .then(|| ColorImage::new([maps.width, maps.height], pixels))
                .map(|image| ctx.load_texture("map", image, TextureOptions::NEAREST))
        };
        if made.is_none() {
            let [float, quantized, error] = pixels(maps, map, theme).map(upload);
            *made = Some([float?, quantized?, error?]);
        }
        made.clone()
    }
}

/// The colours of a map's values: float, quantized, and the errors between.
pub(super) fn pixels(maps: &FeatureMaps, map: &FeatureMap, theme: Theme) -> [Vec<Color32>; 3] {
    let broken = theme::of(theme).failure;
    let span = (map.high - map.low).max(f32::MIN_POSITIVE);
    let grey = |v: &f32| if v.is_finite() { theme::value_colour((v - map.low) / span) } else { broken };
    let most = maps.max_abs_error.max(f32::MIN_POSITIVE);
    let signed = |e: f32| if e.is_finite() { theme::signed_colour(theme, e / most) } else { broken };
    [
        map.float.iter().map(grey).collect(),
        map.quantized.iter().map(grey).collect(),
        map.errors().into_iter().map(signed).collect(),
    ]
}
