//! `exec`: the program gets the token and not the keys, and is on its own.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::host::{ACCOUNT, DOCUMENT, TOKEN, permanent, telling};
use crate::sandbox::{Running, Sandbox};
use stand_in::{Reply, StandIn};

#[test]
fn the_program_gets_the_token_and_not_the_keys() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_ACCOUNT", "act-1").set("SPOTINST_TOKEN", "stale").set("OTHER", "kept");
    let outcome = sandbox.run(["exec", "--", "sh", "-c", "env | grep -e SPOTINST -e OTHER | sort"]);
    let token = stand_in.issued().remove(0);
    outcome.prints(&format!(
        "OTHER=kept\nSPOTINST_ACCOUNT=act-1\nSPOTINST_ACCOUNT_ID=act-1\nSPOTINST_CLIENT_ID={}\nSPOTINST_TOKEN={token}\nSPOTINST_TOKEN_URL={}\nSPOTINST_USERNAME={}\n",
        stand_in::spotinst::CLIENT_ID,
        stand_in.url(),
        stand_in::spotinst::USERNAME,
    ));
}

#[test]
fn neither_does_it_get_the_names_of_their_files() {
    let mut sandbox = permanent("abc", "");
    sandbox.set("SPOTINST_PASSWORD_FILE", "/p").set("SPOTINST_CLIENT_SECRET_FILE", "/c");
    sandbox.run(["exec", "sh", "-c", "env | grep SPOTINST"]).prints("SPOTINST_TOKEN=abc\n");
}

#[test]
fn an_account_that_is_set_to_nothing_is_taken_away() {
    let mut sandbox = permanent("abc", "");
    sandbox.set("SPOTINST_ACCOUNT", "").set("SPOTINST_ACCOUNT_ID", "");
    sandbox.run(["exec", "sh", "-c", "env | grep SPOTINST"]).prints("SPOTINST_TOKEN=abc\n");
}

#[test]
fn both_names_of_the_account_have_the_one_that_counts() {
    let mut sandbox = telling(DOCUMENT);
    let script = ["exec", "sh", "-c", "echo $SPOTINST_TOKEN $SPOTINST_ACCOUNT $SPOTINST_ACCOUNT_ID"];
    sandbox.run(script).prints(&format!("{TOKEN} {ACCOUNT} {ACCOUNT}\n"));
    sandbox.set("SPOTINST_ACCOUNT_ID", "act-2");
    sandbox.run(script).prints(&format!("{TOKEN} act-2 act-2\n"));
    sandbox.set("SPOTINST_ACCOUNT", "act-3");
    sandbox.run(script).prints(&format!("{TOKEN} act-3 act-3\n"));
}

#[test]
fn the_arguments_are_the_programs_own() {
    let sandbox = permanent("abc", "");
    let words = ["-f", "--", "--help", "a b", "$HOME", ""];
    let expected: String = words.iter().map(|word| format!("[{word}]")).collect();
    let [a, b, c, d, e, f] = words;
    sandbox.run(["exec", "--", "printf", "[%s]", a, b, c, d, e, f]).prints(&expected);
    sandbox.run(["exec", "printf", "[%s]", a, b, c, d, e, f]).prints(&expected);
    // Our own options stand before the program.
    sandbox.run(["exec", "-p", "default", "--", "echo", "-p"]).prints("-p\n");
    sandbox.run(["-p", "default", "exec", "--", "echo", "-p"]).prints("-p\n");
}

#[test]
fn the_exit_status_is_the_programs_own() {
    let sandbox = permanent("abc", "");
    for status in [0, 1, 3, 42, 255] {
        let outcome = sandbox.run(["exec", "--", "sh", "-c", &format!("exit {status}")]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(status), ""));
    }
}

#[test]
fn it_is_the_same_process_and_signals_reach_it() {
    let sandbox = permanent("abc", "");
    let mut child = sandbox.program(["exec", "--", "sh", "-c", "echo $$; read line"]);
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line.trim(), child.id().to_string());
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));

    // Rust programs ignore SIGPIPE themselves; what they become must not.
    let mut piped = sandbox.program(["exec", "--", "sh", "-c", "kill -PIPE $$; echo alive"]);
    assert_eq!(piped.status().unwrap().signal(), Some(13));
}

#[test]
fn stdin_and_stderr_are_the_programs() {
    let sandbox = permanent("abc", "");
    let mut command = sandbox.program(["exec", "--", "sh", "-c", "cat; echo oops >&2"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"through\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"through\n"[..], &b"oops\n"[..]));
}

#[test]
fn what_cannot_be_run_is_told_as_by_a_shell() {
    let sandbox = permanent("abc", "");
    let hint = "hint: check the program's name, its permissions and the PATH\n";
    let problem = "spotinst-cred: cannot run no-such-program: No such file or directory (os error 2)\n";
    sandbox.run(["exec", "--", "no-such-program", "x"]).fails(127, &format!("{problem}{hint}"));

    let file = sandbox.write("data", "no program");
    let problem = format!("spotinst-cred: cannot run {}: Permission denied (os error 13)\n", file.display());
    sandbox.run(["exec", "--", file.to_str().unwrap()]).fails(126, &format!("{problem}{hint}"));
    let home = sandbox.home();
    let problem = format!("spotinst-cred: cannot run {}: Permission denied (os error 13)\n", home.display());
    sandbox.run(["exec", "--", home.to_str().unwrap()]).fails(126, &format!("{problem}{hint}"));

    assert_eq!(sandbox.run(["exec"]).status, Some(2));
    assert_eq!(sandbox.run(["exec", "--"]).status, Some(2));
}

#[test]
fn no_token_no_program() {
    let stand_in = StandIn::start();
    stand_in.always(Reply::oauth_error(401, "invalid_grant", "no"));
    let sandbox = Sandbox::of(&stand_in);
    let mark = sandbox.home().join("ran");
    let outcome = sandbox.run(["exec", "--", "touch", mark.to_str().unwrap()]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""));
    assert!(outcome.stderr.starts_with("spotinst-cred: "));
    assert!(!mark.exists());
}

#[test]
fn the_program_gets_the_time_that_it_needs_or_is_not_run() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let script = ["exec", "--min-ttl", "1h", "--", "sh", "-c", "echo $SPOTINST_TOKEN"];
    sandbox.run(script).prints(&format!("{}\n", stand_in.issued()[0]));
    let mark = sandbox.home().join("ran");
    sandbox.run(["exec", "--min-ttl", "3h", "--", "touch", mark.to_str().unwrap()]).fails(
        3,
        "spotinst-cred: --min-ttl 3h cannot be met: the server grants tokens of 2h\nhint: ask for 1h 59m at most\n",
    );
    assert!(!mark.exists());
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn a_script_that_names_no_interpreter_is_run_as_by_a_shell() {
    let sandbox = permanent("abc", "");
    let script = sandbox.script("plain", "");
    fs::write(&script, "echo $SPOTINST_TOKEN\n").unwrap();
    sandbox.run(["exec", script.to_str().unwrap()]).prints("abc\n");
}

#[test]
fn nothing_is_left_open_for_the_program() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let without = Running::start(sandbox.command("ls").arg("/proc/self/fd")).end();
    sandbox.run(["exec", "--", "ls", "/proc/self/fd"]).prints(&without.stdout);
}
