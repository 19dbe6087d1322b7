//! The figure as the file will have it, as large as the dialog has room for. A graph, which is long, is scrolled.

use egui::{
    Color32, ColorImage, Context, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use quantlens_analysis::t;

use crate::{
    figure::{FileOptions, Picture},
    theme,
};

/// A side of a square behind what is transparent, in points.
const SQUARE: f32 = 8.0;

/// A figure on the graphics card.
#[derive(Clone)]
pub(super) struct Preview {
    figure: TextureHandle,
    /// Two shades, two by two.
    squares: TextureHandle,
    title: String,
    /// It is longer than the dialog has room for.
    is_long: bool,
    /// Nothing of it is left out.
    is_whole: bool,
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Preview({})", self.title)
    }
}

impl Preview {
    /// Of a figure; `options` are those of the file.
    pub(super) fn of(ctx: &Context, picture: &Picture, options: FileOptions) -> Option<Self> {
        // More than the graphics card takes would be a panic.
        let most = u32::try_from(ctx.input(|input| input.max_texture_side)).unwrap_or(u32::MAX);
        let (image, is_whole) = picture.preview(&options, most).ok()?;
        let size = [image.width() as usize, image.height() as usize];
        let image = ColorImage::from_rgba_unmultiplied(size, image.as_raw());
        let tokens = theme::of(options.theme);
        let (light, dark) = (tokens.canvas, tokens.canvas.lerp_to_gamma(tokens.weak, 0.25));
        let squares = ColorImage::new([2, 2], vec![light, dark, dark, light]);
        Some(Self {
            figure: ctx.load_texture("figure preview", image, TextureOptions::LINEAR),
            squares: ctx.load_texture("figure squares", squares, TextureOptions::NEAREST_REPEAT),
            title: picture.title().to_owned(),
            is_long: picture.has_own_size(),
            is_whole,
        })
    }

    /// Draws it in the middle, no higher than `height` points.
    pub(super) fn ui(&self, ui: &mut Ui, height: f32, is_transparent: bool) {
        if !self.is_long {
            return self.picture_ui(ui, height, is_transparent);
        }
        egui::ScrollArea::vertical()
            .max_height(height)
            .show(ui, |ui| self.picture_ui(ui, f32::INFINITY, is_transparent));
        if !self.is_whole {
            ui.weak(t!("The top of it; the file has all"));
        }
    }

    fn picture_ui(&self, ui: &mut Ui, height: f32, is_transparent: bool) {
        let size = self.figure.size_vec2();
        let scale = (ui.available_width() / size.x).min(height / size.y).min(1.0);
        let (row, response) = ui.allocate_exact_size(vec2(ui.available_width(), scale * size.y), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, t!("Preview of “{}”", self.title)));
        let rect = Rect::from_center_size(row.center(), scale * size);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        if is_transparent {
            let times = Rect::from_min_size(pos2(0.0, 0.0), rect.size() / (2.0 * SQUARE));
            ui.painter().image(self.squares.id(), rect, times, Color32::WHITE);
        }
        ui.painter().image(self.figure.id(), rect, whole, Color32::WHITE);
        ui.painter().rect_stroke(rect, 0.0, (1.0, theme::tokens(ui).line), egui::StrokeKind::Outside);
    }
}
