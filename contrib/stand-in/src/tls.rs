//! A temporary certificate authority, and TLS with the certificates that it signs.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Making a certificate only fails for an invalid host name, which is a bug in the test.
const VALID_NAMES: &str = "the host names are valid";

/// A root certificate that only the test trusts. Its key never leaves memory.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    /// A new root, different from every other.
    #[must_use]
    pub fn new() -> Self {
        let mut params = params_for(&[], "stand-in root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect(VALID_NAMES);
        Self { issuer }
    }

    /// The root certificate, for a client to trust.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes [`Ca::pem`] to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_pem(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.pem())
    }

    /// A server's identity for these host names and addresses.
    #[must_use]
    pub fn identity_for(&self, hosts: &[&str]) -> Identity {
        self.sign(&server_params(hosts))
    }

    /// An identity that expired in 2020.
    #[must_use]
    pub fn expired(&self, hosts: &[&str]) -> Identity {
        let mut params = server_params(hosts);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect(VALID_NAMES);
        Identity::new(certificate.der().clone(), &key)
    }
}

impl Default for Ca {
    fn default() -> Self {
        Self::new()
    }
}

/// A server's certificate with its key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
}

impl Identity {
    /// A self-signed certificate for these hosts.
    #[must_use]
    pub fn self_signed(hosts: &[&str]) -> Self {
        let key = new_key();
        let certificate = server_params(hosts).self_signed(&key).expect(VALID_NAMES);
        Self::new(certificate.der().clone(), &key)
    }

    /// Names the crypto provider, so that the process-wide default stays the test's to choose.
    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default TLS versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())
            .expect("the key belongs to the certificate");
        Self { config: Arc::new(config) }
    }

    /// Runs `exchange` over TLS on this connection, then closes the session properly: a reply that a client misses is
    /// the fault under test, not a truncated session. The handshake happens at the first byte.
    pub(crate) fn over_tls<'a>(
        &self,
        stream: &'a TcpStream,
        exchange: impl FnOnce(&mut StreamOwned<ServerConnection, &'a TcpStream>) -> io::Result<()>,
    ) -> io::Result<()> {
        let session = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        let mut secure = StreamOwned::new(session, stream);
        exchange(&mut secure)?;
        secure.conn.send_close_notify();
        secure.flush()
    }
}

/// Without the key: no key belongs in a log, even a worthless one.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn params_for(hosts: &[&str], name: &str) -> CertificateParams {
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect(VALID_NAMES);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn server_params(hosts: &[&str]) -> CertificateParams {
    let mut params = params_for(hosts, "stand-in");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has a random number generator")
}
