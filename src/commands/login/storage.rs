//! Where a secret is kept that a person typed.

use crate::config::edit::Change;
use crate::settings::Setting;
use crate::sys::secret::Secret;

/// The place, as the question for the secret names it.
pub const PLACE: &str = "kept in that file, which only you can read";

/// Keeps the secret in the profile.
pub fn keep(setting: &Setting, secret: &Secret) -> Change {
    Change::new(setting.key(), secret.expose())
}
