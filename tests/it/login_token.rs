//! `login --with-token`: a permanent token from a hidden prompt or stdin, checked by the API if it responds.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::os;
use crate::pty::Terminal;
use crate::requirements::is_unix;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::{Reply, StandIn, jwt};

const TOKEN: &str = "7d3f0a9c51b24e86a4c09d2fb36e1785cc90d41e8f5a7263b1d04e9f6a82c357";

/// A machine without a configuration. The API accepts only [`TOKEN`].
fn machine(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base());
    let service = stand_in.service();
    stand_in.handler(move |request| match request.header("authorization") == Some(&format!("Bearer {TOKEN}")) {
        true => Reply::json(200, &serde_json::json!({"response": {"items": [{"accountId": "act-1", "name": "one"}]}})),
        false => service.reply_to(request),
    });
    sandbox
}

fn login<const N: usize>(sandbox: &Sandbox, input: &[u8], arguments: [&str; N]) -> Outcome {
    let mut child = sandbox.program(["login", "--with-token"]).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // A login that fails early does not read its stdin.
    child.stdin.take().unwrap().write_all(input).ok();
    Running::of(child).end()
}

#[test]
fn a_token_from_stdin_is_checked_and_kept_in_the_profile() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    for input in [TOKEN.to_owned(), format!("  {TOKEN}\r\n"), format!("\n{TOKEN}\n\n")] {
        login(&sandbox, input.as_bytes(), []).prints("");
        let config = fs::read_to_string(sandbox.config_path()).unwrap();
        assert_eq!(config, format!("[profiles.default]\ntoken = \"{TOKEN}\"\n"));
        os::reset_config(&sandbox.config_path());
    }
    login(&sandbox, TOKEN.as_bytes(), ["-p", "ci"]).prints("");
    assert!(os::is_private(&sandbox.config_path()));
    assert_eq!(sandbox.run(["-p", "ci"]).stdout.trim_end(), TOKEN);
    assert!(!sandbox.cache_dir().exists(), "a permanent token is not cached");
    assert!(stand_in.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_token_is_typed_at_a_hidden_prompt_and_an_account_chosen() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--with-token"]) else { return };
    terminal.until(&format!("the token goes into profile \"default\" of {}\n", sandbox.config_path().display()));
    terminal.until("under Settings > Tokens: https://console.spotinst.com/#/settings/tokens/permanent\n");
    terminal.until("Permanent token (not shown): ").line(&format!(" {TOKEN} "));
    terminal.until("  1  act-1  one\nChoose [none]: ").line("1");
    terminal.until("the API accepts the token; profile \"default\" is complete\n");
    let (screen, status) = terminal.end();
    assert!(status == Some(0) && !screen.contains(TOKEN), "{screen}");
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert_eq!(config, format!("[profiles.default]\ntoken = \"{TOKEN}\"\naccount = \"act-1\"\n"));
}

#[test]
fn a_token_that_the_api_rejects_is_not_written() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let outcome = login(&sandbox, b"0123456789abcdef", []);
    let url = format!("{}/setup/account", stand_in.base());
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(4), ""));
    assert!(outcome.stderr.starts_with(&format!("spotinst-cred: {url} does not accept the token: HTTP 401")));
    let hint = "hint: copy it again, or make a new one: https://console.spotinst.com/#/settings/tokens/permanent\n";
    assert!(outcome.stderr.ends_with(hint), "{}", outcome.stderr);
    assert!(os::is_new_config(&sandbox.config_path()));
}

#[test]
fn a_rejected_token_is_asked_for_again_and_never_sent_twice() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--with-token"]) else { return };
    terminal.until("Permanent token (not shown): ").line("two words");
    terminal.until("characters that RFC 6750 does not allow\n").until("hint: it must be the token alone");
    terminal.until("Permanent token (not shown): ").line("wrong");
    terminal.until("does not accept the token: HTTP 401").until("2 attempts left\n");
    terminal.until("Permanent token (not shown): ").line("wrong");
    terminal.until("That was rejected already, and is not sent again.\n");
    terminal.until("Permanent token (not shown): ").line(TOKEN);
    terminal.until("Choose [none]: ").line("");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(stand_in.requests().len(), 2);
}

#[test]
fn a_token_that_cannot_be_checked_is_written_and_the_exit_status_says_so() {
    for (what, reply) in
        [("server error", Reply::failed(502)), ("no accounts", Reply::new(200, "{}")), ("limit", Reply::rate_limited())]
    {
        let stand_in = StandIn::start();
        let sandbox = machine(&stand_in);
        stand_in.always(reply);
        let outcome = login(&sandbox, TOKEN.as_bytes(), ["-p", "ci"]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(5), ""), "{what}");
        let problem = "spotinst-cred: the token is in profile \"ci\", but was not checked: ";
        let hint = "hint: check it with `spotinst-cred status --profile ci --check`\n";
        assert!(outcome.stderr.starts_with(problem) && outcome.stderr.ends_with(hint), "{what}: {}", outcome.stderr);
        assert_eq!(sandbox.run(["-p", "ci"]).stdout.trim_end(), TOKEN, "{what}");
    }
}

#[test]
fn at_a_terminal_the_check_can_be_repeated_or_skipped() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    stand_in.script([Reply::failed(502), Reply::failed(502), Reply::failed(502)]);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--with-token"]) else { return };
    terminal.until("Permanent token (not shown): ").line(TOKEN);
    terminal.until("Try again? [Y/n]: ").line("").until("Try again? [Y/n]: ").line("n");
    terminal.until("the token is in profile \"default\", but was not checked: server error from ");
    assert_eq!(terminal.end().1, Some(5));
    sandbox.token();

    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--with-token"]) else { return };
    terminal.until("Permanent token (not shown): ").line(TOKEN);
    terminal.until("Try again? [Y/n]: ").line("").until("Choose [none]: ").line("");
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn an_invalid_permanent_token_is_refused_before_any_request() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let temporary = jwt::mint(SystemTime::now(), Duration::from_secs(3_600));
    let expired = jwt::mint(SystemTime::UNIX_EPOCH, Duration::from_secs(3_600));
    let long = "a".repeat(64 * 1024 + 1);
    let alone = "hint: it must be the token alone: letters, digits and -._~+/=\n";
    let copy = "hint: copy a permanent one: https://console.spotinst.com/#/settings/tokens/permanent\n";
    for (input, problem, hint) in [
        (&b""[..], "there is no token: the input is empty", alone),
        (b" \n\t\n", "there is no token: the input is empty", alone),
        (b"two words", "not a token: it has characters that RFC 6750 does not allow", alone),
        (b"\xff\xfe", "stdin holds invalid UTF-8", alone),
        (long.as_bytes(), "stdin holds more than 64 KiB", alone),
        (temporary.as_bytes(), "that is a temporary token, which expires in ", copy),
        (expired.as_bytes(), "that is a temporary token, which has expired", copy),
    ] {
        let outcome = login(&sandbox, input, []);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(3), ""), "{problem}");
        assert!(outcome.stderr.starts_with(&format!("spotinst-cred: {problem}")), "{}", outcome.stderr);
        assert!(outcome.stderr.ends_with(hint), "{}", outcome.stderr);
        assert!(os::is_new_config(&sandbox.config_path()));
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn only_a_token_in_the_profile_itself_is_replaced() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let others = "[profiles.a]\ntoken_file = \"/x\"\n[profiles.b]\nusername = \"ada\"\n[profiles.c]\nlogin = true\n";
    sandbox.config(&format!("{others}[profiles.old]\ntoken = \"old\" # of May\naccount = \"act-2\"\n"));
    for (name, line) in [("a", 2), ("b", 4), ("c", 6)] {
        let expected = format!(
            "spotinst-cred: profile \"{name}\" already has another source of tokens ({}:{line})\n\
             hint: name another profile with --profile; it is created if it does not exist\n",
            sandbox.config_path().display()
        );
        login(&sandbox, TOKEN.as_bytes(), ["-p", name]).fails(3, &expected);
    }
    assert_eq!(stand_in.connections(), 0);
    login(&sandbox, TOKEN.as_bytes(), ["-p", "old"]).prints("");
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert_eq!(config, format!("{others}[profiles.old]\ntoken = \"{TOKEN}\" # of May\naccount = \"act-2\"\n"));
}

#[test]
fn a_full_disk_keeps_the_old_token() {
    if !is_unix("a file size limit") {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    sandbox.config("[profiles.default]\ntoken = \"old\"\n");
    let input = sandbox.write("input", TOKEN);
    let script = format!("ulimit -f 0; {PROGRAM} login --with-token <{}", input.display());
    let outcome = sandbox.shell("sh", &script);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("cannot change the configuration"), "{}", outcome.stderr);
    assert_eq!(sandbox.token(), "old");
}

#[test]
fn an_interrupt_at_the_token_restores_the_terminal() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let script = format!("trap : INT; stty -a >before; {PROGRAM} login --with-token; echo ended $?; stty -a >after");
    let Some(mut terminal) = Terminal::run(&sandbox, &["sh", "-c", &script]) else { return };
    terminal.until("Permanent token (not shown): ").keys("half a tok\u{3}").until("ended 130\n");
    let (screen, _) = terminal.end();
    let modes = |name| fs::read_to_string(sandbox.path().join(name)).unwrap();
    assert!(modes("before") == modes("after") && !screen.contains("half"), "{screen}");
    assert!(os::is_new_config(&sandbox.config_path()));
}
