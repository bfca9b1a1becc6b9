//! What `login` writes: a profile that every call can read, and the login of that profile.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::pty::Terminal;
use crate::requirements::has_python_module;
use crate::sandbox::{PROGRAM, Sandbox};
use crate::unprivileged::PlainUser;
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

/// A machine whose environment has everything but an account.
fn machine(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base()).set("SPOTINST_ACCOUNT", "act-1");
    sandbox
}

/// A machine whose profile has everything but the password.
fn with_profile(stand_in: &StandIn, extra: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base());
    sandbox.config(&profile(stand_in, extra));
    sandbox
}

fn profile(stand_in: &StandIn, extra: &str) -> String {
    format!(
        "[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \
         \"{CLIENT_SECRET}\"\ntoken_url = \"{}\"\n{extra}",
        stand_in.url()
    )
}

/// The document as another parser, of TOML 1.0, reads it.
#[track_caller]
fn parsed(text: &str) -> Value {
    let script = "import json, sys, tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout)";
    let mut child =
        Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "no TOML 1.0:\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn concurrent_logins_keep_each_others_profiles() {
    const LOGINS: usize = 16;
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    for round in 0..3 {
        let names: Vec<_> = (0..LOGINS).map(|login| format!("p{round}-{login}")).collect();
        let start = |name: &String| {
            // Different identities: logins of one identity would wait for each other.
            let refresh_url = format!("SPOTINST_REFRESH_URL={}/{name}", stand_in.url());
            Terminal::run(&sandbox, &["env", &refresh_url, PROGRAM, "login", "--timeout", "50s", "-p", name])
        };
        let gate = stand_in.close_gate();
        let Some(terminals) = names.iter().map(start).collect::<Option<Vec<_>>>() else { return };
        stand_in.wait_for_requests(LOGINS * (round + 1));
        gate.open();
        for terminal in terminals {
            let (screen, status) = terminal.end();
            assert!(status == Some(0) && screen.contains(" is complete"), "{screen}");
        }
        let text = fs::read_to_string(sandbox.config_path()).unwrap();
        let lost: Vec<_> = names.iter().filter(|name| !text.contains(&format!("[profiles.{name}]"))).collect();
        assert!(lost.is_empty(), "profiles lost by logins that reported success: {lost:?}");
    }
    let lock = sandbox.config_path().with_file_name("config.toml.lock");
    assert_eq!(fs::metadata(lock).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test holds the lock itself")]
fn a_login_gives_up_on_another_one_that_hangs() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let lock = sandbox.write_beside_config("config.toml.lock", "");
    let holder = fs::File::open(&lock).unwrap();
    fs2::FileExt::try_lock_exclusive(&holder).unwrap();
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--timeout", "500ms"]) else { return };
    let pid = std::process::id();
    terminal.until(&format!("timed out waiting for another login ({}, for ", crate::os::lock_holder(pid).unwrap()));
    terminal.until(&format!("try again; if this keeps happening, end that process: kill {pid}\n"));
    assert_eq!(terminal.end().1, Some(5));
    assert!(!sandbox.config_path().exists());

    drop(holder);
    let Some(terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    assert_eq!(terminal.end().1, Some(0));
    assert!(sandbox.config_path().exists());
}

#[test]
fn a_profile_without_a_name_is_refused() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let Some(terminal) = Terminal::start(&sandbox, ["login", "--profile", ""]) else { return };
    let expected = "spotinst-cred: the profile's name from --profile is empty\n\
                    hint: name it, or leave the option out\n";
    assert_eq!(terminal.end(), (expected.to_owned(), Some(3)));
    assert!(!sandbox.config_path().exists());
    sandbox.token();
}

#[test]
fn an_invalid_account_is_not_offered() {
    let stand_in = StandIn::start();
    let sandbox = with_profile(&stand_in, "login = true\n");
    let service = stand_in.service();
    stand_in.handler(move |request| match request.method.as_str() {
        "GET" => Reply::json(
            200,
            &serde_json::json!({"response": {"items": [
                {"accountId": "act 1\n[profiles.x]", "name": "broken"},
                {"accountId": "", "name": "nameless"},
                {"accountId": "act-2", "name": "good"},
            ]}}),
        ),
        _ => service.reply_to(request),
    });
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("(not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ").line("1");
    let (screen, status) = terminal.end();
    assert!(status == Some(0) && !screen.contains("broken") && !screen.contains("nameless"), "{screen}");
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert_eq!(config, profile(&stand_in, "login = true\naccount = \"act-2\"\n"));
    sandbox.token();
}

#[test]
fn any_shape_of_a_profile_stays_valid_toml() {
    if !has_python_module("tomllib") {
        return;
    }
    let stand_in = StandIn::start();
    let url = stand_in.url();
    let keys = format!("username = \"{USERNAME}\", client_id = \"{CLIENT_ID}\"");
    let shapes = [
        format!("profiles = {{ work = {{ {keys} }} }}\n"),
        format!("profiles = {{ other = {{ {keys} }} }}\n"),
        "profiles = {}\n".to_owned(),
        format!("[profiles]\nwork = {{ {keys} }} # mine\n"),
        format!("[profiles]\nwork.username = \"{USERNAME}\"\n"),
        format!("profiles.work.username = \"{USERNAME}\"\n"),
        format!("[profiles.work]\nusername = \"{USERNAME}\" # no newline"),
        "# nothing yet\n".to_owned(),
        "[profiles.other]\n[profiles.\"work\"]\n".to_owned(),
    ];
    for shape in shapes {
        let mut sandbox = Sandbox::new();
        sandbox.set("NO_COLOR", "1").set("SPOTINST_TOKEN_URL", &url).set("SPOTINST_ACCOUNT", "act-1");
        sandbox.config(&shape);
        let answers = [
            ("User name: ", USERNAME, "username"),
            ("Client id: ", CLIENT_ID, "client_id"),
            ("Choose [1]: ", "", ""),
            ("Client secret (not shown): ", CLIENT_SECRET, ""),
            ("Choose [1]: ", "", ""),
            ("Password (not shown): ", PASSWORD, ""),
        ];
        let before = parsed(&shape);
        let Some(mut terminal) = Terminal::start(&sandbox, ["login", "-p", "work"]) else { return };
        for (question, answer, key) in answers {
            if key.is_empty() || before["profiles"]["work"][key].is_null() {
                terminal.until(question).line(answer);
            }
        }
        let (screen, status) = terminal.end();
        assert_eq!(status, Some(0), "{shape}\n{screen}");
        let text = fs::read_to_string(sandbox.config_path()).unwrap();
        let expected = serde_json::json!({
            "username": USERNAME, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "login": true,
        });
        let after = parsed(&text);
        assert_eq!(after["profiles"]["work"], expected, "{text}");
        assert_eq!(after["profiles"]["other"], before["profiles"]["other"], "{text}");
        assert_eq!(text.contains("# mine"), shape.contains("# mine"), "{text}");
        assert_eq!(sandbox.run(["-p", "work"]).status, Some(0), "{text}");
    }
}

#[test]
fn a_variable_that_contradicts_the_profile_is_refused_before_any_prompt() {
    let stand_in = StandIn::start();
    for (variable, key, line) in [
        ("SPOTINST_USERNAME", "user name", 2),
        ("SPOTINST_EMAIL", "user name", 2),
        ("SPOTINST_CLIENT_ID", "client id", 3),
        ("SPOTINST_TOKEN_URL", "token URL", 5),
    ] {
        let mut sandbox = with_profile(&stand_in, "login = true\n");
        sandbox.set(variable, "http://127.0.0.1:1/token");
        let Some(terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        let expected = format!(
            "spotinst-cred: {variable} and {}:{line} set the {key} to different values\n\
             hint: unset {variable}, or name another profile with --profile\n",
            sandbox.config_path().display()
        );
        assert_eq!(terminal.end(), (expected, Some(3)));
    }
    assert_eq!(stand_in.connections(), 0);
}

/// The next call, without the variable, uses this login.
#[test]
fn a_user_name_from_a_variable_is_written() {
    let stand_in = StandIn::start();
    let mut sandbox = with_profile(&stand_in, "");
    sandbox.set("SPOTINST_USERNAME", USERNAME).set("SPOTINST_ACCOUNT", "act-1");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
    terminal.until("logged in; profile \"default\" is complete\n");
    assert_eq!(terminal.end().1, Some(0));
    sandbox.unset("SPOTINST_USERNAME");
    sandbox.token();
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn variables_that_are_not_written_are_reported() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Token URL: set by SPOTINST_TOKEN_URL, and not written\n");
    terminal.until("is complete with SPOTINST_TOKEN_URL, SPOTINST_CLIENT_SECRET, SPOTINST_PASSWORD set\n");
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn the_end_of_the_input_at_the_account_keeps_the_login() {
    let stand_in = StandIn::start();
    let sandbox = with_profile(&stand_in, "");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ");
    // The profile is written before the last question, so a killed login keeps it too.
    assert!(fs::read_to_string(sandbox.config_path()).unwrap().ends_with("login = true\n"));
    terminal.keys("\u{4}");
    terminal.until("no account was chosen: ").until("logged in; profile \"default\" is complete\n");
    let (screen, status) = terminal.end();
    assert!(status == Some(0) && !screen.contains("nothing was written"), "{screen}");
    sandbox.token();
    assert_eq!(stand_in.requests().len(), 2, "the login and its accounts");
}

#[test]
fn an_unwritable_directory_is_reported_before_any_prompt() {
    let stand_in = StandIn::start();
    for dir in [".config/spotinst-cred", ".config", ".cache/spotinst-cred", ".cache"] {
        let sandbox = with_profile(&stand_in, "");
        if dir == ".config" {
            fs::remove_dir_all(sandbox.config_path().parent().unwrap()).unwrap();
        }
        let path = sandbox.home().join(dir);
        fs::create_dir_all(&path).unwrap();
        let user = PlainUser::of(&sandbox);
        fs::set_permissions(&path, Permissions::from_mode(0o500)).unwrap();
        let program = user.program(["login"]);
        let line: Vec<_> = std::iter::once(program.get_program()).chain(program.get_args()).collect();
        let Some(terminal) = Terminal::run(&sandbox, &line) else { return };
        let (screen, status) = terminal.end();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        let problem = if dir.starts_with(".config") {
            format!("cannot change the configuration {}", sandbox.config_path().display())
        } else {
            format!("the login cannot be stored in {}", sandbox.cache_dir().display())
        };
        assert_eq!(status, Some(1), "{screen}");
        let expected = format!("spotinst-cred: {problem}: Permission denied (os error 13)\nhint: ");
        assert!(screen.starts_with(&expected), "{screen}");
    }
    assert_eq!(stand_in.connections(), 0);
}

/// Such as a profile that only root can write. It lacks only the password, so there is nothing to write.
#[test]
fn login_works_with_a_complete_profile_that_cannot_be_written() {
    let stand_in = StandIn::start();
    let sandbox = with_profile(&stand_in, "login = true\n");
    let user = PlainUser::of(&sandbox);
    let dir = sandbox.config_path().parent().unwrap().to_owned();
    fs::set_permissions(&dir, Permissions::from_mode(0o500)).unwrap();
    let program = user.program(["login"]);
    let line: Vec<_> = std::iter::once(program.get_program()).chain(program.get_args()).collect();
    let Some(mut terminal) = Terminal::run(&sandbox, &line) else { return };
    terminal.until("Password (not shown): ").line(PASSWORD);
    terminal.until("logged in; profile \"default\" is complete\n");
    assert_eq!(terminal.end().1, Some(0), "no account can be written, so there is no prompt for one");
    assert_eq!(user.run([]).status, Some(0));
    assert_eq!(stand_in.grants(), ["password"]);
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
}
