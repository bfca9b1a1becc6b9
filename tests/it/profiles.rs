//! Profiles: listing them, choosing the default, and mistakes in one that is not used.

use std::fs;

use serde_json::{Value, json};

use crate::requirements::is_unix_for_case;
use crate::sandbox::Sandbox;
use stand_in::StandIn;

const TWO: &str = "[profiles.home]\ntoken = 'abc'\n[profiles.work]\naccont = 'act-1'\ntoken = 'def'\n";

#[test]
fn a_mistake_in_a_profile_stops_only_that_profile() {
    let sandbox = Sandbox::new();
    sandbox.config(TWO);
    let file = sandbox.config_path().display().to_string();

    sandbox.run(["-p", "home"]).prints("abc\n");
    let problem = format!("{file}:4: unknown key `accont`");
    let expected = format!("spotinst-cred: {problem}\nhint: did you mean `account`?\n");
    sandbox.run(["-p", "work"]).fails(3, &expected);
    let status = sandbox.run(["status", "-p", "home"]).stdout;
    let rows = format!("other profile  work cannot be used: {problem}\nhint           did you mean `account`?\n");
    assert!(status.contains(&rows), "{status}");
    let status: Value = serde_json::from_str(&sandbox.run(["status", "--json", "-p", "home"]).stdout).unwrap();
    let unusable = json!([{"name": "work", "message": problem, "hint": "did you mean `account`?"}]);
    assert_eq!(status["unusable_profiles"], unusable);
}

#[test]
fn profiles_are_listed_with_the_default_and_the_unusable_ones_marked() {
    let sandbox = Sandbox::new();
    sandbox.run(["profiles"]).prints("");
    sandbox.config(&format!("default_profile = 'home'\n{TWO}"));
    let problem = format!("{}:5: unknown key `accont`", sandbox.config_path().display());

    sandbox.run(["profiles"]).prints(&format!("home (default)\nwork (cannot be used: {problem})\n"));
    sandbox.run(["profiles", "--names"]).prints("home\nwork\n");
    let document: Value = serde_json::from_str(&sandbox.run(["profiles", "--json"]).stdout).unwrap();
    let expected = json!({"version": 1, "profiles": [
        {"name": "home", "default": true, "problem": null},
        {"name": "work", "default": false, "problem": {"message": problem, "hint": "did you mean `account`?"}},
    ]});
    assert_eq!(document, expected);
}

#[test]
fn profiles_use_sets_the_default_and_keeps_the_rest_of_the_file() {
    let mut sandbox = Sandbox::new();
    let rest = "# ours\n[profiles.home] # at home\ntoken = 'abc'\n\n[profiles.work]\ntoken = 'def'\n";
    sandbox.config(rest);
    let text = || fs::read_to_string(sandbox.config_path()).unwrap();

    sandbox.run(["profiles", "use", "work"]).prints("");
    assert_eq!(text(), format!("default_profile = \"work\"\n{rest}"));
    sandbox.run([]).prints("def\n");
    sandbox.config(&format!("# the usual\n\n# one\ndefault_profile = 'work' # for now\n{rest}"));
    sandbox.run(["profiles", "use", "home"]).prints("");
    assert_eq!(text(), format!("# the usual\n\n# one\ndefault_profile = \"home\" # for now\n{rest}"));
    sandbox.run([]).prints("abc\n");

    sandbox.set("SPOTINST_CRED_PROFILE", "work");
    let outcome = sandbox.run(["profiles", "use", "home"]);
    let stderr = "spotinst-cred: SPOTINST_CRED_PROFILE is set to \"work\" and overrides the default\n";
    assert_eq!((outcome.stderr.as_str(), outcome.status), (stderr, Some(0)));
}

#[test]
fn profiles_use_keeps_the_line_ends_of_the_file() {
    let sandbox = Sandbox::new();
    let rest = "# ours\n[profiles.home] # at home\ntoken = 'abc'\n\n[profiles.work]\ntoken = \"\"\"\\\n  def\"\"\"\n";
    let crlf = rest.replace('\n', "\r\n");
    sandbox.config(&crlf);
    for name in ["work", "home"] {
        sandbox.run(["profiles", "use", name]).prints("");
        let text = fs::read_to_string(sandbox.config_path()).unwrap();
        assert_eq!(text, format!("default_profile = \"{name}\"\r\n{crlf}"));
    }
    sandbox.run(["-p", "work"]).prints("def\n");
}

/// A carriage return in a string of several lines would become part of a command.
#[test]
fn profiles_use_keeps_the_values_of_a_file_with_both_line_ends() {
    let sandbox = Sandbox::new();
    let rest = "# ours\r\n[profiles.home]\ntoken_command = \"\"\"\nif true; then\n  echo def\nfi\"\"\"\n";
    sandbox.config(rest);
    sandbox.run(["profiles", "use", "home"]).prints("");
    let text = fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(text.ends_with(rest.split_once("\r\n").unwrap().1), "{text:?}");
    if is_unix_for_case("shell scripts") {
        sandbox.run([]).prints("def\n");
    }
}

#[test]
fn profiles_use_refuses_a_profile_that_could_not_be_used() {
    let sandbox = Sandbox::new();
    let file = sandbox.config_path().display().to_string();
    let hint = "run `spotinst-cred login --profile work` to set it up";
    let use_of = |name| sandbox.run(["profiles", "use", name]);
    use_of("work").fails(3, &format!("spotinst-cred: there is no profile \"work\"\nhint: {hint}\n"));
    sandbox.config(TWO);
    let hint = "did you mean home? `spotinst-cred profiles` lists all profiles";
    use_of("hom").fails(3, &format!("spotinst-cred: there is no profile \"hom\"\nhint: {hint}\n"));
    let expected = format!("spotinst-cred: {file}:4: unknown key `accont`\nhint: did you mean `account`?\n");
    use_of("work").fails(3, &expected);
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), TWO);
}

#[test]
fn logout_all_says_whose_tokens_it_forgets() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    sandbox.config("[profiles.work]\nclient_id = 'client-1'\n");
    let says = |sandbox: &Sandbox, expected: &str| {
        let outcome = sandbox.run(["logout", "--all", "-v"]);
        assert_eq!((outcome.stderr, outcome.status), (format!("spotinst-cred: {expected}\n"), Some(0)));
    };
    says(&sandbox, "forgot the cached tokens of profile work");
    sandbox.token();
    sandbox.config("");
    says(&sandbox, "forgot the cached tokens of 1 identity without a profile");
    sandbox.set("SPOTINST_PASSWORD", "");
    says(&sandbox, "no token was cached");
}
