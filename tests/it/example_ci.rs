//! The examples for CI systems and for machines: each host's file is read as the host reads it, and what it runs is run.

use std::fs;

use serde_json::Value;

use crate::example::{ACCOUNT, examples, find, text, yaml};
use crate::internet::Internet;
use crate::sandbox::{Outcome, PROGRAM, Running};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};

/// What a CI system keeps for its jobs.
const KEPT: [(&str, &str); 5] = [
    ("SPOTINST_USERNAME", USERNAME),
    ("SPOTINST_PASSWORD", PASSWORD),
    ("SPOTINST_CLIENT_ID", CLIENT_ID),
    ("SPOTINST_CLIENT_SECRET", CLIENT_SECRET),
    ("SPOTINST_ACCOUNT", ACCOUNT),
];

/// A user who has nothing of that in the environment.
fn without_credentials() -> Internet {
    let mut internet = Internet::start();
    for (name, _) in KEPT {
        internet.sandbox.unset(name);
    }
    internet
}

/// The steps that can be run without the network: all but the installation.
#[test]
fn a_github_job_logs_in_and_uses_the_token() {
    let (Some(workflow), Some(_)) = (yaml(&text("github-actions/spotinst.yml")), find("curl")) else { return };
    let mut internet = without_credentials();
    let file = internet.sandbox.write("github-env", "");
    internet.sandbox.set("GITHUB_ENV", &file);
    let steps = workflow["jobs"]["accounts"]["steps"].as_array().unwrap();
    assert!(steps[0]["run"].as_str().unwrap().starts_with("cargo install "));

    let login = github_step(&internet, &steps[1]);
    for line in fs::read_to_string(&file).unwrap().lines() {
        let (name, value) = line.split_once('=').unwrap();
        internet.sandbox.set(name, value);
    }
    let accounts = github_step(&internet, &steps[2]);

    login.prints(&format!("::add-mask::{}\n", internet.token()));
    assert!(accounts.stdout.contains(ACCOUNT), "{accounts:?}");
    assert_eq!(internet.calls().len(), 1);
}

/// One `run`, by the shell that the runner takes, with what its `env` says.
fn github_step(internet: &Internet, step: &Value) -> Outcome {
    let mut command = internet.sandbox.command("bash");
    command.args(["-e", "-c", step["run"].as_str().unwrap()]);
    for (name, value) in step["env"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        let (_, kept) = KEPT.iter().find(|(kept, _)| value.contains(&format!(".{kept} "))).unwrap();
        command.env(name, kept);
    }
    Running::start(&mut command).end()
}

#[test]
fn a_gitlab_job_has_the_token() {
    for shell in ["sh", "bash"] {
        let Some(internet) = gitlab_job(shell, PASSWORD, |outcome| {
            assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{shell}: {outcome:?}");
            assert!(outcome.stdout.contains(ACCOUNT), "{shell}: {outcome:?}");
        }) else {
            return;
        };
        assert_eq!(internet.calls().len(), 1);
    }
}

#[test]
fn a_gitlab_job_stops_without_a_token() {
    for shell in ["sh", "bash"] {
        let Some(internet) = gitlab_job(shell, "wrong", |outcome| {
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{shell}: {outcome:?}");
        }) else {
            return;
        };
        assert_eq!(internet.hosts(), ["oauth.spotinst.io:443"]);
    }
}

/// Both scripts of the job, a line after the other in one shell that stops at the first failure, as the runner has it.
fn gitlab_job(shell: &str, password: &str, look: impl FnOnce(&Outcome)) -> Option<Internet> {
    let (config, _) = (yaml(&text("gitlab-ci/spotinst.yml"))?, find("curl")?);
    let mut internet = without_credentials();
    for (name, value) in KEPT {
        internet.sandbox.set(name, value);
    }
    internet.sandbox.set("SPOTINST_PASSWORD", password);
    assert_eq!(config["accounts"]["extends"], ".spotinst");
    let lines = [&config[".spotinst"]["before_script"], &config["accounts"]["script"]];
    let lines: Vec<_> =
        lines.iter().flat_map(|lines| lines.as_array().unwrap()).map(|line| line.as_str().unwrap()).collect();

    let outcome = Running::start(internet.sandbox.command(shell).args(["-e", "-c", &lines.join("\n")])).end();

    look(&outcome);
    Some(internet)
}

/// No daemon is needed: what the container's process would be is run here, its secrets in another directory.
#[test]
fn a_container_has_its_secrets_in_files() {
    let (Some(compose), Some(_)) = (yaml(&text("docker/compose.yaml")), find("curl")) else { return };
    let mut internet = without_credentials();
    let service = &compose["services"]["accounts"];
    for (name, value) in service["environment"].as_object().unwrap() {
        let value =
            value.as_str().unwrap().replace("/run/secrets/", &format!("{}/", internet.sandbox.home().display()));
        internet.sandbox.set(name, value);
    }
    internet.sandbox.write("spotinst_password", &format!("{PASSWORD}\n"));
    internet.sandbox.write("spotinst_client_secret", CLIENT_SECRET);
    let argv = [&service["entrypoint"], &service["command"]];
    let argv =
        argv.iter().flat_map(|words| words.as_array().unwrap()).map(|word| word.as_str().unwrap().replace("$$", "$"));
    let argv: Vec<_> = argv.collect();

    let outcome = Running::start(internet.sandbox.command(&argv[0]).args(&argv[1..])).end();

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(internet.calls().len(), 1);
}

/// systemd finds no mistake in the units.
#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = find("systemd-analyze") else { return };
    let internet = without_credentials();
    let units = ["spotinst-token.service", "spotinst-token.timer", "spotinst-app.service"];
    let files = units.map(|unit| internet.sandbox.write(unit, &unit_text(unit)));

    let outcome = Running::start(internet.sandbox.command(analyze).args(["verify", "--man=no"]).args(files)).end();

    outcome.prints("");
}

/// Its program under the path that it has here.
fn unit_text(unit: &str) -> String {
    text(&format!("systemd/{unit}")).replace("/usr/local/bin/spotinst-cred", PROGRAM)
}

#[test]
fn a_unit_writes_the_token_to_a_file() {
    let mut internet = without_credentials();

    start_unit(&mut internet, "spotinst-token.service").prints("");

    let file = fs::read_to_string(internet.sandbox.home().join("run/spotinst/token.env")).unwrap();
    assert_eq!(file, format!("SPOTINST_TOKEN={}\nSPOTINST_ACCOUNT={ACCOUNT}\n", internet.token()));
}

#[test]
fn a_service_starts_with_a_token_and_no_password() {
    let mut internet = without_credentials();

    let outcome = start_unit(&mut internet, "spotinst-app.service");

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(&format!("SPOTINST_TOKEN={}\n", internet.token())), "{outcome:?}");
    assert!(!outcome.stdout.contains("PASSWORD") && !outcome.stdout.contains("CLIENT_SECRET"), "{outcome:?}");
}

/// What systemd would do with the unit: its credentials, its directories, its environment, its program.
fn start_unit(internet: &mut Internet, unit: &str) -> Outcome {
    let home = internet.sandbox.home();
    let credentials = [("password", PASSWORD), ("client-secret", CLIENT_SECRET)];
    for (name, value) in credentials {
        assert!(unit_text(unit).contains(&format!("LoadCredential={name}:")));
        internet.sandbox.write(&format!("credentials/{name}"), value);
    }
    fs::create_dir_all(home.join("run/spotinst")).unwrap();
    let specifiers = [("%d", "credentials"), ("%t", "run"), ("%C", "cache")];
    let unit = specifiers.iter().fold(unit_text(unit), |unit, (specifier, directory)| {
        unit.replace(specifier, home.join(directory).to_str().unwrap())
    });
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
        let (name, value) = line.split_once('=').unwrap();
        internet.sandbox.set(name, value);
    }
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let mut words = line.split(' ');
    Running::start(internet.sandbox.command(words.next().unwrap()).args(words)).end()
}

/// Every example says on top what it is for; JSON, which has no comments, is excepted.
#[test]
fn every_example_begins_with_its_purpose() {
    for file in examples() {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.strip_prefix("#!/bin/sh\n").unwrap_or(&text);
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        assert!(is_json || text.starts_with("# "), "{}", file.display());
    }
}
