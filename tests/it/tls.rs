//! TLS with real certificates: which servers are trusted, the error for all others, and that they get no request.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use crate::mount_namespace::run_with_mounts;
use crate::sandbox::{Outcome, Sandbox};
use crate::system_errors;
use stand_in::tls::{Ca, Identity};
use stand_in::{Reply, StandIn};

const HERE: &[&str] = &["127.0.0.1"];

/// A sandbox, and the file with the root certificate.
fn sandbox(stand_in: &StandIn, ca: &Ca) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::of(stand_in);
    let path = sandbox.path().join("ca.pem");
    ca.write_pem(&path).unwrap();
    (sandbox, path)
}

/// Writes a profile with this `ca_file`.
fn name_ca_file(sandbox: &Sandbox, path: &str) {
    sandbox.config(&format!("[profiles.default]\nca_file = {path:?}\n"));
}

#[track_caller]
fn assert_refused(outcome: &Outcome, stand_in: &StandIn, status: i32, why: &str, hint: &str) {
    let line = format!("{}: TLS certificate not trusted: {why}", stand_in.url());
    outcome.fails(status, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    assert_eq!((stand_in.requests().len(), stand_in.connections()), (0, 1), "nothing is sent, and there is no retry");
}

#[track_caller]
fn assert_untrusted(outcome: &Outcome, stand_in: &StandIn) {
    assert_refused(
        outcome,
        stand_in,
        3,
        "the certificate is self-signed, or its issuer is not trusted on this machine",
        "for a private certificate authority, set `ca_file` in the profile or SSL_CERT_FILE to its certificate",
    );
}

#[track_caller]
fn assert_granted(outcome: &Outcome, stand_in: &StandIn) {
    outcome.prints(&format!("{}\n", stand_in.issued().last().expect("a token was issued")));
}

#[test]
fn a_private_root_is_trusted_however_it_is_configured() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(HERE));
    for way in ["ca_file", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let (mut sandbox, path) = sandbox(&stand_in, &ca);
        match way {
            "ca_file" => name_ca_file(&sandbox, path.to_str().unwrap()),
            "SSL_CERT_FILE" => _ = sandbox.set(way, path),
            _ => {
                // Only file names like those of `openssl rehash` are read.
                let dir = sandbox.path().join("roots");
                fs::create_dir(&dir).unwrap();
                fs::rename(path, dir.join("0a1b2c3d.0")).unwrap();
                sandbox.set(way, dir);
            }
        }

        assert_granted(&sandbox.run([]), &stand_in);
    }
    assert_eq!(stand_in.grants().len(), 3);
}

#[test]
fn ca_file_replaces_all_other_roots() {
    let (ca, other) = (Ca::new(), Ca::new());
    let stand_in = StandIn::start_tls(&ca.identity_for(HERE));
    let (mut sandbox, path) = sandbox(&stand_in, &ca);
    sandbox.set("SSL_CERT_FILE", path);
    let other_path = sandbox.path().join("other.pem");
    other.write_pem(&other_path).unwrap();
    name_ca_file(&sandbox, other_path.to_str().unwrap());

    assert_untrusted(&sandbox.run([]), &stand_in);
}

#[test]
fn untrusted_certificates_are_refused() {
    let identities = [Identity::self_signed(HERE), Ca::new().identity_for(HERE)];
    for identity in identities {
        let stand_in = StandIn::start_tls(&identity);
        let (mut sandbox, path) = sandbox(&stand_in, &Ca::new());
        sandbox.set("SSL_CERT_FILE", path);

        assert_untrusted(&sandbox.run([]), &stand_in);
    }
}

#[test]
fn an_expired_certificate_is_refused() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.expired(HERE));
    let (mut sandbox, path) = sandbox(&stand_in, &ca);
    sandbox.set("SSL_CERT_FILE", path);

    let hint = "check this machine's clock, and whether this network requires a login in a browser; else the server \
                must renew it";
    assert_refused(&sandbox.run([]), &stand_in, 5, "the certificate has expired", hint);
}

#[test]
fn a_certificate_of_another_host_is_refused() {
    for hosts in [&["oauth.spotinst.io"][..], &["127.0.0.2"], &["localhost"]] {
        let ca = Ca::new();
        let stand_in = StandIn::start_tls(&ca.identity_for(hosts));
        let (mut sandbox, path) = sandbox(&stand_in, &ca);
        sandbox.set("SSL_CERT_FILE", path);

        let hint = "check the host in the URL, and whether this network requires a login in a browser";
        assert_refused(&sandbox.run([]), &stand_in, 5, "the certificate is for another host", hint);
    }
}

#[test]
fn a_server_without_tls_is_refused() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let url = stand_in.url().replace("http:", "https:");
    sandbox.set("SPOTINST_TOKEN_URL", &url);

    let outcome = sandbox.run([]);

    let line = format!("{url}: TLS handshake failed: received corrupt message of type InvalidContentType");
    let hint = "check the URL and the proxy: no TLS connection was made, and nothing was sent";
    outcome.fails(5, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    assert_eq!(stand_in.requests().len(), 0);
}

#[test]
fn a_ca_file_without_a_root_is_a_configuration_error() {
    let stand_in = StandIn::start_tls(&Ca::new().identity_for(HERE));
    let sandbox = Sandbox::of(&stand_in);
    let garbage = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    sandbox.write("empty.pem", "");
    sandbox.write("text.pem", "not a certificate\n");
    sandbox.write("garbage.pem", garbage);
    let missing = format!("cannot be read: {}", system_errors::no_such_file());
    let rows = [
        ("missing.pem", missing.as_str()),
        ("empty.pem", "has no certificate"),
        ("text.pem", "has no certificate"),
        ("garbage.pem", "is not valid PEM"),
        (".", "is not a regular file"),
    ];
    for (name, what) in rows {
        let path = sandbox.home().join(name);
        name_ca_file(&sandbox, path.to_str().unwrap());
        let line = format!("ca_file {} (from {}:2) {what}", path.display(), sandbox.config_path().display());
        let hint = "it must be a PEM file with the root certificates to trust";
        sandbox.run([]).fails(3, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_variable_that_names_no_root_is_a_configuration_error() {
    let stand_in = StandIn::start_tls(&Ca::new().identity_for(HERE));
    let mut sandbox = Sandbox::of(&stand_in);
    let text = sandbox.write("text.pem", "not a certificate\n");
    let missing = sandbox.home().join("missing.pem");
    let empty = sandbox.home().join("empty");
    fs::create_dir(&empty).unwrap();
    for (variable, path) in
        [("SSL_CERT_FILE", &text), ("SSL_CERT_FILE", &missing), ("SSL_CERT_DIR", &empty), ("SSL_CERT_DIR", &missing)]
    {
        sandbox.set(variable, path);
        let line = match (variable, path.exists()) {
            ("SSL_CERT_FILE", false) => {
                let why = system_errors::no_such_file();
                format!("{} (from SSL_CERT_FILE) cannot be read: {why}", path.display())
            }
            _ => format!("found no certificates in {variable}"),
        };
        let hint = format!("correct {variable}, or unset it to trust the system's roots");
        sandbox.run([]).fails(3, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
        sandbox.unset(variable);
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn http_to_another_machine_is_refused_before_anything_is_sent() {
    // The kernel routes this address to the stand-in, so it would get a request.
    let stand_in = StandIn::start_on(TcpListener::bind("0.0.0.0:0").unwrap(), None);
    let problem = "is not https: http is only allowed to loopback addresses, as it sends secrets unencrypted";
    let hint = |host| format!("hint: it looks like https://{host}/token");
    for host in ["0.0.0.0", "localhost.example", "127.0.0.1.example", "[::ffff:127.0.0.1]"] {
        let mut sandbox = Sandbox::of(&stand_in);
        let foreign = stand_in.base_at(host) + "/token";
        sandbox.set("SPOTINST_TOKEN_URL", &foreign);
        let line = format!("the token URL from SPOTINST_TOKEN_URL {problem}");
        sandbox.run([]).fails(3, &format!("spotinst-cred: {line}\n{}\n", hint("oauth.spotinst.io")));

        sandbox.set("SPOTINST_TOKEN_URL", stand_in.base_at("127.0.0.1") + "/token");
        sandbox.set("SPOTINST_REFRESH_URL", &foreign);
        let line = format!("the refresh URL from SPOTINST_REFRESH_URL {problem}");
        sandbox.run([]).fails(3, &format!("spotinst-cred: {line}\n{}\n", hint("api.spotinst.io")));
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_redirect_from_https_is_not_followed() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(HERE));
    let elsewhere = StandIn::start_tls(&ca.identity_for(HERE));
    let (mut sandbox, path) = sandbox(&stand_in, &ca);
    sandbox.set("SSL_CERT_FILE", path);
    stand_in.always(Reply::redirect(308, &elsewhere.url()));

    assert_eq!(sandbox.run([]).status, Some(3));

    assert_eq!((stand_in.connections(), elsewhere.connections()), (1, 0));
}

#[test]
fn the_roots_of_the_system_are_trusted() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(HERE));
    let (sandbox, path) = sandbox(&stand_in, &ca);
    let roots = "/etc/ssl/certs/ca-certificates.crt";
    let mounts = format!("mount -t tmpfs none /etc/ssl && mkdir /etc/ssl/certs && cp {} {roots}", path.display());

    if let Some(outcome) = run_with_mounts(&sandbox, &mounts) {
        assert_granted(&outcome, &stand_in);
    }
}

#[test]
fn a_system_without_roots_trusts_the_embedded_ones() {
    let stand_in = StandIn::start_tls(&Ca::new().identity_for(HERE));
    let sandbox = Sandbox::of(&stand_in);

    // The embedded roots did not sign the stand-in's certificate. Without any roots, the error would be a different
    // one.
    if let Some(outcome) = run_with_mounts(&sandbox, "mount -t tmpfs none /etc/ssl") {
        assert_untrusted(&outcome, &stand_in);
    }
}

#[test]
fn a_missing_certificate_file_is_reported_even_if_the_certificate_directory_exists() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(HERE));
    let (mut sandbox, path) = sandbox(&stand_in, &ca);
    let dir = sandbox.path().join("certs");
    fs::create_dir(&dir).unwrap();
    fs::copy(path, dir.join("5ed36f99.0")).unwrap();
    sandbox.set("SSL_CERT_DIR", &dir).set("SSL_CERT_FILE", "/nowhere/roots.pem");

    let outcome = sandbox.run([]);

    assert_eq!(outcome.status, Some(3));
    assert!(outcome.stderr.starts_with("spotinst-cred: /nowhere/roots.pem (from SSL_CERT_FILE)"), "{}", outcome.stderr);
    sandbox.unset("SSL_CERT_FILE");
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn http_to_localhost_requires_that_it_resolves_to_a_loopback_address() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let url = format!("{}/token", stand_in.base_at("localhost"));
    sandbox.set("SPOTINST_TOKEN_URL", &url);
    let hosts = sandbox.write("hosts", "192.0.2.1 localhost\n");
    let mounts = format!("mount --bind {} /etc/hosts", hosts.display());

    let Some(outcome) = run_with_mounts(&sandbox, &mounts) else { return };

    let line = format!("{url}: localhost resolves to 192.0.2.1, and plain http is allowed for this machine only");
    outcome.fails(5, &format!("spotinst-cred: {line}\nhint: use https, or name 127.0.0.1 or [::1]\n"));
    assert_eq!(stand_in.connections(), 0);
}
