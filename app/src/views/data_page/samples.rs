//! The first samples: the picture as it is, and as the model receives it.

use std::sync::Arc;

use egui::{ColorImage, Context, TextureHandle, TextureOptions, Ui, Vec2, vec2};
use image::RgbImage;
use quantlens_analysis::{
    data::info::{DataInfo, Preview},
    t,
};

use crate::{format, theme, widgets::section};

/// Side of a drawn picture in points.
const SIDE: f32 = 96.0;

/// The previews' pictures on the graphics card, for one generation of data.
#[derive(Clone, Default)]
pub(super) struct Textures {
    /// The data they were made from, kept alive so that its address stays its own.
    of: Option<Arc<DataInfo>>,
    /// One entry a preview: the source and the first input that is a picture.
    pairs: Vec<[Option<TextureHandle>; 2]>,
}

impl std::fmt::Debug for Textures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Textures({})", self.pairs.len())
    }
}

impl Textures {
    /// Uploads the previews once for each new data.
    pub(super) fn follow(&mut self, ctx: &Context, data: &Arc<DataInfo>) {
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, data)) {
            return;
        }
        let upload = |image: &RgbImage| {
            let size = [image.width() as usize, image.height() as usize];
            ctx.load_texture("preview", ColorImage::from_rgb(size, image.as_raw()), TextureOptions::NEAREST)
        };
        let pair = |p: &Preview| {
            let received = p.inputs.iter().find_map(|input| input.picture.as_ref());
            [p.source.as_ref().map(upload), received.map(upload)]
        };
        self.pairs = data.previews.iter().map(pair).collect();
        self.of = Some(Arc::clone(data));
    }
}

/// The first samples, side by side.
pub(super) fn samples_ui(ui: &mut Ui, data: &DataInfo, textures: &Textures) {
    if data.previews.is_empty() {
        return;
    }
    section(ui, t!("The first samples"));
    let has_pictures = textures.pairs.iter().any(|pair| pair[1].is_some());
    if has_pictures {
        ui.weak(t!("Left as stored, right as the model receives it: channels 0, 1, 2 drawn as red, green, blue"));
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(12.0, 12.0);
        for (preview, pair) in data.previews.iter().zip(&textures.pairs) {
            preview_ui(ui, data, preview, pair);
        }
    });
}

fn preview_ui(ui: &mut Ui, data: &DataInfo, preview: &Preview, pair: &[Option<TextureHandle>; 2]) {
    let shown: Vec<&TextureHandle> = pair.iter().flatten().collect();
    let width = if shown.is_empty() { 240.0 } else { shown.len() as f32 * (SIDE + 4.0) };
    ui.allocate_ui_with_layout(vec2(width, SIDE + 40.0), egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
        ui.horizontal(|ui| {
            for texture in shown {
                let picture =
                    egui::Image::new((texture.id(), fit(texture.size_vec2()))).alt_text(preview.name.as_str());
                ui.add(picture);
            }
        });
        ui.add(egui::Label::new(preview.name.as_str()).truncate()).on_hover_text(t!("The sample"));
        if let Some(label) = preview.label {
            ui.add(egui::Label::new(t!("label {}", data.class_name(label))).truncate())
                .on_hover_text(t!("Its true class, as the data say"));
        }
        for input in &preview.inputs {
            let mut text = format!("{} … {}", format::significant(input.low, 3), format::significant(input.high, 3));
            if preview.inputs.len() > 1 {
                text = t!("{}: {}", input.input, text);
            }
            ui.add(egui::Label::new(egui::RichText::new(text).color(theme::tokens(ui).weak)).truncate())
                .on_hover_text(t!("Smallest and largest value that the model receives"));
            if let Some(text) = &input.text {
                ui.add(egui::Label::new(text).wrap()).on_hover_text(t!("What the values that the model receives say"));
            } else if input.picture.is_none() {
                let first: Vec<String> = input.first.iter().map(|v| format::significant(*v, 3)).collect();
                ui.add(egui::Label::new(format!("{}, …", first.join(", "))).wrap())
                    .on_hover_text(t!("The first values that the model receives"));
            }
        }
    });
}

/// The largest size within the side that keeps the picture's proportions.
fn fit(size: Vec2) -> Vec2 {
    let longest = size.x.max(size.y);
    if longest > 0.0 { size * (SIDE / longest) } else { Vec2::ZERO }
}
