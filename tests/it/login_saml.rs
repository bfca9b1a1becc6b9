//! `login --saml`: the assertion from a paste at the terminal or from stdin, and what is kept of the login.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::pty::Terminal;
use crate::saml::{saml_url, sent};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use crate::strace;
use stand_in::spotinst::{ASSERTION, ORGANIZATION_ID};
use stand_in::{Reply, StandIn};

fn machine(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base()).set("SPOTINST_ACCOUNT", "act-1");
    sandbox.set("SPOTINST_SAML_URL", saml_url(stand_in)).set("SPOTINST_REFRESH_URL", stand_in.url());
    sandbox
}

/// A machine that is logged in by [`ASSERTION`], and a service that accepts [`NEW_ASSERTION`], too.
fn logged_in() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.assertions.push(NEW_ASSERTION.to_owned()));
    let mut sandbox = machine(&stand_in);
    sandbox.set("SPOTINST_ORGANIZATION_ID", ORGANIZATION_ID);
    login(&sandbox, ASSERTION).prints("");
    (stand_in, sandbox)
}

fn login(sandbox: &Sandbox, input: &str) -> Outcome {
    let mut child = sandbox.program(["login", "--saml"]).stdin(Stdio::piped()).spawn().unwrap();
    // A login that refuses early does not read.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    Running::of(child).end()
}

const NEW_ASSERTION: &str = "<Response>new</Response>";

const PROMPT: &str = "SAML response (not shown; an empty line ends it): ";

/// The profile that a login writes.
fn written() -> String {
    format!(
        "[profiles.default]\ngrant = \"saml\"\norganization_id = \"{ORGANIZATION_ID}\"\n\
         # The assertion is given at each `spotinst-cred login --saml` and stored nowhere.\nlogin = true\n"
    )
}

/// An assertion of this many bytes at least, as base64 in lines.
fn long_assertion(length: usize) -> (String, String) {
    let xml =
        format!("<samlp:Response><Signature>{}</Signature></samlp:Response>", "0123456789abcdef".repeat(length / 16));
    let base64 = BASE64_STANDARD.encode(&xml);
    let lines: Vec<_> = base64.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    (xml, lines.join("\r"))
}

#[test]
fn a_pasted_assertion_of_many_kilobytes_logs_in() {
    let (xml, lines) = long_assertion(100 * 1024);
    let pastes =
        [format!("{lines}\r\r"), format!("{}\r\r", lines.replace('\r', "\r\n")), lines.replace('\r', "") + "\u{4}"];
    for paste in pastes {
        let stand_in = StandIn::start();
        stand_in.settings(|service| service.assertions = vec![xml.clone()]);
        let sandbox = machine(&stand_in);
        let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--saml"]) else { return };
        terminal.until("copy the form field SAMLResponse");
        terminal.until("Organization id: ").line(ORGANIZATION_ID);
        terminal.until(PROMPT).keys(&paste);
        terminal.until("logged in; profile \"default\" is complete");
        terminal.until("the login lasts 14 days; `spotinst-cred login --saml` renews it\n");
        let (screen, status) = terminal.end();
        assert_eq!(status, Some(0));
        assert!(!screen.contains(&lines[..40]), "{screen}");
        assert_eq!(stand_in.requests()[0].text(), xml);
        assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), written());
        sandbox.token();
        sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    }
}

#[test]
fn an_assertion_from_stdin_logs_in_silently() {
    let stand_in = StandIn::start();
    let mut sandbox = machine(&stand_in);
    sandbox.set("SPOTINST_ORGANIZATION_ID", ORGANIZATION_ID);
    login(&sandbox, &BASE64_STANDARD.encode(ASSERTION)).prints("");
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), written());
    sandbox.unset("SPOTINST_ORGANIZATION_ID");
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
}

#[test]
fn a_login_that_is_over_names_the_command_and_is_renewed_by_a_new_assertion() {
    let (stand_in, sandbox) = logged_in();
    let token = sandbox.token();
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    stand_in.service().revoke_refresh_tokens();
    let outcome = sandbox.run(["--force-refresh"]);
    assert!(
        outcome.status == Some(4) && outcome.stderr.ends_with("hint: run `spotinst-cred login --saml`\n"),
        "{outcome:?}"
    );
    assert_eq!(sandbox.token(), token, "the cached token is used until it expires");
    sandbox.run(["logout"]);
    sandbox.run([]).fails(
        4,
        "spotinst-cred: the login of profile default is over, and its SAML assertion is stored nowhere\n\
         hint: run `spotinst-cred login --saml`\n",
    );
    login(&sandbox, ASSERTION).fails(
        4,
        "spotinst-cred: the SAML assertion from stdin was sent already, and is not sent twice\n\
         hint: run `spotinst-cred login --saml` with a new assertion\n",
    );
    login(&sandbox, NEW_ASSERTION).prints("");
    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), config);
    assert_eq!(sent(&stand_in), 2);
}

/// The entry may have tokens; recording an assertion would replace it.
#[test]
fn an_assertion_is_not_sent_while_the_entry_cannot_be_read() {
    if !strace::is_there() {
        return;
    }
    let (stand_in, sandbox) = logged_in();
    let (entry, token) = (sandbox.entry_path(), sandbox.token());
    let fails_once = ["-o", "/dev/null", "-P", entry.to_str().unwrap(), "-e", "inject=openat:error=EIO:when=1"];

    let mut command = strace::command(&sandbox, &fails_once, &["login", "--saml"]);
    let outcome = Running::start(command.stdin(fs::File::open(sandbox.write("new", NEW_ASSERTION)).unwrap())).end();

    let line = format!("cannot read {}, which stores the login: Input/output error (os error 5)", entry.display());
    let hint = "try again; if this keeps happening, check the file and its disk";
    outcome.fails(1, &format!("spotinst-cred: {line}\nhint: {hint}\n"));
    assert_eq!((sandbox.token(), sent(&stand_in)), (token, 1));
    login(&sandbox, NEW_ASSERTION).prints("");
}

#[test]
fn a_rejected_assertion_is_asked_for_again_and_never_sent_twice() {
    let stand_in = StandIn::start();
    let mut sandbox = machine(&stand_in);
    sandbox.set("SPOTINST_ORGANIZATION_ID", ORGANIZATION_ID);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--saml"]) else { return };
    terminal.until(PROMPT).keys("no assertion\r\r");
    terminal.until("that is no SAML response\n").until("hint: it must be the response of the identity provider");
    terminal.until(PROMPT).keys("<Response>wrong</Response>\r\r");
    terminal.until("refused the saml grant: HTTP 401").until("2 attempts left\n");
    terminal.until(PROMPT).keys("<Response>wrong</Response>\r\r");
    terminal.until("That was rejected already, and is not sent again.\n");
    terminal.until(PROMPT).keys(&format!("{}\r\r", ASSERTION.replace('\n', "\r")));
    terminal.until("logged in");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(sent(&stand_in), 2);
}

#[test]
fn after_a_lost_answer_a_new_assertion_is_asked_for() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.assertions.push(NEW_ASSERTION.to_owned()));
    let mut sandbox = machine(&stand_in);
    sandbox.set("SPOTINST_ORGANIZATION_ID", ORGANIZATION_ID);
    stand_in.script([Reply::close_unanswered()]);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--saml"]) else { return };
    terminal.until(PROMPT).keys(&format!("{}\u{4}", BASE64_STANDARD.encode(ASSERTION)));
    terminal.until("Try again? [Y/n]: ").line("");
    terminal.until("was sent already, and is not sent twice\n").until(PROMPT).keys(&format!("{NEW_ASSERTION}\r\r"));
    terminal.until("logged in");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(sent(&stand_in), 2);
}

#[test]
fn an_interrupt_at_the_assertion_restores_the_terminal() {
    for key in ["\u{3}", "half an asser\u{3}"] {
        let stand_in = StandIn::start();
        let sandbox = machine(&stand_in);
        let script = format!("trap : INT; stty -a >before; {PROGRAM} login --saml; echo ended $?; stty -a >after");
        let Some(mut terminal) = Terminal::run(&sandbox, &["sh", "-c", &script]) else { return };
        terminal.until("Organization id: ").line(ORGANIZATION_ID);
        terminal.until(PROMPT).keys(key).until("ended 130\n");
        let (screen, _) = terminal.end();
        let modes = |name| fs::read_to_string(sandbox.path().join(name)).unwrap();
        assert!(modes("before") == modes("after") && !screen.contains("half"), "{screen}");
        assert!(!sandbox.config_path().exists() && !sandbox.cache_dir().exists());
    }
}

#[test]
fn what_cannot_be_logged_in_to_is_refused_before_anything_is_read() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    login(&sandbox, ASSERTION).fails(
        3,
        &format!(
            "spotinst-cred: missing organization id\n\
             hint: organization id: SPOTINST_ORGANIZATION_ID or `organization_id`; keys go into [profiles.default] of {}\n",
            sandbox.config_path().display()
        ),
    );
    let path = sandbox.config_path().display().to_string();
    let another = "hint: name another profile with --profile; it is created if it does not exist\n";
    for (lines, problem) in [
        ("token = \"x\"", format!("profile \"default\" already has another source of tokens ({path}:2)")),
        ("username = \"ada\"", format!("profile \"default\" already has another source of tokens ({path}:2)")),
        ("grant = \"client_credentials\"", "profile \"default\" uses another grant".to_owned()),
    ] {
        sandbox.config(&format!("[profiles.default]\n{lines}\n"));
        login(&sandbox, ASSERTION).fails(3, &format!("spotinst-cred: {problem}\n{another}"));
    }
    sandbox.config("[profiles.default]\ngrant = \"saml\"\norganization_id = \"1\"\n");
    let hint = "hint: it must be the response of the identity provider, as base64 or XML\n";
    for (input, problem) in [("", "stdin holds no SAML response"), ("x", "stdin holds no SAML response")] {
        login(&sandbox, input).fails(3, &format!("spotinst-cred: {problem}\n{hint}"));
    }
    login(&sandbox, &"x".repeat(256 * 1024 + 1))
        .fails(3, &format!("spotinst-cred: stdin holds more than 256 KiB\n{hint}"));
    sandbox.run(["login", "--saml", "--with-token"]).status.filter(|status| *status == 2).unwrap();
    assert_eq!(stand_in.connections(), 0);
}

/// The command is not run for nothing, and the token is there for the next call.
#[test]
fn a_profile_with_a_command_needs_no_paste() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    sandbox.write(".config/spotinst-cred/assertion.xml", ASSERTION);
    let before = format!(
        "[profiles.default]\ngrant = \"saml\"\norganization_id = \"{ORGANIZATION_ID}\"\n\
         saml_assertion_command = \"cat ~/.config/spotinst-cred/assertion.xml\"\n"
    );
    sandbox.config(&before);
    login(&sandbox, "").prints("");
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), before);
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
    assert_eq!(sent(&stand_in), 1);
}
