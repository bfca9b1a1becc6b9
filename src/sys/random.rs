//! Random numbers and names, from the operating system.

use ring::rand::{SecureRandom, SystemRandom};

/// Eight random bytes; all zero if the system provides none. Then callers are not spread, and names may collide, but a
/// file is only created if its name is unused.
fn bytes() -> [u8; 8] {
    let mut bytes = [0; 8];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        bytes = [0; 8];
    }
    bytes
}

/// A number from 0 (inclusive) to 1 (exclusive), to spread callers over time.
pub fn fraction() -> f64 {
    // A double has 53 significant bits.
    (u64::from_le_bytes(bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Length of a [`name`], in digits.
pub const NAME_LENGTH: usize = 16;

/// A unique name of sixteen hexadecimal digits.
pub fn name() -> String {
    format!("{:016x}", u64::from_le_bytes(bytes()))
}
