//! The example's kubeconfig, read by every client of Kubernetes that installs here: two versions of kubectl, the Python
//! client, and the JavaScript one, which hands over an stdin that it never closes.

use serde_json::json;

use crate::example::{find, run, text};
use crate::sandbox::{Outcome, Sandbox};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// A token service, an API server that lets its tokens in, and a user with the example's file.
struct Cluster {
    tokens: StandIn,
    api: StandIn,
    sandbox: Sandbox,
}

impl Cluster {
    fn start() -> Self {
        let ca = Ca::new();
        let (tokens, api) = (StandIn::start(), StandIn::start_tls(&ca.identity_for(&["127.0.0.1"])));
        let service = tokens.service();
        api.handler(move |request| {
            let is_good = service.issued().iter().any(|token| request.bearer() == Some(token));
            if is_good { version() } else { Reply::unauthorized() }
        });
        let sandbox = Sandbox::of(&tokens);
        let roots = sandbox.home().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        let cluster = json!([{"name": "spotinst", "cluster": {"server": api.base(), "certificate-authority": roots}}]);
        let config = format!("{}clusters: {cluster}\n", text("kubectl/kubeconfig.yaml"));
        sandbox.write(".kube/config", &config);
        Self { tokens, api, sandbox }
    }

    /// Whoever asked for the server's version got it, with the one token.
    #[track_caller]
    fn served(&self, outcome: &Outcome) {
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        assert!(outcome.stdout.contains("stand-in-1.34"), "{outcome:?}");
        let token = &self.tokens.issued()[0];
        let requests = self.api.requests();
        assert!(!requests.is_empty() && requests.iter().all(|call| call.bearer() == Some(token)), "{requests:?}");
        assert_eq!(self.tokens.grants(), ["password"]);
    }
}

/// Clients check that nothing is missing.
fn version() -> Reply {
    Reply::json(
        200,
        &json!({
            "major": "1", "minor": "34", "gitVersion": "stand-in-1.34", "gitCommit": "0", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1", "compiler": "gc", "platform": "linux/amd64",
        }),
    )
}

#[test]
fn two_kubectl_are_let_in() {
    for program in ["kubectl-1.36/bin/kubectl", "kubectl-1.37/bin/kubectl"] {
        let Some(kubectl) = find(program) else { return };
        let cluster = Cluster::start();

        for _ in ["cold", "warm"] {
            cluster.served(&run(&cluster.sandbox, &kubectl, &["get", "--raw", "/version"]));
        }
    }
}

#[test]
fn the_python_client_is_let_in() {
    const SCRIPT: &str = "from kubernetes import client, config; config.load_kube_config(); \
                          print(client.VersionApi().get_code().git_version)";
    let Some(python) = find("python/bin/python") else { return };
    let cluster = Cluster::start();

    let outcome = run(&cluster.sandbox, python, &["-c", SCRIPT]);

    cluster.served(&outcome);
}

#[test]
fn the_javascript_client_is_let_in() {
    const SCRIPT: &str = "import { KubeConfig, VersionApi } from '@kubernetes/client-node'; \
                          const config = new KubeConfig(); config.loadFromDefault(); \
                          console.log((await config.makeApiClient(VersionApi).getCode()).gitVersion);";
    let (Some(node), Some(modules)) = (find("node"), find("node/node_modules")) else { return };
    let cluster = Cluster::start();
    // Modules are looked for beside the script.
    std::os::unix::fs::symlink(modules, cluster.sandbox.path().join("node_modules")).unwrap();

    let outcome = run(&cluster.sandbox, node, &["--input-type=module", "-e", SCRIPT]);

    cluster.served(&outcome);
}
