//! Whom to trust, and how a refused certificate is told.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::http::Route;
use super::system_roots;
use crate::failure::Failure;
use crate::settings::env;
use crate::settings::origin::Given;

/// No file of roots is longer, in bytes: those of a whole operating system are a fifth of it.
const LARGEST: u64 = 1024 * 1024;

/// The roots to trust: the profile's, else the operating system's, else the embedded ones.
///
/// # Errors
/// None can be read from what a setting or variable names.
pub fn roots(route: &Route) -> Result<RootCerts, Failure> {
    if let Some(given) = &route.ca_file {
        return pem_file(given);
    }
    check_variable()?;
    let found = system_roots::load(route.roots_variable);
    let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    found_or_embedded(certificates, route.roots_variable)
}

/// A pipe has no roots to offer, and who waits for one holds up all others.
fn check_variable() -> Result<(), Failure> {
    let Some(Given { value: path, origin }) = env::path(env::SSL_CERT_FILE) else {
        return Ok(());
    };
    match fs::metadata(&path) {
        Ok(about) if !about.is_file() => {
            Err(Failure::settings(format!("{} (from {origin}) is no regular file", path.display()))
                .hint(format!("correct {origin}, or unset it to trust the system's roots")))
        }
        // The reader knows what else is wrong.
        _ => Ok(()),
    }
}

/// The roots that the operating system, or a variable, was found to name.
fn found_or_embedded(found: Vec<Certificate<'static>>, variable: Option<&str>) -> Result<RootCerts, Failure> {
    match variable {
        _ if !found.is_empty() => Ok(found.into()),
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
    let mut pem = Vec::new();
    let unreadable = |error| problem(&format!("cannot be read: {error}"));
    // A pipe would hold up all others, already by being opened.
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(problem("is no regular file"));
    }
    file.take(LARGEST).read_to_end(&mut pem).map_err(unreadable)?;
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
    const STRANGER: &str = "the certificate is self-signed or of an authority that is not trusted here";
    const ADMIT: &str =
        "where a private authority signs, name its certificate by `ca_file` in the profile or by SSL_CERT_FILE";
    const REASONS: [(&str, &str, &str); 5] = [
        ("UnknownIssuer", STRANGER, ADMIT),
        // Of an authority that bears a trusted one's name and has another key: a private root that was renewed.
        ("certificate: BadSignature", STRANGER, ADMIT),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_stand_in_where_the_system_has_none() {
        assert!(matches!(found_or_embedded(Vec::new(), None), Ok(RootCerts::WebPki)));
    }

    #[test]
    fn the_embedded_roots_stand_in_for_nothing_else() {
        let found = vec![Certificate::from_der(b"of the system").to_owned()];
        assert!(matches!(found_or_embedded(found, None), Ok(RootCerts::Specific(_))));
        assert!(found_or_embedded(Vec::new(), Some("SSL_CERT_DIR")).is_err());
    }
}
