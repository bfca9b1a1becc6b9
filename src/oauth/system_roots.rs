//! The roots that the operating system trusts. Reading them is the most that a cold call does on its own.

use std::sync::OnceLock;

use rustls_native_certs::CertificateResult;

/// Read once, when the first connection is due: a call may need a second one, to another endpoint.
static ROOTS: OnceLock<CertificateResult> = OnceLock::new();

/// The roots that `SSL_CERT_FILE` or `SSL_CERT_DIR` names, if `variable` says that one does; else the system's.
pub fn load(variable: Option<&str>) -> &'static CertificateResult {
    ROOTS.get_or_init(|| {
        let bundle = if variable.is_none() { bundle() } else { None };
        bundle.unwrap_or_else(rustls_native_certs::load_native_certs)
    })
}

/// The file that holds all roots, where the system has one. The directory that stands beside it on Linux holds the
/// same ones again, each in a file of its own and under a second name: four times the system calls, and twice the
/// work.
fn bundle() -> Option<CertificateResult> {
    let file = cfg!(target_os = "linux").then(openssl_probe::probe)?.cert_file?;
    let found = rustls_native_certs::load_certs_from_paths(Some(&file), None);
    (!found.certs.is_empty()).then_some(found)
}
