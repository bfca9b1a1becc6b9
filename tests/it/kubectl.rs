//! The real kubectl with this program as its `exec` plugin, against a fake API server.

use std::fs;

use serde_json::json;

use crate::callers::{assert_counts, assert_one_works};
use crate::requirements::is_installed;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::tls::{Ca, Identity};
use stand_in::{Reply, StandIn};

/// A token service, an API server that accepts its tokens, and a user of both.
struct Cluster {
    tokens: StandIn,
    api: StandIn,
    sandbox: Sandbox,
}

impl Cluster {
    /// `None` if kubectl is not installed.
    fn start(api_version: &str) -> Option<Self> {
        if !is_installed("kubectl", &["version", "--client"]) {
            return None;
        }
        let ca = Ca::new();
        let identity: Identity = ca.identity_for(&["127.0.0.1"]);
        let (tokens, api) = (StandIn::start(), StandIn::start_tls(&identity));
        let mut sandbox = Sandbox::of(&tokens);
        // Twelve kubectl processes start slowly on a small machine.
        sandbox.set("SPOTINST_CRED_TIMEOUT", "60s");
        let cluster = Self { tokens, api, sandbox };
        ca.write_pem(&cluster.sandbox.home().join("ca.pem")).unwrap();
        cluster.write_config(api_version);
        cluster.accept_issued();
        Some(cluster)
    }

    /// A kubeconfig whose plugin is a script that counts its runs and then runs the program.
    fn write_config(&self, api_version: &str) {
        let runs = self.sandbox.home().join("runs");
        let text = format!("echo run >> '{}'\nexec '{PROGRAM}' \"$@\"", runs.display());
        let plugin = self.sandbox.script("plugin", &text);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {
                "server": self.api.base(),
                "certificate-authority": self.sandbox.home().join("ca.pem"),
            }}],
            "users": [{"name": "it", "user": {"exec": {
                "apiVersion": api_version,
                "command": plugin,
                "args": ["-v", "-f", "kubernetes"],
                "interactiveMode": "Never",
            }}}],
        });
        self.sandbox.write(".kube/config", &config.to_string());
    }

    /// The API server accepts the tokens of the service.
    fn accept_issued(&self) {
        let service = self.tokens.service();
        self.api.handler(move |request| {
            let bearer = request.bearer().unwrap_or_default();
            if service.issued().iter().any(|token| token == bearer) { version() } else { Reply::unauthorized() }
        });
    }

    fn start_kubectl(&self) -> Running {
        Running::start(self.sandbox.command("kubectl").args(["get", "--raw", "/version"]))
    }

    fn kubectl(&self) -> Outcome {
        self.start_kubectl().end()
    }

    /// How often kubectl ran the program.
    fn runs(&self) -> usize {
        fs::read_to_string(self.sandbox.home().join("runs")).unwrap_or_default().lines().count()
    }
}

fn version() -> Reply {
    Reply::json(200, &json!({"major": "1", "minor": "34"}))
}

#[test]
fn kubectl_authenticates() {
    for version in ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] {
        let Some(cluster) = Cluster::start(version) else { return };

        let cold = cluster.kubectl();
        let warm = cluster.kubectl();

        for outcome in [cold, warm] {
            assert_eq!(outcome.status, Some(0), "{version}: {outcome:?}");
            assert_eq!(outcome.stdout, r#"{"major":"1","minor":"34"}"#, "{version}");
        }
        assert_eq!(cluster.tokens.grants(), ["password"]);
        let token = cluster.tokens.issued().remove(0);
        // The number of requests differs between versions of kubectl: some first ask for the server's version.
        let requests = cluster.api.requests();
        assert!(requests.len() >= 2 && requests.iter().all(|request| request.bearer() == Some(&token)), "{requests:?}");
    }
}

#[test]
fn twelve_concurrent_kubectl_make_one_request() {
    let Some(cluster) = Cluster::start("client.authentication.k8s.io/v1") else { return };
    let gate = cluster.tokens.close_gate();

    let mut callers: Vec<_> = (0..12).map(|_| cluster.start_kubectl()).collect();
    // kubectl shows its plugin's stderr. While the response is held back, the others wait for the lock.
    assert_one_works(&mut callers, |line| line.starts_with("spotinst-cred: asking "));
    gate.open();

    for caller in callers {
        let outcome = caller.end();
        assert_eq!(
            (outcome.stdout.as_str(), outcome.status),
            (r#"{"major":"1","minor":"34"}"#, Some(0)),
            "{outcome:?}"
        );
    }
    assert_counts(cluster.tokens.grants(), [("password", 1)]);
}

/// After a 401 kubectl runs the program again without giving a reason, so it gets the same token; the user forces a
/// refresh.
#[test]
fn a_rejected_token_is_replaced_by_a_forced_refresh() {
    let Some(cluster) = Cluster::start("client.authentication.k8s.io/v1") else { return };
    assert_eq!(cluster.kubectl().status, Some(0));
    let accepted_runs = cluster.runs();
    let rejected = cluster.tokens.issued().remove(0);
    let service = cluster.tokens.service();
    cluster.api.handler(move |request| {
        let bearer = request.bearer().unwrap_or_default();
        let is_good = bearer != rejected && service.issued().iter().any(|token| token == bearer);
        if is_good { version() } else { Reply::unauthorized() }
    });

    assert_eq!(cluster.kubectl().status, Some(1));
    let rejected_runs = cluster.runs() - accepted_runs;
    assert!(rejected_runs > accepted_runs, "{rejected_runs} runs, and {accepted_runs} if nothing is rejected");

    assert_eq!(cluster.sandbox.run(["--force-refresh"]).status, Some(0));
    assert_eq!(cluster.kubectl().status, Some(0));
    assert_eq!(cluster.tokens.grants(), ["password", "refresh_token"]);
}

/// kubectl shows the program's error.
#[test]
fn kubectl_shows_why_there_is_no_token() {
    let Some(mut cluster) = Cluster::start("client.authentication.k8s.io/v1") else { return };
    cluster.sandbox.set("SPOTINST_PASSWORD", "wrong");

    let outcome = cluster.kubectl();

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    let refused = "/token refused the password grant: HTTP 401, Unauthorized";
    assert!(outcome.stderr.contains(refused), "{outcome:?}");
    assert_eq!(cluster.api.connections(), 0);
    // kubectl retries, but the password is sent once.
    assert_eq!(cluster.tokens.grants(), ["password"]);
}
