//! Terraform, as far as it goes without a registry of providers.

use std::collections::BTreeMap;
use std::fs;

use crate::example::{ACCOUNT, find_by_chance, path, run, text};
use crate::sandbox::{Running, Sandbox, path_with_program};
use stand_in::StandIn;

fn user(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("SPOTINST_ACCOUNT", ACCOUNT).set("CHECKPOINT_DISABLE", "1");
    sandbox
}

/// Providers are children of terraform, and so is the command of a provisioner: it sees what they see.
const LOOKING: &str = r#"resource "terraform_data" "look" {
  provisioner "local-exec" {
    command = "echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_PASSWORD]\" > seen"
  }
}
"#;

#[test]
fn what_terraform_runs_has_the_token() {
    let Some(terraform) = find_by_chance("terraform") else { return };
    let stand_in = StandIn::start();
    let sandbox = user(&stand_in);
    fs::write(sandbox.path().join("main.tf"), LOOKING).unwrap();
    let init = run(&sandbox, &terraform, &["init", "-no-color"]);
    assert_eq!(init.status, Some(0), "{init:?}");

    let line = ["exec", "--min-ttl", "30m", "--", "terraform", "apply", "-auto-approve", "-no-color"];
    let outcome = run(&sandbox, "spotinst-cred", &line);

    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let seen = fs::read_to_string(sandbox.path().join("seen")).unwrap();
    assert_eq!(seen, format!("[{}] [{ACCOUNT}] []\n", stand_in.issued()[0]));
}

#[test]
fn terraform_can_read_the_examples() {
    let Some(terraform) = find_by_chance("terraform") else { return };
    let folder = path("terraform");
    let outcome = run(&Sandbox::new(), terraform, &["fmt", "-check", "-no-color", folder.to_str().unwrap()]);
    outcome.prints("");
}

/// The provider `external` comes from a registry: its program is run as it runs it, with a query on stdin, and must
/// print one object whose values are all strings.
#[test]
fn the_external_program_answers_with_strings() {
    let stand_in = StandIn::start();
    let sandbox = user(&stand_in);
    let example = text("terraform/external.tf");
    let program = example.lines().find_map(|line| line.trim().strip_prefix("program = ")).unwrap();
    let argv: Vec<String> = serde_json::from_str(program).unwrap();
    let query = sandbox.write("query", "{}");

    let mut command = sandbox.command(&argv[0]);
    command.args(&argv[1..]).env("PATH", path_with_program()).stdin(fs::File::open(query).unwrap());
    let outcome = Running::start(&mut command).end();

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let result: BTreeMap<String, String> = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((result["token"].as_str(), result["account"].as_str()), (&*stand_in.issued()[0], ACCOUNT));
    for used in example.lines().filter_map(|line| line.rsplit_once(".result.")) {
        assert!(result.contains_key(used.1), "{used:?}");
    }
}
