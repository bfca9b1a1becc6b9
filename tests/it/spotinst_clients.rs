//! Spotinst's own clients and programs built on them, unmodified: they send the token and the account.

use std::fs;

use serde_json::{Value, json};

use crate::examples::{self, ACCOUNT, find, path, path_with, run, text};
use crate::fake_network::{self, FakeNetwork};
use crate::sandbox::{Running, Sandbox};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

/// Both hosts with their compiled-in names: no setting redirects a client.
const BOTH_HOSTS: [&str; 2] = ["oauth.spotinst.io:443", "api.spotinst.io:443"];

#[test]
fn the_first_python_sdk_sends_token_and_account() {
    let Some(python) = find("python/bin/python") else { return };
    let mut network = FakeNetwork::start();
    // The account is only in the profile, so the SDK can get it only from this program.
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
    for (format, section) in [("ini", "default"), ("yaml", "default"), ("ini", "prod"), ("yaml", "prod")] {
        let Some(python) = find("python/bin/python") else { return };
        let mut network = FakeNetwork::start();
        let file = network.sandbox.home().join(".spotinst/credentials");
        let file = file.to_str().unwrap();
        let arguments = ["--format", format, "--section", section, "--output", file];
        run(&network.sandbox, "spotinst-cred", &arguments).prints("");
        network.sandbox.unset("SPOTINST_ACCOUNT").unset("SPOTINST_PASSWORD").set("SPOTINST_PROFILE", section);

        run(&network.sandbox, python, &[path("python/sdk.py").to_str().unwrap()]).prints("id-of-existing existing\n");

        assert_eq!(network.calls()[0].target, format!("/aws/ec2/group?accountId={ACCOUNT}"), "{format}");
    }
}

/// Ansible reads the account from `SPOTINST_ACCOUNT_ID`, and without it works on the token's default account.
#[test]
fn an_ansible_playbook_sends_token_and_account() {
    let example = path("ansible/elastigroup.yml").display().to_string();
    for line in [
        "spotinst-cred exec -- ansible-playbook",
        "eval \"$(spotinst-cred -f sh)\"; ansible-playbook",
        "spotinst-cred -f ini -o ~/.spotinst/credentials; ansible-playbook",
    ] {
        if let Some(network) = run_ansible(&format!("{line} '{example}'")) {
            let calls: Vec<_> = network.calls().into_iter().map(|call| (call.method, call.target)).collect();
            let target = format!("/aws/ec2/group?accountId={ACCOUNT}");
            assert_eq!(calls, [("GET".to_owned(), target.clone()), ("POST".to_owned(), target)], "{line}");
            assert_eq!(network.hosts(), BOTH_HOSTS);
        }
    }
}

/// Runs the documented line with Ansible, if it is installed. The account is only in the profile.
fn run_ansible(line: &str) -> Option<FakeNetwork> {
    let (Some(playbook), Some(collections)) =
        (find("python/bin/ansible-playbook"), find("collections/ansible_collections"))
    else {
        return None;
    };
    let python = find("python/bin/python").unwrap();
    let mut network = FakeNetwork::start();
    network.sandbox.set("ANSIBLE_COLLECTIONS_PATH", collections.parent().unwrap());
    network.sandbox.set("ANSIBLE_PYTHON_INTERPRETER", python).set("LC_ALL", "C.UTF-8");

    network.sandbox.unset("SPOTINST_ACCOUNT").config(&format!("[profiles.default]\naccount = '{ACCOUNT}'\n"));
    network.sandbox.set("PATH", path_with(&[&playbook]));

    let outcome = shell(&network, line);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("changed: [localhost]"), "{outcome:?}");
    Some(network)
}

/// An MCP host starts its servers with little more than `HOME` and `PATH`, so all settings are in the configuration
/// file. The server is a third-party one, with another HTTP library.
#[test]
fn an_mcp_server_sends_token_and_account() {
    let (Some(python), Some(server)) = (find("python/bin/python"), find("python/bin/mcp-server-spotinst")) else {
        return;
    };
    let network = FakeNetwork::start();
    let service = StandIn::start();
    let issued = service.service();
    network.spotinst.handler(move |request| {
        let is_good = issued.issued().iter().any(|token| request.bearer() == Some(token));
        if is_good { fake_network::group(request) } else { Reply::unauthorized() }
    });
    let user = Sandbox::new();
    let secrets = format!("password_command = ['printf', '%s', '{PASSWORD}']\nclient_secret = '{CLIENT_SECRET}'\n");
    let login = format!("token_url = '{}'\nusername = '{USERNAME}'\nclient_id = '{CLIENT_ID}'\n", service.url());
    user.config(&format!("[profiles.default]\n{login}{secrets}account = '{ACCOUNT}'\n"));
    // Only the server needs the fake network: it talks to the real host's name.
    let roots = network.sandbox.path().join("ca.pem");
    let server = format!(
        "env > ~/environment\nexport HTTPS_PROXY='{}' SSL_CERT_FILE='{}'\nexec '{}' \"$@\"",
        network.proxy.url(),
        roots.display(),
        server.display()
    );
    let server = user.script("bin/mcp-server-spotinst", &server);

    let mut host = user.command(python);
    host.args(["-W", "ignore", "-c", MCP_HOST]).arg(path("mcp/mcp.json")).env("PATH", path_with(&[&server]));
    let outcome = Running::start(&mut host).end();

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("id-of-existing"), "{outcome:?}");
    let calls = network.spotinst.requests();
    assert_eq!(calls[0].target, format!("/aws/ec2/group?accountId={ACCOUNT}"));
    let environment = fs::read_to_string(user.home().join("environment")).unwrap();
    let names = environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let mut names: Vec<_> = names.filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "PATH", "SPOTINST_ACCOUNT", "SPOTINST_ACCOUNT_ID", "SPOTINST_TOKEN"]);
}

/// Starts the server of its argument's configuration, and calls one of its tools.
const MCP_HOST: &str = "\
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    server = StdioServerParameters(**json.load(open(sys.argv[1]))['mcpServers']['spotinst'])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        print((await session.call_tool('list_elastigroups', {})).content)

asyncio.run(main())
";

#[test]
fn the_node_sdk_sends_token_and_account() {
    let (Some(node), Some(modules)) = (find("node"), find("node/node_modules/spotinst-sdk-nodejs")) else { return };
    let mut network = FakeNetwork::start();
    network.sandbox.set("NODE_PATH", modules.parent().unwrap()).set("NODE_NO_WARNINGS", "1");
    network.sandbox.unset("SPOTINST_ACCOUNT").config(&format!("[profiles.default]\naccount = '{ACCOUNT}'\n"));

    let script = path("node/sdk.js");
    let command = ["exec", "--min-ttl", "30m", "--", node.to_str().unwrap(), script.to_str().unwrap()];
    let outcome = run(&network.sandbox, "spotinst-cred", &command);

    outcome.prints("id-of-existing existing\n");
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

/// Tests the example's command, its file, and that a later call does not mistake the file's token for a permanent one.
#[test]
fn the_serverless_example_writes_the_file_and_passes_the_token() {
    let mut network = FakeNetwork::start();
    network.sandbox.script("bin/serverless", "echo \"$* [$SPOTINST_TOKEN]\"; cat ~/.spotinst/credentials");
    network.sandbox.set("PATH", with_bin(&network));
    let example = text("serverless/serverless.yml");

    let outcome = shell(&network, line_to_paste(&example));

    let token = network.token();
    let (mark, file) = outcome.stdout.split_once("; the token expires ").unwrap();
    assert_eq!(mark, format!("deploy [{token}]\n# Written by spotinst-cred, which replaces it if unchanged"));
    let (_, file) = file.split_once('\n').unwrap();
    assert_eq!(file, format!("default:\n  token: {token}\n  account: {ACCOUNT}\n"));
    if let Some(file) = examples::yaml_for_case(&outcome.stdout[outcome.stdout.find('#').unwrap()..]) {
        assert_eq!(file, json!({"default": {"token": token, "account": ACCOUNT}}));
        assert_eq!(examples::yaml(&example).unwrap()["plugins"], json!(["serverless-spotinst-functions"]));
    }
    let renewed = shell(&network, "spotinst-cred --force-refresh");
    renewed.prints(&format!("{}\n", network.spotinst.issued()[1]));
}

/// The real framework reads the example and packages the function. Its plugin is no longer in a registry: a plugin of
/// the test replaces it and reports what it would have read, with the same parser.
#[test]
fn the_serverless_framework_deploys_the_example() {
    const PLUGIN: &str = "module.exports = class {
        constructor(serverless) {
            serverless.setProvider('spotinst', this);
            this.hooks = { 'deploy:deploy': () => {
                const text = require('fs').readFileSync(process.env.HOME + '/.spotinst/credentials', 'utf8');
                const file = require(process.env.JS_YAML).load(text);
                const { runtime, handler } = serverless.service.functions.hello;
                console.log('\\n' + JSON.stringify({ runtime, handler, file, token: process.env.SPOTINST_TOKEN }));
            } };
        }
    };";
    let Some(program) = find("serverless/node_modules/.bin/serverless") else { return };
    let mut network = FakeNetwork::start();
    let directory = network.sandbox.path().to_owned();
    let plugin = directory.join("node_modules/serverless-spotinst-functions");
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("index.js"), PLUGIN).unwrap();
    fs::write(directory.join("index.js"), "exports.main = () => {};").unwrap();
    let example = text("serverless/serverless.yml");
    fs::write(directory.join("serverless.yml"), &example).unwrap();
    network.sandbox.set("PATH", path_with(&[&program])).set("SLS_TRACKING_DISABLED", "1");
    network.sandbox.set("SLS_NOTIFICATIONS_MODE", "off");
    network.sandbox.set("JS_YAML", find("serverless/node_modules/js-yaml").unwrap());

    let outcome = shell(&network, line_to_paste(&example));

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let seen = outcome.stdout.lines().find(|line| line.starts_with('{')).unwrap();
    let token = network.token();
    let file = json!({"default": {"token": token, "account": ACCOUNT}});
    let wanted = json!({"runtime": "nodejs8.3", "handler": "index.main", "file": file, "token": token});
    assert_eq!(serde_json::from_str::<Value>(seen).unwrap(), wanted);
}

/// The runtime must be in the framework's own templates for the plugin.
#[test]
fn the_serverless_runtime_is_one_of_the_plugin() {
    let Some(template) = find("serverless/node_modules/serverless/lib/plugins/create/templates/spotinst-nodejs") else {
        return;
    };
    let template = fs::read_to_string(template.join("serverless.yml")).unwrap();
    let [template, example] = [&template, &text("serverless/serverless.yml")].map(|text| {
        let runtimes = text.lines().filter_map(|line| line.trim().strip_prefix("runtime: "));
        runtimes.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(example, template);
}

/// Packaging takes time, so both calls require a minimum lifetime.
#[test]
fn the_serverless_line_sets_min_ttl() {
    let example = text("serverless/serverless.yml");
    let commands: Vec<_> = line_to_paste(&example).split("spotinst-cred").skip(1).collect();
    assert_eq!(commands.len(), 2);
    for command in commands {
        assert!(command.contains("--min-ttl 30m"), "{command}");
    }
}

fn line_to_paste(example: &str) -> &str {
    example.lines().find_map(|line| line.strip_prefix("#   ")).expect("the line to paste")
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

/// restish cannot be installed here: the command line of both versions' files gets what restish sends.
#[test]
fn restish_gets_an_authorization_header() {
    let json = |example| serde_json::from_str::<Value>(&text(example)).unwrap();
    let (first, second) = (json("restish/apis.json"), json("restish/restish.json"));
    let (first, second) = (&first["spotinst"], &second["apis"]["spotinst"]);
    assert_eq!(first["profiles"]["default"]["auth"]["name"], "external-tool");
    assert_eq!(second["profiles"]["default"]["auth"]["type"], "external-tool");
    for (api, base) in [(first, "base"), (second, "base_url")] {
        let network = FakeNetwork::start();
        let line = api["profiles"]["default"]["auth"]["params"]["commandline"].as_str().unwrap();
        let uri = format!("{}/setup/account", api[base].as_str().unwrap());
        let request = json!({"method": "GET", "uri": uri, "headers": {"Accept": ["*/*"]}, "body": ""});

        let outcome = shell(&network, &format!("{line} <<'REQUEST'\n{request}\nREQUEST"));

        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(answer["headers"], json!({"Authorization": [format!("Bearer {}", network.token())]}));
    }
}
