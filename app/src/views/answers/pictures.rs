//! The cards' pictures on the graphics card: the sample as it is stored, else as the model receives it, else the array as a
//! grid of greys.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};
use quantlens_analysis::data::info::{Preview, Shading};

use crate::theme;

/// Pictures kept at once.
const KEPT: usize = 512;

/// By sample, the preview that the picture was made of, and the picture where there is one.
#[derive(Clone, Default)]
pub(super) struct Pictures(BTreeMap<usize, (Arc<Preview>, Option<TextureHandle>)>);

impl std::fmt::Debug for Pictures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pictures({})", self.0.len())
    }
}

impl Pictures {
    /// The picture of this sample's preview, uploaded when first asked for.
    pub(super) fn of(&mut self, ctx: &Context, sample: usize, preview: &Arc<Preview>) -> Option<TextureHandle> {
        if let Some((of, picture)) = self.0.get(&sample)
            && Arc::ptr_eq(of, preview)
        {
            return picture.clone();
        }
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        let picture = image_of(preview).map(|image| ctx.load_texture("answer", image, TextureOptions::NEAREST));
        self.0.insert(sample, (Arc::clone(preview), picture.clone()));
        picture
    }
}

/// The picture of a sample, where it is one.
pub(super) fn image_of(preview: &Preview) -> Option<ColorImage> {
    let received = preview.inputs.iter().find_map(|input| input.picture.as_ref());
    if let Some(picture) = preview.source.as_ref().or(received) {
        let size = [picture.width() as usize, picture.height() as usize];
        return Some(ColorImage::from_rgb(size, picture.as_raw()));
    }
    preview.inputs.iter().find_map(|input| input.shading.as_ref()).filter(|shading| rows(shading) > 1).map(grid)
}

/// Rows of an array's grid.
pub(super) fn rows(shading: &Shading) -> usize {
    shading.shades.len() / shading.width.max(1)
}

/// The values of an array as greys.
pub(super) fn grid(shading: &Shading) -> ColorImage {
    let shade = |value: &u8| theme::value_colour(f32::from(*value) / 255.0);
    let pixels: Vec<Color32> = shading.shades.iter().map(shade).collect();
    ColorImage::new([shading.width, rows(shading)], pixels)
}
