//! Names derived from a hash.

use ring::digest::{Context, SHA256};

use crate::text::hex;

/// Hexadecimal digits of a [`name`]: 128 bits of the hash.
pub const NAME_LENGTH: usize = 32;

/// A name that is unique to this list of parts. `domain` separates the names of different kinds of things.
pub fn name<'a>(domain: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(domain);
    for part in parts {
        // Each part is prefixed with its length, so that two different lists never produce the same bytes.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(hash.finish().as_ref().split_at(NAME_LENGTH / 2).0)
}
