//! Inputs that stand for several values.

/// The parts of an input: a NUL is between each two.
pub fn parts<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let text = str::from_utf8(data).ok()?;
    text.split('\0').collect::<Vec<_>>().try_into().ok()
}
