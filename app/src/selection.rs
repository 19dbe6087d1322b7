//! The one selection that every view obeys.
//!
//! Layers are named, not numbered: names survive a re-evaluation and an edit, indices belong to one report. Hover is
//! double buffered: what a view reports this frame is drawn next frame, so that views drawn earlier see it too.

use std::collections::BTreeSet;

/// Which layers are selected, which of them leads, and which one the pointer is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The selected layers.
    pub selected: BTreeSet<String>,
    /// The layer whose detail the pages show; the fixed end of a Shift range. Always one of `selected`.
    pub anchor: Option<String>,
    /// The moving end of a Shift range; equals the anchor after a plain click.
    pub lead: Option<String>,
    /// Under the pointer, as of the previous frame.
    pub hovered: Option<String>,
    /// Counts the changes that did not come from a click in a table: a view that sees a new number scrolls there.
    pub reveal: u64,
}

/// What a click does to the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectMode {
    /// Plain click: only this layer.
    Replace,
    /// Ctrl: in or out.
    Toggle,
    /// Shift: everything from the anchor to here, in the order shown.
    Extend,
}

impl Selection {
    /// Whether the layer is selected.
    pub fn contains(&self, layer: &str) -> bool {
        self.selected.contains(layer)
    }

    /// Selects `layer` as a click with `mode` does; `shown` are the layers in the order on screen, for ranges.
    pub fn click(&mut self, layer: &str, mode: SelectMode, shown: &[String]) {
        match mode {
            SelectMode::Replace => self.replace([layer.to_owned()]),
            SelectMode::Toggle => self.toggle(layer),
            SelectMode::Extend => self.extend_to(layer, shown),
        }
    }

    /// Selects exactly `layers`; the first becomes the anchor.
    pub fn replace(&mut self, layers: impl IntoIterator<Item = String>) {
        let mut layers = layers.into_iter().peekable();
        self.anchor = layers.peek().cloned();
        self.lead.clone_from(&self.anchor);
        self.selected = layers.collect();
    }

    /// Selects nothing; the hover stays, it belongs to the pointer.
    pub fn clear(&mut self) {
        self.replace([]);
    }

    /// Drops layers that `exists` does not know, as after another model was opened.
    pub fn retain(&mut self, exists: impl Fn(&str) -> bool) {
        self.selected.retain(|layer| exists(layer));
        let keep = |name: &Option<String>| name.as_deref().is_some_and(&exists);
        if !keep(&self.anchor) {
            self.anchor = self.selected.first().cloned();
        }
        if !keep(&self.lead) {
            self.lead.clone_from(&self.anchor);
        }
        if !keep(&self.hovered) {
            self.hovered = None;
        }
    }

    fn toggle(&mut self, layer: &str) {
        if self.selected.remove(layer) {
            if self.anchor.as_deref() == Some(layer) {
                self.anchor = self.selected.first().cloned();
            }
        } else {
            self.selected.insert(layer.to_owned());
            self.anchor = Some(layer.to_owned());
        }
        self.lead.clone_from(&self.anchor);
    }

    fn extend_to(&mut self, layer: &str, shown: &[String]) {
        let place = |name: &str| shown.iter().position(|n| n == name);
        let Some((from, to)) = self.anchor.as_deref().and_then(place).zip(place(layer)) else {
            return self.replace([layer.to_owned()]);
        };
        let range = from.min(to)..=from.max(to);
        self.selected = shown.get(range).unwrap_or_default().iter().cloned().collect();
        self.lead = Some(layer.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    fn selected(selection: &Selection) -> String {
        selection.selected.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_range_runs_in_the_order_shown_and_keeps_its_anchor() {
        let mut s = Selection::default();
        let shown = names("dacb");
        s.click("a", SelectMode::Replace, &shown);
        s.click("b", SelectMode::Extend, &shown);
        assert_eq!(selected(&s), "abc", "d stands before the anchor");
        s.click("d", SelectMode::Extend, &shown);
        assert_eq!((selected(&s).as_str(), s.anchor.as_deref()), ("ad", Some("a")));
    }

    #[test]
    fn a_toggled_off_anchor_hands_over() {
        let mut s = Selection::default();
        s.click("a", SelectMode::Replace, &[]);
        s.click("b", SelectMode::Toggle, &[]);
        assert_eq!(s.anchor.as_deref(), Some("b"));
        s.click("b", SelectMode::Toggle, &[]);
        assert_eq!((selected(&s).as_str(), s.anchor.as_deref()), ("a", Some("a")));
    }

    #[test]
    fn layers_that_are_gone_leave_the_selection() {
        let mut s = Selection::default();
        s.replace(names("abc"));
        s.hovered = Some("a".into());
        s.retain(|name| name != "a");
        assert_eq!((selected(&s).as_str(), s.anchor.as_deref(), s.hovered), ("bc", Some("b"), None));
    }
}
