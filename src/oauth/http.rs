//! The HTTP exchange: the POST of a form to a token endpoint, or a GET with a bearer token, and the answer's status,
//! headers and body. The only module that knows `ureq`'s agent, and so the only one that decides about time limits,
//! redirects, proxies and trust.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Proxy, ProxyProtocol, Timeout};
use zeroize::Zeroizing;

use super::resolver::SystemResolver;
use super::trust;
use crate::endpoint::Endpoint;
use crate::failure::{Failure, one_line};
use crate::patience;
use crate::secret::Secret;
use crate::settings::origin::Given;

/// What is to answer, as far as an exchange must know.
#[derive(Clone, Copy, Debug)]
pub struct Answerer {
    /// No answer of it is longer, in bytes.
    pub largest_body: u64,
    /// The next step where something else answers in its place.
    pub hint: &'static str,
}

/// Whatever grants tokens.
pub const TOKEN_ENDPOINT: Answerer = Answerer {
    largest_body: 64 * 1024,
    hint: "is this the token endpoint? a proxy, a gateway or a login page may have answered in its place",
};

/// How to reach the endpoints: whom to trust, and through which proxy.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// PEM file of the only roots to trust, from the profile's `ca_file`.
    pub ca_file: Option<Given<PathBuf>>,
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
    pub url: Secret,
    /// The entries of `NO_PROXY`.
    pub no_proxy: Vec<String>,
}

/// A field of a form: its name and value.
pub type Field<'a> = (&'static str, &'a str);

/// What came back. Its texts are the server's: whoever shows them takes our secrets out and keeps them on one line.
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

/// An answer whose body is still to be read.
type Response = ureq::http::Response<ureq::Body>;

/// Why nothing came back.
pub struct NoReply {
    /// What to tell.
    pub failure: Failure,
    /// Whether trying again at once may help.
    pub is_passing: bool,
}

/// An agent for one process, made when the first request is due: loading the system's roots takes a while.
#[derive(Clone)]
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
            config = config.tls_config(TlsConfig::builder().root_certs(trust::roots(route)?).build());
            // Plain http stays on this machine; a proxy would carry the secrets off it.
            if let Some(setting) = &route.proxy {
                config = config.proxy(Some(proxy(setting)?));
                proxy_variable = Some(setting.variable);
            }
        }
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), SystemResolver);
        Ok(Self { agent, proxy_variable })
    }

    /// Posts the form and reads the answer, all before `deadline`.
    ///
    /// # Errors
    /// No status line came back.
    pub fn post(&self, endpoint: &Endpoint, form: &[Field<'_>], deadline: Instant) -> Result<Reply, NoReply> {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, Zeroizing::new((*value).to_owned()))).collect();
        self.until(endpoint, TOKEN_ENDPOINT, deadline, move |client, to, limit| {
            let request = client.agent.post(to.as_str()).config().timeout_global(Some(limit)).build();
            request.send_form(form.iter().map(|(name, value)| (*name, value.as_str())))
        })
    }

    /// Asks with a bearer token and reads the answer, all before `deadline`.
    ///
    /// # Errors
    /// No status line came back.
    pub fn get(
        &self,
        endpoint: &Endpoint,
        answerer: Answerer,
        bearer: &Secret,
        deadline: Instant,
    ) -> Result<Reply, NoReply> {
        let header = Zeroizing::new(format!("Bearer {}", bearer.expose()));
        self.until(endpoint, answerer, deadline, move |client, to, limit| {
            let request = client.agent.get(to.as_str()).config().timeout_global(Some(limit)).build();
            request.header("Authorization", header.as_str()).call()
        })
    }

    /// Runs an exchange until `deadline`; none at all where that is over.
    ///
    /// Not every step has a limit of its own that holds: `ureq` grants its time anew for each piece of a proxy's
    /// greeting, and to the name server beside it. So the exchange is something that can be walked away from. What it
    /// has not sent by its own limit, a little earlier, it never sends.
    fn until(
        &self,
        endpoint: &Endpoint,
        answerer: Answerer,
        deadline: Instant,
        exchange: impl FnOnce(&Self, &Endpoint, Duration) -> Result<Response, ureq::Error> + Send + 'static,
    ) -> Result<Reply, NoReply> {
        let left = deadline.saturating_duration_since(Instant::now());
        let (client, to) = (self.clone(), endpoint.clone());
        let exchanged = patience::until(deadline, move || match exchange(&client, &to, left - left / 64) {
            Ok(response) => Ok(client.reply(&to, answerer, response)),
            Err(error) => Err(client.no_reply(&to, answerer, &error)),
        });
        exchanged.unwrap_or_else(|error| match error.kind() {
            ErrorKind::TimedOut => Err(self.no_reply(endpoint, answerer, &ureq::Error::Timeout(Timeout::Global))),
            _ => {
                let problem = format!("{endpoint}: no thread can be started for the request: {error}");
                Err(NoReply { failure: Failure::temporary(problem), is_passing: false })
            }
        })
    }

    /// The answer, read to its end.
    fn reply(&self, endpoint: &Endpoint, answerer: Answerer, mut response: Response) -> Reply {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let number = |name: &str| header(name).and_then(|value| value.trim().parse().ok());
        let reset = number("x-ratelimit-reset").or_else(|| number("retry-after"));
        let (request_id, location) = (header("x-request-id"), header("location"));
        let body = response.body_mut().with_config().limit(answerer.largest_body).read_to_vec();
        Reply {
            status: response.status().as_u16(),
            reset: reset.map(Duration::from_secs),
            request_id,
            location,
            body: body.map(Zeroizing::new).map_err(|error| self.no_reply(endpoint, answerer, &error).failure),
        }
    }

    /// Tells a failed exchange in words.
    fn no_reply(&self, endpoint: &Endpoint, answerer: Answerer, error: &ureq::Error) -> NoReply {
        use ureq::Error as E;

        let network = || self.network_hint();
        let (what, hint, is_passing) = match error {
            E::Timeout(_) => ("no complete answer in time".to_owned(), PATIENCE.to_owned(), false),
            E::HostNotFound => ("the host is not found".to_owned(), network(), true),
            E::ConnectionFailed => ("the connection failed".to_owned(), network(), true),
            E::BodyExceedsLimit(limit) => {
                (format!("the answer is longer than {} KiB", limit / 1024), answerer.hint.to_owned(), false)
            }
            E::ConnectProxyFailed(reason) => self.proxy_refusal(reason),
            E::Rustls(problem) => trust::refusal(&problem.to_string()),
            // The handshake's error arrives inside of an I/O error.
            E::Io(problem) if problem.kind() == ErrorKind::InvalidData => trust::refusal(&problem.to_string()),
            E::Io(problem) if problem.kind() == ErrorKind::UnexpectedEof => {
                ("the connection ended before the answer did".to_owned(), network(), true)
            }
            E::Io(problem) => (problem.to_string(), network(), true),
            E::Tls(problem) => trust::refusal(problem),
            E::Protocol(_) | E::Http(_) | E::LargeResponseHeader(..) => {
                ("the answer is not HTTP".to_owned(), answerer.hint.to_owned(), false)
            }
            _ => (error.to_string(), network(), false),
        };
        let message = format!("{endpoint}: {}", one_line(&what));
        NoReply { failure: Failure::temporary(message).hint(hint), is_passing }
    }

    /// The next step where the network is at fault.
    fn network_hint(&self) -> String {
        match self.proxy_variable {
            Some(variable) => format!("check the network, and the proxy that {variable} names"),
            None => "check the network; behind a proxy, set HTTPS_PROXY".to_owned(),
        }
    }

    /// Tells a proxy's refusal. All that `ureq` keeps of it is a text that ends with the status.
    fn proxy_refusal(&self, reason: &str) -> (String, String, bool) {
        let variable = self.proxy_variable.unwrap_or("HTTPS_PROXY");
        match reason.rsplit('/').next().and_then(|status| status.parse::<u16>().ok()) {
            Some(407) => (
                "the proxy asks for a user name and a password (HTTP 407)".to_owned(),
                format!("put them, or the right ones, into {variable}: http://USER:PASSWORD@HOST:PORT"),
                false,
            ),
            Some(status) => (
                format!("the proxy does not let the connection through (HTTP {status})"),
                self.network_hint(),
                status >= 500,
            ),
            None => ("the proxy closed the connection".to_owned(), self.network_hint(), true),
        }
    }
}

/// The next step where time ran out.
const PATIENCE: &str = "check the network and the proxy, or allow more with `--timeout`";

/// The proxy, with the hosts that bypass it. An entry of `NO_PROXY` covers the host and everything below it, as it
/// does for curl.
fn proxy(setting: &ProxySetting) -> Result<Proxy, Failure> {
    let problem = || {
        Failure::settings(format!("{} is not the URL of an http or https proxy", setting.variable))
            .hint(format!("set it to such as http://proxy.example:3128, or unset {}", setting.variable))
    };
    let named = Proxy::new(setting.url.expose()).map_err(|_| problem())?;
    if !matches!(named.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(problem());
    }
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
    builder.build().map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Nothing is sent whose answer nobody awaits.
    #[test]
    fn without_time_left_nobody_is_asked() -> Result<(), Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = Endpoint::parse(&format!("http://{}/token", listener.local_addr()?))?;
        let client = Client::new(&Route::default(), &endpoint)?;

        let reply = client.post(&endpoint, &[("password", "x")], Instant::now());

        let told = reply.err().map(|none| (none.failure.message, none.failure.hint, none.is_passing));
        let message = format!("{endpoint}: no complete answer in time");
        assert_eq!(told, Some((message, Some(PATIENCE.to_owned()), false)));
        assert_eq!(listener.accept().err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        Ok(())
    }
}
