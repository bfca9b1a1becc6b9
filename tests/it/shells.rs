//! `$(spotinst-cred)` in a shell or a Makefile, and closed or full streams.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Stdio;

use crate::requirements::{is_installed, is_installed_for_case, need};
use crate::sandbox::{PROGRAM, Running, Sandbox, path_with_program};
use stand_in::StandIn;

/// The documented line, and a child process that prints the exported variable.
const EXPORT: &str = "export SPOTINST_TOKEN=$(spotinst-cred)\nsh -c 'echo \"[$SPOTINST_TOKEN]\"'\n";

#[test]
fn the_export_line_works_in_sh() {
    the_export_line_works_in("sh");
}

#[test]
fn the_export_line_works_in_dash() {
    the_export_line_works_in("dash");
}

#[test]
fn the_export_line_works_in_bash() {
    the_export_line_works_in("bash");
}

#[test]
fn the_export_line_works_in_zsh() {
    the_export_line_works_in("zsh");
}

#[test]
fn the_export_line_works_in_ksh() {
    the_export_line_works_in("ksh");
}

#[test]
fn the_export_line_works_in_mksh() {
    the_export_line_works_in("mksh");
}

#[test]
fn the_export_line_works_in_yash() {
    the_export_line_works_in("yash");
}

/// The shells that understand the language of `sh`.
const SHELLS: [&str; 7] = ["sh", "dash", "bash", "zsh", "ksh", "mksh", "yash"];

/// Asserts that the variable is set, and that a second shell sends no request.
#[track_caller]
fn the_export_line_works_in(shell: &str) {
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

/// The error of a call that fails.
const FAILURE: &str = "spotinst-cred: the token file /nowhere/token (from $FILE:2) cannot be read: No such file or \
                       directory (os error 2)\nhint: check the path and its permissions\n";

fn failing() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken_file = '/nowhere/token'\n");
    let stderr = FAILURE.replace("$FILE", sandbox.config_path().to_str().unwrap());
    (sandbox, stderr)
}

/// The documentation warns about this: the exit status of the line is that of `export`.
#[test]
fn the_export_line_hides_a_failure_even_under_set_e() {
    let (sandbox, stderr) = failing();
    for shell in SHELLS.into_iter().filter(|shell| is_installed_for_case(shell, &["-c", ":"])) {
        let outcome =
            sandbox.shell(shell, "set -e\nexport SPOTINST_TOKEN=$(spotinst-cred)\necho \"[$SPOTINST_TOKEN]\"");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "[]\n"), "{shell}");
        assert_eq!(outcome.stderr, stderr, "{shell}");
    }
}

/// This form has the program's status, exports nothing on failure, and `|| exit` stops the script.
#[test]
fn the_two_step_form_reports_a_failure() {
    const FORM: &str = "SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN";
    let (sandbox, stderr) = failing();
    for shell in SHELLS.into_iter().filter(|shell| is_installed_for_case(shell, &["-c", ":"])) {
        let script = format!("{FORM}\necho \"$?\"\nsh -c 'echo \"${{SPOTINST_TOKEN-none}}\"'");
        let outcome = sandbox.shell(shell, &script);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "3\nnone\n"), "{shell}");
        assert_eq!(outcome.stderr, stderr, "{shell}");

        let script = format!("{FORM} || exit\necho went on");
        sandbox.shell(shell, &script).fails(3, &stderr);
    }
}

/// As two commands the form stops a script under `set -e`. Joined by `&&` it does not: shells ignore failures on the
/// left of `&&`.
#[test]
fn two_commands_stop_a_script_under_set_e() {
    const FORM: &str = "set -e\nSPOTINST_TOKEN=$(spotinst-cred)\nexport SPOTINST_TOKEN\necho went on";
    let (sandbox, stderr) = failing();
    for shell in SHELLS.into_iter().filter(|shell| is_installed_for_case(shell, &["-c", ":"])) {
        sandbox.shell(shell, FORM).fails(3, &stderr);
    }
}

/// The exported token is in the environment of the next call, which does not read it.
#[test]
fn a_stale_token_in_the_environment_changes_nothing() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_TOKEN", "stale");

    let outcome = sandbox.shell("sh", EXPORT);

    outcome.prints(&format!("[{}]\n", stand_in.issued().remove(0)));
}

const MAKEFILE: &str = "\
export SPOTINST_TOKEN := $(or $(shell spotinst-cred),$(error no Spotinst token: see the message above))

all:
\t@echo \"[$$SPOTINST_TOKEN]\"
\t@echo \"[$(SPOTINST_TOKEN)]\"
";

#[test]
fn a_makefile_gets_the_token() {
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
fn a_makefile_stops_without_a_token() {
    if !is_installed("make", &["--version"]) {
        return;
    }
    let (sandbox, stderr) = failing();
    let stop = "Makefile:1: *** no Spotinst token: see the message above.  Stop.\n";
    make(&sandbox).fails(2, &format!("{stderr}{stop}"));
}

fn make(sandbox: &Sandbox) -> crate::sandbox::Outcome {
    std::fs::write(sandbox.path().join("Makefile"), MAKEFILE).unwrap();
    Running::start(sandbox.command("make").env("PATH", path_with_program())).end()
}

#[test]
fn a_closed_stdout_is_silent_with_status_1() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    for arguments in [vec![], vec!["-f", "json"], vec!["--help"], vec!["--version"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let outcome = Running::start(sandbox.command(PROGRAM).args(&arguments).stdout(writer)).end();
        outcome.fails(1, "");
    }
    // The token is cached although it could not be printed.
    sandbox.run([]).prints(&format!("{}\n", stand_in.issued().remove(0)));
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_full_device_is_an_error_with_status_1() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    for arguments in [vec![], vec!["-n"], vec!["--help"]] {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            need(false, "there is no /dev/full");
            return;
        };
        let outcome = Running::start(sandbox.command(PROGRAM).args(&arguments).stdout(full)).end();
        outcome.fails(
            1,
            "spotinst-cred: cannot write to stdout: No space left on device (os error 28)\n\
             hint: check where stdout goes: its disk may be full\n",
        );
    }
}

/// A full stderr changes neither the token nor the status.
#[test]
fn a_full_stderr_changes_nothing() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let outcome = sandbox.shell("sh", "spotinst-cred -v 2>/dev/full");
    outcome.prints(&format!("{}\n", stand_in.issued().remove(0)));

    let (failing, _) = failing();
    failing.shell("sh", "spotinst-cred 2>/dev/full").fails(3, "");
}

/// With closed streams, the next opened file would get the descriptor of a stream, and what is printed to it.
#[test]
fn closed_streams_do_not_corrupt_the_cache() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    sandbox.shell("sh", "exec spotinst-cred -v <&- >&- 2>&-").prints("");

    assert_eq!(std::fs::read_to_string(sandbox.lock_path()).unwrap(), "");
    sandbox.run([]).prints(&format!("{}\n", stand_in.issued().remove(0)));
    assert_eq!(stand_in.grants(), ["password"]);
}

/// Some hosts pass a pipe that they never close.
#[test]
fn a_stdin_that_never_ends_is_not_read() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let (reader, _writer) = pipe().unwrap();

    let cold = Running::start(sandbox.program([]).stdin(Stdio::from(reader.try_clone().unwrap()))).end();
    let warm = Running::start(sandbox.program([]).stdin(Stdio::from(reader))).end();

    let token = stand_in.issued().remove(0);
    cold.prints(&format!("{token}\n"));
    warm.prints(&format!("{token}\n"));
}
