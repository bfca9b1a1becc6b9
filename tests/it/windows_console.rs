//! The Windows program at a console of Wine, which runs at a pseudo-terminal. `.ci/platforms/run` sets `WINDOWS_PROGRAM`
//! and `WINEPREFIX`.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::pty::{LIMIT, Terminal};
use crate::requirements::{can_run, need_optional};
use crate::sandbox::Sandbox;
use stand_in::{Reply, StandIn};

const TOKEN: &str = "7d3f0a9c51b24e86a4c09d2fb36e1785cc90d41e8f5a7263b1d04e9f6a82c357";

/// Starts `login --with-token` with an empty configuration file.
fn start(sandbox: &Sandbox, stand_in: &StandIn) -> Option<Terminal> {
    let variable = |name| std::env::var(name).ok();
    let (program, windows) = (variable("WINDOWS_PROGRAM"), variable("WINEPREFIX"));
    if !need_optional(program.is_some() && windows.is_some(), "WINDOWS_PROGRAM or WINEPREFIX is not set")
        || !need_optional(can_run("wine", &["--version"]), "wine is not installed")
    {
        return None;
    }
    sandbox.config("");
    let line = [
        "env".to_owned(),
        format!("WINEPREFIX={}", windows?),
        "WINEDEBUG=-all".to_owned(),
        // Wine's drive Z: is the root of this system.
        format!("SPOTINST_CRED_CONFIG=Z:{}", sandbox.config_path().display()),
        format!("SPOTINST_API_URL={}", stand_in.base()),
        "wine".to_owned(),
        Path::new(&program?).canonicalize().unwrap().to_str().unwrap().to_owned(),
        "login".to_owned(),
        "--with-token".to_owned(),
    ];
    Terminal::run(sandbox, &line)
}

/// Types when Wine has taken over the pseudo-terminal, which it does when the program reads: then it has no echo.
fn type_when_read(terminal: &mut Terminal, keys: &str) {
    let started = Instant::now();
    while terminal.has_echo() {
        assert!(started.elapsed() < LIMIT, "Wine does not read");
        thread::sleep(Duration::from_millis(10));
    }
    terminal.keys(keys);
}

#[test]
fn a_token_is_typed_at_a_hidden_prompt_and_an_account_chosen() {
    let stand_in = StandIn::start();
    stand_in
        .always(Reply::json(200, &serde_json::json!({"response": {"items": [{"accountId": "act-1", "name": "one"}]}})));
    let sandbox = Sandbox::new();
    let Some(mut terminal) = start(&sandbox, &stand_in) else { return };
    type_when_read(terminal.until("Permanent token (not shown):"), &format!("{TOKEN}\r"));
    // What is not a secret is shown.
    terminal.until("Choose [none]:").keys("1\r").until("is complete");
    let (screen, status) = terminal.end();
    assert!(status == Some(0) && !screen.contains(TOKEN) && !screen.contains(&TOKEN[..8]), "{status:?} {screen}");
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert_eq!(config, format!("[profiles.default]\ntoken = \"{TOKEN}\"\naccount = \"act-1\"\n"));
    assert_eq!(stand_in.requests()[0].bearer(), Some(TOKEN));
}

#[test]
fn an_interrupt_at_the_hidden_prompt_ends_the_program() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::new();
    let Some(mut terminal) = start(&sandbox, &stand_in) else { return };
    type_when_read(terminal.until("Permanent token (not shown):"), "half a tok\u{3}");
    let (screen, status) = terminal.end();
    assert!(status != Some(0) && !screen.contains("half"), "{status:?} {screen}");
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), "");
    assert_eq!(stand_in.connections(), 0);
}
