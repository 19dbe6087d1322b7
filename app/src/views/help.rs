//! The Help page: the twenty questions, each answered in general and with the open model's own numbers.

use egui::{CollapsingHeader, Frame, Margin, RichText, ScrollArea, Ui};
use quantlens_analysis::{t, text::text};

use crate::{
    command::Commands,
    document::Document,
    help::{self, GROUPS, Here, Line, Question},
    theme,
    widgets::section,
};

/// Lines longer than this are hard to read, in points.
const TEXT_WIDTH: f32 = 720.0;

/// What this view remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct HelpState {
    /// Words that a shown question must hold.
    pub wanted: String,
}

/// Draws the view.
pub fn help_ui(ui: &mut Ui, doc: &Document, state: &mut HelpState, send: &mut Commands) {
    ui.horizontal(|ui| {
        ui.heading(t!("Twenty questions"));
        let edit =
            egui::TextEdit::singleline(&mut state.wanted).hint_text(t!("Find, e.g. zero-point")).desired_width(220.0);
        let field = ui.add(edit);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SearchInput, true, t!("Find in the questions")));
    });
    let words: Vec<String> = state.wanted.split_whitespace().map(str::to_lowercase).collect();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(TEXT_WIDTH.min(ui.available_width()));
        let mut found = 0;
        for group in &GROUPS {
            let shown: Vec<&Question> = group.questions.iter().filter(|question| fits(question, &words)).collect();
            if shown.is_empty() {
                continue;
            }
            found += shown.len();
            section(ui, text(group.title));
            for question in shown {
                question_ui(ui, doc, question, !words.is_empty(), send);
            }
        }
        if found == 0 {
            ui.weak(t!("No question speaks of that"));
        }
    });
}

fn fits(question: &Question, words: &[String]) -> bool {
    let all = format!("q{} {} {}", question.number, text(question.question), text(question.answer)).to_lowercase();
    words.iter().all(|word| all.contains(word))
}

fn question_ui(ui: &mut Ui, doc: &Document, question: &Question, opens: bool, send: &mut Commands) {
    let title = RichText::new(text(question.question));
    CollapsingHeader::new(title).id_salt(question.number).open(opens.then_some(true)).show(ui, |ui| {
        ui.add(egui::Label::new(text(question.answer)).wrap());
        ui.add_space(theme::GRID);
        here_ui(ui, doc, &help::here(doc, question.number), send);
        ui.add_space(theme::GRID);
    });
}

fn here_ui(ui: &mut Ui, doc: &Document, here: &Here, send: &mut Commands) {
    let tokens = theme::tokens(ui);
    let frame = Frame::new().fill(tokens.panel).stroke((1.0, tokens.line)).corner_radius(4.0);
    frame.inner_margin(Margin::same(10)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if here.lines.is_empty() {
            ui.weak(t!("Open a model with samples to see its own numbers here"));
            return;
        }
        ui.label(RichText::new(t!("In {}", doc.title)).color(tokens.weak));
        for line in &here.lines {
            match line {
                Line::Text(text) => ui.add(egui::Label::new(text).wrap()),
                Line::Formula(text) => ui.add(egui::Label::new(RichText::new(text).monospace()).wrap()),
            };
        }
        if let Some(place) = &here.place
            && ui.button(place.title()).clicked()
        {
            place.commands().into_iter().for_each(|command| send.push(command));
        }
    });
}
