//! `login` at a terminal: its prompts, what it writes and stores, and how it fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::pty::Terminal;
use crate::sandbox::{PROGRAM, Sandbox};
use crate::strace;
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

/// A new machine: only the URLs are set, and color is off.
fn new_machine(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_TOKEN_URL", stand_in.url()).set("SPOTINST_API_URL", stand_in.base());
    sandbox
}

/// A profile without a password.
fn profile(extra: &str) -> String {
    format!(
        "[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n{extra}"
    )
}

const MENU: &str =
    "  2  name a command that prints it: pass, op, security, …\n  3  name a file that holds it\nChoose [1]: ";

const CONSOLE: &str = "The values are in the console, under Settings > Tokens:\n  \
    client id and client secret  https://console.spotinst.com/#/settings/tokens/temporary\n  \
    permanent token              https://console.spotinst.com/#/settings/tokens/permanent\n\
    With single sign-on: `spotinst-cred login --with-token` or `spotinst-cred login --saml`\n";

#[test]
fn a_new_machine_is_set_up() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    terminal.until("User name: ").line(USERNAME);
    terminal.until("Client id: ").line(CLIENT_ID);
    terminal.until("Choose [1]: ").line("");
    terminal.until("Client secret (not shown): ").line(CLIENT_SECRET);
    terminal.until("Choose [1]: ").line("1");
    terminal.until("Password (not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ").line("2");
    let (screen, status) = terminal.end();
    // A slow machine may print that it is waiting.
    let screen: Vec<_> = screen.lines().filter(|line| !line.starts_with("spotinst-cred: waiting for ")).collect();
    let screen = screen.join("\n") + "\n";

    let config = sandbox.config_path();
    let expected = format!(
        "Logging in; what is missing goes into profile \"default\" of {}\n\
         {CONSOLE}\
         User name: {USERNAME}\n\
         Client id: {CLIENT_ID}\n\
         Token URL: set by SPOTINST_TOKEN_URL, and not written\n\
         Client secret\n  1  type it now: kept in that file, which only you can read\n{MENU}\n\
         Client secret (not shown): \n\
         Password\n  1  type it now: stored nowhere; asked again when the login ends\n{MENU}1\n\
         Password (not shown): \n\
         Account, for programs that need one\n  1  act-12345678  production\n  2  act-87654321  staging\n\
         Choose [none]: 2\n\
         spotinst-cred: logged in; profile \"default\" is complete with SPOTINST_TOKEN_URL set\n\
         spotinst-cred: the login lasts 14 days; the password is stored nowhere\n",
        config.display()
    );
    assert_eq!((screen.as_str(), status), (expected.as_str(), Some(0)));
    assert_eq!(
        fs::read_to_string(&config).unwrap(),
        format!(
            "[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"{CLIENT_SECRET}\"\n\
             # The password is typed at each `spotinst-cred login` and stored nowhere.\nlogin = true\n\
             account = \"act-87654321\"\n"
        )
    );
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&config), mode(config.parent().unwrap())), (0o600, 0o700));
    let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
    assert!(!entry.contains(PASSWORD) && !entry.contains(CLIENT_SECRET));
    assert_eq!(sandbox.token(), stand_in.issued()[0]);
    assert_eq!(stand_in.grants(), ["password", ""], "a grant, and a request for the accounts");
}

#[test]
fn configured_values_are_not_asked_for() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    sandbox.set("SPOTINST_USERNAME", USERNAME).set("SPOTINST_CLIENT_SECRET", CLIENT_SECRET);
    sandbox.set("SPOTINST_ACCOUNT", "act-1");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "--profile", "work"]) else { return };

    terminal.until(&format!("User name: {USERNAME} (from SPOTINST_USERNAME)\n"));
    terminal.until("Client id: ").line(CLIENT_ID);
    terminal.until("Client secret: set by SPOTINST_CLIENT_SECRET, and not written\n");
    terminal.until("Choose [1]: ").line("");
    terminal.until("Password (not shown): ").line(PASSWORD);
    assert_eq!(terminal.end().1, Some(0));

    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    let expected = format!(
        "default_profile = \"work\"\n\n[profiles.work]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n\
         # The password is typed at each `spotinst-cred login` and stored nowhere.\nlogin = true\n"
    );
    assert_eq!(config, expected);
    sandbox.token();
}

#[test]
fn secrets_can_come_from_a_command_and_a_file() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.write("client secret", &format!("{CLIENT_SECRET}\n"));
    sandbox.write("vault", &format!("{PASSWORD}\n"));
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    terminal.until("User name: ").line("").until("User name: ").line(USERNAME);
    terminal.until("Client id: ").line(CLIENT_ID);
    terminal.until("Choose [1]: ").line("3").until("File: ").line("~/client secret");
    terminal.until("Choose [1]: ").line("7").until("Enter a number from 1 to 3.\n");
    terminal.until("Choose [1]: ").line("2").until("Command: ").line("cat ~/vault");
    terminal.until("Choose [none]: ").line("");
    assert_eq!(terminal.end().1, Some(0));

    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    let expected = format!(
        "[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret_file = \"~/client secret\"\npassword_command = \"cat ~/vault\"\n"
    );
    assert_eq!(config, expected);
    sandbox.run(["logout"]).prints("");
    sandbox.token();
}

#[test]
fn a_configuration_keeps_its_comments_and_its_other_profiles() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    let before = format!(
        "# Ours, by hand.\ndefault_profile = \"other\"\n\n[profiles.other] # the other\ntoken = \"abc\"   # permanent\n\n\
         [profiles.work]\n# who\nusername   = \"{USERNAME}\" # me\nclient_id = '{CLIENT_ID}'\nlogin = false # not yet\n\n[profiles.last]\nlogin = true\n"
    );
    sandbox.config(&before);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login", "-p", "work"]) else { return };

    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(CLIENT_SECRET);
    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ").line("1");
    assert_eq!(terminal.end().1, Some(0));

    let added = format!("login = true # not yet\nclient_secret = \"{CLIENT_SECRET}\"\naccount = \"act-12345678\"\n");
    let expected = before.replace("login = false # not yet\n", &added);
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), expected);
}

#[test]
fn a_configuration_keeps_its_line_ends() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile("# mine\n").replace('\n', "\r\n"));
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ").line("1");
    assert_eq!(terminal.end().1, Some(0));

    let text = fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(text.contains("\r\nlogin = true\r\n") && text.contains("\r\n# mine\r\n"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
}

#[test]
fn a_failed_login_keeps_an_entry_that_cannot_be_read_for_a_moment() {
    if !strace::is_there() {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile("login = true\naccount = \"act-12345678\"\n"));
    let log_in = |options: &[&str]| {
        let trace = ["strace", "--follow-forks", "--quiet=all", "-o", "/dev/null"];
        let line = [&trace, options, &[PROGRAM, "login"]].concat();
        let mut terminal = Terminal::run(&sandbox, &line)?;
        terminal.until("Password (not shown): ").line(PASSWORD);
        Some(terminal)
    };
    let Some(terminal) = log_in(&[]) else { return };
    assert_eq!(terminal.end().1, Some(0));
    let entry = sandbox.entry_path();
    let (before, token) = (fs::read(&entry).unwrap(), sandbox.token());
    let fails_once = ["-P", entry.to_str().unwrap(), "-e", "inject=openat:error=EIO:when=1"];

    stand_in.script([Reply::rate_limited_until_reset(Duration::from_secs(600))]);
    let Some(mut terminal) = log_in(&fails_once) else { return };
    terminal.until("rate limited by ");
    assert_eq!(terminal.end().1, Some(5));
    assert!(fs::read(&entry).unwrap() == before, "the entry was replaced");
    assert_eq!(sandbox.token(), token);

    // A login that succeeds replaces it.
    let Some(mut terminal) = log_in(&fails_once) else { return };
    terminal.until("logged in");
    assert_eq!(terminal.end().1, Some(0));
    assert_ne!(sandbox.token(), token);
}

#[test]
fn an_expired_login_is_an_error_and_needs_only_the_password() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    sandbox.set("SPOTINST_ACCOUNT", "act-1");
    sandbox.config(&profile("login = true # by hand\n"));
    let over = "spotinst-cred: the login of profile default is over, and its password is stored nowhere\n\
                hint: run `spotinst-cred login`\n";
    sandbox.run([]).fails(4, over);
    assert_eq!(stand_in.connections(), 0);

    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Password (not shown): ").line(PASSWORD);
    assert_eq!(terminal.end().1, Some(0));

    let first = sandbox.token();
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), profile("login = true # by hand\n"));
    let renewed = sandbox.run(["--force-refresh"]).stdout;
    assert_ne!(renewed.trim_end(), first);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn a_revoked_refresh_token_asks_for_a_login() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    sandbox.set("SPOTINST_ACCOUNT", "act-1");
    sandbox.config(&profile("login = true\n"));
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Password (not shown): ").line(PASSWORD);
    assert_eq!(terminal.end().1, Some(0));

    let token = sandbox.token();
    stand_in.service().revoke_refresh_tokens();
    let outcome = sandbox.run(["--force-refresh"]);
    let url = stand_in.url();
    outcome.fails(
        4,
        &format!(
            "spotinst-cred: {url} refused the refresh_token grant: HTTP 400, invalid_grant, the refresh token is not \
             valid (request id 963e071a-b62c-4a12-b4d9-0ca34cbe9320)\nhint: run `spotinst-cred login`\n"
        ),
    );
    assert_eq!(sandbox.token(), token, "the cached token is used until it expires");
    sandbox.run(["--force-refresh"]).fails(
        4,
        "spotinst-cred: the login of profile default is over, and its password is stored nowhere\n\
         hint: run `spotinst-cred login`\n",
    );
    assert_eq!(stand_in.grants(), ["password", "refresh_token"], "an expired login sends no request");
}

#[test]
fn a_login_respects_a_rate_limit() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile(""));
    stand_in.script([Reply::rate_limited_until_reset(Duration::from_secs(600))]);
    for _ in 0..2 {
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
        terminal.until(" for 600 s: ");
        assert_eq!(terminal.end().1, Some(5));
    }
    assert_eq!(stand_in.requests().len(), 1, "the second login sends no request");
    assert_eq!(fs::read_to_string(sandbox.config_path()).unwrap(), profile(""));
}

#[test]
fn a_login_succeeds_even_if_accounts_cannot_be_listed() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile(""));
    let service = stand_in.service();
    stand_in.handler(move |request| match request.method.as_str() {
        "GET" => Reply::failed(500),
        _ => service.reply_to(request),
    });
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    terminal.until("Choose [1]: ").line("").until("(not shown): ").line(PASSWORD);
    terminal.until("spotinst-cred: the accounts could not be listed: ").until("logged in; profile \"default\"");
    assert_eq!(terminal.end().1, Some(0));
    sandbox.token();
}

#[test]
fn listing_accounts_ends_at_the_time_limit() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    sandbox.config(&profile(""));
    sandbox.set("SPOTINST_PASSWORD", PASSWORD).set("SPOTINST_CRED_TIMEOUT", "2s");
    let service = stand_in.service();
    stand_in.handler(move |request| match request.method.as_str() {
        "GET" => Reply::hang(),
        _ => service.reply_to(request),
    });
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    stand_in.wait_for_requests(2);
    let asked = Instant::now();
    let problem = format!("{}/setup/account: timed out\n", stand_in.base());
    terminal.until("the accounts could not be listed: ").until(&problem);
    // The default time limit is 8 s.
    assert!(asked.elapsed() < Duration::from_secs(7), "{:?}", asked.elapsed());
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn an_interrupt_at_a_hidden_prompt_restores_the_terminal() {
    for (key, status) in [("\u{3}", 130), ("half a pass\u{3}", 130), ("\u{1c}", 131)] {
        let stand_in = StandIn::start();
        let sandbox = new_machine(&stand_in);
        let script = format!("stty -a >before; {} login; echo ended $?; stty -a >after", crate::sandbox::PROGRAM);
        let Some(mut terminal) = Terminal::run(&sandbox, &["sh", "-c", &format!("trap : INT; {script}")]) else {
            return;
        };

        terminal.until("User name: ").line(USERNAME);
        terminal.until("Client id: ").line(CLIENT_ID);
        terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").keys(key);
        terminal.until(&format!("ended {status}\n"));
        let (screen, _) = terminal.end();

        assert!(!screen.contains("half"), "{screen}");
        let modes = |name| fs::read_to_string(sandbox.path().join(name)).unwrap();
        assert_eq!(modes("before"), modes("after"));
        assert!(modes("after").contains(" echo "));
        assert!(!sandbox.config_path().exists() && !sandbox.cache_dir().exists(), "nothing was written");
        assert_eq!(stand_in.connections(), 0);
    }
}

#[test]
fn a_signal_at_a_hidden_prompt_restores_the_terminal() {
    for (name, status) in [("TERM", 143), ("HUP", 129), ("INT", 130), ("QUIT", 131)] {
        let stand_in = StandIn::start();
        let sandbox = new_machine(&stand_in);
        let run = format!("sh -c 'echo $$ >pid; exec {} login'", crate::sandbox::PROGRAM);
        let script = format!("trap : HUP INT QUIT; stty -a >before; {run}; echo ended $?; stty -a >after");
        let Some(mut terminal) = Terminal::run(&sandbox, &["sh", "-c", &script]) else { return };

        terminal.until("User name: ").line(USERNAME);
        terminal.until("Client id: ").line(CLIENT_ID);
        terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ");
        let file = |name| fs::read_to_string(sandbox.path().join(name)).unwrap();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), file("pid").trim()]).status().unwrap();
        assert!(sent.success());
        terminal.until(&format!("ended {status}\n"));
        terminal.end();

        assert_eq!(file("before"), file("after"), "{name}");
        assert!(!sandbox.config_path().exists(), "nothing was written");
    }
}

/// It cannot suspend: the echo would stay off. As a character of the secret nobody would see it.
#[test]
fn ctrl_z_at_a_hidden_prompt_is_ignored() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile("account = \"act-12345678\"\nlogin = true\n"));
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    terminal.until("Password (not shown): ").line("\u{1a}");
    let (start, end) = PASSWORD.split_at(3);
    terminal.until("Password (not shown): ").line(&format!("\u{1a}{start}\u{1a}{end}\u{1a}"));

    terminal.until("logged in");
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn what_is_typed_before_a_hidden_prompt_is_discarded() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config(&profile(""));
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    // Both lines arrive at once: the second one before its prompt.
    terminal.until("Choose [1]: ").keys("\nvisible\n");
    terminal.until("Password (not shown): ").line(PASSWORD);
    terminal.until("Choose [none]: ").line("");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(stand_in.grants(), ["password", ""]);
}

#[test]
fn no_escape_sequence_reaches_the_terminal() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    let sequence = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m";
    sandbox.set("SPOTINST_USERNAME", format!("user{sequence}"));
    sandbox.config(r#"[profiles."\u001B]0;owned\u0007"]"#);
    let name = "\u{1b}]0;owned\u{7}";
    for (arguments, shown) in [
        (["login", "-p", name], "profile \"\u{fffd}]0;owned\u{fffd}\" of"),
        (["login", "-p", name], "User name: user\u{fffd}]0;owned\u{fffd}\u{fffd}[2J\u{fffd}31m (from"),
        (["status", "-p", name], "profile        \u{fffd}]0;owned\u{fffd}, from --profile\n"),
        (["status", "-p", name], "user name      user\u{fffd}]0;owned\u{fffd}\u{fffd}[2J\u{fffd}31m, from"),
    ] {
        let Some(mut terminal) = Terminal::start(&sandbox, arguments) else { return };
        if arguments[0] == "login" {
            terminal.until("Client id: ").keys("\u{4}");
        }
        let screen = terminal.end().0;
        assert!(screen.contains(shown), "{screen:?}");
        assert!(!screen.contains(|c: char| c.is_control() && !"\n\u{8}".contains(c)), "{screen:?}");
    }
    // A program gets the bytes.
    let json = sandbox.run(["status", "--json", "-p", name]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["settings"]["user_name"]["value"], format!("user{sequence}"));
}

#[test]
fn the_end_of_the_input_ends_the_login() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    for answers in [&[][..], &[USERNAME, CLIENT_ID, ""]] {
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        for answer in answers {
            terminal.until(": ").line(answer);
        }
        terminal.until(if answers.is_empty() { "User name: " } else { "(not shown): " }).keys("\u{4}");
        terminal.until("spotinst-cred: the input ended before all questions were answered\n");
        terminal.until("hint: nothing was written; run the command again\n");
        assert_eq!(terminal.end().1, Some(1));
        assert!(!sandbox.config_path().exists());
    }
}

#[test]
fn without_a_terminal_the_error_names_the_variables() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);

    sandbox.run(["login"]).fails(
        3,
        "spotinst-cred: login needs a terminal to ask for credentials\n\
         hint: without a terminal, set SPOTINST_USERNAME, SPOTINST_PASSWORD or SPOTINST_PASSWORD_FILE, SPOTINST_CLIENT_ID, \
         and SPOTINST_CLIENT_SECRET or SPOTINST_CLIENT_SECRET_FILE instead, or run \
         `spotinst-cred login --with-token` with a permanent token on stdin\n",
    );
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_profile_that_needs_no_password_refuses_a_login() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    sandbox.config("[profiles.default]\ntoken = \"abc\"\n[profiles.broker]\ngrant = \"client_credentials\"\n");
    for (name, why) in [("default", "has a token of its own"), ("broker", "uses client credentials")] {
        let Some(mut terminal) = Terminal::start(&sandbox, ["login", "-p", name]) else { return };
        terminal.until(&format!("spotinst-cred: profile \"{name}\" {why}, so it needs no login\n"));
        terminal.until("hint: name another profile with --profile; it is created if it does not exist\n");
        assert_eq!(terminal.end().1, Some(3));
    }
}

#[test]
fn an_unwritable_configuration_is_refused_before_any_prompt() {
    let stand_in = StandIn::start();
    let sandbox = new_machine(&stand_in);
    let home = sandbox.home().display().to_string();
    let below_a_file = format!("{}/config.toml", sandbox.write("file", "").display());
    let fifo = format!("{home}/fifo");
    assert!(sandbox.command("mkfifo").arg(&fifo).status().unwrap().success());
    let named = "name a regular file with --config or SPOTINST_CRED_CONFIG";
    let checked = "check the path, its permissions and the room on the disk";
    for (path, why, hint, status) in [
        ("/dev/null", "it is not a regular file", named, 3),
        (&home, "it is not a regular file", named, 3),
        (&fifo, "it is not a regular file", named, 3),
        (&below_a_file, "Not a directory (os error 20)", checked, 1),
    ] {
        let Some(terminal) = Terminal::start(&sandbox, ["login", "--config", path]) else { return };
        let expected = format!("spotinst-cred: cannot change the configuration {path}: {why}\nhint: {hint}\n");
        assert_eq!(terminal.end(), (expected, Some(status)));
    }
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn a_login_that_stores_no_refresh_token_is_refused_before_any_prompt() {
    let stand_in = StandIn::start();
    let mut sandbox = new_machine(&stand_in);
    sandbox.config(&profile("store_refresh_token = false\n"));
    let Some(terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    let (screen, status) = terminal.end();
    let expected = format!(
        "spotinst-cred: profile \"default\" stores no refresh token ({}:5), which a login needs\n\
         hint: remove `store_refresh_token = false`, or set `password_file` or `password_command`\n",
        sandbox.config_path().display()
    );
    assert_eq!((screen, status), (expected, Some(3)));
    assert_eq!(stand_in.connections(), 0);

    // If the password is already set, there is no login to store.
    sandbox.set("SPOTINST_PASSWORD", PASSWORD).set("SPOTINST_ACCOUNT", "act-1");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("profile \"default\" is complete with SPOTINST_TOKEN_URL, SPOTINST_PASSWORD set\n");
    assert_eq!(terminal.end().1, Some(0));
}

#[test]
fn settings_that_contradict_a_login_are_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.config("[profiles.default]\npassword = \"x\"\nlogin = true\n").config_path();
    let path = path.display();
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: {path}:2: the profile has both `login = true` and a password\nhint: keep one of the two\n"
        ),
    );

    sandbox.config("[profiles.default]\nlogin = true\nstore_refresh_token = false\n");
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the profile has both `login = true` ({path}:2) and `store_refresh_token = false` \
             ({path}:3)\nhint: keep one of the two: a login is kept as its refresh token\n"
        ),
    );

    sandbox.config("[profiles.default]\nlogin = \"yes\"\n");
    sandbox.run([]).fails(
        3,
        &format!("spotinst-cred: {path}:2: `login` must be true or false\nhint: write the word without quotes\n"),
    );
}
