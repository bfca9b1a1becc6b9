//! Terraform, as far as it works without a provider registry.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::examples::{ACCOUNT, find_optional, path, run, text};
use crate::sandbox::{Running, Sandbox, path_with_program};
use stand_in::StandIn;

fn user(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("SPOTINST_ACCOUNT", ACCOUNT).set("CHECKPOINT_DISABLE", "1");
    sandbox
}

/// A provisioner's command is a child of terraform, like a provider, and gets the same environment.
const LOOKING: &str = r#"resource "terraform_data" "look" {
  provisioner "local-exec" {
    command = "echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_PASSWORD]\" > seen"
  }
}
"#;

#[test]
fn terraform_gets_the_token() {
    let Some(terraform) = find_optional("terraform") else { return };
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
    let Some(terraform) = find_optional("terraform") else { return };
    let folder = path("terraform");
    let outcome = run(&Sandbox::new(), terraform, &["fmt", "-check", "-no-color", folder.to_str().unwrap()]);
    outcome.prints("");
}

/// The provider `external` needs a registry. The test runs its program like the provider: it gets a query on stdin and
/// must print one object of strings.
#[test]
fn the_external_program_prints_an_object_of_strings() {
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
}

/// Evaluates the example's expressions with a map of strings, as the provider returns it.
#[test]
fn the_external_example_works_without_an_account() {
    let Some(terraform) = find_optional("terraform") else { return };
    let example = text("terraform/external.tf");
    for (account, seen) in [(Some(ACCOUNT), ACCOUNT), (None, "none")] {
        let (stand_in, result) = answer(&["--format", "terraform"], account);
        let settings = settings(&example).replace("data.external.spotinst.result", "tomap(jsondecode(var.answer))");

        let (environment, _) = evaluate(&terraform, &settings, &result);

        assert_eq!(environment, format!("[{}] [{seen}]\n", stand_in.issued()[0]));
    }
}

/// The provider `local` needs a registry. The test runs its command and evaluates the example's expressions, with an
/// ephemeral variable instead of the ephemeral resource: the token is not in the state.
#[test]
fn the_ephemeral_example_keeps_the_token_out_of_the_state() {
    let Some(terraform) = find_optional("terraform") else { return };
    let example = text("terraform/ephemeral.tf");
    let arguments = example.lines().find_map(|line| line.trim().strip_prefix("arguments = ")).unwrap();
    let arguments: Vec<String> = serde_json::from_str(arguments).unwrap();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (_, locals) = example.split_once("locals {").unwrap();
    let locals = locals.split('}').next().unwrap();
    let locals = locals.replace("ephemeral.local_command.spotinst.stdout", "var.answer");
    for (account, seen) in [(Some(ACCOUNT), ACCOUNT), (None, "none")] {
        let (stand_in, stdout) = answer(&arguments, account);
        let token = stand_in.issued().remove(0);
        let settings = format!("locals {{{locals}}}\n{}", settings(&example));

        let (environment, state) = evaluate(&terraform, &settings, &stdout);

        assert_eq!(environment, format!("[{token}] [{seen}]\n"));
        assert!(state.contains("terraform_data") && !state.contains(&token), "{state}");
    }
}

/// What the program prints for a user with or without an account.
fn answer(arguments: &[&str], account: Option<&str>) -> (StandIn, String) {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_ACCOUNT", account.unwrap_or_default());
    let outcome = run(&sandbox, "spotinst-cred", arguments);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    (stand_in, outcome.stdout)
}

/// The settings of the example's provider, as local values.
fn settings(example: &str) -> String {
    let (_, provider) = example.split_once("provider \"spotinst\" {").unwrap();
    format!("locals {{{}}}\n", provider.split('}').next().unwrap())
}

/// Runs terraform with these local values and the ephemeral variable `answer`. Returns what a command gets of them, and
/// the state.
fn evaluate(terraform: &Path, locals: &str, answer: &str) -> (String, String) {
    const LOOKING: &str = r#"variable "answer" {
  type      = string
  ephemeral = true
}
resource "terraform_data" "look" {
  provisioner "local-exec" {
    command     = "echo \"[$TOKEN] [$ACCOUNT]\" > seen"
    environment = { TOKEN = local.token, ACCOUNT = local.account == null ? "none" : local.account }
  }
}
"#;
    let mut sandbox = Sandbox::new();
    sandbox.set("CHECKPOINT_DISABLE", "1").set("TF_VAR_answer", answer);
    fs::write(sandbox.path().join("main.tf"), format!("{locals}{LOOKING}")).unwrap();
    for command in [&["init", "-no-color"][..], &["apply", "-auto-approve", "-no-color"]] {
        let outcome = run(&sandbox, terraform, command);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
    let read = |file| fs::read_to_string(sandbox.path().join(file)).unwrap();
    (read("seen"), read("terraform.tfstate"))
}
