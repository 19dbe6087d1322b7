//! The largest values of a stream, in bounded memory and whatever their order.

/// Keeps the `capacity` largest keys seen. Which of equal keys are kept makes no difference.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    capacity: usize,
    /// Keys up to this one are no longer among the largest.
    floor: f32,
    keys: Vec<f32>,
}

/// Values skipped together where none is above the floor.
const LANES: usize = 16;

impl Tail {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), floor: f32::NEG_INFINITY, keys: Vec::new() }
    }

    /// Adds `key(v)` of every value; a NaN is left out.
    #[inline]
    pub(super) fn observe(&mut self, values: &[f32], key: impl Fn(f32) -> f32) {
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            let mut above = 0_u32;
            for value in chunk {
                above += u32::from(key(*value) > self.floor);
            }
            if above > 0 {
                chunk.iter().for_each(|value| self.push(key(*value)));
                self.prune_when_long();
            }
        }
        rest.iter().for_each(|value| self.push(key(*value)));
        self.prune_when_long();
    }

    /// The kept keys, the largest first.
    pub(super) fn descending(&self) -> Vec<f32> {
        let mut keys = self.keys.clone();
        keys.sort_unstable_by(|a, b| b.total_cmp(a));
        keys.truncate(self.capacity);
        keys
    }

    fn push(&mut self, key: f32) {
        if key > self.floor {
            self.keys.push(key);
        }
    }

    /// Twice the capacity may gather before the smaller half goes, so that a value costs a constant on average.
    fn prune_when_long(&mut self) {
        if self.keys.len() >= 2 * self.capacity {
            let (_, floor, _) = self.keys.select_nth_unstable_by(self.capacity - 1, |a, b| b.total_cmp(a));
            self.floor = *floor;
            self.keys.truncate(self.capacity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_kept_in_any_order() {
        let values: Vec<f32> = (0..10_000).map(|i| ((i * 7919) % 10_007) as f32 - 5000.0).collect();
        let mut sorted = values.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        for capacity in [1, 7, 100, 20_000] {
            let mut whole = Tail::new(capacity);
            whole.observe(&values, |v| v);
            let mut parts = Tail::new(capacity);
            values.rchunks(333).for_each(|chunk| parts.observe(chunk, |v| v));
            assert_eq!(whole.descending(), sorted[..capacity.min(10_000)]);
            assert_eq!(parts.descending(), whole.descending());
            assert!(whole.keys.len() <= 2 * capacity + LANES);
        }
    }

    #[test]
    fn equal_keys_and_nans() {
        let mut tail = Tail::new(3);
        tail.observe(&[1.0, f32::NAN, -2.0, 2.0, 2.0, -2.0, f32::NAN, 1.0], f32::abs);
        tail.observe(&[2.0; 40], f32::abs);
        assert_eq!(tail.descending(), [2.0; 3]);
    }
}
