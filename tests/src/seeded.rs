//! Numbers that look random and are the same in every run: `SplitMix64`, whose whole state is its seed.

/// A sequence of numbers that its seed determines.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // The high bits; the remainder's bias is nothing that a test could notice.
        usize::try_from(self.bits() >> 33).unwrap_or(0) % end.max(1)
    }

    /// Whether something that happens `of` times in `from` happens now.
    pub fn chance(&mut self, of: usize, from: usize) -> bool {
        self.below(from) < of
    }

    /// One of `choices`.
    pub fn one<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A number in −1..1.
    pub fn unit(&mut self) -> f32 {
        // 24 bits: every one is exact in float32.
        let bits = u32::try_from(self.bits() >> 40).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "24 bits are exact in float32")]
        let share = bits as f32 / 8_388_608.0;
        share - 1.0
    }

    /// `count` numbers in −`size`..`size`.
    pub fn units(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| self.unit() * size).collect()
    }
}
