//! A throw-away certificate authority, and TLS with the certificates that it signs.

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

/// What comes out of a certificate's making fails only for names that are no names: the test's mistake.
const MADE: &str = "names and keys that a certificate can hold";

/// A root that only the test trusts. Its key never leaves memory.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    /// A new root; no two are alike.
    pub fn new() -> Self {
        let mut params = params_for(&[], "stand-in root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect(MADE);
        Self { issuer }
    }

    /// The root's certificate, for a client to trust.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes [`Ca::pem`] to a file.
    ///
    /// # Errors
    /// Those of writing the file.
    pub fn write_pem(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.pem())
    }

    /// A server's identity for these host names and addresses; with another host's names, a wrong one.
    pub fn identity_for(&self, hosts: &[&str]) -> Identity {
        self.sign(&server_params(hosts))
    }

    /// The same, but its time was over in 2020.
    pub fn expired(&self, hosts: &[&str]) -> Identity {
        let mut params = server_params(hosts);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect(MADE);
        Identity::new(certificate.der().clone(), &key)
    }
}

impl Default for Ca {
    fn default() -> Self {
        Self::new()
    }
}

/// What a server shows and proves itself with: a certificate and its key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
}

impl Identity {
    /// A certificate for these hosts that nobody vouches for.
    pub fn self_signed(hosts: &[&str]) -> Self {
        let key = new_key();
        let certificate = server_params(hosts).self_signed(&key).expect(MADE);
        Self::new(certificate.der().clone(), &key)
    }

    /// Names the provider instead of the process's default, which is not the stand-in's to choose.
    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS needs")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())
            .expect("the key fits its certificate");
        Self { config: Arc::new(config) }
    }

    /// Lets `talk` speak over TLS on this connection, then ends the session properly, so that a missing answer
    /// is the fault under test and not a truncated session.
    ///
    /// # Errors
    /// Those of the handshake, which happens at the first byte, of `talk`, and of the connection.
    pub(super) fn over_tls<'a>(
        &self,
        stream: &'a TcpStream,
        talk: impl FnOnce(&mut StreamOwned<ServerConnection, &'a TcpStream>) -> io::Result<()>,
    ) -> io::Result<()> {
        let session = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        let mut secure = StreamOwned::new(session, stream);
        talk(&mut secure)?;
        secure.conn.send_close_notify();
        secure.flush()
    }
}

/// Without the key, which is not for logs even though it is worth nothing.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn params_for(hosts: &[&str], name: &str) -> CertificateParams {
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect(MADE);
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
    KeyPair::generate().expect("the system has random numbers")
}
