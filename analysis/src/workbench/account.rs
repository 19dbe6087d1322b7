//! Memory that cached tensors take, against what the user allows.
//!
//! A sample reserves room for both of its runs when its float tensors are kept, so that the quantized run of a sample that
//! was kept nearly always fits: quantized tensors rest as integers of at most half a float's bytes. Where many stay float,
//! as with quantized weights alone, more is asked for then. Samples run side by side: what is left is asked and taken by several threads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Reserved bytes.
#[derive(Debug, Default)]
pub(super) struct Account {
    budget_bytes: u64,
    used_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl Account {
    pub(super) fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, ..Self::default() }
    }

    /// What a sample's float tensors may take if both runs are to fit what is left.
    pub(super) fn room_bytes(&self) -> u64 {
        float_share(self.budget_bytes.saturating_sub(self.used_bytes()))
    }

    /// Takes `bytes` if they are left.
    pub(super) fn reserve(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.budget_bytes);
        let taken = self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if let Ok(before) = taken {
            self.peak_bytes.fetch_max(before + bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Gives `bytes` back that were reserved.
    pub(super) fn release(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Allows so many bytes from now on; what is reserved beyond them stays so.
    pub(super) fn set_budget(&mut self, bytes: u64) {
        self.budget_bytes = bytes;
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed)
    }
}

/// Bytes of both runs of a sample whose float tensors take so many.
pub(super) fn both_runs(float_bytes: u64) -> u64 {
    float_bytes.saturating_add(float_bytes / 2)
}

/// Bytes of float tensors whose both runs take so many.
pub(super) fn float_share(bytes: u64) -> u64 {
    bytes / 3 * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_budget_is_reserved() {
        let account = Account::new(100);
        assert_eq!((account.room_bytes(), both_runs(66)), (66, 99));
        assert!(account.reserve(60) && !account.reserve(41) && account.reserve(40));
        assert_eq!((account.room_bytes(), account.used_bytes()), (0, 100));
        account.release(60);
        assert_eq!((account.room_bytes(), account.used_bytes(), account.peak_bytes()), (40, 40, 100));
        assert!(!account.reserve(u64::MAX));
    }
}
