//! How to reach a server: which root certificates to trust, and through which proxy.

use std::path::PathBuf;

use crate::sourced::Sourced;
use crate::sys::env::ProxySetting;

#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// PEM file of the only roots to trust.
    pub ca_file: Option<Sourced<PathBuf>>,
    /// The variable that names the roots (`SSL_CERT_FILE`, `SSL_CERT_DIR`), if one does. Then the embedded ones are no
    /// fallback: the user wants those roots and no others.
    pub roots_variable: Option<&'static str>,
    /// The proxy for `https` URLs.
    pub proxy: Option<ProxySetting>,
}
