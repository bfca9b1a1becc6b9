//! The accounts that `login` offers: a short list by number, a long list by part of an id or name.

use std::fs;

use serde_json::json;

use crate::pty::Terminal;
use crate::sandbox::Sandbox;
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

/// A machine that can log in without a prompt, and whose token has access to `count` accounts.
fn machine(stand_in: &StandIn, count: usize) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base());
    let (user, client) = (format!("username = \"{USERNAME}\""), format!("client_id = \"{CLIENT_ID}\""));
    sandbox.config(&format!(
        "[profiles.default]\n{user}\n{client}\nclient_secret = \"{CLIENT_SECRET}\"\npassword = \"{PASSWORD}\"\n"
    ));
    let name = |n: usize| if n == 7 { "Zürich, production".to_owned() } else { format!("team {n:03}") };
    let items: Vec<_> = (0..count).map(|n| json!({"accountId": format!("act-{n:05x}"), "name": name(n)})).collect();
    let service = stand_in.service();
    stand_in.handler(move |request| match request.method.as_str() {
        "GET" => Reply::json(200, &json!({"response": {"items": items.clone()}})),
        _ => service.reply_to(request),
    });
    sandbox
}

#[track_caller]
fn assert_account(sandbox: &Sandbox, account: Option<&str>) {
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    let line = config.lines().find(|line| line.starts_with("account = "));
    assert_eq!(line, account.map(|account| format!("account = \"{account}\"")).as_deref());
}

#[test]
fn ten_accounts_are_listed_and_eleven_are_not() {
    for (count, shown) in [
        (10, "  10  act-00009  team 009\nChoose [none]: "),
        (11, "11 accounts: type an id, or a part of an id or name\nChoose [none]: "),
    ] {
        let stand_in = StandIn::start();
        let sandbox = machine(&stand_in, count);
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until(shown).line("10");
        if count == 11 {
            // No numbers were shown, so this is part of an id.
            terminal.until("  1  act-0000a  team 010\nChoose [none]: ").line("nobody");
            terminal.until("No account has that in its id or name.\n").until("Choose [none]: ").line("9");
            terminal.until("  1  act-00009  team 009\nChoose [none]: ").line("1");
        }
        assert_eq!(terminal.end().1, Some(0));
        assert_account(&sandbox, Some("act-00009"));
    }
}

#[test]
fn a_long_list_is_searched_by_name_and_id() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, 2000);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("2000 accounts: type an id, or a part of an id or name\nChoose [none]: ").line("TEAM 01");
    terminal.until("  1  act-0000a  team 010\n").until("  10  act-00013  team 019\nChoose [none]: ").line("zürich");
    terminal.until("  1  act-00007  Zürich, production\nChoose [none]: ").line("2");
    terminal.until(" accounts: type").until("Choose [none]: ").line("production");
    terminal.until("  1  act-00007  Zürich, production\nChoose [none]: ").line("1");
    let (screen, status) = terminal.end();
    assert_eq!(status, Some(0));
    assert!(!screen.contains("team 020"), "{screen}");
    assert_account(&sandbox, Some("act-00007"));
}

#[test]
fn a_complete_id_needs_no_list() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, 2000);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [none]: ").line("act-00001");
    assert_eq!(terminal.end().1, Some(0));
    assert_account(&sandbox, Some("act-00001"));
}

#[test]
fn a_long_list_can_be_skipped() {
    for keys in ["\n", "\u{4}"] {
        let stand_in = StandIn::start();
        let sandbox = machine(&stand_in, 11);
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until("Choose [none]: ").line("no such account").until("Choose [none]: ").keys(keys);
        terminal.until("logged in; profile \"default\" is complete");
        assert_eq!(terminal.end().1, Some(0));
        assert_account(&sandbox, None);
    }
}
