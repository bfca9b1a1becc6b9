//! Output that is only for terminals: color, a note, and progress while waiting.

use crate::pty::Terminal;
use crate::sandbox::Sandbox;
use stand_in::StandIn;

#[test]
fn the_token_is_printed_and_a_note_says_how_to_export_it() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let token = sandbox.token();
    let note = "spotinst-cred: to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN\n";

    let Some(terminal) = Terminal::start(&sandbox, []) else { return };
    assert_eq!(terminal.end(), (format!("{token}\n{note}"), Some(0)));

    for quiet in ["-fjson", "-n"] {
        let Some(terminal) = Terminal::start(&sandbox, [quiet]) else { return };
        let (screen, status) = terminal.end();
        assert!(screen.contains(&token) && !screen.contains("spotinst-cred:"), "{screen}");
        assert_eq!(status, Some(0));
    }
    // If the token goes to a program, there is no note, even at a terminal.
    let line = ["sh", "-c", "echo \"got $($0)\"", crate::sandbox::PROGRAM];
    let Some(terminal) = Terminal::run(&sandbox, &line) else { return };
    assert_eq!(terminal.end(), (format!("got {token}\n"), Some(0)));
}

#[test]
fn an_error_is_colored_unless_color_is_disabled() {
    let mut sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\nlogin = 1\n");
    let path = sandbox.config_path();
    let (problem, hint) =
        (format!("{}:2: `login` must be true or false", path.display()), "write the word without quotes");

    let Some(terminal) = Terminal::start(&sandbox, []) else { return };
    let colored = format!("\u{1b}[31mspotinst-cred\u{1b}[0m: {problem}\n\u{1b}[36mhint\u{1b}[0m: {hint}\n");
    assert_eq!(terminal.end(), (colored, Some(3)));

    let plain = format!("spotinst-cred: {problem}\nhint: {hint}\n");
    sandbox.run([]).fails(3, &plain);
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        sandbox.set(name, value);
        let Some(terminal) = Terminal::start(&sandbox, []) else { return };
        assert_eq!(terminal.end(), (plain.clone(), Some(3)), "{name}");
        sandbox.unset(name);
    }
}

#[test]
fn progress_is_shown_only_during_a_long_wait() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let gate = stand_in.close_gate();
    let Some(mut asking) = Terminal::start(&sandbox, ["-n"]) else { return };
    stand_in.wait_for_requests(1);
    let Some(mut waiting) = Terminal::start(&sandbox, ["-n"]) else { return };

    asking.until(&format!("spotinst-cred: waiting for {}\n", stand_in.url()));
    waiting.until("spotinst-cred: waiting for another spotinst-cred that is getting a token\n");
    gate.open();

    let token = stand_in.issued().remove(0);
    for terminal in [asking, waiting] {
        let (screen, status) = terminal.end();
        assert!(screen.ends_with(&format!("\n{token}")) && screen.lines().count() == 2, "{screen}");
        assert_eq!(status, Some(0));
    }
}

#[test]
fn the_status_is_colored() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();

    let Some(mut terminal) = Terminal::start(&sandbox, ["status"]) else { return };
    terminal.until("token          \u{1b}[32mfresh\u{1b}[0m, ");
    assert_eq!(terminal.end().1, Some(0));
}
