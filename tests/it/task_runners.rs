//! just, Task and mise, with the examples unchanged.

use std::fs;
use std::path::Path;

use crate::examples::{ACCOUNT, find, path, path_with};
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::StandIn;

#[test]
fn just_passes_the_token() {
    passes_the_token("python/bin/just", "just/justfile", &["deploy"], 7);
}

/// Task has its own exit status for a failed command.
#[test]
fn task_passes_the_token() {
    passes_the_token("python/bin/task", "task/Taskfile.yml", &["deploy"], 201);
}

#[test]
fn mise_passes_the_token() {
    let program = "node/node_modules/@jdxcode/mise-linux-x64/bin/mise";
    passes_the_token(program, "mise/mise.toml", &["run", "deploy"], 7);
}

/// The recipe's program gets the token and no password. If it fails, the runner fails; without a token it is not run.
#[track_caller]
fn passes_the_token(program: &str, example: &str, arguments: &[&str], status: i32) {
    let Some(program) = find(program) else { return };
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let terraform = "echo \"$* [$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_PASSWORD]\"; exit 7";
    let terraform = sandbox.script("bin/terraform", terraform);
    sandbox.set("PATH", path_with(&[&terraform])).set("SPOTINST_ACCOUNT", ACCOUNT);
    let directory = sandbox.path().to_owned();
    sandbox.set("MISE_TRUSTED_CONFIG_PATHS", directory);
    let file = sandbox.path().join(Path::new(example).file_name().unwrap());
    fs::copy(path(example), file).unwrap();
    let run = |sandbox: &Sandbox| -> Outcome { Running::start(sandbox.command(&program).args(arguments)).end() };

    let outcome = run(&sandbox);
    assert_eq!(sandbox.run(["logout"]).status, Some(0));
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    let failed = run(&sandbox);

    let token = stand_in.issued().remove(0);
    assert_eq!(outcome.stdout, format!("apply [{token}] [{ACCOUNT}] []\n"), "{outcome:?}");
    assert_eq!(outcome.status, Some(status), "{outcome:?}");
    assert!(!outcome.stderr.contains(&token), "{outcome:?}");
    assert_eq!(failed.stdout, "", "{failed:?}");
    assert_ne!(failed.status, Some(0), "{failed:?}");
}
