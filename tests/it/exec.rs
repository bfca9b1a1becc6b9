//! `exec`: the program gets the token, no credentials, and replaces this process.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::fixtures::{ACCOUNT, DOCUMENT, TOKEN, with_document, with_permanent_token};
use crate::sandbox::{Running, Sandbox};
use stand_in::{Reply, StandIn};

#[test]
fn the_program_gets_the_token_and_no_credentials() {
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
fn the_program_gets_no_names_of_secret_files() {
    let mut sandbox = with_permanent_token("abc", "");
    sandbox.set("SPOTINST_PASSWORD_FILE", "/p").set("SPOTINST_CLIENT_SECRET_FILE", "/c");
    sandbox.run(["exec", "sh", "-c", "env | grep SPOTINST"]).prints("SPOTINST_TOKEN=abc\n");
}

#[test]
fn an_empty_account_variable_is_removed() {
    let mut sandbox = with_permanent_token("abc", "");
    sandbox.set("SPOTINST_ACCOUNT", "").set("SPOTINST_ACCOUNT_ID", "");
    sandbox.run(["exec", "sh", "-c", "env | grep SPOTINST"]).prints("SPOTINST_TOKEN=abc\n");
}

#[test]
fn both_account_variables_hold_the_effective_account() {
    let mut sandbox = with_document(DOCUMENT);
    let script = ["exec", "sh", "-c", "echo $SPOTINST_TOKEN $SPOTINST_ACCOUNT $SPOTINST_ACCOUNT_ID"];
    sandbox.run(script).prints(&format!("{TOKEN} {ACCOUNT} {ACCOUNT}\n"));
    sandbox.set("SPOTINST_ACCOUNT_ID", "act-2");
    sandbox.run(script).prints(&format!("{TOKEN} act-2 act-2\n"));
    sandbox.set("SPOTINST_ACCOUNT", "act-3");
    sandbox.run(script).prints(&format!("{TOKEN} act-3 act-3\n"));
}

#[test]
fn arguments_are_passed_unchanged() {
    let sandbox = with_permanent_token("abc", "");
    let words = ["-f", "--", "--help", "a b", "$HOME", ""];
    let expected: String = words.iter().map(|word| format!("[{word}]")).collect();
    let [a, b, c, d, e, f] = words;
    sandbox.run(["exec", "--", "printf", "[%s]", a, b, c, d, e, f]).prints(&expected);
    sandbox.run(["exec", "printf", "[%s]", a, b, c, d, e, f]).prints(&expected);
    // Our options come before the program.
    sandbox.run(["exec", "-p", "default", "--", "echo", "-p"]).prints("-p\n");
    sandbox.run(["-p", "default", "exec", "--", "echo", "-p"]).prints("-p\n");
}

#[test]
fn the_exit_status_is_passed_through() {
    let sandbox = with_permanent_token("abc", "");
    for status in [0, 1, 3, 42, 255] {
        let outcome = sandbox.run(["exec", "--", "sh", "-c", &format!("exit {status}")]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(status), ""));
    }
}

#[test]
fn the_program_replaces_the_process_and_receives_its_signals() {
    let sandbox = with_permanent_token("abc", "");
    let mut child = sandbox.program(["exec", "--", "sh", "-c", "echo $$; read line"]);
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line.trim(), child.id().to_string());
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));

    // Rust programs ignore SIGPIPE; the program that is run must not inherit that.
    let mut piped = sandbox.program(["exec", "--", "sh", "-c", "kill -PIPE $$; echo alive"]);
    assert_eq!(piped.status().unwrap().signal(), Some(13));
}

#[test]
fn stdin_and_stderr_are_passed_through() {
    let sandbox = with_permanent_token("abc", "");
    let mut command = sandbox.program(["exec", "--", "sh", "-c", "cat; echo oops >&2"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"through\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"through\n"[..], &b"oops\n"[..]));
}

#[test]
fn a_program_that_cannot_run_fails_with_126_or_127() {
    let sandbox = with_permanent_token("abc", "");
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
fn without_a_token_the_program_is_not_run() {
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
fn min_ttl_is_met_or_the_program_is_not_run() {
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
fn a_script_without_a_shebang_is_run_by_sh() {
    let sandbox = with_permanent_token("abc", "");
    let script = sandbox.executable("plain", "echo $SPOTINST_TOKEN\n");
    sandbox.run(["exec", script.to_str().unwrap()]).prints("abc\n");
}

#[test]
fn no_extra_file_descriptor_is_inherited() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let without = Running::start(sandbox.command("ls").arg("/proc/self/fd")).end();
    sandbox.run(["exec", "--", "ls", "/proc/self/fd"]).prints(&without.stdout);
}

/// An empty entry of the PATH means the working directory, which may be an untrusted repository.
#[test]
fn empty_entries_of_the_path_are_skipped() {
    let mut sandbox = with_permanent_token("abc", "");
    let planted = "echo planted";
    for name in ["tool", "sh"] {
        fs::rename(sandbox.script(name, planted), sandbox.path().join(name)).unwrap();
    }
    let hint = "hint: check the program's name, its permissions and the PATH\n";
    let problem = "spotinst-cred: cannot run tool: No such file or directory (os error 2)\n";
    for path in [":/usr/bin:/bin", "/usr/bin:/bin:", "/usr/bin::/bin", "", ":"] {
        sandbox.set("PATH", path);
        sandbox.run(["exec", "--", "tool"]).fails(127, &format!("{problem}{hint}"));
        if !path.trim_matches(':').is_empty() {
            // The program's name and PATH are unchanged.
            let script = "echo $0 $PATH";
            sandbox.run(["exec", "--", "sh", "-c", script]).prints(&format!("sh {path}\n"));
        }
    }
    // A named directory is searched.
    sandbox.set("PATH", ":.:/usr/bin");
    sandbox.run(["exec", "--", "tool"]).prints("planted\n");
    sandbox.set("PATH", ":/usr/bin");
    sandbox.run(["exec", "--", "./tool"]).prints("planted\n");
    sandbox.unset("PATH");
    sandbox.run(["exec", "--", "tool"]).fails(127, &format!("{problem}{hint}"));
}

#[test]
fn a_file_in_the_path_that_is_not_executable_is_skipped() {
    let mut sandbox = with_permanent_token("abc", "");
    fs::create_dir_all(sandbox.home().join("dir/tool")).unwrap();
    sandbox.write("data/tool", "no program");
    let program = sandbox.script("bin/tool", "echo $0");
    let path =
        |dirs: &[&str]| dirs.iter().map(|dir| sandbox.home().join(dir).display().to_string()).collect::<Vec<_>>();
    let (all, without) = (path(&["none", "dir", "data", "bin"]).join(":"), path(&["dir", "data"]).join(":"));
    sandbox.set("PATH", all);
    sandbox.run(["exec", "--", "tool"]).prints(&format!("{}\n", program.display()));
    sandbox.set("PATH", without);
    sandbox.run(["exec", "--", "tool"]).fails(
        126,
        "spotinst-cred: cannot run tool: Permission denied (os error 13)\n\
         hint: check the program's name, its permissions and the PATH\n",
    );
}
