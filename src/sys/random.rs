//! Random numbers and names, from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

/// Eight random bytes. Where the system has none, all zero: no spread, and a name that is still only created if it is
/// new.
fn bytes() -> [u8; 8] {
    let mut bytes = [0; 8];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        bytes = [0; 8];
    }
    bytes
}

/// A number from 0 to less than 1, to spread callers over time.
pub fn fraction() -> f64 {
    // 53 bits are what a double holds exactly.
    (u64::from_le_bytes(bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Length of a [`name`], in digits.
pub const NAME_LENGTH: usize = 16;

/// Sixteen hexadecimal digits, for a name that nobody else has.
pub fn name() -> String {
    format!("{:016x}", u64::from_le_bytes(bytes()))
}
