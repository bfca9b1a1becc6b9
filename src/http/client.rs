//! The HTTP client: posts a form to a token endpoint, or gets a URL with a bearer token. Only this module configures
//! `ureq`'s agent: time limits, redirects, proxies and TLS trust.

use std::io;
use std::time::{Duration, Instant};

use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{Connector, DefaultConnector};
use ureq::{Agent, Proxy, ProxyProtocol, Timeout};
use zeroize::Zeroizing;

use super::resolver::SystemResolver;
use super::send_mark::SendMark;
use super::tls;
use crate::error::{Error, ErrorKind, Result};
use crate::settings;
use crate::sys::env::ProxySetting;
use crate::sys::secret::Secret;
use crate::sys::timeout;
use crate::text::one_line;
use crate::transport::Transport;
use crate::url::Endpoint;

/// The kind of server that a request expects.
#[derive(Clone, Copy, Debug)]
pub struct ServerKind {
    /// The maximum size of its response body, in bytes.
    pub max_body: u64,
    /// The hint if another kind of server responds.
    pub hint: &'static str,
}

/// A token endpoint.
pub const TOKEN_ENDPOINT: ServerKind = ServerKind {
    max_body: 64 * 1024,
    hint: "is this the token endpoint? a proxy, a gateway or a login page may have responded instead",
};

/// How the standard library's error text for a failed name lookup begins.
const LOOKUP_FAILED: &str = "failed to lookup address information";
const HOST_NOT_FOUND: &str = "host not found";

/// A form field: its name and value.
pub type Field<'a> = (&'static str, &'a str);

/// The body of a POST request.
pub enum Body<'a> {
    Form(Vec<Field<'a>>),
    Xml(&'a str),
}

/// An HTTP response. Its texts come from the server: they may contain line breaks and this program's secrets.
pub struct Response {
    pub status: u16,
    /// `X-RateLimit-Reset` or `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `x-request-id`, used if the body has no request id.
    pub request_id: Option<String>,
    /// The `Location` of a redirect. It is shown, but never followed.
    pub location: Option<String>,
    /// The body, or why it could not be read completely.
    pub body: Result<Zeroizing<Vec<u8>>>,
}

/// Why there was no response.
pub struct TransportError {
    pub error: Error,
    /// Whether the server may have received the request, so that its response may be lost.
    pub was_sent: bool,
    /// Whether an immediate retry may succeed.
    pub is_transient: bool,
}

/// How much longer than the exchange the connection may stay open. If this process was stopped in the meantime, the
/// response may already be in the socket.
const AFTER_STOP: Duration = Duration::from_secs(10);

/// Created only when a request is needed, because loading the system's root certificates is slow.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    mark: SendMark,
    deadline: Instant,
    proxy_variable: Option<&'static str>,
}

impl Client {
    /// A client for requests to the endpoint until the deadline. Fails if the root certificates cannot be read, or if
    /// the proxy's URL is invalid.
    pub fn new(transport: &Transport, endpoint: &Endpoint, deadline: Instant) -> Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("spotinst-cred/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .proxy(None);
        let mut proxy_variable = None;
        if endpoint.origin().is_tls {
            config = config.tls_config(TlsConfig::builder().root_certs(tls::roots(transport, deadline)?).build());
            // Plain http is only used on this machine; a proxy would send the secrets elsewhere.
            if let Some(setting) = &transport.proxy {
                config = config.proxy(Some(proxy(setting)?));
                proxy_variable = Some(setting.variable);
            }
        }
        let mark = SendMark::new(endpoint.origin().clone(), deadline);
        let resolver = SystemResolver { only_loopback: !endpoint.origin().is_tls };
        let connector = DefaultConnector::default().chain(mark.clone());
        let agent = Agent::with_parts(config.build(), connector, resolver);
        Ok(Self { agent, mark, deadline, proxy_variable })
    }

    /// Posts to a token endpoint and reads the response.
    pub fn post(&self, endpoint: &Endpoint, body: Body<'_>) -> std::result::Result<Response, TransportError> {
        let (form, xml) = match body {
            Body::Form(form) => (form, None),
            Body::Xml(xml) => (Vec::new(), Some(Zeroizing::new(xml.to_owned()))),
        };
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, Zeroizing::new((*value).to_owned()))).collect();
        self.exchange(endpoint, TOKEN_ENDPOINT, move |client, to, limit| {
            let request = client.agent.post(to.as_str()).config().timeout_global(Some(limit)).build();
            match xml {
                Some(xml) => request.content_type("application/xml").send(xml.as_bytes()),
                None => request.send_form(form.iter().map(|(name, value)| (*name, value.as_str()))),
            }
        })
    }

    /// Gets the URL with a bearer token and reads the response.
    pub fn get(
        &self,
        endpoint: &Endpoint,
        server: ServerKind,
        token: &Secret,
    ) -> std::result::Result<Response, TransportError> {
        let header = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.exchange(endpoint, server, move |client, to, limit| {
            let request = client.agent.get(to.as_str()).config().timeout_global(Some(limit)).build();
            request.header("Authorization", header.as_str()).call()
        })
    }

    /// Runs an exchange until the deadline, or none if that has passed.
    ///
    /// Some steps have no reliable time limit: `ureq` restarts its timer for each part of a proxy's response, and name
    /// lookups have none. So the exchange runs on a thread that is abandoned at the deadline. Data that is not sent by
    /// then is never sent.
    fn exchange(
        &self,
        endpoint: &Endpoint,
        server: ServerKind,
        send: impl FnOnce(&Self, &Endpoint, Duration) -> std::result::Result<HttpResponse, ureq::Error> + Send + 'static,
    ) -> std::result::Result<Response, TransportError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let (client, to) = (self.clone(), endpoint.clone());
        self.mark.reset();
        let exchanged =
            timeout::run_with_deadline(self.deadline, move || match send(&client, &to, left + AFTER_STOP) {
                Ok(response) => Ok(client.read(&to, server, response)),
                Err(error) => Err(client.transport_error(&to, server, &error)),
            });
        exchanged.unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::TimedOut => {
                Err(self.transport_error(endpoint, server, &ureq::Error::Timeout(Timeout::Global)))
            }
            _ => {
                let problem = format!("{endpoint}: cannot start a thread for the request: {error}");
                Err(TransportError { error: Error::temporary(problem), was_sent: false, is_transient: false })
            }
        })
    }

    /// Reads the whole response.
    fn read(&self, endpoint: &Endpoint, server: ServerKind, mut response: HttpResponse) -> Response {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let number = |name: &str| header(name).and_then(|value| value.trim().parse().ok());
        let retry_after = number("x-ratelimit-reset").or_else(|| number("retry-after"));
        let (request_id, location) = (header("x-request-id"), header("location"));
        let body = response.body_mut().with_config().limit(server.max_body).read_to_vec();
        Response {
            status: response.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
            request_id,
            location,
            body: body.map(Zeroizing::new).map_err(|error| self.transport_error(endpoint, server, &error).error),
        }
    }

    /// Converts an error of `ureq`.
    fn transport_error(&self, endpoint: &Endpoint, server: ServerKind, error: &ureq::Error) -> TransportError {
        use ureq::Error as E;

        let mut kind = ErrorKind::Temporary;
        let mut tls_error = |text: &str| {
            let error = tls::handshake_error(text);
            kind = error.kind;
            (error.message, error.hint.unwrap_or_default(), false)
        };
        let (problem, hint, is_transient) = match error {
            E::Timeout(_) => ("timed out".to_owned(), timeout_hint(), false),
            E::HostNotFound => (HOST_NOT_FOUND.to_owned(), self.host_hint(), true),
            E::ConnectionFailed => ("the connection failed".to_owned(), self.network_hint(), true),
            E::BodyExceedsLimit(limit) => {
                (format!("the response is longer than {} KiB", limit / 1024), server.hint.to_owned(), false)
            }
            E::ConnectProxyFailed(reason) => self.proxy_error(reason),
            E::Rustls(problem) => tls_error(&problem.to_string()),
            // A TLS handshake error is wrapped in an I/O error.
            E::Io(problem) if problem.kind() == io::ErrorKind::InvalidData => tls_error(&problem.to_string()),
            E::Io(problem) if problem.kind() == io::ErrorKind::UnexpectedEof => {
                ("the connection closed before the response was complete".to_owned(), self.network_hint(), true)
            }
            E::Io(problem) => match problem.to_string().strip_prefix(LOOKUP_FAILED) {
                Some(why) => (format!("{HOST_NOT_FOUND}{why}"), self.host_hint(), true),
                None => (problem.to_string(), self.network_hint(), true),
            },
            E::Tls(problem) => tls_error(problem),
            E::Other(problem) => (problem.to_string(), "use https, or name 127.0.0.1 or [::1]".to_owned(), false),
            E::Protocol(_) | E::Http(_) | E::LargeResponseHeader(..) => {
                ("the response is not HTTP".to_owned(), server.hint.to_owned(), false)
            }
            _ => (error.to_string(), self.network_hint(), false),
        };
        let message = format!("{endpoint}: {}", one_line(&problem));
        let error = Error::new(kind, message).hint(hint);
        TransportError { error, was_sent: self.mark.is_sent(), is_transient }
    }

    fn host_hint(&self) -> String {
        self.network_hint().replacen("check", "check the host in the URL, and", 1)
    }

    fn network_hint(&self) -> String {
        match self.proxy_variable {
            Some(variable) => format!("check the network and the proxy in {variable}"),
            None => "check the network; behind a proxy, set HTTPS_PROXY".to_owned(),
        }
    }

    /// Converts a proxy's refusal. `ureq` only keeps a text that ends with the status.
    fn proxy_error(&self, reason: &str) -> (String, String, bool) {
        let variable = self.proxy_variable.unwrap_or("HTTPS_PROXY");
        match reason.rsplit('/').next().and_then(|status| status.parse::<u16>().ok()) {
            Some(407) => (
                "the proxy requires a user name and password (HTTP 407)".to_owned(),
                format!("set {variable} to http://USER:PASSWORD@HOST:PORT"),
                false,
            ),
            Some(status) => {
                (format!("the proxy refused the connection (HTTP {status})"), self.network_hint(), status >= 500)
            }
            None => ("the proxy closed the connection".to_owned(), self.network_hint(), true),
        }
    }
}

/// A response whose body is not read yet.
type HttpResponse = ureq::http::Response<ureq::Body>;

fn timeout_hint() -> String {
    format!("check the network and the proxy, or allow more time with `{}`", settings::TIMEOUT.flag())
}

/// The proxy, with the hosts that bypass it. As in curl, an entry of `NO_PROXY` also covers subdomains.
fn proxy(setting: &ProxySetting) -> Result<Proxy> {
    let problem = || {
        Error::config(format!("{} is not the URL of an http or https proxy", setting.variable))
            .hint(format!("set it to a URL such as http://proxy.example:3128, or unset {}", setting.variable))
    };
    let parsed = Proxy::new(setting.url.expose()).map_err(|_| problem())?;
    if !matches!(parsed.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(problem());
    }
    let mut builder = Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let Some(user) = parsed.username() {
        builder = builder.username(user);
    }
    if let Some(password) = parsed.password() {
        builder = builder.password(password);
    }
    for entry in &setting.no_proxy {
        let host = entry.trim_start_matches('.');
        builder = builder.no_proxy(host).no_proxy(&format!(".{host}"));
    }
    builder.build().map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn nothing_is_sent_after_the_deadline() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = Endpoint::parse(&format!("http://{}/token", listener.local_addr()?))?;
        let client = Client::new(&Transport::default(), &endpoint, Instant::now())?;

        let response = client.post(&endpoint, Body::Form(vec![("password", "x")]));

        let failure = response.err().map(|TransportError { error, was_sent, .. }| (error, was_sent));
        let expected = Error::temporary(format!("{endpoint}: timed out")).hint(timeout_hint());
        assert_eq!(failure, Some((expected, false)));
        assert_eq!(listener.accept().err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        Ok(())
    }
}
