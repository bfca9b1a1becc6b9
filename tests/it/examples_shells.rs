//! The examples for shells, make and direnv, used unchanged.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::examples::{ACCOUNT, examples, find, find_for_case, path, text};
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};
use stand_in::StandIn;

/// Prints the variables that a child of the shell gets.
const LOOK: &str = "sh -c 'echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT]\"'";

/// The same, with both names of the account.
const LOOK_AT_BOTH: &str = "sh -c 'echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_ACCOUNT_ID]\"'";

/// The shells that understand the language of `sh`.
const SHELLS: [&str; 7] = ["sh", "dash", "bash", "zsh", "ksh", "mksh", "yash"];

const NUSHELL: &str = "node/node_modules/@nushell/linux-x64/bin/nu";

/// A user with an account, and a `terraform` that prints what it gets.
fn user(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    let terraform = "echo \"$* [$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_PASSWORD]\"; exit 7";
    let directory = sandbox.script("bin/terraform", terraform).parent().unwrap().to_owned();
    let path = path_with_program();
    let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).unwrap();
    sandbox.set("SPOTINST_ACCOUNT", ACCOUNT).set("PATH", path);
    sandbox
}

/// Like [`user`], with a wrong password.
fn user_with_wrong_password(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = user(stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    sandbox
}

fn shell(sandbox: &Sandbox, shell: &str, script: &str) -> Outcome {
    Running::start(sandbox.command(shell).args(["-c", script])).end()
}

#[test]
fn a_script_gets_the_variables() {
    for name in SHELLS.into_iter().filter(|name| find_for_case(name).is_some()) {
        let stand_in = StandIn::start();
        let script =
            format!(". '{}'\n{LOOK_AT_BOTH}\necho \"[${{spotinst_variables-}}]\"", path("shell/spotinst.sh").display());

        let outcome = shell(&user(&stand_in), name, &script);

        outcome.prints(&format!("[{}] [{ACCOUNT}] [{ACCOUNT}]\n[]\n", stand_in.issued()[0]));
    }
}

#[test]
fn a_script_ends_without_a_token() {
    for name in SHELLS.into_iter().filter(|name| find_for_case(name).is_some()) {
        let stand_in = StandIn::start();
        let script = format!(". '{}'\necho went on", path("shell/spotinst.sh").display());

        let outcome = shell(&user_with_wrong_password(&stand_in), name, &script);

        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{name}: {outcome:?}");
    }
}

#[test]
fn bash_passes_the_token_to_programs() {
    gives_programs_a_token("bash", "shell/spotinst.bash");
}

#[test]
fn zsh_passes_the_token_to_programs() {
    gives_programs_a_token("zsh", "shell/spotinst.zsh");
}

#[test]
fn fish_passes_the_token_to_programs() {
    gives_programs_a_token("fish", "shell/spotinst.fish");
}

/// The program gets the token and not the password, its arguments and status are passed through, and the shell itself
/// has no token until `spotinst_env`.
#[track_caller]
fn gives_programs_a_token(name: &str, example: &str) {
    let Some(_) = find(name) else { return };
    let stand_in = StandIn::start();
    let status = if name == "fish" { "$status" } else { "$?" };
    let script = format!(
        "source '{}'\nterraform apply 'a  b'\necho \"{status}\"\n{LOOK}\nspotinst_env\n{LOOK}",
        path(example).display()
    );

    let outcome = shell(&user(&stand_in), name, &script);

    let token = stand_in.issued().remove(0);
    outcome.prints(&format!("apply a  b [{token}] [{ACCOUNT}] []\n7\n[] [{ACCOUNT}]\n[{token}] [{ACCOUNT}]\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

/// The program is not run, the shell gets no variable, and both exit statuses report the failure.
#[test]
fn shells_report_a_missing_token() {
    for (name, example) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        if find_for_case(name).is_none() {
            continue;
        }
        let stand_in = StandIn::start();
        let status = if name == "fish" { "$status" } else { "$?" };
        let file = path(&format!("shell/spotinst.{example}"));
        let script =
            format!("source '{}'\nterraform apply\necho {status}\nspotinst_env\necho {status}\n{LOOK}", file.display());

        let outcome = shell(&user_with_wrong_password(&stand_in), name, &script);

        assert_eq!(outcome.stdout, format!("4\n4\n[] [{ACCOUNT}]\n"), "{name}: {outcome:?}");
    }
}

/// If a program fails, Nushell's script exits with the program's status.
#[test]
fn nushell_passes_the_token_to_programs() {
    let Some(nushell) = find(NUSHELL) else { return };
    let (stand_in, example) = (StandIn::start(), path("shell/spotinst.nu"));
    let (user, source) = (user(&stand_in), format!("source '{}'", example.display()));

    let program = nu(&user, &nushell, &format!("{source}\nterraform apply 'a  b'\nprint 'went on'"));
    let variables = nu(&user, &nushell, &format!("{source}\n{LOOK}\nspotinst-env\n{LOOK_AT_BOTH}"));

    let token = stand_in.issued().remove(0);
    assert_eq!((program.stdout, program.status), (format!("apply a  b [{token}] [{ACCOUNT}] []\n"), Some(7)));
    variables.prints(&format!("[] [{ACCOUNT}]\n[{token}] [{ACCOUNT}] [{ACCOUNT}]\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn nushell_reports_a_missing_token() {
    let Some(nushell) = find(NUSHELL) else { return };
    let (stand_in, example) = (StandIn::start(), path("shell/spotinst.nu"));
    for call in ["terraform apply", "spotinst-env"] {
        let script = format!("source '{}'\n{call}\nprint 'went on'", example.display());

        nu(&user_with_wrong_password(&stand_in), &nushell, &script).has_failed(4);
    }
}

fn nu(sandbox: &Sandbox, nushell: &Path, script: &str) -> Outcome {
    Running::start(sandbox.command(nushell).args(["--no-config-file", "-c", script])).end()
}

/// If a program fails, elvish throws an exception with the program's status.
#[test]
fn elvish_passes_the_token_to_programs() {
    let Some(_) = find("elvish") else { return };
    let (stand_in, example) = (StandIn::start(), text("shell/spotinst.elv"));
    let calls = "try { terraform apply 'a  b' } catch e { echo $e[reason][exit-status] }";
    let script = format!("{example}\n{calls}\n{LOOK}\nspotinst-env\n{LOOK_AT_BOTH}");

    let outcome = elvish(&user(&stand_in), &script);

    let token = stand_in.issued().remove(0);
    let variables = format!("[] [{ACCOUNT}]\n[{token}] [{ACCOUNT}] [{ACCOUNT}]\n");
    outcome.prints(&format!("apply a  b [{token}] [{ACCOUNT}] []\n7\n{variables}"));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn elvish_reports_a_missing_token() {
    let Some(_) = find("elvish") else { return };
    let (stand_in, example) = (StandIn::start(), text("shell/spotinst.elv"));
    for call in ["terraform apply", "spotinst-env"] {
        let outcome = elvish(&user_with_wrong_password(&stand_in), &format!("{example}\n{call}\necho went on"));

        outcome.has_failed(2);
        assert!(outcome.stderr.contains("spotinst-cred exited with 4"), "{outcome:?}");
    }
}

fn elvish(sandbox: &Sandbox, script: &str) -> Outcome {
    Running::start(sandbox.command("elvish").args(["-norc", "-c", script])).end()
}

/// Without a locale yash refuses a file with other characters.
#[test]
fn files_for_shells_are_ascii() {
    let shell = path("shell");
    for file in examples().into_iter().filter(|file| file.starts_with(&shell)) {
        assert!(fs::read(&file).unwrap().is_ascii(), "{}", file.display());
    }
}

fn makefile(sandbox: &Sandbox) -> Outcome {
    let recipe = "echo \"$@ [$$SPOTINST_TOKEN] [$$SPOTINST_ACCOUNT] [$$SPOTINST_ACCOUNT_ID]\"";
    let text = format!("include spotinst.mk\nall: one two\none two:\n\t@{recipe}\n");
    fs::write(sandbox.path().join("Makefile"), text).unwrap();
    fs::copy(path("make/spotinst.mk"), sandbox.path().join("spotinst.mk")).unwrap();
    Running::start(&mut sandbox.command("make")).end()
}

#[test]
fn every_make_recipe_gets_the_variables() {
    let Some(_) = find("make") else { return };
    let stand_in = StandIn::start();

    let outcome = makefile(&user(&stand_in));

    let token = stand_in.issued().remove(0);
    outcome.prints(&format!("one [{token}] [{ACCOUNT}] [{ACCOUNT}]\ntwo [{token}] [{ACCOUNT}] [{ACCOUNT}]\n"));
}

#[test]
fn make_stops_without_a_token() {
    let Some(_) = find("make") else { return };
    let stand_in = StandIn::start();

    let outcome = makefile(&user_with_wrong_password(&stand_in));

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    assert!(outcome.stderr.ends_with("*** no Spotinst token: see the message above.  Stop.\n"), "{outcome:?}");
}

/// A project directory with an allowed `.envrc`.
fn direnv(sandbox: &mut Sandbox) -> Outcome {
    let directory = sandbox.path().join("project");
    fs::create_dir(&directory).unwrap();
    fs::copy(path("direnv/envrc"), directory.join(".envrc")).unwrap();
    sandbox.set("DIRENV_LOG_FORMAT", OsString::new());
    let line = format!("cd project && direnv allow . && direnv exec . {LOOK}");
    shell(sandbox, "bash", &line)
}

#[test]
fn direnv_loads_the_variables() {
    let Some(_) = find("direnv") else { return };
    let stand_in = StandIn::start();

    let outcome = direnv(&mut user(&stand_in));

    outcome.prints(&format!("[{}] [{ACCOUNT}]\n", stand_in.issued()[0]));
}

#[test]
fn direnv_runs_nothing_without_a_token() {
    let Some(_) = find("direnv") else { return };
    let stand_in = StandIn::start();

    let outcome = direnv(&mut user_with_wrong_password(&stand_in));

    assert_eq!(outcome.stdout, "", "{outcome:?}");
    assert_ne!(outcome.status, Some(0), "{outcome:?}");
}
