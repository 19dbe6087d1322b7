//! What the tests of commands and events do over and over.

use super::*;
use crate::{
    action::Action,
    testing::apply as run,
    worker::{Event, News, Slot, Ticket},
};

pub(super) fn act(doc: &mut Document, action: Action) -> Effects {
    run(doc, Command::Run(action))
}

pub(super) fn hear(doc: &mut Document, slot: Slot, news: News) -> Effects {
    let mut out = Effects::new();
    absorb(doc, Event { ticket: Ticket(1), slot, news }, &mut out);
    out
}

pub(super) fn select(doc: &mut Document, layers: &[&str]) {
    run(doc, Command::SelectMany(layers.iter().map(|name| (*name).to_owned()).collect()));
}
