//! How to reach a server: which root certificates to trust, and through which proxy.

use std::path::PathBuf;

use crate::sourced::Sourced;
use crate::sys::digest;
use crate::sys::env::{self, ProxySetting};

#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// PEM file of the only roots to trust.
    pub ca_file: Option<Sourced<PathBuf>>,
    /// The variable that names the roots (`SSL_CERT_FILE`, `SSL_CERT_DIR`), if one is set. Then only those roots are
    /// trusted, without the embedded ones as fallback.
    pub roots_variable: Option<&'static str>,
    /// The proxy for `https` URLs.
    pub proxy: Option<ProxySetting>,
}

impl Transport {
    /// A digest to compare with another caller's: a failure with one transport says nothing about another.
    pub fn digest(&self) -> String {
        let text = |path: Option<PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
        let roots = self.roots_variable.and_then(env::path).map(|path| path.value);
        let (ca_file, roots) = (text(self.ca_file.clone().map(|file| file.value)), text(roots));
        // Without the password of the proxy, because the digest is stored in the cache.
        let proxy = self.proxy.as_ref().map_or("", |proxy| proxy.url.expose());
        let proxy = proxy.rsplit('@').next().unwrap_or_default();
        digest::name(b"transport", [ca_file.as_bytes(), roots.as_bytes(), proxy.as_bytes()])
    }
}
