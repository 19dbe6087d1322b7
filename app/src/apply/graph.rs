//! The drawing of the graph: begun when its page is shown, kept as long as the layers and what they read are the same.

use std::sync::Arc;

use super::{Effect, Effects};
use crate::{
    command::GraphCommand,
    document::{Document, Drafting, Look, Page},
    graph_layout::{
        Drawing, Net,
        walk::{Along, Trail},
    },
    layout_thread::News,
};

pub(super) fn apply(doc: &mut Document, command: GraphCommand, out: &mut Effects) {
    match command {
        GraphCommand::Draw { quick } => {
            let net = Arc::new(Net::of(doc.layers()));
            begin(doc, net, quick, out);
        }
        GraphCommand::Stop => stop(doc, out),
    }
}

/// Begins the drawing where the page is on screen and there is none of these layers yet.
pub(super) fn ask(doc: &mut Document, out: &mut Effects) {
    let Some(model) = doc.model.clone().filter(|_| doc.pages.shows(Page::Graph)) else { return };
    if doc.graph.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &model)) {
        return;
    }
    doc.graph.of = Some(model);
    let net = Net::of(doc.layers());
    let graph = &doc.graph;
    let is_drawn = graph.drawn.as_ref().is_some_and(|(of, _)| **of == net);
    let is_running = graph.running.as_ref().is_some_and(|running| *running.net == net);
    let is_stopped = graph.stopped.as_deref() == Some(&net);
    if !is_drawn && !is_running && !is_stopped {
        begin(doc, Arc::new(net), false, out);
    }
}

fn begin(doc: &mut Document, net: Arc<Net>, quick: bool, out: &mut Effects) {
    // Another net's positions would be those of other layers.
    doc.graph.drawn = None;
    doc.graph.stopped = None;
    let progress = (0, net.cards);
    doc.graph.running = Some(Drafting { net: Arc::clone(&net), quick, since: doc.now, progress });
    out.push(Effect::LayOut { net, quick });
}

/// Stops the drawing; it is not begun again before it is asked for.
pub(super) fn stop(doc: &mut Document, out: &mut Effects) {
    if let Some(running) = doc.graph.running.take() {
        doc.graph.stopped = Some(running.net);
        out.push(Effect::StopLayout);
    }
}

/// Another model: nothing of the last one's drawing holds.
pub(super) fn forget(doc: &mut Document, out: &mut Effects) {
    if doc.graph.running.is_some() {
        out.push(Effect::StopLayout);
    }
    doc.graph = crate::document::GraphState::default();
}

/// Looks at everything or at the selection.
pub(super) fn look(doc: &mut Document, at: Look, out: &mut Effects) {
    super::navigate::show_page(doc, Page::Graph, out);
    doc.graph.look = (at, doc.graph.look.1 + 1);
}

/// Selects the card at the other end of one of the selected card's edges.
pub(super) fn follow(doc: &mut Document, along: Along, out: &mut Effects) {
    let way = doc.graph.walk().zip(doc.lead()).and_then(|(walk, card)| walk.step(card, along, doc.graph.trail));
    if let Some(trail) = way {
        go(doc, trail.to, Some(trail), out);
    }
}

/// Selects the other end of the next edge beside the one last gone along, or the card beside in the row.
pub(super) fn beside(doc: &mut Document, step: isize, out: &mut Effects) {
    let way = doc.graph.walk().zip(doc.lead()).and_then(|(walk, card)| walk.beside(card, step, doc.graph.trail));
    if let Some((card, trail)) = way {
        go(doc, card, trail, out);
    }
}

fn go(doc: &mut Document, card: usize, trail: Option<Trail>, out: &mut Effects) {
    let Some(name) = doc.layers().get(card).map(|layer| layer.name.clone()) else { return };
    super::navigate::show_page(doc, Page::Graph, out);
    doc.selection.replace([name]);
    super::navigate::selected(doc, true, out);
    doc.graph.trail = trail;
}

/// Opens the selected card's menu where the card stands.
pub(super) fn open_menu(doc: &mut Document, out: &mut Effects) {
    super::navigate::show_page(doc, Page::Graph, out);
    // The view goes there first.
    doc.selection.reveal += 1;
    doc.graph.menu += 1;
}

/// Takes in what the layout's thread tells.
pub fn drafted(doc: &mut Document, news: News) {
    let Some(running) = &mut doc.graph.running else { return };
    match news {
        News::Progress(done, all) => running.progress = (done, all),
        News::Done(drawing) => finish(doc, drawing),
    }
}

fn finish(doc: &mut Document, drawing: Arc<Drawing>) {
    if let Some(running) = doc.graph.running.take() {
        doc.graph.drawn = Some((running.net, drawing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command::Command, testing};

    fn begun(effects: &Effects) -> usize {
        effects.iter().filter(|effect| matches!(effect, Effect::LayOut { .. })).count()
    }

    #[test]
    fn a_drawing_is_begun_once_and_kept() {
        let mut doc = testing::document(5);
        assert_eq!(begun(&testing::apply(&mut doc, Command::ShowPage(Page::Graph))), 1);
        assert_eq!(begun(&testing::apply(&mut doc, Command::ShowPage(Page::Graph))), 0, "it is on its way");
        drafted(&mut doc, News::Progress(2, 5));
        assert_eq!(doc.graph.running.as_ref().unwrap().progress, (2, 5));
        drafted(&mut doc, News::Done(Arc::default()));
        assert!(doc.graph.drawn.is_some() && doc.graph.running.is_none());
        testing::apply(&mut doc, Command::ShowPage(Page::Table));
        assert_eq!(begun(&testing::apply(&mut doc, Command::ShowPage(Page::Graph))), 0, "positions stay");
    }

    #[test]
    fn a_stopped_drawing_waits_to_be_asked_for() {
        let mut doc = testing::document(5);
        testing::apply(&mut doc, Command::ShowPage(Page::Graph));
        assert_eq!(testing::apply(&mut doc, Command::Graph(GraphCommand::Stop)), [Effect::StopLayout]);
        assert_eq!(begun(&testing::apply(&mut doc, Command::ShowPage(Page::Graph))), 0);
        drafted(&mut doc, News::Done(Arc::default()));
        assert!(doc.graph.drawn.is_none(), "what comes after Cancel is not wanted");
        assert_eq!(begun(&testing::apply(&mut doc, Command::Graph(GraphCommand::Draw { quick: true }))), 1);
        let running = doc.graph.running.clone().unwrap();
        assert!(running.quick && running.slow_in(0.0).is_none());
    }

    #[test]
    fn the_quick_drawing_is_offered_after_a_while() {
        let running = Drafting { net: Arc::default(), quick: false, since: 10.0, progress: (0, 1) };
        assert!(!running.is_slow(12.4) && running.is_slow(12.5));
        assert_eq!((running.slow_in(11.0), running.slow_in(13.0)), (Some(1.5), None));
    }
}
