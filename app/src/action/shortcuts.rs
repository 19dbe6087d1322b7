//! The keys of the actions.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::Action;
use crate::{
    command::Part,
    document::{Page, PanelId},
};

const NONE: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CTRL_SHIFT: Modifiers = CTRL.plus(SHIFT);
const ALT: Modifiers = Modifiers::ALT;
const CTRL_ALT: Modifiers = CTRL.plus(Modifiers::ALT);

macro_rules! keys {
    ($($modifiers:expr, $key:ident);*) => { const { &[$(KeyboardShortcut::new($modifiers, Key::$key)),*] } };
}

impl Action {
    /// Its keys; the first is the one shown.
    pub fn shortcuts(self) -> &'static [KeyboardShortcut] {
        match self {
            Self::OpenModel => keys![CTRL, O],
            Self::OpenPath => keys![CTRL_SHIFT, O],
            Self::Recent(n) => recent(n),
            Self::SaveConfig => keys![CTRL, S],
            Self::SaveConfigAs => keys![CTRL_SHIFT, S],
            Self::Export => keys![CTRL, E],
            Self::ExportFigure => keys![CTRL_SHIFT, E],
            Self::Share => keys![CTRL_ALT, S],
            Self::Quit => keys![CTRL, Q],
            Self::Undo => keys![CTRL, Z],
            Self::Redo => keys![CTRL_SHIFT, Z; CTRL, Y],
            Self::History => keys![CTRL_ALT, Z],
            Self::Palette => keys![CTRL, K; CTRL_SHIFT, P],
            Self::CopyTsv => keys![CTRL, C],
            Self::CopyCsv => keys![CTRL_SHIFT, C],
            Self::CopyImage => keys![CTRL_SHIFT, I],
            Self::CopyData => keys![CTRL_SHIFT, D],
            Self::SelectAll => keys![CTRL, A],
            Self::ResetSelected => keys![NONE, Delete],
            Self::FilterLayers => keys![CTRL, F; NONE, Slash],
            Self::GoToLayer => keys![CTRL, G],
            Self::NextMatch => keys![NONE, F3],
            Self::PreviousMatch => keys![SHIFT, F3],
            Self::PreviousLayer => keys![NONE, ArrowUp; NONE, K],
            Self::NextLayer => keys![NONE, ArrowDown; NONE, J],
            Self::ExtendUp => keys![SHIFT, ArrowUp],
            Self::ExtendDown => keys![SHIFT, ArrowDown],
            Self::NextWorse => keys![NONE, OpenBracket],
            Self::NextBetter => keys![NONE, CloseBracket],
            Self::NextSuspect => keys![NONE, N],
            Self::Bits(n) => width(n),
            Self::Float => keys![NONE, F],
            Self::ToggleFloat => keys![NONE, Space],
            Self::PerChannel => keys![NONE, C],
            Self::Target(Part::Weights) => keys![NONE, W],
            Self::Target(Part::Activations) => keys![NONE, A],
            Self::Target(Part::Both) => keys![NONE, B],
            Self::ToggleLive => keys![NONE, F5],
            Self::EvaluateAgain => keys![CTRL, F5],
            Self::PinBaseline => keys![NONE, P],
            Self::Pins => keys![SHIFT, P],
            Self::ShowPage(page) => of_page(page),
            Self::FrameSelection => keys![NONE, Home],
            Self::FrameAll => keys![SHIFT, Home],
            Self::FollowInput => keys![ALT, ArrowUp],
            Self::FollowReader => keys![ALT, ArrowDown],
            Self::FollowLong => keys![ALT, Enter],
            Self::LeftInGraph => keys![ALT, ArrowLeft],
            Self::RightInGraph => keys![ALT, ArrowRight],
            Self::Split => keys![CTRL, Backslash],
            Self::OtherPage => keys![NONE, F6],
            Self::CardMenu => keys![SHIFT, F10; NONE, Menu],
            Self::Toggle(PanelId::List) => keys![CTRL, B],
            Self::Toggle(PanelId::Strip) => keys![CTRL, J],
            Self::Toggle(PanelId::Inspector) => keys![CTRL_ALT, B],
            Self::ShowFloat => keys![NONE, Q],
            Self::Settings => keys![CTRL, Comma],
            Self::Shortcuts => keys![NONE, F1; SHIFT, Questionmark],
            Self::Escape => keys![NONE, Escape],
            _ => &[],
        }
    }
}

fn recent(place: u8) -> &'static [KeyboardShortcut] {
    match place {
        1 => keys![CTRL, Num1],
        2 => keys![CTRL, Num2],
        3 => keys![CTRL, Num3],
        4 => keys![CTRL, Num4],
        5 => keys![CTRL, Num5],
        6 => keys![CTRL, Num6],
        7 => keys![CTRL, Num7],
        8 => keys![CTRL, Num8],
        9 => keys![CTRL, Num9],
        _ => &[],
    }
}

fn width(bits: u8) -> &'static [KeyboardShortcut] {
    match bits {
        2 => keys![NONE, Num2],
        3 => keys![NONE, Num3],
        4 => keys![NONE, Num4],
        5 => keys![NONE, Num5],
        6 => keys![NONE, Num6],
        7 => keys![NONE, Num7],
        8 => keys![NONE, Num8],
        16 => keys![NONE, Num1],
        _ => &[],
    }
}

/// The keys of the pages.
fn of_page(page: Page) -> &'static [KeyboardShortcut] {
    match page {
        Page::Histogram => keys![NONE, H],
        Page::Threshold => keys![NONE, T],
        Page::Table => keys![NONE, L],
        Page::Graph => keys![NONE, G],
        Page::Drift => keys![SHIFT, D],
        Page::Sensitivity => keys![NONE, S],
        Page::Answers => keys![SHIFT, F],
        Page::Data => keys![NONE, D],
        Page::Channels => keys![SHIFT, C],
        Page::Maps => keys![NONE, M],
        Page::Errors => keys![SHIFT, E],
        Page::Scatter => keys![SHIFT, S],
        Page::Help => keys![CTRL, F1],
        Page::Arithmetic => keys![SHIFT, A],
        Page::Model => &[],
    }
}
