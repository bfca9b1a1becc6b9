//! The commands that users try first, and the options of each command.

use crate::pty::Terminal;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::StandIn;

#[test]
fn help_and_version_are_commands_too() {
    let sandbox = Sandbox::new();
    for (command, option) in [
        (&["help"] as &[_], &["--help"] as &[_]),
        (&["help", "logout"], &["logout", "--help"]),
        (&["-v", "help", "exec"], &["exec", "--help"]),
        (&["help", "profiles"], &["profiles", "--help"]),
        (&["help", "profiles", "use"], &["profiles", "use", "--help"]),
        (&["version"], &["--version"]),
    ] {
        let expected = run(&sandbox, option);
        assert!(expected.stdout.contains("spotinst-cred "), "{expected:?}");
        run(&sandbox, command).prints(&expected.stdout);
    }
}

#[test]
fn the_help_of_an_unknown_command_is_a_usage_error_and_runs_nothing() {
    let sandbox = Sandbox::new();
    let unknown = "unknown command (not shown: it could be a secret)";
    for (arguments, problem, hint) in [
        (&["help", "statsu"] as &[_], unknown, "did you mean status?"),
        (
            &["help", "profiles", "us"],
            "`profiles` takes no such argument (not shown: it could be a secret)",
            "did you mean use?",
        ),
        (&["help", "exec", "touch"], unknown, "the commands are "),
        (&["help", "exec", "--", "touch"], unknown, "the commands are "),
        (
            &["help", "profiles", "use", "work"],
            "`help` takes no such argument (not shown: it could be a secret)",
            "spotinst-cred help ",
        ),
    ] {
        let outcome = run(&sandbox, arguments);
        outcome.has_failed(2);
        let start = format!("spotinst-cred: {problem}\nhint: {hint}");
        assert!(outcome.stderr.starts_with(&start), "{outcome:?}");
    }
}

#[test]
fn a_command_accepts_only_the_options_that_affect_it() {
    let sandbox = Sandbox::new();
    let options = |command: &str| run(&sandbox, &[command, "--help"]).stdout;
    assert!(options("exec").contains("--min-ttl") && options("exec").contains("--no-cache"));
    assert!(options("logout").contains("--cache-dir"));
    for option in ["--min-ttl", "--force-refresh", "--no-cache", "--format"] {
        assert!(!options("logout").contains(option), "{option}");
    }
    assert!(!options("completions").contains("--profile"));
}

#[test]
fn options_work_before_and_after_a_command() {
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.work]\naccount = 'act-1'\n[profiles.home]\naccount = 'act-2'\n");
    for (arguments, profile) in [
        (&["-p", "work", "status"] as &[_], "work"),
        (&["status", "-p", "work"], "work"),
        (&["-p", "home", "status", "-p", "work"], "work"),
    ] {
        let outcome = run(&sandbox, arguments);
        assert!(outcome.stdout.starts_with(&format!("profile        {profile}, from --profile\n")), "{outcome:?}");
    }
}

#[test]
fn whoami_asks_the_api_who_the_token_belongs_to() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_API_URL", stand_in.base()).set("SPOTINST_ACCOUNT", "act-12345678");

    let outcome = sandbox.run(["whoami"]);

    let (token, others): (Vec<_>, Vec<_>) = outcome.stdout.lines().partition(|line| line.starts_with("token "));
    assert!(matches!(token[..], [line] if line.starts_with("token          fresh, ")), "{outcome:?}");
    assert_eq!(
        others,
        [
            "profile        none",
            "user name      ada@example.com, from SPOTINST_USERNAME",
            "client id      client-1, from SPOTINST_CLIENT_ID",
            "account        act-12345678, from SPOTINST_ACCOUNT",
            "check          the API accepts the token; accounts seen: 2",
            "               act-12345678 production",
            "               act-87654321 staging",
        ]
    );
    assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)));
}

#[test]
fn get_at_a_terminal_says_what_it_reads() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let Some(mut terminal) = Terminal::start(&sandbox, ["get"]) else { return };
    terminal
        .until("reading a request from the terminal, such as {\"uri\":\"https://api.spotinst.io/\"}; Ctrl-D ends it\n");
    terminal.keys("{\"uri\":\"https://api.spotinst.io/\"}\n\u{4}");
    terminal.until("\"Authorization\":[\"Bearer ");
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn invalidate_at_a_terminal_says_what_it_reads() {
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\nusername = 'ada'\nclient_id = 'client-1'\nlogin = true\n");
    let Some(mut terminal) = Terminal::start(&sandbox, ["invalidate"]) else { return };
    terminal.until("`invalidate` reads the rejected token from stdin, and stdin is a terminal\n");
    terminal.until("printf %s \"$SPOTINST_TOKEN\" | spotinst-cred invalidate\n");
    assert_eq!(terminal.end().1, Some(2));
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    Running::start(sandbox.command(PROGRAM).args(arguments)).end()
}
