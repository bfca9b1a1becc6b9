//! Chance, from the operating system: to spread callers over time, and for names nobody else has.

use ring::rand::{SecureRandom, SystemRandom};

/// Eight random bytes. Where the system has none to give, all zero: a spread of nothing, and a name that is
/// still created only if it is new.
fn bytes() -> [u8; 8] {
    let mut bytes = [0; 8];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        bytes = [0; 8];
    }
    bytes
}

/// A number from 0 to less than 1.
pub fn fraction() -> f64 {
    // 53 bits are what a double holds exactly.
    (u64::from_le_bytes(bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Length of a [`name`], in digits.
pub const NAME_LENGTH: usize = 16;

/// Sixteen hexadecimal digits.
pub fn name() -> String {
    format!("{:016x}", u64::from_le_bytes(bytes()))
}
