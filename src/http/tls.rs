//! The trusted root certificates, and the errors for rejected certificates.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use rustls_native_certs::CertificateResult;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::error::{Error, ErrorKind, Result};
use crate::settings;
use crate::sourced::Sourced;
use crate::sys::{bounded_read, env, os, timeout};
use crate::transport::Transport;

/// The maximum size of a root certificates file, in bytes. An operating system's is about a quarter of a MiB.
const MAX_PEM: u64 = 16 * 1024 * 1024;

/// Read once and reused, because a call may also connect to a second endpoint, and reading the root certificates is the
/// slowest local part of a refresh.
static SYSTEM_ROOTS: OnceLock<CertificateResult> = OnceLock::new();

/// The trusted root certificates, and the errors for rejected certificates.
pub fn roots(transport: &Transport, deadline: Instant) -> Result<RootCerts> {
    if let Some(ca_file) = &transport.ca_file {
        return pem_file(ca_file);
    }
    check_roots_file()?;
    let variable = transport.roots_variable;
    let load = move || SYSTEM_ROOTS.get_or_init(|| load_system_roots(variable));
    let found = match variable {
        None => load(),
        // The variable may name a huge directory, or one on a file system that does not respond.
        Some(name) => timeout::run_with_deadline(deadline, load).map_err(|error| {
            Error::config(format!("cannot read the certificates in {name}: {error}"))
                .hint(format!("correct {name}, or unset it to trust the system's roots"))
        })?,
    };
    let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    found_or_embedded(certificates, variable)
}

fn load_system_roots(variable: Option<&str>) -> CertificateResult {
    let bundle = if variable.is_none() { system_bundle() } else { None };
    bundle.unwrap_or_else(rustls_native_certs::load_native_certs)
}

/// The system's file of all root certificates, if there is one. On Linux the directory next to it has the same
/// certificates in single files under two names, which takes four times the system calls and twice the time.
fn system_bundle() -> Option<CertificateResult> {
    let file = os::HAS_ROOTS_BUNDLE.then(openssl_probe::probe)?.cert_file?;
    let found = rustls_native_certs::load_certs_from_paths(Some(&file), None);
    (!found.certs.is_empty()).then_some(found)
}

/// Refuses the file in `SSL_CERT_FILE` if it is missing, not a regular file, or too large: the library that reads it
/// has no size limit, blocks on a pipe, and ignores a missing file.
fn check_roots_file() -> Result<()> {
    let Some(Sourced { value: path, source }) = env::path(env::SSL_CERT_FILE) else {
        return Ok(());
    };
    let problem = match fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => "is not a regular file".to_owned(),
        Ok(metadata) if metadata.len() > MAX_PEM => "is longer than 16 MiB".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) => format!("cannot be read: {error}"),
    };
    Err(Error::config(format!("{} (from {source}) {problem}", path.display()))
        .hint(format!("correct {source}, or unset it to trust the system's roots")))
}

fn found_or_embedded(found: Vec<Certificate<'static>>, variable: Option<&str>) -> Result<RootCerts> {
    match variable {
        _ if !found.is_empty() => Ok(found.into()),
        None => Ok(RootCerts::WebPki),
        Some(variable) => Err(Error::config(format!("found no certificates in {variable}"))
            .hint(format!("correct {variable}, or unset it to trust the system's roots"))),
    }
}

fn pem_file(Sourced { value: path, source }: &Sourced<PathBuf>) -> Result<RootCerts> {
    let problem = |what: &str| {
        Error::config(format!("{} {} (from {source}) {what}", settings::CA_FILE.key(), path.display()))
            .hint("it must be a PEM file with the root certificates to trust")
    };
    let pem = bounded_read::regular_file(path, MAX_PEM).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => problem("is not a regular file"),
        _ => problem(&format!("cannot be read: {error}")),
    })?;
    let items: Vec<_> =
        parse_pem(&pem).collect::<std::result::Result<_, _>>().map_err(|_| problem("is not valid PEM"))?;
    let certificate = |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None };
    let certificates: Vec<_> = items.into_iter().filter_map(certificate).collect();
    if certificates.is_empty() {
        return Err(problem("has no certificate"));
    }
    Ok(certificates.into())
}

/// Converts a TLS handshake error. The library's text is only used for unknown errors, because it contains times and
/// names that change with every call.
pub fn handshake_error(text: &str) -> Error {
    const CLOCK_OR_PORTAL: &str = "check this machine's clock, and whether this network requires a login in a browser";
    const UNTRUSTED: &str = "the certificate is self-signed, or its issuer is not trusted on this machine";
    let has = |sign: &str| text.contains(sign);
    // `BadSignature` means an issuer with the name of a trusted one and another key, such as a renewed private root.
    let (kind, reason, hint) = if has("UnknownIssuer") || has("certificate: BadSignature") {
        let (key, variable) = (settings::CA_FILE.key(), env::SSL_CERT_FILE);
        let setting = format!("set `{key}` in the profile or {variable} to its certificate");
        (ErrorKind::WrongServer, UNTRUSTED, format!("for a private certificate authority, {setting}"))
    } else if has("certificate expired") {
        (
            ErrorKind::Temporary,
            "the certificate has expired",
            format!("{CLOCK_OR_PORTAL}; else the server must renew it"),
        )
    } else if has("certificate not valid yet") {
        (ErrorKind::Temporary, "the certificate is not valid yet", format!("{CLOCK_OR_PORTAL}; else try again later"))
    } else if has("certificate not valid for name") {
        let hint = "check the host in the URL, and whether this network requires a login in a browser";
        (ErrorKind::Temporary, "the certificate is for another host", hint.to_owned())
    } else {
        let hint = "check the URL and the proxy: no TLS connection was made, and nothing was sent";
        return Error::temporary(format!("TLS handshake failed: {text}")).hint(hint);
    };
    Error::new(kind, format!("TLS certificate not trusted: {reason}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_are_used_if_the_system_has_none() {
        assert!(matches!(found_or_embedded(Vec::new(), None), Ok(RootCerts::WebPki)));
    }

    #[test]
    fn the_embedded_roots_are_not_used_otherwise() {
        let found = vec![Certificate::from_der(b"of the system").to_owned()];
        assert!(matches!(found_or_embedded(found, None), Ok(RootCerts::Specific(_))));
        assert!(found_or_embedded(Vec::new(), Some("SSL_CERT_DIR")).is_err());
    }
}
