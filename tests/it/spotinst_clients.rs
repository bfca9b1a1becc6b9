//! Spotinst's own clients and programs built on them, unmodified: what they send has our token and the account.

use serde_json::{Value, json};

use crate::examples::{self, ACCOUNT, find, path, run, text};
use crate::fake_network::FakeNetwork;

/// Both hosts with their compiled-in names: no setting redirects a client.
const BOTH_HOSTS: [&str; 2] = ["oauth.spotinst.io:443", "api.spotinst.io:443"];

#[test]
fn the_first_python_sdk_sends_token_and_account() {
    let Some(python) = find("python/bin/python") else { return };
    let mut network = FakeNetwork::start();
    // The account is only in the profile, so the SDK can get it only from us.
    network.sandbox.unset("SPOTINST_ACCOUNT").config(&format!("[profiles.default]\naccount = '{ACCOUNT}'\n"));

    let script = path("python/sdk.py");
    let outcome =
        run(&network.sandbox, "spotinst-cred", &["exec", "--", python.to_str().unwrap(), script.to_str().unwrap()]);

    outcome.prints("id-of-existing existing\n");
    let calls = network.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].target, format!("/aws/ec2/group?accountId={ACCOUNT}"));
    assert_eq!(network.hosts(), BOTH_HOSTS);
}

/// The first request of `serverless deploy`: it creates an environment for functions.
#[test]
fn the_second_python_sdk_sends_token_and_account() {
    let Some(python) = find("python/bin/python") else { return };
    let network = FakeNetwork::start();

    let outcome = run(&network.sandbox, python, &[path("python/sdk2.py").to_str().unwrap()]);

    outcome.prints("id-of-hello\n");
    let calls = network.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(
        (call.method.as_str(), call.target.as_str()),
        ("POST", &*format!("/functions/environment?accountId={ACCOUNT}"))
    );
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["environment"]["name"], json!("hello"));
    assert_eq!(network.hosts(), BOTH_HOSTS);
}

/// Without variables the SDK reads the file, in one of two formats.
#[test]
fn the_python_sdk_reads_both_credentials_file_formats() {
    for format in ["ini", "yaml"] {
        let Some(python) = find("python/bin/python") else { return };
        let mut network = FakeNetwork::start();
        let file = network.sandbox.home().join(".spotinst/credentials");
        run(&network.sandbox, "spotinst-cred", &["--format", format, "--output", file.to_str().unwrap()]).prints("");
        network.sandbox.unset("SPOTINST_ACCOUNT").unset("SPOTINST_PASSWORD");

        run(&network.sandbox, python, &[path("python/sdk.py").to_str().unwrap()]).prints("id-of-existing existing\n");

        assert_eq!(network.calls()[0].target, format!("/aws/ec2/group?accountId={ACCOUNT}"), "{format}");
    }
}

#[test]
fn an_ansible_playbook_sends_token_and_account() {
    let (Some(playbook), Some(collections)) =
        (find("python/bin/ansible-playbook"), find("collections/ansible_collections"))
    else {
        return;
    };
    let python = find("python/bin/python").unwrap();
    let mut network = FakeNetwork::start();
    network.sandbox.set("ANSIBLE_COLLECTIONS_PATH", collections.parent().unwrap());
    network.sandbox.set("ANSIBLE_PYTHON_INTERPRETER", python).set("LC_ALL", "C.UTF-8");

    let example = path("ansible/elastigroup.yml");
    let arguments = ["exec", "--", playbook.to_str().unwrap(), example.to_str().unwrap()];
    let outcome = run(&network.sandbox, "spotinst-cred", &arguments);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("changed: [localhost]"), "{outcome:?}");
    let calls: Vec<_> = network.calls().into_iter().map(|call| (call.method, call.target)).collect();
    let target = format!("/aws/ec2/group?accountId={ACCOUNT}");
    assert_eq!(calls, [("GET".to_owned(), target.clone()), ("POST".to_owned(), target)]);
    assert_eq!(network.hosts(), BOTH_HOSTS);
}

/// The client of an MCP server: a third-party one, with another HTTP library.
#[test]
fn the_client_of_an_mcp_server_sends_token_and_account() {
    const SCRIPT: &str = "import asyncio; from mcp_server_spotinst.spotinst_client import SpotinstClient; \
                          print(asyncio.run(SpotinstClient().list_elastigroups()))";
    let Some(python) = find("python/bin/python") else { return };
    let network = FakeNetwork::start();

    let arguments = ["exec", "--", python.to_str().unwrap(), "-c", SCRIPT];
    let outcome = run(&network.sandbox, "spotinst-cred", &arguments);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("id-of-existing"), "{outcome:?}");
    assert_eq!(network.calls()[0].target, format!("/aws/ec2/group?accountId={ACCOUNT}"));
    assert_eq!(network.hosts(), BOTH_HOSTS);
}

#[test]
fn curl_sends_the_token() {
    let Some(_) = find("curl") else { return };
    let network = FakeNetwork::start();

    let outcome = run(&network.sandbox, path("curl/spotinst-curl"), &["https://api.spotinst.io/setup/account"]);

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
    assert_eq!(network.hosts(), BOTH_HOSTS);
}

#[test]
fn curl_sends_nothing_without_a_token() {
    let Some(_) = find("curl") else { return };
    let mut network = FakeNetwork::start();
    network.sandbox.set("SPOTINST_PASSWORD", "wrong");

    let outcome = run(&network.sandbox, path("curl/spotinst-curl"), &["https://api.spotinst.io/setup/account"]);

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{outcome:?}");
    assert_eq!(network.hosts(), BOTH_HOSTS[..1]);
}

/// The plugin cannot be installed here. Tested are the example's command, its file, and that a later call does not take
/// the file's token for a permanent one.
#[test]
fn the_serverless_example_writes_the_file_and_passes_the_token() {
    let mut network = FakeNetwork::start();
    network.sandbox.script("bin/serverless", "echo \"$* [$SPOTINST_TOKEN]\"; cat ~/.spotinst/credentials");
    network.sandbox.set("PATH", with_bin(&network));
    let example = text("serverless/serverless.yml");
    let line = example.lines().find_map(|line| line.strip_prefix("#   ")).expect("the line to paste");

    let outcome = shell(&network, line);

    let token = network.token();
    outcome.prints(&format!("deploy [{token}]\ndefault:\n  token: {token}\n  account: {ACCOUNT}\n"));
    if let Some(file) = examples::yaml_for_case(&outcome.stdout[outcome.stdout.find("default").unwrap()..]) {
        assert_eq!(file, json!({"default": {"token": token, "account": ACCOUNT}}));
        assert_eq!(examples::yaml(&example).unwrap()["plugins"], json!(["serverless-spotinst-functions"]));
    }
    let renewed = shell(&network, "spotinst-cred --force-refresh");
    renewed.prints(&format!("{}\n", network.spotinst.issued()[1]));
}

fn with_bin(network: &FakeNetwork) -> std::ffi::OsString {
    let directory = network.sandbox.home().join("bin");
    let path = crate::sandbox::path_with_program();
    std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).unwrap()
}

/// Runs a line in `sh`, with the sandbox's own `PATH`.
fn shell(network: &FakeNetwork, line: &str) -> crate::sandbox::Outcome {
    crate::sandbox::Running::start(network.sandbox.command("sh").args(["-c", line])).end()
}

/// restish cannot be installed here: its command line gets what restish sends.
#[test]
fn restish_gets_an_authorization_header() {
    let network = FakeNetwork::start();
    let apis: Value = serde_json::from_str(&text("restish/apis.json")).unwrap();
    let api = &apis["spotinst"];
    let line = api["profiles"]["default"]["auth"]["params"]["commandline"].as_str().unwrap();
    let uri = format!("{}/setup/account", api["base"].as_str().unwrap());
    let request = json!({"method": "GET", "uri": uri, "headers": {"Accept": ["*/*"]}, "body": ""});

    let outcome = shell(&network, &format!("{line} <<'REQUEST'\n{request}\nREQUEST"));

    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["headers"], json!({"Authorization": [format!("Bearer {}", network.token())]}));
}
