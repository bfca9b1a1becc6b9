//! Whom to trust, and how a refused certificate is told.

use std::fs;
use std::path::PathBuf;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::http::Route;
use crate::failure::Failure;
use crate::settings::origin::Given;

/// The roots to trust: the profile's, else the operating system's, else the embedded ones.
///
/// # Errors
/// None can be read from what a setting or variable names.
pub fn roots(route: &Route) -> Result<RootCerts, Failure> {
    if let Some(given) = &route.ca_file {
        return pem_file(given);
    }
    let found = rustls_native_certs::load_native_certs();
    if !found.certs.is_empty() {
        let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned());
        return Ok(certificates.collect::<Vec<_>>().into());
    }
    match route.roots_variable {
        None => Ok(RootCerts::WebPki),
        Some(variable) => Err(Failure::settings(format!("no certificate could be read from what {variable} names"))
            .hint(format!("correct {variable}, or unset it to trust the system's roots"))),
    }
}

/// The certificates of a PEM file.
fn pem_file(Given { value: path, origin }: &Given<PathBuf>) -> Result<RootCerts, Failure> {
    let problem = |what: &str| {
        Failure::settings(format!("ca_file {} (from {origin}) {what}", path.display()))
            .hint("it must be a PEM file of the roots to trust")
    };
    let pem = fs::read(path).map_err(|error| problem(&format!("cannot be read: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(problem("is not valid PEM")),
        }
    }
    if certificates.is_empty() {
        return Err(problem("holds no certificate"));
    }
    Ok(certificates.into())
}

/// Tells why a TLS connection was refused, what mends it, and that trying again does not. The library's own words hold
/// times and names that change with every call.
pub fn refusal(problem: &str) -> (String, String, bool) {
    const REASONS: [(&str, &str, &str); 4] = [
        (
            "UnknownIssuer",
            "the certificate is self-signed or of an authority that is not trusted here",
            "where a private authority signs, name its certificate by `ca_file` in the profile or by SSL_CERT_FILE",
        ),
        (
            "certificate expired",
            "the certificate has expired",
            "check this machine's clock; if it is right, the server's certificate must be renewed",
        ),
        (
            "certificate not valid yet",
            "the certificate is not valid yet",
            "check this machine's clock; if it is right, the server has its certificate too early",
        ),
        (
            "certificate not valid for name",
            "the certificate is for another host",
            "check the host's name in the URL: another server answers there",
        ),
    ];
    let known = REASONS.into_iter().find(|(sign, ..)| problem.contains(sign));
    let (reason, hint) = match known {
        Some((_, reason, hint)) => (reason, hint),
        None => (problem, "the TLS connection was refused; nothing was sent"),
    };
    (format!("no trust in the TLS connection: {reason}"), hint.to_owned(), false)
}
