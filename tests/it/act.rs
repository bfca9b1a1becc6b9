//! `act`, which runs GitHub's workflows. It runs each step on this machine, as a runner without a container does.

use std::fs;
use std::path::Path;

use crate::examples::{ACCOUNT, path_with};
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};

pub const ACT: &str = "python/bin/act";

/// The secrets of a CI system.
pub const SECRETS: [(&str, &str); 4] = [
    ("SPOTINST_USERNAME", USERNAME),
    ("SPOTINST_PASSWORD", PASSWORD),
    ("SPOTINST_CLIENT_ID", CLIENT_ID),
    ("SPOTINST_CLIENT_SECRET", CLIENT_SECRET),
];

/// Creates a repository with this workflow in the directory, and runs it with the [`SECRETS`]. The first program is
/// `act`; the `PATH` of the steps has all of them, and the program under test.
#[track_caller]
pub fn run(sandbox: &Sandbox, programs: &[&Path], repository: &Path, workflow: &str) -> Outcome {
    fs::create_dir_all(repository.join(".github/workflows")).unwrap();
    fs::write(repository.join(".github/workflows/it.yml"), workflow).unwrap();
    make_repository(sandbox, repository);
    let secrets: String = SECRETS.map(|(name, secret)| format!("{name}=\"{secret}\"\n")).concat();
    let secrets = sandbox.write("secrets", &secrets);
    let variables = sandbox.write("variables", &format!("SPOTINST_ACCOUNT={ACCOUNT}\n"));

    let mut command = sandbox.command(programs[0]);
    command.current_dir(repository).env("PATH", path_with(programs));
    command.args(["workflow_dispatch", "--platform", "ubuntu-latest=-self-hosted"]);
    command.arg("--secret-file").arg(secrets).arg("--var-file").arg(variables);
    // Without this, steps get only PATH from the machine's environment.
    for (name, value) in PASSED.iter().filter_map(|name| Some((name, sandbox.variable(name)?))) {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    Running::start(&mut command).end()
}

/// Variables of the sandbox that are passed to jobs.
pub const PASSED: [&str; 4] = ["SPOTINST_TOKEN_URL", "HTTPS_PROXY", "SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// Commits all files in the directory.
#[track_caller]
pub fn make_repository(sandbox: &Sandbox, directory: &Path) {
    const COMMIT: &str = "git init --quiet --initial-branch=main && git add --all && \
                          git -c user.name=it -c user.email=it@example.com commit --quiet --message=it && \
                          git remote add origin https://git.example.com/it/it.git";
    let mut command = sandbox.command("sh");
    Running::start(command.args(["-c", COMMIT]).current_dir(directory)).end().prints("");
}
