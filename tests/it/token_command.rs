//! `grant = "command"`: a command replaces the token endpoint.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::callers::assert_one_works;
use crate::fixtures::{ACCOUNT, DOCUMENT, TOKEN, with_document};
use crate::sandbox::{PROGRAM, Sandbox};
use stand_in::StandIn;

/// A profile whose command counts its runs in `~/runs` and then runs `script`.
fn counting(script: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let script = sandbox.script("source", &format!("echo run >>~/runs\n{script}"));
    configure(&sandbox, &script, "");
    sandbox
}

fn configure(sandbox: &Sandbox, script: &Path, more: &str) {
    let command = script.display();
    sandbox.config(&format!("[profiles.default]\ngrant = \"command\"\ntoken_command = [\"{command}\"]\n{more}"));
}

fn runs(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.home().join("runs")).map_or(0, |text| text.lines().count())
}

/// The source of the setting: line 3.
fn origin(sandbox: &Sandbox) -> String {
    format!("{}:3", sandbox.config_path().display())
}

#[test]
fn a_document_is_cached_with_its_expiry_and_its_account() {
    let sandbox = counting(&format!("echo '{DOCUMENT}'"));
    let expected = format!("{TOKEN}\n");
    sandbox.run([]).prints(&expected);
    sandbox.run([]).prints(&expected);
    let document: Value = serde_json::from_str(&sandbox.run(["-f", "json"]).stdout).unwrap();
    assert_eq!((&document["expiry"], &document["account"]), (&"2098-12-31T23:59:00Z".into(), &ACCOUNT.into()));
    assert_eq!(runs(&sandbox), 1);
    sandbox.run(["--force-refresh"]).prints(&expected);
    assert_eq!(runs(&sandbox), 2);
    sandbox.run(["--no-cache"]).prints(&expected);
    assert_eq!(runs(&sandbox), 3);
}

#[test]
fn a_bare_token_is_accepted() {
    let sandbox = counting("echo abc123");
    sandbox.run(["-f", "json"]).prints("{\"version\":1,\"access_token\":\"abc123\",\"token_type\":\"Bearer\"}\n");
    sandbox.run([]).prints("abc123\n");
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn the_lifetime_comes_from_expiry_then_expires_in_then_the_jwt() {
    let reported = |document: &str| -> Value {
        serde_json::from_str(&with_document(document).run(["-f", "json"]).stdout).unwrap_or_default()
    };
    let both = r#"{"version":1,"access_token":"a","expires_in":30,"expiry":"2099-01-01T00:00:00.75Z"}"#;
    assert_eq!(reported(both)["expiry"], "2098-12-31T23:59:00Z");
    let seconds = reported(r#"{"version":1,"access_token":"a","expires_in":3600}"#)["expires_in"].as_u64().unwrap();
    assert!(seconds <= 3540, "a minute early: {seconds}");
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQwNzA5MDg4MDB9.c2ln";
    assert_eq!(reported(jwt)["expiry"], "2098-12-31T23:59:00Z");
    assert_eq!(reported(&format!(r#"{{"version":1,"access_token":"{jwt}"}}"#))["expiry"], "2098-12-31T23:59:00Z");
    assert_eq!(reported(r#"{"version":1,"access_token":"a"}"#)["expiry"], Value::Null);
}

#[test]
fn fifty_callers_run_it_once() {
    let sandbox = counting("cat ~/gate");
    let gate = fifo(&sandbox);
    let mut callers: Vec<_> = (0..50).map(|_| sandbox.start(["-v"])).collect();
    let running = format!("spotinst-cred: running the token command from {}", origin(&sandbox));
    assert_one_works(&mut callers, |line| line == running);
    open(&gate).write_all(DOCUMENT.as_bytes()).unwrap();
    for caller in callers {
        let outcome = caller.end();
        assert_eq!((outcome.stdout, outcome.status), (format!("{TOKEN}\n"), Some(0)));
    }
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn waiting_callers_share_a_failure() {
    let sandbox = counting("cat ~/gate; exit 9");
    let gate = fifo(&sandbox);
    let mut callers: Vec<_> = (0..20).map(|_| sandbox.start(["-v"])).collect();
    for caller in &mut callers {
        caller.next_line();
    }
    drop(open(&gate));
    let problem = format!("spotinst-cred: the token command from {} failed: exit status: 9", origin(&sandbox));
    for caller in callers {
        let outcome = caller.end();
        assert_eq!((outcome.stdout.as_str(), outcome.status), ("", Some(5)));
        assert!(outcome.stderr.contains(&problem), "{}", outcome.stderr);
    }
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_failure_is_silent_while_the_cached_token_is_usable() {
    let sandbox = counting("echo words >&2; test -e ~/again && exit 1; touch ~/again; echo abc123");
    // Without a token, the user may have to act on the command's stderr.
    let first = sandbox.run([]);
    assert_eq!((first.stdout.as_str(), first.stderr.as_str()), ("abc123\n", "words\n"));
    // A token without an expiry is refreshed after half an hour.
    age(&sandbox.entry_path(), 3600);
    sandbox.run([]).prints("abc123\n");
    sandbox.run([]).prints("abc123\n");
    assert_eq!(runs(&sandbox), 2);
    let forced = sandbox.run(["--force-refresh"]);
    assert!(forced.stderr.starts_with("words\nspotinst-cred: "), "{forced:?}");
    forced.has_failed(5);
}

#[test]
fn invalid_output_is_an_error_that_does_not_show_it() {
    let hint = "hint: it must print what `spotinst-cred --format json` prints, or a token alone\n";
    for (document, problem) in [
        ("secret with spaces", "a token with characters that RFC 6750 does not allow"),
        ("one\ntwo", "a token with characters that RFC 6750 does not allow"),
        ("{\"access_token\":\"secret\"}", "JSON that is not a document of version 1"),
        ("{\"version\":1,\"access_token\":7}", "JSON that is not a document of version 1"),
        ("{\"version\":1,", "JSON that is not a document of version 1"),
        ("{\"version\":1,\"access_token\":\"a\"} x", "JSON that is not a document of version 1"),
        ("{\"version\":2,\"access_token\":\"a\"}", "a JSON document of an unknown version"),
        ("{\"version\":1,\"access_token\":\"a'b\"}", "a token with characters that RFC 6750 does not allow"),
        ("{\"version\":1,\"access_token\":\"a\",\"token_type\":\"mac\"}", "a token type other than Bearer"),
        ("{\"version\":1,\"access_token\":\"a\",\"account\":\"a'b\"}", "an account that is not an account id"),
        (
            "{\"version\":1,\"access_token\":\"a\",\"expiry\":\"tomorrow\"}",
            "an expiry that is not a time such as 2026-11-23T20:00:00Z",
        ),
        (
            "{\"version\":1,\"access_token\":\"a\",\"expiry\":\"2001-01-01T00:00:00Z\"}",
            "a token that has already expired (is this machine's clock right?)",
        ),
        (
            "{\"version\":1,\"access_token\":\"a\",\"expires_in\":0}",
            "a token that has already expired (is this machine's clock right?)",
        ),
    ] {
        let sandbox = with_document(document);
        let name = format!("the token command from {}", origin(&sandbox));
        sandbox.run([]).fails(5, &format!("spotinst-cred: {name} prints {problem}\n{hint}"));
    }
}

#[test]
fn a_command_that_fails_or_prints_nothing_is_an_error() {
    let by_hand = "hint: run it by hand to see why\n";
    let sandbox = counting("exit 7");
    let name = format!("spotinst-cred: the token command from {}", origin(&sandbox));
    sandbox.run([]).fails(5, &format!("{name} failed: exit status: 7\n{by_hand}"));
    fs::remove_file(sandbox.home().join("source")).unwrap();
    let sandbox = counting("true");
    let empty = format!("spotinst-cred: the token command from {} printed nothing\n", origin(&sandbox));
    sandbox.run([]).fails(5, &format!("{empty}hint: it must be the secret, which may end with one newline\n"));

    let sandbox = Sandbox::new();
    configure(&sandbox, Path::new("/no/such/program"), "");
    let name = format!("spotinst-cred: the token command from {}", origin(&sandbox));
    let problem = "cannot be started: No such file or directory (os error 2)";
    sandbox.run([]).fails(
        3,
        &format!("{name} {problem}\nhint: check the program's name, the PATH and the limits in `ulimit -a`\n"),
    );
}

#[test]
fn a_command_that_hangs_is_stopped_at_the_calls_time_limit() {
    let sandbox = counting("exec cat ~/gate");
    fifo(&sandbox);
    let name = format!("spotinst-cred: the token command from {}", origin(&sandbox));
    sandbox.run(["--timeout", "500ms"]).fails(
        5,
        &format!(
            "{name} timed out\n\
             hint: if the command prompts for input, set `command_timeout` in the profile, for example \"60s\"\n"
        ),
    );
}

#[test]
fn profiles_share_a_token_only_if_their_command_is_the_same() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "[profiles.a]\ngrant = \"command\"\ntoken_command = [\"echo\", \"a\"]\n\
         [profiles.b]\ngrant = \"command\"\ntoken_command = [\"echo\", \"b\"]\n\
         [profiles.c]\ngrant = \"command\"\ntoken_command = [\"echo\", \"a\"]\naccount = \"act-1\"\n",
    );
    for (profile, token) in [("a", "a\n"), ("b", "b\n"), ("c", "a\n")] {
        sandbox.run(["-p", profile]).prints(token);
    }
    assert_eq!(sandbox.cache_files("token").len(), 2);
}

#[test]
fn the_configured_account_overrides_the_documents() {
    let mut sandbox = counting(&format!("echo '{DOCUMENT}'"));
    let account = |sandbox: &Sandbox| sandbox.run(["-f", "dotenv"]).stdout.lines().nth(1).map(str::to_owned);
    assert_eq!(account(&sandbox), Some(format!("SPOTINST_ACCOUNT={ACCOUNT}")));
    configure(&sandbox, &sandbox.home().join("source"), "account = \"act-profile\"\n");
    assert_eq!(account(&sandbox).as_deref(), Some("SPOTINST_ACCOUNT=act-profile"));
    sandbox.set("SPOTINST_ACCOUNT", "act-variable");
    assert_eq!(account(&sandbox).as_deref(), Some("SPOTINST_ACCOUNT=act-variable"));
}

#[test]
fn a_missing_account_is_an_error_only_after_the_command_ran() {
    with_document(DOCUMENT).run(["-f", "ini"]).prints(&format!("[default]\ntoken = {TOKEN}\naccount = {ACCOUNT}\n"));
    let sandbox = with_document("abc123");
    let outcome = sandbox.run(["-f", "ini"]);
    let problem = "spotinst-cred: missing account: the ini format requires one\n";
    outcome.fails(
        3,
        &format!(
            "{problem}hint: account: SPOTINST_ACCOUNT, SPOTINST_ACCOUNT_ID or `account`; keys go into [profiles.default] of {}\n",
            sandbox.config_path().display()
        ),
    );
}

#[test]
fn the_command_gets_no_secret_variables() {
    let mut sandbox = counting("test -z \"$(env | grep -e secret)\" && echo abc123");
    for name in ["SPOTINST_PASSWORD", "SPOTINST_CLIENT_SECRET", "SPOTINST_TOKEN", "SPOTINST_PASSWORD_FILE"] {
        sandbox.set(name, "secret");
    }
    sandbox.run([]).prints("abc123\n");
}

#[test]
fn another_spotinst_cred_can_be_the_command() {
    let stand_in = StandIn::start();
    let far = Sandbox::of(&stand_in);
    let near = Sandbox::new();
    let there = far.script(
        "there",
        &format!(
            "SPOTINST_TOKEN_URL={} SPOTINST_USERNAME={} SPOTINST_PASSWORD='{}' SPOTINST_CLIENT_ID={} SPOTINST_CLIENT_SECRET='{}' HOME={} exec {PROGRAM} -f json",
            stand_in.url(),
            stand_in::spotinst::USERNAME,
            stand_in::spotinst::PASSWORD,
            stand_in::spotinst::CLIENT_ID,
            stand_in::spotinst::CLIENT_SECRET,
            far.home().display(),
        ),
    );
    configure(&near, &there, "");
    let token = near.token();
    assert_eq!(near.token(), token);
    assert_eq!(stand_in.issued(), [token]);
}

#[test]
fn a_short_lifetime_does_not_limit_the_next_token() {
    let script = "test -e ~/again && life=7200 || life=600; touch ~/again\n\
        echo \"{\\\"version\\\":1,\\\"access_token\\\":\\\"t$life\\\",\\\"expires_in\\\":$life}\"";
    let sandbox = counting(script);
    sandbox.run([]).prints("t600\n");
    sandbox.run(["--min-ttl", "30m"]).prints("t7200\n");
    assert_eq!(runs(&sandbox), 2);
}

const ANOTHER: &str = "hint: use another profile in the command: spotinst-cred --profile NAME\n";

/// It would wait for the lock that its ancestor holds.
#[test]
fn a_command_that_calls_itself_cannot_take_the_lock() {
    let sandbox = Sandbox::new();
    configure(&sandbox, Path::new(PROGRAM), "command_timeout = \"10min\"\n");
    let name = format!("spotinst-cred: the token command from {}", origin(&sandbox));
    let outcome = sandbox.run([]);
    let lock = sandbox.lock_path();
    let itself = format!(
        "spotinst-cred: {} is locked by the spotinst-cred that runs this one: the command runs itself\n{ANOTHER}",
        lock.display()
    );
    let expected = format!("{itself}{name} failed: exit status: 3\nhint: run it by hand to see why\n");
    outcome.fails(5, &expected);
}

/// The same through a secret's command, through a shell, and for other commands that take the lock.
#[test]
fn no_descendant_waits_for_a_lock_that_its_ancestor_holds() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD");
    for arguments in ["", "logout", "logout --all"] {
        sandbox.config(&format!(
            "[profiles.default]\npassword_command = \"{PROGRAM} {arguments}\"\ncommand_timeout = \"10min\"\n"
        ));
        let outcome = sandbox.run([]);
        outcome.has_failed(3);
        let itself = "is locked by the spotinst-cred that runs this one: the command runs itself\n";
        assert!(outcome.stderr.contains(itself), "{outcome:?}");
    }
    assert_eq!(stand_in.connections(), 0);
}

/// Without a cache there is no lock to detect it by.
#[test]
fn a_command_that_calls_itself_without_a_cache_is_not_started_again() {
    let sandbox = Sandbox::new();
    let name = format!("the token command from {}", origin(&sandbox));
    let itself = format!(
        "spotinst-cred: {name} was not started: it is already running and seems to call itself\n{ANOTHER}\
         spotinst-cred: {name} failed: exit status: 3\nhint: run it by hand to see why\n"
    );
    for (grant, options, status) in [("grant = \"command\"", ["--no-cache"], 5), ("", ["--no-cache"], 3)] {
        sandbox.config(&format!("[profiles.default]\n{grant}\ntoken_command = [\"{PROGRAM}\", \"--no-cache\"]\n"));
        sandbox.run(options).fails(status, &itself);
    }
}

/// A chain of profiles is not a cycle, and a program that `exec` runs is not part of the refresh.
#[test]
fn a_command_may_run_the_program_for_other_profiles() {
    let mut sandbox = Sandbox::new();
    let link = |next: u32| format!("grant = \"command\"\ntoken_command = [\"{PROGRAM}\", \"-p\", \"p{next}\"]\n");
    let chain: String = (0..6).map(|at| format!("[profiles.p{at}]\n{}", link(at + 1))).collect();
    sandbox.config(&format!("{chain}[profiles.p6]\ngrant = \"command\"\ntoken_command = [\"echo\", \"abc123\"]\n"));
    sandbox.run(["-p", "p0"]).prints("abc123\n");

    sandbox.set("SPOTINST_CRED_INSIDE", "anything");
    let script = "echo \"($SPOTINST_CRED_INSIDE)\"";
    sandbox.run(["exec", "-p", "p0", "--", "sh", "-c", script]).prints("()\n");
}

#[test]
fn without_the_command_grant_the_command_prints_a_permanent_token_each_time() {
    let sandbox = counting("echo abc123");
    let script = sandbox.home().join("source");
    sandbox.config(&format!("[profiles.default]\ntoken_command = [\"{}\"]\n", script.display()));
    sandbox.run([]).prints("abc123\n");
    sandbox.run([]).prints("abc123\n");
    assert_eq!((runs(&sandbox), sandbox.cache_files("token").len()), (2, 0));
}

#[test]
fn the_command_grant_needs_only_its_command() {
    let mut sandbox = Sandbox::new();
    let path = sandbox.config_path().display().to_string();
    let hint = format!("hint: token command: `token_command`; keys go into [profiles.default] of {path}\n");
    sandbox.config("[profiles.default]\ngrant = \"command\"\n");
    sandbox.run([]).fails(3, &format!("spotinst-cred: missing token command\n{hint}"));
    sandbox.config("[profiles.default]\ngrant = \"command\"\ntoken = \"abc\"\n");
    sandbox.run([]).fails(3, &format!("spotinst-cred: missing token command for the grant \"command\"\n{hint}"));

    sandbox.config("[profiles.default]\ngrant = \"command\"\ntoken_command = [\"echo\", \"a\"]\nusername = \"u\"\n");
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the profile has both a token command ({path}:3) and the credentials of a grant ({path}:4)\n\
             hint: keep one of the two, or move one to another profile\n"
        ),
    );
    sandbox.config("[profiles.default]\ntoken_command = [\"echo\", \"a\"]\n");
    sandbox.set("SPOTINST_CRED_GRANT", "command");
    sandbox.run([]).prints("a\n");
    assert_eq!(sandbox.cache_files("token").len(), 1);
    sandbox.set("SPOTINST_CRED_GRANT", "magic").config("[profiles.default]\nusername = \"u\"\n");
    sandbox.run([]).fails(
        3,
        "spotinst-cred: the grant from SPOTINST_CRED_GRANT is unknown: \"magic\"\n\
         hint: expected one of password, saml, client_credentials and command\n",
    );
}

/// An empty entry of the PATH means the working directory.
#[test]
fn a_command_is_not_found_in_the_working_directory() {
    let mut sandbox = Sandbox::new();
    for name in ["tool", "sh"] {
        fs::rename(sandbox.script(name, "echo planted"), sandbox.path().join(name)).unwrap();
        fs::copy(sandbox.path().join(name), sandbox.home().join(".config").join(name)).ok();
    }
    let name =
        |sandbox: &Sandbox| format!("spotinst-cred: the token command from {}:2", sandbox.config_path().display());
    for path in [":/usr/bin:/bin", "/usr/bin:/bin:", "/usr/bin::/bin", "", ":"] {
        sandbox.set("PATH", path).config("[profiles.default]\ntoken_command = [\"tool\"]\n");
        let problem = "cannot be started: No such file or directory (os error 2)";
        let hint = "hint: check the program's name, the PATH and the limits in `ulimit -a`\n";
        sandbox.run([]).fails(3, &format!("{} {problem}\n{hint}", name(&sandbox)));
        // A shell has the same PATH.
        sandbox.config("[profiles.default]\ntoken_command = \"tool || echo none\"\n");
        assert_eq!(sandbox.run([]).stdout, "none\n", "{path}");
    }
    sandbox.set("PATH", ":/usr/bin:/bin").config("[profiles.default]\ntoken_command = \"echo $PATH | tr : +\"\n");
    sandbox.run([]).prints("/usr/bin+/bin\n");
}

/// A FIFO at `~/gate`: a reader waits until it is opened for writing.
fn fifo(sandbox: &Sandbox) -> std::path::PathBuf {
    let path = sandbox.home().join("gate");
    assert!(sandbox.command("mkfifo").arg(&path).status().unwrap().success());
    path
}

fn open(fifo: &Path) -> fs::File {
    fs::OpenOptions::new().write(true).open(fifo).unwrap()
}

/// Makes the entry's token older by this many seconds.
fn age(entry: &Path, seconds: i64) {
    let text = fs::read_to_string(entry).unwrap();
    let mut json: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let obtained_at = json["token"]["obtained_at"].as_i64().unwrap();
    json["token"]["obtained_at"] = (obtained_at - seconds).into();
    let name = entry.file_stem().unwrap().to_str().unwrap();
    let mut sum = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    write!(sum.stdin.take().unwrap(), "{name}\n{json}").unwrap();
    let sum = String::from_utf8(sum.wait_with_output().unwrap().stdout).unwrap();
    let sum = sum.split(' ').next().unwrap();
    fs::write(entry, format!("spotinst-cred 1 {sum}\n{json}\n")).unwrap();
}
