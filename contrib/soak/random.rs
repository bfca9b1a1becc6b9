//! Random choices that repeat with the seed: SplitMix64.

use std::time::Duration;

pub struct Random(u64);

impl Random {
    /// Each part of the soak has its own stream, so that its choices do not depend on the speed of other parts.
    pub fn new(seed: u64, part: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ part.rotate_left(32));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `n`, which is not zero.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of the values, with a probability by its weight.
    pub fn weighted<T: Copy>(&mut self, values: &[(u64, T)]) -> T {
        let mut at = self.below(values.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in values {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *value,
            }
        }
        values[0].1
    }

    /// Up to `longest`; half of them are shorter than a hundredth of it.
    pub fn pause(&mut self, longest: Duration) -> Duration {
        let fraction = self.below(1 << 20) as f64 / f64::from(1 << 20);
        longest.mul_f64(10_f64.powf(-4.0 * fraction))
    }
}
