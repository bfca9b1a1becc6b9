//! The first thing that anybody does with this program: `$(spotinst-cred)` in a shell or a Makefile; and the streams
//! that a caller may hand over.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Stdio;

use crate::sandbox::{PROGRAM, Running, Sandbox, path_with_program};
use crate::surroundings::is_installed;
use stand_in::StandIn;

/// The one line of the documentation, and a look at what a child of the shell finds.
const EXPORT: &str = "export SPOTINST_TOKEN=$(spotinst-cred)\nsh -c 'echo \"[$SPOTINST_TOKEN]\"'\n";

#[test]
fn the_one_line_works_in_sh() {
    the_one_line_works_in("sh");
}

#[test]
fn the_one_line_works_in_dash() {
    the_one_line_works_in("dash");
}

#[test]
fn the_one_line_works_in_bash() {
    the_one_line_works_in("bash");
}

#[test]
fn the_one_line_works_in_zsh() {
    the_one_line_works_in("zsh");
}

/// The token arrives, and a second shell asks nobody.
#[track_caller]
fn the_one_line_works_in(shell: &str) {
    if !is_installed(shell, &["-c", ":"]) {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    let first = sandbox.shell(shell, EXPORT);
    let second = sandbox.shell(shell, EXPORT);

    let token = stand_in.issued().remove(0);
    first.prints(&format!("[{token}]\n"));
    second.prints(&format!("[{token}]\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

/// The failure of the simplest call.
const FAILURE: &str = "spotinst-cred: the token file /nowhere/token (from $FILE:2) cannot be read: No such file or \
                       directory (os error 2)\nhint: check the path and its permissions\n";

fn failing() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken_file = '/nowhere/token'\n");
    let stderr = FAILURE.replace("$FILE", sandbox.config_path().to_str().unwrap());
    (sandbox, stderr)
}

/// What the documentation warns of: the status of the line is that of `export`.
#[test]
fn the_one_line_hides_a_failure_even_under_set_e() {
    let (sandbox, stderr) = failing();
    for shell in ["sh", "dash", "bash", "zsh"].into_iter().filter(|shell| is_installed(shell, &["-c", ":"])) {
        let outcome =
            sandbox.shell(shell, "set -e\nexport SPOTINST_TOKEN=$(spotinst-cred)\necho \"[$SPOTINST_TOKEN]\"");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "[]\n"), "{shell}");
        assert_eq!(outcome.stderr, stderr, "{shell}");
    }
}

/// The form that does not hide it: its status is the program's, nothing is exported, and `|| exit` stops the script.
#[test]
fn the_other_form_shows_its_failure() {
    const FORM: &str = "SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN";
    let (sandbox, stderr) = failing();
    for shell in ["sh", "dash", "bash", "zsh"].into_iter().filter(|shell| is_installed(shell, &["-c", ":"])) {
        let script = format!("{FORM}\necho \"$?\"\nsh -c 'echo \"${{SPOTINST_TOKEN-none}}\"'");
        let outcome = sandbox.shell(shell, &script);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "3\nnone\n"), "{shell}");
        assert_eq!(outcome.stderr, stderr, "{shell}");

        let script = format!("{FORM} || exit\necho went on");
        sandbox.shell(shell, &script).fails(3, &stderr);
    }
}

/// As two commands the form stops a script under `set -e`. Joined by `&&` it does not: no shell stops at what stands
/// left of that.
#[test]
fn two_commands_stop_a_script_under_set_e() {
    const FORM: &str = "set -e\nSPOTINST_TOKEN=$(spotinst-cred)\nexport SPOTINST_TOKEN\necho went on";
    let (sandbox, stderr) = failing();
    for shell in ["sh", "dash", "bash", "zsh"].into_iter().filter(|shell| is_installed(shell, &["-c", ":"])) {
        sandbox.shell(shell, FORM).fails(3, &stderr);
    }
}

/// What is exported is the next call's environment, and not its input.
#[test]
fn a_stale_token_in_the_environment_changes_nothing() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_TOKEN", "stale");

    let outcome = sandbox.shell("sh", EXPORT);

    outcome.prints(&format!("[{}]\n", stand_in.issued().remove(0)));
}

const MAKEFILE: &str = "\
SPOTINST_TOKEN := $(shell spotinst-cred)
ifneq ($(.SHELLSTATUS),0)
$(error no Spotinst token: see the message above)
endif
export SPOTINST_TOKEN

all:
\t@echo \"[$$SPOTINST_TOKEN]\"
\t@echo \"[$(SPOTINST_TOKEN)]\"
";

#[test]
fn a_makefile_has_the_token() {
    if !is_installed("make", &["--version"]) {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    let outcome = make(&sandbox);

    let token = stand_in.issued().remove(0);
    outcome.prints(&format!("[{token}]\n[{token}]\n"));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_makefile_stops_where_there_is_none() {
    if !is_installed("make", &["--version"]) {
        return;
    }
    let (sandbox, stderr) = failing();
    let stop = "Makefile:3: *** no Spotinst token: see the message above.  Stop.\n";
    make(&sandbox).fails(2, &format!("{stderr}{stop}"));
}

fn make(sandbox: &Sandbox) -> crate::sandbox::Outcome {
    std::fs::write(sandbox.path().join("Makefile"), MAKEFILE).unwrap();
    Running::start(sandbox.command("make").env("PATH", path_with_program())).end()
}

#[test]
fn a_reader_that_is_gone_is_no_word_and_status_1() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    for arguments in [vec![], vec!["-f", "json"], vec!["--help"], vec!["--version"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let outcome = Running::start(sandbox.command(PROGRAM).args(&arguments).stdout(writer)).end();
        outcome.fails(1, "");
    }
    // What was obtained for nobody serves the next.
    sandbox.run([]).prints(&format!("{}\n", stand_in.issued().remove(0)));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_full_device_is_no_word_and_status_1() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    for arguments in [vec![], vec!["-n"], vec!["--help"]] {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return eprintln!("skipped: /dev/full is not there");
        };
        let outcome = Running::start(sandbox.command(PROGRAM).args(&arguments).stdout(full)).end();
        outcome.fails(1, "");
    }
}

/// A stderr that nobody reads, or that is full, costs nobody the token, nor the status.
#[test]
fn a_stderr_that_is_gone_changes_nothing() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let outcome = sandbox.shell("sh", "spotinst-cred -v 2>/dev/full");
    outcome.prints(&format!("{}\n", stand_in.issued().remove(0)));

    let (failing, _) = failing();
    failing.shell("sh", "spotinst-cred 2>/dev/full").fails(3, "");
}

/// Without the three streams the next file that is opened would become one of them, and have the token written to it.
#[test]
fn closed_streams_leave_the_cache_alone() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    sandbox.shell("sh", "exec spotinst-cred -v <&- >&- 2>&-").prints("");

    assert_eq!(std::fs::read_to_string(sandbox.lock_path()).unwrap(), "");
    sandbox.run([]).prints(&format!("{}\n", stand_in.issued().remove(0)));
    assert_eq!(stand_in.grants(), ["password"]);
}

/// Some hosts hand over a pipe that they never close.
#[test]
fn a_stdin_that_never_ends_is_not_waited_for() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let (reader, _writer) = pipe().unwrap();

    let cold = Running::start(sandbox.program([]).stdin(Stdio::from(reader.try_clone().unwrap()))).end();
    let warm = Running::start(sandbox.program([]).stdin(Stdio::from(reader))).end();

    let token = stand_in.issued().remove(0);
    cold.prints(&format!("{token}\n"));
    warm.prints(&format!("{token}\n"));
}
