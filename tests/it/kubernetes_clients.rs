//! The example's kubeconfig with several clients of Kubernetes: three versions of kubectl, helm, kube-rs, the Python
//! client, and the JavaScript client, which never closes the stdin that it passes.

use base64::Engine as _;
use serde_json::json;

use crate::examples::{find, run, text};
use crate::sandbox::{Outcome, Sandbox};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// A token service, an API server that accepts its tokens, and a user with the example's kubeconfig.
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
            match request.path() {
                _ if !is_good => Reply::unauthorized(),
                "/api/v1/namespaces/default/secrets" => secrets(),
                _ => version(),
            }
        });
        let sandbox = Sandbox::of(&tokens);
        let roots = sandbox.home().join("ca.pem");
        ca.write_pem(&roots).unwrap();
        let cluster = json!([{"name": "spotinst", "cluster": {"server": api.base(), "certificate-authority": roots}}]);
        let config = format!("{}clusters: {cluster}\n", text("kubectl/kubeconfig.yaml"));
        sandbox.write(".kube/config", &config);
        Self { tokens, api, sandbox }
    }

    /// Asserts that the client got the server's version, and sent the token.
    #[track_caller]
    fn served(&self, outcome: &Outcome) {
        self.served_as(outcome, "stand-in-1.34");
    }

    /// Asserts that the client printed this, and sent the token.
    #[track_caller]
    fn served_as(&self, outcome: &Outcome, text: &str) {
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        assert!(outcome.stdout.contains(text), "{outcome:?}");
        let token = &self.tokens.issued()[0];
        let requests = self.api.requests();
        assert!(!requests.is_empty() && requests.iter().all(|call| call.bearer() == Some(token)), "{requests:?}");
        assert_eq!(self.tokens.grants(), ["password"]);
    }
}

/// Clients require all these fields.
fn version() -> Reply {
    Reply::json(
        200,
        &json!({
            "major": "1", "minor": "34", "gitVersion": "stand-in-1.34", "gitCommit": "0", "gitTreeState": "clean",
            "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1", "compiler": "gc", "platform": "linux/amd64",
        }),
    )
}

/// The state of one release of helm, as the API server keeps it.
fn secrets() -> Reply {
    let release = json!({
        "name": "hello", "version": 1, "namespace": "default",
        "info": {"status": "deployed", "last_deployed": "2026-01-01T00:00:00Z"},
        "chart": {"metadata": {"name": "hello", "version": "1.0.0", "apiVersion": "v2"}},
    });
    // Kubernetes encodes a secret's data, and helm its release before that.
    let data = base64(&base64(&release.to_string()));
    let secret = json!({
        "metadata": {"name": "sh.helm.release.v1.hello.v1", "namespace": "default"},
        "type": "helm.sh/release.v1", "data": {"release": data},
    });
    Reply::json(200, &json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [secret]}))
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

const WITH_ALLOWLIST: [&str; 2] = ["kubectl-1.36/bin/kubectl", "kubectl-1.37/bin/kubectl"];

#[test]
fn three_versions_of_kubectl_authenticate() {
    for program in ["helm/kubectl"].into_iter().chain(WITH_ALLOWLIST) {
        let Some(kubectl) = find(program) else { return };
        let cluster = Cluster::start();

        for _ in ["cold", "warm"] {
            cluster.served(&run(&cluster.sandbox, &kubectl, &["get", "--raw", "/version"]));
        }
    }
}

/// With the example's `kuberc` kubectl runs this program and no other. The key of an entry was `name` at first.
#[test]
fn kubectl_runs_only_what_its_allowlist_names() {
    let example = text("kubectl/kuberc.yaml");
    let older = example.replace("- command: ", "- name: ");
    assert_ne!(older, example);
    for (program, kuberc) in WITH_ALLOWLIST.into_iter().flat_map(|program| [(program, &example), (program, &older)]) {
        let Some(kubectl) = find(program) else { return };
        let cluster = Cluster::start();
        cluster.sandbox.write(".kube/kuberc", kuberc);

        cluster.served(&run(&cluster.sandbox, &kubectl, &["get", "--raw", "/version"]));

        let other = cluster.sandbox.script("bin/other", "touch ~/has-run; exec spotinst-cred \"$@\"");
        let config = cluster.sandbox.home().join(".kube/config");
        let text = std::fs::read_to_string(&config).unwrap();
        let other = format!("command: {}", other.display());
        std::fs::write(&config, text.replace("command: spotinst-cred", &other)).unwrap();
        let refused = run(&cluster.sandbox, &kubectl, &["get", "--raw", "/version"]);
        refused.has_failed(1);
        assert!(refused.stderr.contains("not permitted by the credential plugin allowlist"), "{refused:?}");
        assert!(!cluster.sandbox.home().join("has-run").exists());
    }
}

#[test]
fn helm_authenticates() {
    let Some(helm) = find("helm/helm") else { return };
    let cluster = Cluster::start();
    // Only kubectl reads its `kuberc`.
    let kuberc = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n";
    cluster.sandbox.write(".kube/kuberc", kuberc);

    cluster.served_as(&run(&cluster.sandbox, helm, &["list", "--namespace", "default"]), "hello-1.0.0");
}

#[test]
fn kube_rs_authenticates() {
    let Some(client) = find("kube-rs/debug/kube-rs") else { return };
    let cluster = Cluster::start();

    cluster.served(&run(&cluster.sandbox, client, &[]));
}

#[test]
fn the_python_client_authenticates() {
    const SCRIPT: &str = "from kubernetes import client, config; config.load_kube_config(); \
                          print(client.VersionApi().get_code().git_version)";
    let Some(python) = find("python/bin/python") else { return };
    let cluster = Cluster::start();

    let outcome = run(&cluster.sandbox, python, &["-c", SCRIPT]);

    cluster.served(&outcome);
}

#[test]
fn the_javascript_client_authenticates() {
    const SCRIPT: &str = "import { KubeConfig, VersionApi } from '@kubernetes/client-node'; \
                          const config = new KubeConfig(); config.loadFromDefault(); \
                          console.log((await config.makeApiClient(VersionApi).getCode()).gitVersion);";
    let (Some(node), Some(modules)) = (find("node"), find("node/node_modules")) else { return };
    let cluster = Cluster::start();
    // Node looks for modules beside the script.
    std::os::unix::fs::symlink(modules, cluster.sandbox.path().join("node_modules")).unwrap();

    let outcome = run(&cluster.sandbox, node, &["--input-type=module", "-e", SCRIPT]);

    cluster.served(&outcome);
}
