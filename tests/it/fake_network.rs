//! The hosts that clients have hard-coded, `oauth.spotinst.io` and `api.spotinst.io`, for unmodified clients: over TLS,
//! through a proxy that connects every tunnel to the stand-in.

use serde_json::{Value, json};

use crate::examples::ACCOUNT;
use crate::sandbox::{Sandbox, path_with_program};
use stand_in::proxy::Proxy;
use stand_in::tls::Ca;
use stand_in::{Reply, Request, StandIn};

/// Both hosts, the proxy, and a user with default settings.
pub struct FakeNetwork {
    pub spotinst: StandIn,
    pub proxy: Proxy,
    pub sandbox: Sandbox,
}

impl FakeNetwork {
    /// The API accepts only tokens of the token endpoint.
    pub fn start() -> Self {
        let ca = Ca::new();
        let spotinst = StandIn::start_tls(&ca.identity_for(&["oauth.spotinst.io", "api.spotinst.io"]));
        let service = spotinst.service();
        spotinst.handler(move |request| match request.target.as_str() {
            "/token" => service.reply_to(request),
            target if target.starts_with("/setup/account") => service.reply_to(request),
            _ if service.issued().iter().any(|token| request.bearer() == Some(token)) => group(request),
            _ => Reply::unauthorized(),
        });
        let proxy = Proxy::start(spotinst.addr());
        let mut sandbox = Sandbox::of(&spotinst);
        let roots = sandbox.path().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        sandbox.unset("SPOTINST_TOKEN_URL").set("SPOTINST_ACCOUNT", ACCOUNT);
        sandbox.set("PATH", path_with_program()).set("HTTPS_PROXY", proxy.url());
        for variable in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            sandbox.set(variable, &roots);
        }
        Self { spotinst, proxy, sandbox }
    }

    /// The only issued token.
    #[track_caller]
    pub fn token(&self) -> String {
        let mut issued = self.spotinst.issued();
        assert_eq!(issued.len(), 1, "{issued:?}");
        issued.remove(0)
    }

    /// The requests to the API, each of which had the token.
    #[track_caller]
    pub fn calls(&self) -> Vec<Request> {
        let token = self.token();
        let calls: Vec<_> = self.spotinst.requests().into_iter().filter(|call| call.target != "/token").collect();
        assert!(!calls.is_empty() && calls.iter().all(|call| call.bearer() == Some(&token)), "{calls:?}");
        calls
    }

    /// The hosts that clients connected to, without consecutive repetitions.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<_> = self.proxy.tunnels().into_iter().map(|tunnel| tunnel.target).collect();
        hosts.dedup();
        hosts
    }
}

/// A resource in the API's envelope: the existing one for a GET, else the created one.
pub fn group(request: &Request) -> Reply {
    let name = if request.method == "GET" { "existing" } else { "hello" };
    let items: Value = json!([{"id": format!("id-of-{name}"), "name": name}]);
    Reply::json(
        200,
        &json!({"request": {"id": "1"}, "response": {
            "status": {"code": 200, "message": "OK"}, "kind": "spotinst:it", "items": items, "count": 1,
        }}),
    )
}
