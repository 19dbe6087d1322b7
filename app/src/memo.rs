//! A value kept from frame to frame as long as what it was made from is the same.
//!
//! What is kept may hold texts, so the language in use is part of every key.
//!
//! Staleness is decided by comparing keys, not by flags that someone must remember to set. Reports are compared by
//! identity ([`Same`]): they are never changed once shared, and comparing their contents would cost what is to be saved.

use std::sync::Arc;

use quantlens_analysis::text::{Language, language};

/// A value and the key it was made for.
#[derive(Clone, Debug)]
pub struct Memo<K, V>(Option<(K, Language, V)>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, V> Memo<K, V> {
    /// The value for `key`: the kept one, or a new one from `make`.
    pub fn get(&mut self, key: K, make: impl FnOnce(&K) -> V) -> &V {
        let language = language();
        let kept = self.0.take().filter(|(old, spoken, _)| *old == key && *spoken == language);
        &self
            .0
            .insert(kept.unwrap_or_else(|| {
                let value = make(&key);
                (key, language, value)
            }))
            .2
    }
}

/// A shared value that equals only itself.
#[derive(Clone, Debug)]
pub struct Same<T>(pub Arc<T>);

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_for_each_key() {
        let mut memo = Memo::default();
        let mut made = 0;
        for key in [1, 1, 2, 2, 1] {
            let value = *memo.get(key, |key| {
                made += 1;
                key * 10
            });
            assert_eq!(value, key * 10);
        }
        assert_eq!(made, 3, "only the last key is remembered");
    }

    #[test]
    fn shared_values_are_the_same_only_as_themselves() {
        let a = Arc::new(5);
        assert_eq!(Same(Arc::clone(&a)), Same(Arc::clone(&a)));
        assert!(Same(a) != Same(Arc::new(5)));
    }
}
