//! What a process inherits from its host besides variables: ignored signals, a file size limit, a stdout that nobody
//! can be given a token on.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::fixtures::{DOCUMENT, TOKEN, with_document};
use crate::requirements::{is_installed, is_installed_for_case};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::StandIn;
use stand_in::spotinst::PASSWORD;

const NO_STDOUT: &str = "spotinst-cred: cannot write to stdout: it is closed\n\
    hint: run it with a stdout that is open for writing; `>/dev/null` discards the output\n";
const UNREADABLE_STDOUT: &str = "spotinst-cred: cannot write to stdout: it is not open for writing\n\
    hint: run it with a stdout that is open for writing; `>/dev/null` discards the output\n";
const FULL_STDOUT: &str = "spotinst-cred: cannot write to stdout: No space left on device (os error 28)\n\
    hint: check where stdout goes: its disk may be full\n";

/// Every command that prints.
const PRINTING: [&str; 9] = [
    "",
    "--format json",
    "--output -",
    "status",
    "status --json",
    "profiles",
    "completions bash",
    "--help",
    "--version",
];

/// A shell with this redirection becomes the program.
#[track_caller]
fn redirected(sandbox: &Sandbox, arguments: &str, redirection: &str) -> Outcome {
    sandbox.shell("sh", &format!("exec {PROGRAM} {arguments} {redirection}"))
}

#[test]
fn a_file_size_limit_fails_the_write_and_not_the_call() {
    let sandbox = with_document(DOCUMENT);
    let token = format!("{TOKEN}\n");
    sandbox.full_disk(&[]).prints(&token);
    assert!(sandbox.cache_files("tmp").is_empty() && sandbox.cache_files("token").is_empty());

    sandbox.run([]).prints(&token);
    sandbox.full_disk(&[]).prints(&token);
    sandbox.full_disk(&["--force-refresh"]).prints(&token);
    assert!(sandbox.cache_files("tmp").is_empty());
}

#[test]
fn a_file_size_limit_fails_the_output_without_a_draft() {
    let sandbox = with_document(DOCUMENT);
    sandbox.token();
    let file = sandbox.home().join("out/token");
    sandbox.full_disk(&["--output", file.to_str().unwrap()]).fails(
        1,
        &format!(
            "spotinst-cred: cannot write {}: File too large (os error 27)\n\
             hint: check the path, its permissions and the room on the disk\n",
            file.display()
        ),
    );
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 0);

    let (out, errors) = (sandbox.path().join("stdout"), sandbox.path().join("stderr"));
    let limited = |redirection: &str| sandbox.shell("sh", &format!("ulimit -f 0; exec {PROGRAM} {redirection}"));
    limited(&format!(">{}", out.display())).fails(
        1,
        "spotinst-cred: cannot write to stdout: File too large (os error 27)\n\
         hint: check where stdout goes: its disk may be full\n",
    );
    // The exit status is right even if stderr cannot be written.
    limited(&format!("--profile none 2>{}", errors.display())).fails(3, "");
}

#[test]
fn a_program_that_exec_runs_has_the_usual_signals() {
    let sandbox = with_document(DOCUMENT);
    // The C library uses the signals above 31 itself, and leaves them ignored in child processes.
    let signals = |outcome: Outcome| {
        let lines = outcome.stdout.lines().filter(|line| line.starts_with("SigIgn") || line.starts_with("SigCgt"));
        let low = |line: &str| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap() & 0x7fff_ffff;
        lines.map(low).collect::<Vec<_>>()
    };
    let without = signals(Running::start(sandbox.command("cat").arg("/proc/self/status")).end());
    assert_eq!(without.len(), 2);
    assert_eq!(signals(sandbox.run(["exec", "--", "cat", "/proc/self/status"])), without);
}

#[test]
fn commands_work_where_sigchld_is_ignored() {
    if !is_installed("env", &["--ignore-signal=CHLD", "true"]) {
        return;
    }
    let ignoring = |sandbox: &Sandbox| {
        Running::start(sandbox.command("env").args(["--ignore-signal=CHLD", PROGRAM, "--force-refresh"])).end()
    };
    ignoring(&with_document(DOCUMENT)).prints(&format!("{TOKEN}\n"));

    // The same for the command's own children.
    let sandbox = Sandbox::new();
    let script = sandbox.script("script", "/bin/false; test $? = 1 && echo abc123");
    sandbox.config(&format!("[profiles.default]\ntoken_command = [\"{}\"]\n", script.display()));
    ignoring(&sandbox).prints("abc123\n");

    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.write("password", PASSWORD);
    sandbox.config("[profiles.default]\npassword_command = \"cat ~/password\"\n");
    let outcome = ignoring(&sandbox);
    outcome.prints(&format!("{}\n", stand_in.issued()[0]));
}

#[test]
fn a_closed_stdout_is_an_error() {
    let sandbox = with_document(DOCUMENT);
    for arguments in PRINTING {
        let outcome = redirected(&sandbox, arguments, ">&-");
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), NO_STDOUT), "{arguments}");
    }
    let request = "echo '{\"uri\":\"https://api.spotinst.io/\"}'";
    sandbox.shell("sh", &format!("{request} | {PROGRAM} get >&-")).fails(1, NO_STDOUT);
    redirected(&sandbox, "", "<&- >&-").fails(1, NO_STDOUT);
    // The token goes to the file or to the program, and not to stdout.
    let file = sandbox.home().join("token");
    redirected(&sandbox, &format!("--output {}", file.display()), ">&-").prints("");
    redirected(&sandbox, "exec -- sh -c 'test \"$SPOTINST_TOKEN\"'", ">&-").prints("");
    redirected(&sandbox, "logout", ">&-").prints("");
}

#[test]
fn a_read_only_stdout_is_an_error() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.write("file", "content");
    for input in ["/dev/null", file.to_str().unwrap()] {
        for arguments in PRINTING {
            let outcome = redirected(&sandbox, arguments, &format!("1<{input}"));
            assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), UNREADABLE_STDOUT), "{arguments}");
        }
    }
}

#[test]
fn a_full_stdout_is_an_error() {
    if !Path::new("/dev/full").exists() {
        assert!(!crate::requirements::need(false, "there is no /dev/full"));
        return;
    }
    let sandbox = with_document(DOCUMENT);
    for arguments in PRINTING {
        redirected(&sandbox, arguments, ">/dev/full").fails(1, FULL_STDOUT);
    }
}

/// Some hosts pass one `/dev/null`, open for reading and writing, as stdout and stderr.
#[test]
fn a_discarded_stdout_is_fine() {
    let sandbox = with_document(DOCUMENT);
    redirected(&sandbox, "", ">/dev/null").prints("");
    redirected(&sandbox, "", "1<>/dev/null 2>&1").prints("");
    let file = sandbox.path().join("both-ways");
    redirected(&sandbox, "", &format!("1<>{}", file.display())).prints("");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{TOKEN}\n"));
    if is_installed_for_case("python3", &["--version"]) {
        let quiet = "import subprocess, sys; null = subprocess.DEVNULL; \
            sys.exit(subprocess.call([sys.argv[1]], stdout=null, stderr=null))";
        Running::start(sandbox.command("python3").args(["-c", quiet, PROGRAM])).end().prints("");
    }
}

/// A closed pipe, as in `spotinst-cred | head -0`, needs no message.
#[test]
fn a_closed_pipe_is_quiet() {
    let sandbox = with_document(DOCUMENT);
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = sandbox.command("sh");
        command.args(["-c", &format!("exec {PROGRAM} {arguments}")]).stdout(writer);
        Running::start(&mut command).end().fails(1, "");
    }
    // What the reader did get is complete.
    let append = OpenOptions::new().append(true).create(true).open(sandbox.path().join("log")).unwrap();
    Running::start(sandbox.program([]).stdout(append)).end().prints("");
    assert_eq!(fs::read_to_string(sandbox.path().join("log")).unwrap(), format!("{TOKEN}\n"));
}
