//! The HTTP exchange: one POST of a form, its answer's status, headers and body. The only module that knows `ureq`'s
//! agent, and so the only one that decides about time limits, redirects, proxies and trust.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};
use zeroize::Zeroizing;

use crate::endpoint::Endpoint;
use crate::failure::{Failure, one_line};
use crate::secret::Secret;

/// No answer of a token endpoint is longer, in bytes.
const LARGEST_BODY: u64 = 64 * 1024;

/// How to reach the endpoints: whom to trust, and through which proxy.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// PEM file of the only roots to trust, from the profile's `ca_file`.
    pub ca_file: Option<PathBuf>,
    /// The variable that names the roots (`SSL_CERT_FILE`, `SSL_CERT_DIR`), if one does. Then there is no falling
    /// back to the embedded ones: whoever set it wants those roots and no others.
    pub roots_variable: Option<&'static str>,
    /// The proxy for `https` URLs.
    pub proxy: Option<ProxySetting>,
}

/// A proxy as the environment names it.
#[derive(Clone, Debug)]
pub struct ProxySetting {
    /// The variable, for messages. The URL may hold a password and is never shown.
    pub variable: &'static str,
    /// Its value.
    pub url: zeroize::Zeroizing<String>,
    /// The entries of `NO_PROXY`.
    pub no_proxy: Vec<String>,
}

/// What came back.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `X-RateLimit-Reset` or `Retry-After`, in seconds.
    pub reset: Option<Duration>,
    /// `x-request-id`, should the body name none.
    pub request_id: Option<String>,
    /// The `Location` of a redirect. It is only told, never followed.
    pub location: Option<String>,
    /// The body, or what kept it from being read to its end.
    pub body: Result<Zeroizing<Vec<u8>>, Failure>,
}

/// Why nothing came back.
pub struct NoReply {
    /// What to tell.
    pub failure: Failure,
    /// Whether trying again at once may help.
    pub is_passing: bool,
}

/// An agent for one process, made when the first request is due: loading the system's roots takes a while.
pub struct Client {
    agent: Agent,
    proxy_variable: Option<&'static str>,
}

impl Client {
    /// Prepares for requests to the endpoint.
    ///
    /// # Errors
    /// No roots to trust can be read, or the proxy's URL is unusable.
    pub fn new(route: &Route, endpoint: &Endpoint) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("spotinst-cred/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .proxy(None);
        let mut proxy_variable = None;
        if endpoint.is_tls() {
            config = config.tls_config(TlsConfig::builder().root_certs(roots(route)?).build());
            // Plain http stays on this machine; a proxy would carry the secrets off it.
            if let Some(setting) = &route.proxy {
                config = config.proxy(Some(proxy(setting)?));
                proxy_variable = Some(setting.variable);
            }
        }
        Ok(Self { agent: config.build().new_agent(), proxy_variable })
    }

    /// Posts the form and reads the answer, all before `deadline`.
    ///
    /// # Errors
    /// No status line came back.
    pub fn post(&self, endpoint: &Endpoint, form: &[(&str, &str)], deadline: Instant) -> Result<Reply, NoReply> {
        let left = deadline.saturating_duration_since(Instant::now());
        let request = self.agent.post(endpoint.as_str()).config().timeout_global(Some(left)).build();
        let response = request.send_form(form.iter().copied()).map_err(|error| self.no_reply(endpoint, &error))?;
        Ok(self.reply(endpoint, response))
    }

    /// Asks with a bearer token and reads the answer, all before `deadline`.
    ///
    /// # Errors
    /// No status line came back.
    pub fn get(&self, endpoint: &Endpoint, bearer: &Secret, deadline: Instant) -> Result<Reply, NoReply> {
        let left = deadline.saturating_duration_since(Instant::now());
        let request = self.agent.get(endpoint.as_str()).config().timeout_global(Some(left)).build();
        let header = Zeroizing::new(format!("Bearer {}", bearer.expose()));
        let response = request.header("Authorization", header.as_str()).call();
        Ok(self.reply(endpoint, response.map_err(|error| self.no_reply(endpoint, &error))?))
    }

    /// The answer, read to its end.
    fn reply(&self, endpoint: &Endpoint, mut response: ureq::http::Response<ureq::Body>) -> Reply {
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(one_line(value))
        };
        let number = |name: &str| header(name).and_then(|value| value.trim().parse().ok());
        let reset = number("x-ratelimit-reset").or_else(|| number("retry-after"));
        let (request_id, location) = (header("x-request-id"), header("location"));
        let body = response.body_mut().with_config().limit(LARGEST_BODY).read_to_vec();
        Reply {
            status: response.status().as_u16(),
            reset: reset.map(Duration::from_secs),
            request_id,
            location,
            body: body.map(Zeroizing::new).map_err(|error| self.no_reply(endpoint, &error).failure),
        }
    }

    /// Tells a failed exchange in words.
    fn no_reply(&self, endpoint: &Endpoint, error: &ureq::Error) -> NoReply {
        use ureq::Error as E;

        let (what, hint, is_passing) = match error {
            E::Timeout(_) => (
                "no complete answer in time".to_owned(),
                "check the network and the proxy, or allow more with `--timeout`",
                false,
            ),
            E::HostNotFound => ("the host is not found".to_owned(), self.network_hint(), true),
            E::ConnectionFailed => ("the connection failed".to_owned(), self.network_hint(), true),
            E::BodyExceedsLimit(_) => ("the answer is longer than 64 KiB".to_owned(), NOT_THE_ENDPOINT, false),
            E::ConnectProxyFailed(_) => ("the proxy refused to connect".to_owned(), self.network_hint(), false),
            E::Rustls(problem) => certificate(&problem.to_string()),
            // The handshake's error arrives inside of an I/O error.
            E::Io(problem) if problem.kind() == ErrorKind::InvalidData => certificate(&problem.to_string()),
            E::Io(problem) => (problem.to_string(), self.network_hint(), true),
            E::Tls(problem) => certificate(problem),
            E::Protocol(_) | E::Http(_) | E::LargeResponseHeader(..) => {
                ("the answer is not HTTP".to_owned(), NOT_THE_ENDPOINT, false)
            }
            _ => (error.to_string(), self.network_hint(), false),
        };
        let message = format!("{endpoint}: {}", one_line(&what));
        NoReply { failure: Failure::temporary(message).hint(hint), is_passing }
    }

    /// The next step where the network is at fault.
    fn network_hint(&self) -> &'static str {
        match self.proxy_variable {
            Some("ALL_PROXY" | "all_proxy") => "check the network, and the proxy that ALL_PROXY names",
            Some(_) => "check the network, and the proxy that HTTPS_PROXY names",
            None => "check the network; behind a proxy, set HTTPS_PROXY",
        }
    }
}

/// The next step where something else answers in the endpoint's place.
pub const NOT_THE_ENDPOINT: &str =
    "is this the token endpoint? a proxy, a gateway or a login page may have answered in its place";

/// Tells a refused certificate, and what mends it.
fn certificate(problem: &str) -> (String, &'static str, bool) {
    let hint = if problem.contains("UnknownIssuer") {
        "where a private authority signs, name its certificate by `ca_file` in the profile or by SSL_CERT_FILE"
    } else if problem.contains("expired") || problem.contains("not valid yet") || problem.contains("NotValidYet") {
        "check this machine's clock; if it is right, the server's certificate must be renewed"
    } else if problem.contains("not valid for name") || problem.contains("NotValidForName") {
        "check the host's name in the URL: another server answers there"
    } else {
        "the TLS connection was refused; nothing was sent"
    };
    (format!("no trust in the TLS connection: {problem}"), hint, false)
}

/// The roots to trust: the profile's, else the operating system's, else the embedded ones.
fn roots(route: &Route) -> Result<RootCerts, Failure> {
    if let Some(path) = &route.ca_file {
        return pem_file(path);
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
fn pem_file(path: &PathBuf) -> Result<RootCerts, Failure> {
    let problem = |what: String| {
        Failure::settings(format!("ca_file {}: {what}", path.display()))
            .hint("it must be a PEM file of the roots to trust")
    };
    let pem = fs::read(path).map_err(|error| problem(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(problem(one_line(&error.to_string()))),
        }
    }
    if certificates.is_empty() {
        return Err(problem("holds no certificate".to_owned()));
    }
    Ok(certificates.into())
}

/// The proxy, with the hosts that bypass it. An entry of `NO_PROXY` covers the host and everything below it, as it
/// does for curl.
fn proxy(setting: &ProxySetting) -> Result<Proxy, Failure> {
    let problem = |_| {
        Failure::settings(format!("{} is not the URL of an http or https proxy", setting.variable))
            .hint(format!("set it to such as http://proxy.example:3128, or unset {}", setting.variable))
    };
    let named = Proxy::new(&setting.url).map_err(problem)?;
    let mut builder = Proxy::builder(named.protocol()).host(named.host()).port(named.port());
    if let Some(user) = named.username() {
        builder = builder.username(user);
    }
    if let Some(password) = named.password() {
        builder = builder.password(password);
    }
    for entry in &setting.no_proxy {
        let host = entry.trim_start_matches('.');
        builder = builder.no_proxy(host).no_proxy(&format!(".{host}"));
    }
    builder.build().map_err(problem)
}
