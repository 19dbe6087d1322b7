//! Every field of the preprocessing, editable.

use egui::{ComboBox, DragValue, Grid, RichText, Ui};
use quantlens_analysis::{
    data::{Channels, Layout, Recipe, Resize, info::DataInfo},
    t,
};

use super::recipe_draft::{Draft, parse_number, resize_choices, show_number, with_channels};
use crate::{
    command::{Command, Commands},
    theme,
    widgets::section,
};

/// The recipe in use with its fields, and the buttons that put a draft in force.
pub(super) fn recipe_ui(ui: &mut Ui, data: &DataInfo, draft: &mut Draft, send: &mut Commands) {
    section(ui, t!("Preprocessing"));
    let weak = theme::tokens(ui).weak;
    let Some(recipe) = &mut draft.recipe else {
        ui.colored_label(weak, t!("None: the arrays are used as they are"));
        if let Some(input) = data.inputs.first()
            && let Some(raw) = Recipe::preset("raw").and_then(|raw| raw.fitted(input).ok())
            && ui
                .button(t!("Add preprocessing"))
                .on_hover_text(t!("For arrays of pixels 0…255: scale, mean, deviation, axes"))
                .clicked()
        {
            draft.recipe = Some(raw);
        }
        return;
    };
    let origin = match &data.recipe {
        Some(used) if used.guessed => t!("guessed"),
        Some(_) => t!("chosen by you"),
        None => t!("not applied yet"),
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&recipe.name).strong());
        ui.colored_label(weak, t!("({})", origin));
        ui.colored_label(weak, t!("value = (pixel · scale − mean) / deviation"));
    });
    Grid::new("recipe").num_columns(2).spacing([16.0, 6.0]).min_col_width(96.0).show(ui, |ui| {
        preset_ui(ui, data, recipe);
        geometry_ui(ui, recipe);
        layout_ui(ui, data, recipe);
        numbers_ui(ui, recipe);
    });
    apply_ui(ui, data, draft, send);
}

fn apply_ui(ui: &mut Ui, data: &DataInfo, draft: &mut Draft, send: &mut Commands) {
    let Some(input) = data.inputs.first() else { return };
    // The input that takes the picture: the one that the recipe fits, else the first, whose refusal is then shown.
    let input = data.inputs.iter().find(|input| draft.checked(input).is_ok()).unwrap_or(input);
    let checked = draft.checked(input);
    if let Err(reason) = &checked {
        ui.colored_label(theme::tokens(ui).failure, reason.as_str());
    }
    ui.horizontal_wrapped(|ui| {
        let edited = draft.is_edited();
        let apply = ui.add_enabled(edited && checked.is_ok(), egui::Button::new(t!("Apply")));
        let apply =
            apply.on_hover_text(t!("All ranges are measured again")).on_disabled_hover_text(t!("Nothing was changed"));
        if let (true, Ok(recipe)) = (apply.clicked(), checked) {
            send.push(Command::SetRecipe(recipe));
        }
        if ui.add_enabled(edited, egui::Button::new(t!("Revert"))).clicked() {
            draft.revert();
        }
        if edited {
            ui.weak(t!("Not applied yet; applying measures all ranges again"));
        }
    });
}

fn preset_ui(ui: &mut Ui, data: &DataInfo, recipe: &mut Recipe) {
    let label = ui.label(t!("Preset"));
    let combo = ComboBox::from_id_salt("recipe-preset").selected_text(recipe.name.clone()).show_ui(ui, |ui| {
        for name in Recipe::PRESETS {
            if ui.selectable_label(recipe.name == name, name).clicked()
                && let Some(preset) = Recipe::preset(name)
            {
                let fitted = data.inputs.iter().find_map(|input| preset.fitted(input).ok());
                *recipe = Recipe { array_layout: recipe.array_layout, ..fitted.unwrap_or(preset) };
            }
        }
    });
    combo.response.labelled_by(label.id);
    ui.end_row();
}

fn geometry_ui(ui: &mut Ui, recipe: &mut Recipe) {
    ui.label(t!("Size"));
    ui.horizontal(|ui| {
        let (mut width, mut height) = recipe.size.unwrap_or((224, 224));
        let w = named(ui, DragValue::new(&mut width).range(1..=16_384).suffix(" px"), t!("Width"));
        ui.label("×");
        let h = named(ui, DragValue::new(&mut height).range(1..=16_384).suffix(" px"), t!("Height"));
        if w || h {
            recipe.size = Some((width, height));
        }
    });
    ui.end_row();
    let label = ui.label(t!("Resize"));
    ui.horizontal_wrapped(|ui| {
        let choices = resize_choices(recipe.size);
        let current = choices.iter().find(|(_, r)| kind(*r) == kind(recipe.resize)).map_or("", |(name, _)| *name);
        let combo = ComboBox::from_id_salt("recipe-resize").selected_text(current).width(200.0).show_ui(ui, |ui| {
            for (name, choice) in choices {
                if ui.selectable_label(name == current, name).clicked() {
                    recipe.resize = choice;
                }
            }
        });
        combo.response.labelled_by(label.id);
        match &mut recipe.resize {
            Resize::Stretch => {}
            Resize::ShorterSide(side) => {
                named(ui, DragValue::new(side).range(1..=16_384).suffix(" px"), t!("Shorter side"));
            }
            Resize::Letterbox { fill } => {
                named(ui, DragValue::new(fill).prefix(t!("border ")), t!("Border value"));
            }
        }
    });
    ui.end_row();
}

fn kind(resize: Resize) -> std::mem::Discriminant<Resize> {
    std::mem::discriminant(&resize)
}

fn layout_ui(ui: &mut Ui, data: &DataInfo, recipe: &mut Recipe) {
    ui.label(t!("Axes of the input"));
    ui.horizontal(|ui| {
        let current = recipe.layout.unwrap_or(Layout::Nchw);
        for layout in [Layout::Nchw, Layout::Nhwc] {
            if ui.selectable_label(current == layout, layout.name()).clicked() {
                recipe.layout = Some(layout);
            }
        }
    });
    ui.end_row();
    if data.is_array {
        ui.label(t!("Axes of the arrays"));
        ui.horizontal(|ui| {
            for (layout, text) in [
                (None, t!("Same")),
                (Some(Layout::Nchw), Layout::Nchw.name()),
                (Some(Layout::Nhwc), Layout::Nhwc.name()),
            ] {
                if ui.selectable_label(recipe.array_layout == layout, text).clicked() {
                    recipe.array_layout = layout;
                }
            }
        });
        ui.end_row();
    }
    ui.label(t!("Channel order"));
    ui.horizontal(|ui| {
        let current = recipe.channels.unwrap_or(Channels::Rgb);
        for channels in [Channels::Rgb, Channels::Bgr, Channels::Gray] {
            let button = ui.selectable_label(current == channels, channels.name());
            if button.clicked() && channels != current {
                *recipe = with_channels(recipe.clone(), channels);
            }
        }
    });
    ui.end_row();
}

fn numbers_ui(ui: &mut Ui, recipe: &mut Recipe) {
    ui.label(t!("Scale"));
    number_field(ui, &mut recipe.scale, t!("Scale"));
    ui.end_row();
    let channels = recipe.channels.unwrap_or(Channels::Rgb).count();
    for (text, values, neutral) in [(t!("Mean"), &mut recipe.mean, 0.0), (t!("Deviation"), &mut recipe.std, 1.0)] {
        ui.label(text);
        ui.horizontal(|ui| {
            // One value stands for all channels; it is spelt out so that each can be edited, and kept short until one is.
            let mut each: Vec<f64> =
                (0..channels).map(|k| *values.get(k).or(values.first()).unwrap_or(&neutral)).collect();
            let mut changed = false;
            for (channel, value) in each.iter_mut().enumerate() {
                changed |= number_field(ui, value, &t!("{} of channel {}", text, channel));
            }
            if changed {
                *values = each;
            }
        });
        ui.end_row();
    }
}

/// A field for a constant: typed freely (`1/255` too), dragged slowly.
fn number_field(ui: &mut Ui, value: &mut f64, name: &str) -> bool {
    let speed = (value.abs() * 0.005).max(0.0005);
    let field = DragValue::new(value)
        .speed(speed)
        .custom_formatter(|v, _| show_number(v))
        .custom_parser(parse_number)
        .update_while_editing(false);
    named(ui, field, name)
}

/// Adds a field under a name for screen readers; true when its value changed.
fn named(ui: &mut Ui, field: DragValue<'_>, name: &str) -> bool {
    let response = ui.add(field).on_hover_text(name);
    let changed = response.changed();
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
    changed
}
