//! The real kubectl with this program as its `exec` plugin, against a stand-in for an API server.

use std::fs;

use serde_json::json;

use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use crate::surroundings::is_installed;
use stand_in::tls::{Ca, Identity};
use stand_in::{Reply, StandIn};

/// A token service, an API server that accepts the service's tokens, and a user of both.
struct Cluster {
    tokens: StandIn,
    api: StandIn,
    sandbox: Sandbox,
}

impl Cluster {
    /// `None` where there is no kubectl.
    fn start(api_version: &str) -> Option<Self> {
        if !is_installed("kubectl", &["version", "--client"]) {
            return None;
        }
        let ca = Ca::new();
        let identity: Identity = ca.identity_for(&["127.0.0.1"]);
        let (tokens, api) = (StandIn::start(), StandIn::start_tls(&identity));
        let mut sandbox = Sandbox::of(&tokens);
        // Twelve kubectl start slowly on a small machine.
        sandbox.set("SPOTINST_CRED_TIMEOUT", "60s");
        let cluster = Self { tokens, api, sandbox };
        ca.write_pem(&cluster.sandbox.home().join("ca.pem")).unwrap();
        cluster.write_config(api_version);
        cluster.accept_issued();
        Some(cluster)
    }

    /// A kubeconfig whose user is a script that counts its runs and becomes the program.
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

    /// The API server lets in who has a token of the service.
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

    /// How often kubectl has run the program.
    fn runs(&self) -> usize {
        fs::read_to_string(self.sandbox.home().join("runs")).unwrap_or_default().lines().count()
    }
}

fn version() -> Reply {
    Reply::json(200, &json!({"major": "1", "minor": "34"}))
}

#[test]
fn kubectl_is_let_in() {
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
        // Some kubectl first ask for the server's version, so the number of requests is theirs.
        let requests = cluster.api.requests();
        assert!(requests.len() >= 2 && requests.iter().all(|request| request.bearer() == Some(&token)), "{requests:?}");
    }
}

#[test]
fn twelve_kubectl_at_once_cause_one_request() {
    let Some(cluster) = Cluster::start("client.authentication.k8s.io/v1") else { return };
    let gate = cluster.tokens.close_gate();

    let mut callers: Vec<_> = (0..12).map(|_| cluster.start_kubectl()).collect();
    // kubectl shows what its plugin says: one asks, and while its answer is held the others stand at the lock.
    let parts: Vec<_> = callers.iter_mut().map(Running::next_line).collect();
    let asking = parts.iter().filter(|line| line.starts_with("spotinst-cred: asking ")).count();
    let waiting = parts.iter().filter(|line| line.starts_with("spotinst-cred: the lock is held by ")).count();
    assert_eq!((asking, waiting), (1, 11), "{parts:?}");
    gate.open();

    for caller in callers {
        let outcome = caller.end();
        assert_eq!(
            (outcome.stdout.as_str(), outcome.status),
            (r#"{"major":"1","minor":"34"}"#, Some(0)),
            "{outcome:?}"
        );
    }
    assert_eq!(cluster.tokens.grants(), ["password"]);
}

/// kubectl runs the program again after a 401 and says no word about why: so it gets the same token, and a person
/// who knows better renews it by force.
#[test]
fn a_rejected_token_is_renewed_by_force() {
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
    assert!(rejected_runs > accepted_runs, "{rejected_runs} runs, and {accepted_runs} where nothing is rejected");

    assert_eq!(cluster.sandbox.run(["--force-refresh"]).status, Some(0));
    assert_eq!(cluster.kubectl().status, Some(0));
    assert_eq!(cluster.tokens.grants(), ["password", "refresh_token"]);
}

/// What the program says is what the person at kubectl reads.
#[test]
fn kubectl_shows_why_there_is_no_token() {
    let Some(mut cluster) = Cluster::start("client.authentication.k8s.io/v1") else { return };
    cluster.sandbox.set("SPOTINST_PASSWORD", "wrong");

    let outcome = cluster.kubectl();

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    let refused = "/token refused the password grant: HTTP 401, Unauthorized";
    assert!(outcome.stderr.contains(refused), "{outcome:?}");
    assert_eq!(cluster.api.connections(), 0);
    // However often kubectl tries, the account is not locked out.
    assert_eq!(cluster.tokens.grants(), ["password"]);
}
