//! The examples for shells, make and direnv, used unchanged.

use std::ffi::OsString;
use std::fs;

use crate::examples::{ACCOUNT, find, find_for_case, path};
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};
use stand_in::StandIn;

/// Prints the variables that a child of the shell gets.
const LOOK: &str = "sh -c 'echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT]\"'";

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
    for name in ["sh", "dash", "bash", "zsh"].into_iter().filter(|name| find_for_case(name).is_some()) {
        let stand_in = StandIn::start();
        let script =
            format!(". '{}'\n{LOOK}\necho \"[${{spotinst_variables-}}]\"", path("shell/spotinst.sh").display());

        let outcome = shell(&user(&stand_in), name, &script);

        outcome.prints(&format!("[{}] [{ACCOUNT}]\n[]\n", stand_in.issued()[0]));
    }
}

#[test]
fn a_script_ends_without_a_token() {
    for name in ["sh", "dash", "bash", "zsh"].into_iter().filter(|name| find_for_case(name).is_some()) {
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

/// The program is not run, the shell gets no variable, and both statuses say so.
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

fn makefile(sandbox: &Sandbox) -> Outcome {
    let text = "include spotinst.mk\nall: one two\none two:\n\t@echo \"$@ [$$SPOTINST_TOKEN] [$$SPOTINST_ACCOUNT]\"\n";
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
    outcome.prints(&format!("one [{token}] [{ACCOUNT}]\ntwo [{token}] [{ACCOUNT}]\n"));
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
