//! A login that fails at a terminal: which prompts are repeated, and which values are never sent twice.

use std::fs;

use crate::pty::Terminal;
use crate::sandbox::{PROGRAM, Sandbox};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

/// A machine whose profile has a user name, a client id and these lines.
fn machine(stand_in: &StandIn, extra: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base()).set("SPOTINST_TOKEN_URL", stand_in.url());
    sandbox.set("SPOTINST_ACCOUNT", "act-1");
    sandbox.config(&profile(extra));
    sandbox
}

fn profile(extra: &str) -> String {
    format!("[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n{extra}")
}

/// The secrets of each request.
fn sent(stand_in: &StandIn) -> Vec<(String, String)> {
    let field = |request: &stand_in::Request, name: &str| request.form().remove(name).unwrap_or_default();
    stand_in.requests().iter().map(|one| (field(one, "client_secret"), field(one, "password"))).collect()
}

fn pair(client_secret: &str, password: &str) -> (String, String) {
    (client_secret.to_owned(), password.to_owned())
}

#[test]
fn after_a_wrong_password_the_prompts_repeat_and_enter_keeps_a_value() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, "");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line(CLIENT_SECRET);
    terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line("wrong");
    terminal.until("refused the password grant: HTTP 401, Unauthorized");
    terminal.until("hint: check user name, password, client id and client secret\n");
    terminal.until("2 attempts left; Enter keeps a value\n");
    terminal.until("Client secret (not shown): ").line("");
    terminal.until("Password (not shown): ").line(PASSWORD);
    terminal.until("logged in; profile \"default\" is complete");
    assert_eq!(terminal.end().1, Some(0));

    assert_eq!(sent(&stand_in), [pair(CLIENT_SECRET, "wrong"), pair(CLIENT_SECRET, PASSWORD)]);
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(
        config.contains(&format!("client_secret = \"{CLIENT_SECRET}\"\n")) && !config.contains("wrong"),
        "{config}"
    );
    sandbox.token();
}

#[test]
fn after_three_rejections_the_login_ends_and_nothing_is_written() {
    let stand_in = StandIn::start();
    let before = format!("client_secret = \"{CLIENT_SECRET}\"\n");
    let sandbox = machine(&stand_in, &before);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line("wrong 1");
    terminal.until("2 attempts left\n").until("Password (not shown): ").line("wrong 2");
    terminal.until("1 attempt left\n").until("Password (not shown): ").line("wrong 3");
    let (screen, status) = terminal.end();
    assert_eq!((status, screen.matches("refused the password grant").count()), (Some(4), 3), "{screen}");
    assert!(screen.ends_with("hint: check user name, password, client id and client secret\n"), "{screen}");

    let passwords: Vec<_> = sent(&stand_in).into_iter().map(|(_, password)| password).collect();
    assert_eq!(passwords, ["wrong 1", "wrong 2", "wrong 3"]);
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), profile(&before));
    assert!(sandbox.cache_files("token").is_empty() && sandbox.cache_files("tmp").is_empty());
}

#[test]
fn values_that_were_rejected_are_not_sent_again() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, "");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line("wrong");
    terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line("wrong");
    let again = |terminal: &mut Terminal, client_secret: &str, password: &str| {
        terminal.until("Client secret (not shown): ").line(client_secret);
        terminal.until("Password (not shown): ").line(password);
    };
    terminal.until("2 attempts left");
    again(&mut terminal, "", "");
    terminal.until("That was rejected already, and is not sent again.\n");
    again(&mut terminal, "wrong", "");
    terminal.until("That was rejected already, and is not sent again.\n");
    again(&mut terminal, "", PASSWORD);
    terminal.until("1 attempt left");
    again(&mut terminal, "", "wrong");
    // The first combination, not the previous one.
    terminal.until("That was rejected already, and is not sent again.\n");
    again(&mut terminal, CLIENT_SECRET, PASSWORD);
    terminal.until("logged in");
    assert_eq!(terminal.end().1, Some(0));
    let expected = [pair("wrong", "wrong"), pair("wrong", PASSWORD), pair(CLIENT_SECRET, PASSWORD)];
    assert_eq!(sent(&stand_in), expected);
}

#[test]
fn a_rejected_secret_that_nobody_typed_ends_the_login() {
    let stand_in = StandIn::start();
    let mut sandbox = machine(&stand_in, "");
    sandbox.set("SPOTINST_PASSWORD", "wrong").set("SPOTINST_CLIENT_SECRET", CLIENT_SECRET);
    let Some(terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    let (screen, status) = terminal.end();
    assert!(status == Some(4) && screen.contains("refused the password grant") && !screen.contains("left"), "{screen}");
    assert_eq!(stand_in.requests().len(), 1);
}

#[test]
fn after_a_network_failure_the_same_values_are_sent_again() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, "");
    stand_in.script([Reply::failed(502), Reply::failed(502)]);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line(CLIENT_SECRET);
    terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line(PASSWORD);
    terminal.until("server error from ").until("Try again? [Y/n]: ").line("");
    terminal.until("server error from ").until("Try again? [Y/n]: ").line("yes");
    terminal.until("logged in; profile \"default\" is complete");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(
        sent(&stand_in),
        [pair(CLIENT_SECRET, PASSWORD), pair(CLIENT_SECRET, PASSWORD), pair(CLIENT_SECRET, PASSWORD)]
    );
}

#[test]
fn without_another_attempt_the_login_fails() {
    for keys in ["n\n", "\u{4}"] {
        let stand_in = StandIn::start();
        let sandbox = machine(&stand_in, "");
        stand_in.always(Reply::failed(502));
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line(CLIENT_SECRET);
        terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line(PASSWORD);
        terminal.until("Try again? [Y/n]: ").keys(keys);
        terminal.until("server error from ").until("hint: try again later\n");
        assert_eq!(terminal.end().1, Some(5));
        assert_eq!(stand_in.requests().len(), 1);
        assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), profile(""));
    }
}

#[test]
fn an_interrupt_at_each_new_prompt_ends_the_login_and_restores_the_terminal() {
    for (reply, prompt) in
        [(Reply::failed(502), "Try again? [Y/n]: "), (Reply::failed(401), "attempts left\nPassword (not shown): ")]
    {
        let stand_in = StandIn::start();
        let before = format!("client_secret = \"{CLIENT_SECRET}\"\n");
        let sandbox = machine(&stand_in, &before);
        stand_in.always(reply);
        let script = format!("trap : INT; stty -a >before; {PROGRAM} login; echo ended $?; stty -a >after");
        let Some(mut terminal) = Terminal::run(&sandbox, &["sh", "-c", &script]) else { return };
        terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line(PASSWORD);
        terminal.until(prompt).keys("\u{3}");
        terminal.until("ended 130\n");
        terminal.end();
        let modes = |name| fs::read_to_string(sandbox.path().join(name)).unwrap();
        assert_eq!(modes("before"), modes("after"));
        assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), profile(&before));
        assert!(sandbox.cache_files("token").is_empty());
    }
}
