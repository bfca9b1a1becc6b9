//! The snippets for shells, make and direnv, copied as they are.

use std::ffi::OsString;
use std::fs;

use crate::example::{ACCOUNT, find, path};
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};
use stand_in::StandIn;

/// What a child of the shell finds.
const LOOK: &str = "sh -c 'echo \"[$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT]\"'";

/// A user with an account, and a `terraform` that tells what it was given.
fn user(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    let terraform = "echo \"$* [$SPOTINST_TOKEN] [$SPOTINST_ACCOUNT] [$SPOTINST_PASSWORD]\"; exit 7";
    let directory = sandbox.script("bin/terraform", terraform).parent().unwrap().to_owned();
    let path = path_with_program();
    let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).unwrap();
    sandbox.set("SPOTINST_ACCOUNT", ACCOUNT).set("PATH", path);
    sandbox
}

/// The same, but the password is wrong.
fn stranger(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = user(stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    sandbox
}

fn shell(sandbox: &Sandbox, shell: &str, script: &str) -> Outcome {
    Running::start(sandbox.command(shell).args(["-c", script])).end()
}

#[test]
fn a_script_has_the_variables() {
    for name in ["sh", "dash", "bash", "zsh"].into_iter().filter(|name| find(name).is_some()) {
        let stand_in = StandIn::start();
        let script =
            format!(". '{}'\n{LOOK}\necho \"[${{spotinst_variables-}}]\"", path("shell/spotinst.sh").display());

        let outcome = shell(&user(&stand_in), name, &script);

        outcome.prints(&format!("[{}] [{ACCOUNT}]\n[]\n", stand_in.issued()[0]));
    }
}

#[test]
fn a_script_ends_without_a_token() {
    for name in ["sh", "dash", "bash", "zsh"].into_iter().filter(|name| find(name).is_some()) {
        let stand_in = StandIn::start();
        let script = format!(". '{}'\necho went on", path("shell/spotinst.sh").display());

        let outcome = shell(&stranger(&stand_in), name, &script);

        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""), "{name}: {outcome:?}");
    }
}

#[test]
fn bash_gives_programs_a_token() {
    gives_programs_a_token("bash", "shell/spotinst.bash");
}

#[test]
fn zsh_gives_programs_a_token() {
    gives_programs_a_token("zsh", "shell/spotinst.zsh");
}

#[test]
fn fish_gives_programs_a_token() {
    gives_programs_a_token("fish", "shell/spotinst.fish");
}

/// The program has the token and not the password, its arguments and status are its own, and the shell has no token
/// until it asks for one.
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

/// Neither does the program run, nor does the shell get a variable, and both say so by their status.
#[test]
fn shells_show_that_there_is_no_token() {
    for (name, example) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        if find(name).is_none() {
            continue;
        }
        let stand_in = StandIn::start();
        let status = if name == "fish" { "$status" } else { "$?" };
        let file = path(&format!("shell/spotinst.{example}"));
        let script =
            format!("source '{}'\nterraform apply\necho {status}\nspotinst_env\necho {status}\n{LOOK}", file.display());

        let outcome = shell(&stranger(&stand_in), name, &script);

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
fn every_recipe_has_the_variables() {
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

    let outcome = makefile(&stranger(&stand_in));

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
    assert!(outcome.stderr.ends_with("*** no Spotinst token: see the message above.  Stop.\n"), "{outcome:?}");
}

/// A directory with an `.envrc` that its user allows.
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

    let outcome = direnv(&mut stranger(&stand_in));

    assert_eq!(outcome.stdout, "", "{outcome:?}");
    assert_ne!(outcome.status, Some(0), "{outcome:?}");
}
