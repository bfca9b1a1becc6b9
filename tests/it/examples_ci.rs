//! The examples for CI systems and machines: each file is parsed like its host parses it, and its commands are run.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::act;
use crate::examples::{ACCOUNT, examples, find, text, yaml};
use crate::fake_network::FakeNetwork;
use crate::sandbox::{Outcome, PROGRAM, Running};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};

/// The secrets of a CI system.
const KEPT: [(&str, &str); 5] = [
    ("SPOTINST_USERNAME", USERNAME),
    ("SPOTINST_PASSWORD", PASSWORD),
    ("SPOTINST_CLIENT_ID", CLIENT_ID),
    ("SPOTINST_CLIENT_SECRET", CLIENT_SECRET),
    ("SPOTINST_ACCOUNT", ACCOUNT),
];

/// A user without credentials in the environment.
fn without_credentials() -> FakeNetwork {
    let mut network = FakeNetwork::start();
    for (name, _) in KEPT {
        network.sandbox.unset(name);
    }
    network
}

/// Runs all steps except the installation, which needs the network.
#[test]
fn a_github_job_logs_in_and_uses_the_token() {
    let (Some(workflow), Some(_)) = (yaml(&text("github-actions/spotinst.yml")), find("curl")) else { return };
    let mut network = without_credentials();
    let file = network.sandbox.write("github-env", "");
    network.sandbox.set("GITHUB_ENV", &file);
    let steps = workflow["jobs"]["accounts"]["steps"].as_array().unwrap();
    assert!(steps[0]["run"].as_str().unwrap().starts_with("cargo install "));

    let login = github_step(&network, &steps[1]);
    for line in fs::read_to_string(&file).unwrap().lines() {
        let (name, value) = line.split_once('=').unwrap();
        network.sandbox.set(name, value);
    }
    let accounts = github_step(&network, &steps[2]);

    login.prints(&format!("::add-mask::{}\n", network.token()));
    assert!(accounts.stdout.contains(ACCOUNT), "{accounts:?}");
    assert_eq!(network.calls().len(), 1);
}

/// `act` runs the real workflow; only the installation is replaced.
#[test]
fn act_runs_the_github_job() {
    let (Some(program), Some(_), Some(_)) = (find(act::ACT), find("curl"), find("git")) else { return };
    let network = without_credentials();
    let cargo = network.sandbox.script("bin/cargo", "echo \"cargo $*\"");
    let repository = network.sandbox.path().join("repository");

    let outcome = act::run(&network.sandbox, &[&program, &cargo], &repository, &text("github-actions/spotinst.yml"));

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("cargo install --locked --git "), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
    for secret in [network.token().as_str(), PASSWORD] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
    }
}

/// Runs one step's `run` with its `env`, in the shell that the runner uses.
fn github_step(network: &FakeNetwork, step: &Value) -> Outcome {
    let mut command = network.sandbox.command("bash");
    command.args(["-e", "-c", step["run"].as_str().unwrap()]);
    for (name, value) in step["env"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        let (_, kept) = KEPT.iter().find(|(kept, _)| value.contains(&format!(".{kept} "))).unwrap();
        command.env(name, kept);
    }
    Running::start(&mut command).end()
}

#[test]
fn a_gitlab_job_gets_the_token() {
    for shell in ["sh", "bash"] {
        let Some(network) = gitlab_job(shell, PASSWORD, |outcome| {
            assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{shell}: {outcome:?}");
            assert!(outcome.stdout.contains(ACCOUNT), "{shell}: {outcome:?}");
        }) else {
            return;
        };
        assert_eq!(network.calls().len(), 1);
    }
}

#[test]
fn a_gitlab_job_stops_without_a_token() {
    for shell in ["sh", "bash"] {
        let Some(network) = gitlab_job(shell, "wrong", |outcome| {
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{shell}: {outcome:?}");
        }) else {
            return;
        };
        assert_eq!(network.hosts(), ["oauth.spotinst.io:443"]);
    }
}

/// Runs both scripts of the job in one shell that stops at the first failure, like the runner.
fn gitlab_job(shell: &str, password: &str, look: impl FnOnce(&Outcome)) -> Option<FakeNetwork> {
    let (config, _) = (yaml(&text("gitlab-ci/spotinst.yml"))?, find("curl")?);
    let mut network = without_credentials();
    for (name, value) in KEPT {
        network.sandbox.set(name, value);
    }
    network.sandbox.set("SPOTINST_PASSWORD", password);
    assert_eq!(config["accounts"]["extends"], ".spotinst");
    let lines = [&config[".spotinst"]["before_script"], &config["accounts"]["script"]];
    let lines: Vec<_> =
        lines.iter().flat_map(|lines| lines.as_array().unwrap()).map(|line| line.as_str().unwrap()).collect();

    let outcome = Running::start(network.sandbox.command(shell).args(["-e", "-c", &lines.join("\n")])).end();

    look(&outcome);
    Some(network)
}

/// `gitlab-ci-local` runs the real pipeline, and exits with the status of the job's last command.
#[test]
fn gitlab_ci_local_runs_the_pipeline() {
    let Some(program) = find("node/node_modules/.bin/gitlab-ci-local") else { return };
    let tools = ["curl", "git", "node", "rsync"];
    if tools.iter().any(|tool| find(tool).is_none()) {
        return;
    }
    for (password, is_good) in [(PASSWORD, true), ("wrong", false)] {
        let network = without_credentials();
        let repository = network.sandbox.path().join("repository");
        fs::create_dir(&repository).unwrap();
        fs::write(repository.join(".gitlab-ci.yml"), text("gitlab-ci/spotinst.yml")).unwrap();
        act::make_repository(&network.sandbox, &repository);
        // It does not pass the machine's variables to a job.
        let passed = act::PASSED.iter().filter_map(|name| Some((*name, network.sandbox.variable(name)?)));
        let kept =
            KEPT.into_iter().map(|(name, kept)| (name, if name == "SPOTINST_PASSWORD" { password } else { kept }));
        let variables: BTreeMap<_, _> = passed.chain(kept).collect();
        let variables = serde_json::to_string(&variables).unwrap();
        fs::write(repository.join(".gitlab-ci-local-variables.yml"), variables).unwrap();

        let outcome = Running::start(network.sandbox.command(&program).arg("accounts").current_dir(&repository)).end();

        assert_eq!(outcome.status == Some(0), is_good, "{outcome:?}");
        assert_eq!(outcome.stdout.contains(ACCOUNT), is_good, "{outcome:?}");
        if is_good {
            assert_eq!(network.calls().len(), 1);
        } else {
            assert_eq!(network.hosts(), ["oauth.spotinst.io:443"]);
        }
    }
}

/// Runs the container's command without a daemon; its secrets are in another directory.
#[test]
fn a_container_reads_its_secrets_from_files() {
    let (Some(compose), Some(_)) = (yaml(&text("docker/compose.yaml")), find("curl")) else { return };
    let mut network = without_credentials();
    let service = &compose["services"]["accounts"];
    for (name, value) in service["environment"].as_object().unwrap() {
        let value = value.as_str().unwrap().replace("/run/secrets/", &format!("{}/", network.sandbox.home().display()));
        network.sandbox.set(name, value);
    }
    network.sandbox.write("spotinst_password", &format!("{PASSWORD}\n"));
    network.sandbox.write("spotinst_client_secret", CLIENT_SECRET);
    let argv = [&service["entrypoint"], &service["command"]];
    let argv =
        argv.iter().flat_map(|words| words.as_array().unwrap()).map(|word| word.as_str().unwrap().replace("$$", "$"));
    let argv: Vec<_> = argv.collect();

    let outcome = Running::start(network.sandbox.command(&argv[0]).args(&argv[1..])).end();

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
}

#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = find("systemd-analyze") else { return };
    let network = without_credentials();
    let units = ["spotinst-token.service", "spotinst-token.timer", "spotinst-app.service"];
    let files = units.map(|unit| network.sandbox.write(unit, &unit_text(unit)));

    let outcome = Running::start(network.sandbox.command(analyze).args(["verify", "--man=no"]).args(files)).end();

    outcome.prints("");
}

/// The unit with the path of the program under test.
fn unit_text(unit: &str) -> String {
    text(&format!("systemd/{unit}")).replace("/usr/local/bin/spotinst-cred", PROGRAM)
}

#[test]
fn a_unit_writes_the_token_to_a_file() {
    let mut network = without_credentials();

    start_unit(&mut network, "spotinst-token.service").prints("");

    let file = fs::read_to_string(network.sandbox.home().join("run/spotinst/token.env")).unwrap();
    assert_eq!(
        file,
        format!("SPOTINST_TOKEN={}\nSPOTINST_ACCOUNT={ACCOUNT}\nSPOTINST_ACCOUNT_ID={ACCOUNT}\n", network.token())
    );
}

#[test]
fn a_service_starts_with_a_token_and_no_password() {
    let mut network = without_credentials();

    let outcome = start_unit(&mut network, "spotinst-app.service");

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(&format!("SPOTINST_TOKEN={}\n", network.token())), "{outcome:?}");
    assert!(!outcome.stdout.contains("PASSWORD") && !outcome.stdout.contains("CLIENT_SECRET"), "{outcome:?}");
}

/// Runs the unit's program with the credentials, directories and environment that systemd would set up.
fn start_unit(network: &mut FakeNetwork, unit: &str) -> Outcome {
    let home = network.sandbox.home();
    let credentials = [("password", PASSWORD), ("client-secret", CLIENT_SECRET)];
    for (name, value) in credentials {
        assert!(unit_text(unit).contains(&format!("LoadCredential={name}:")));
        network.sandbox.write(&format!("credentials/{name}"), value);
    }
    fs::create_dir_all(home.join("run/spotinst")).unwrap();
    let specifiers = [("%d", "credentials"), ("%t", "run"), ("%C", "cache")];
    let unit = specifiers.iter().fold(unit_text(unit), |unit, (specifier, directory)| {
        unit.replace(specifier, home.join(directory).to_str().unwrap())
    });
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
        let (name, value) = line.split_once('=').unwrap();
        network.sandbox.set(name, value);
    }
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let mut words = line.split(' ');
    Running::start(network.sandbox.command(words.next().unwrap()).args(words)).end()
}

/// Every example begins with a comment about its purpose, except JSON, which has no comments.
#[test]
fn every_example_begins_with_its_purpose() {
    for file in examples() {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.strip_prefix("#!/bin/sh\n").unwrap_or(&text);
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        assert!(is_json || text.starts_with("# ") || text.starts_with("// "), "{}", file.display());
    }
}
