//! Undo and redo of the configuration, each step with a name ("Set 12 layers to 4 bits").
//!
//! Only the configuration is undoable; selection, pages and filters are not. A drag that edits many times a second is
//! one step: edits with the same key in a row keep the first "before". Steps are shared pointers to sparse
//! configurations, so a hundred of them are small.

use std::{collections::VecDeque, sync::Arc};

use quantlens_analysis::{config::QuantConfig, text::Text};

/// Steps kept; older ones are forgotten.
pub const CAPACITY: usize = 100;

/// One undoable edit.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was done, as a menu entry completes "Undo …".
    pub label: Text,
    /// The configuration on the other side of the edit.
    pub config: Arc<QuantConfig>,
    /// Edits in a row with the same key are one step; `None` never joins.
    pub key: Option<String>,
}

/// The steps that can be undone and those that can be redone.
#[derive(Clone, Debug, Default)]
pub struct History {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
}

impl History {
    /// Remembers `before`, the configuration that `label` is about to replace, and forgets what could be redone.
    pub fn push(&mut self, label: impl Into<Text>, before: Arc<QuantConfig>, key: Option<String>) {
        self.redo.clear();
        let joins = key.is_some() && self.undo.back().is_some_and(|step| step.key == key);
        if joins {
            return;
        }
        self.undo.push_back(Step { label: label.into(), config: before, key });
        if self.undo.len() > CAPACITY {
            self.undo.pop_front();
        }
    }

    /// Ends a gesture: the next edit is a step of its own even with the same key.
    pub fn seal(&mut self) {
        if let Some(step) = self.undo.back_mut() {
            step.key = None;
        }
    }

    /// Takes back the last step: gives the configuration before it, `now` is kept for redo.
    pub fn undo(&mut self, now: &Arc<QuantConfig>) -> Option<Step> {
        let step = self.undo.pop_back()?;
        self.redo.push(Step { config: Arc::clone(now), ..step.clone() });
        Some(step)
    }

    /// Does the last undone step again.
    pub fn redo(&mut self, now: &Arc<QuantConfig>) -> Option<Step> {
        let step = self.redo.pop()?;
        self.undo.push_back(Step { config: Arc::clone(now), key: None, ..step.clone() });
        Some(step)
    }

    /// What Undo would take back.
    pub fn undo_label(&self) -> Option<&str> {
        self.undo.back().map(|step| step.label.as_str())
    }

    /// What Redo would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }

    /// All that Undo would take back, the last edit first.
    pub fn undo_labels(&self) -> Vec<&str> {
        self.undo.iter().rev().map(|step| step.label.as_str()).collect()
    }

    /// All that Redo would do again, the one that would be done last first.
    pub fn redo_labels(&self) -> Vec<&str> {
        self.redo.iter().map(|step| step.label.as_str()).collect()
    }

    /// Number of steps that can be undone.
    pub fn depth(&self) -> usize {
        self.undo.len()
    }

    /// Forgets everything, as when another model is opened.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration that can be told apart by its target's name.
    fn config(name: &str) -> Arc<QuantConfig> {
        Arc::new(QuantConfig { target: name.into(), ..QuantConfig::default() })
    }

    #[test]
    fn undo_and_redo_walk_the_same_path() {
        let mut h = History::default();
        h.push("one", config("a"), None); // a → b
        h.push("two", config("b"), None); // b → c
        let step = h.undo(&config("c")).unwrap();
        assert_eq!((step.label.as_str(), step.config.target.as_str()), ("two", "b"));
        assert_eq!((h.undo_label(), h.redo_label()), (Some("one"), Some("two")));
        let step = h.redo(&step.config).unwrap();
        assert_eq!((step.config.target.as_str(), h.depth()), ("c", 2));
    }

    #[test]
    fn a_gesture_is_one_step_until_it_is_sealed() {
        let mut h = History::default();
        let key = || Some("drag".to_owned());
        h.push("drag", config("a"), key());
        h.push("drag", config("b"), key());
        assert_eq!(h.depth(), 1);
        h.seal();
        h.push("drag", config("c"), key());
        assert_eq!(h.depth(), 2);
        assert_eq!(h.undo(&config("d")).unwrap().config.target, "c");
        assert_eq!(h.undo(&config("c")).unwrap().config.target, "a", "the first before of the gesture");
    }

    #[test]
    fn a_new_edit_forgets_the_redo_and_old_steps_fall_off() {
        let mut h = History::default();
        h.push("one", config("a"), None);
        h.undo(&config("b"));
        h.push("other", config("a"), None);
        assert_eq!(h.redo_label(), None);
        for i in 0..2 * CAPACITY {
            h.push(format!("{i}"), config("x"), None);
        }
        assert_eq!(h.depth(), CAPACITY);
    }
}
