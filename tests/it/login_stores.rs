//! `login` and secret stores: what goes there, what moves there and back, and that no file has a secret that lives long.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::keychains::Keychain;
use crate::pty::Terminal;
use crate::sandbox::{PROGRAM, Running, Sandbox};
use crate::store_program::{LOCKED, StoreProgram};
use stand_in::spotinst::{CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME};
use stand_in::{Reply, StandIn};

const REFRESH_TOKENS: [&str; 3] = ["sentinel-refresh-token-1", "sentinel-refresh-token-2", "sentinel-refresh-token-3"];
const PERMANENT_TOKEN: &str = "sentinel-permanent-token";

/// A service whose refresh tokens are [`REFRESH_TOKENS`], one after the other.
fn service() -> StandIn {
    let stand_in = StandIn::start();
    let replies = REFRESH_TOKENS.iter().zip(1..);
    stand_in.script(replies.map(|(refresh_token, n)| Reply::two_items(&format!("access-{n}"), refresh_token)));
    stand_in
}

fn set_urls(sandbox: &mut Sandbox, stand_in: &StandIn) {
    sandbox.set("NO_COLOR", "1").set("SPOTINST_TOKEN_URL", stand_in.url()).set("SPOTINST_API_URL", stand_in.base());
    sandbox.set("SPOTINST_ACCOUNT", "act-1");
}

/// A new machine with a store of this name.
fn machine(store: &str) -> (StandIn, Sandbox, StoreProgram) {
    let (stand_in, mut sandbox) = (service(), Sandbox::new());
    set_urls(&mut sandbox, &stand_in);
    let store = StoreProgram::install(&mut sandbox, store);
    (stand_in, sandbox, store)
}

/// A profile without a password.
fn profile(secret: &str, extra: &str) -> String {
    format!("[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n{secret}login = true\n{extra}")
}

fn in_the_clear() -> String {
    format!("client_secret = \"{CLIENT_SECRET}\"\n")
}

const IN_STORE: &str = "client_secret_store = \"safe\"\n";
const SECRET_STORE: &str = "secret_store = \"safe\"\n";

/// Types all four values of a new machine.
fn type_everything(terminal: &mut Terminal) {
    terminal.until("User name: ").line(USERNAME).until("Client id: ").line(CLIENT_ID);
    terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line(CLIENT_SECRET);
    terminal.until("Choose [1]: ").line("").until("Password (not shown): ").line(PASSWORD);
}

/// Logs in to a profile of which only the password is typed.
fn log_in_again<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Option<(String, Option<i32>)> {
    let mut terminal = Terminal::start(sandbox, arguments)?;
    terminal.until("Password (not shown): ").line(PASSWORD);
    Some(terminal.end())
}

fn config(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.config_path()).unwrap()
}

/// The kinds of the secrets that the store has, sorted.
fn kinds(store: &StoreProgram) -> Vec<String> {
    let kind =
        |item: &String| item.split("https://spotinst-cred/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let mut kinds: Vec<_> = store.items().iter().map(kind).collect();
    kinds.sort();
    kinds
}

#[test]
fn login_asks_where_to_keep_secrets_if_a_store_works() {
    let (stand_in, sandbox, store) = machine("pass");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };

    terminal
        .until("Where to keep secrets\n  1  the secret store pass\n  2  files that only you can read\nChoose [1]: ");
    terminal.line("");
    type_everything(&mut terminal);
    let (screen, status) = terminal.end();

    assert_eq!(status, Some(0), "{screen}");
    assert!(screen.contains("\n  1  type it now: kept in the secret store pass\n"), "{screen}");
    let comment = "# The password is typed at each `spotinst-cred login` and stored nowhere.\n";
    assert_eq!(
        config(&sandbox),
        format!(
            "[profiles.default]\nsecret_store = \"pass\"\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret_store = \"pass\"\n{comment}login = true\n"
        )
    );
    assert_eq!(kinds(&store), ["client-secret", "refresh-token"]);
    store.calls();
    sandbox.run([]).prints("access-1\n");
    assert_eq!(store.calls(), Vec::<String>::new(), "a hit");
    sandbox.run(["--force-refresh"]).prints("access-2\n");
    assert_eq!(store.calls(), ["get client-secret", "get refresh-token", "store refresh-token"]);
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
}

#[test]
fn files_are_the_other_choice() {
    let (_stand_in, sandbox, store) = machine("pass");
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Where to keep secrets\n").until("Choose [1]: ").line("2");
    type_everything(&mut terminal);
    assert_eq!(terminal.end().1, Some(0));
    assert!(
        config(&sandbox).contains("client_secret = ") && !config(&sandbox).contains("_store"),
        "{}",
        config(&sandbox)
    );
    assert_eq!(kinds(&store), Vec::<String>::new());
}

#[test]
fn a_store_that_does_not_work_is_not_offered() {
    let (_stand_in, sandbox, store) = machine("pass");
    store.at("before-store", LOCKED);
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    type_everything(&mut terminal);
    let (screen, status) = terminal.end();
    assert!(!screen.contains("Where to keep secrets") && status == Some(0), "{screen}");
}

#[test]
fn a_store_that_is_named_fails_before_the_first_question() {
    let (stand_in, sandbox, store) = machine("safe");
    for (step, code, reason) in [
        ("before-store", LOCKED, "did not store the test: the keychain is locked"),
        ("before-get", "echo '{\"Secret\":\"another\"}'; exit 0", "did not return the test: it was stored just now"),
    ] {
        store.at(step, code);
        let Some(terminal) = Terminal::start(&sandbox, ["login", "--secret-store", "safe"]) else { return };
        let (screen, status) = terminal.end();
        assert!(screen.contains(&format!("\nspotinst-cred: the secret store \"safe\" {reason}\n")), "{screen}");
        assert_eq!(status, Some(5));
        store.repair(step);
    }
    let Some(terminal) = Terminal::start(&sandbox, ["login", "--secret-store", "no/name"]) else { return };
    let (screen, status) = terminal.end();
    let message = "spotinst-cred: \"no/name\" is not the name of a secret store\n\
                   hint: expected one of osxkeychain, wincred, secretservice, pass\n";
    assert!(screen.contains(message) && status == Some(2), "{screen}");
    assert_eq!(stand_in.grants(), Vec::<String>::new());
}

#[test]
fn login_moves_secrets_in_the_clear_into_the_store() {
    for arguments in [&["login"][..], &["login", "--secret-store", "safe"]] {
        let (_stand_in, sandbox, store) = machine("safe");
        sandbox.config(&profile(&in_the_clear(), ""));
        let Some((screen, status)) = log_in_again(&sandbox, ["login"]) else { return };
        assert_eq!(status, Some(0), "{screen}");
        assert!(fs::read_to_string(sandbox.entry_path()).unwrap().contains(REFRESH_TOKENS[0]));
        if arguments.len() == 1 {
            sandbox.config(&profile(&in_the_clear(), SECRET_STORE));
        }

        let mut line = vec![PROGRAM];
        line.extend(arguments);
        let Some(mut terminal) = Terminal::run(&sandbox, &line) else { return };
        terminal.until("Password (not shown): ").line(PASSWORD);
        let (screen, status) = terminal.end();

        assert!(screen.contains("\nspotinst-cred: the client secret has moved to safe\n"), "{screen}");
        assert_eq!((status, kinds(&store)), (Some(0), vec!["client-secret".to_owned(), "refresh-token".to_owned()]));
        assert_eq!(
            found_secrets(&sandbox, &[CLIENT_SECRET, REFRESH_TOKENS[0], REFRESH_TOKENS[1]]),
            Vec::<String>::new()
        );
        sandbox.run(["--force-refresh"]).prints("access-3\n");
    }
}

#[test]
fn a_password_in_the_clear_moves_into_the_store_and_goes_on_to_serve() {
    let (stand_in, sandbox, store) = machine("safe");
    let secrets = format!("password = \"{PASSWORD}\"\nclient_secret = \"{CLIENT_SECRET}\"\nsecret_store = \"safe\"\n");
    let names = format!("[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\n");
    sandbox.config(&(names.clone() + &secrets));
    let Some(terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    let (screen, status) = terminal.end();
    assert_eq!(status, Some(0), "{screen}");
    assert_eq!(
        config(&sandbox),
        names + "secret_store = \"safe\"\nclient_secret_store = \"safe\"\npassword_store = \"safe\"\n"
    );
    sandbox.run(["logout"]).prints("");
    assert_eq!(kinds(&store), Vec::<String>::new());
    drop(stand_in);
}

#[test]
fn login_moves_secrets_back_where_the_store_is_taken_out() {
    let (stand_in, sandbox, store) = machine("safe");
    sandbox.config(&profile(&in_the_clear(), SECRET_STORE));
    let Some((screen, status)) = log_in_again(&sandbox, ["login"]) else { return };
    assert_eq!(status, Some(0), "{screen}");
    sandbox.config(&profile(IN_STORE, ""));
    // A call goes on with the store that has the secrets.
    sandbox.run(["--force-refresh"]).prints("access-2\n");

    let Some((screen, status)) = log_in_again(&sandbox, ["login"]) else { return };

    let path = sandbox.config_path();
    let moved = format!(
        "spotinst-cred: the client secret has moved to {}\nspotinst-cred: the refresh token has moved to the cache\n",
        path.display()
    );
    assert!(screen.contains(&moved) && status == Some(0), "{screen}");
    assert_eq!(store.items(), Vec::<String>::new());
    assert_eq!(config(&sandbox), profile("", &in_the_clear()));
    assert!(fs::read_to_string(sandbox.entry_path()).unwrap().contains(REFRESH_TOKENS[2]));
    stand_in.default_behavior();
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
}

#[test]
fn login_asks_anew_for_what_the_store_does_not_return() {
    for (code, problem) in [
        ("rm -f \"$file\"", "the secret store \"safe\" has no client secret"),
        (LOCKED, "the secret store \"safe\" did not return the client secret: the keychain is locked"),
    ] {
        let (_stand_in, sandbox, store) = machine("safe");
        sandbox.config(&profile(IN_STORE, ""));
        store.at("before-get", code);
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until(&format!("spotinst-cred: {problem}; it is asked for again\n"));
        // Another source of the secret takes the place of the store, too.
        terminal.until("Choose [1]: ").line("2").until("Command: ").line(&format!("echo '{CLIENT_SECRET}'"));
        terminal.until("Password (not shown): ").line(PASSWORD);
        let (screen, status) = terminal.end();
        assert_eq!(status, Some(0), "{screen}");
        let command = format!("client_secret_command = \"echo '{CLIENT_SECRET}'\"\n");
        assert_eq!(config(&sandbox), profile("", &command));
    }
}

#[test]
fn after_a_logout_login_asks_for_the_client_secret_again() {
    let (_stand_in, sandbox, store) = machine("safe");
    sandbox.config(&profile(&in_the_clear(), SECRET_STORE));
    assert_eq!(log_in_again(&sandbox, ["login"]).map(|(_, status)| status), Some(Some(0)));
    sandbox.run(["logout"]).prints("");
    assert_eq!(store.items(), Vec::<String>::new());
    sandbox.run([]).has_failed(4);

    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("spotinst-cred: the secret store \"safe\" has no client secret; it is asked for again\n");
    terminal.until("Choose [1]: ").line("").until("Client secret (not shown): ").line(CLIENT_SECRET);
    terminal.until("Password (not shown): ").line(PASSWORD);
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!(kinds(&store), ["client-secret", "refresh-token"]);
    sandbox.run(["--force-refresh"]).prints("access-3\n");
}

#[test]
fn a_store_that_fails_during_a_login_is_tried_again() {
    let (stand_in, sandbox, store) = machine("safe");
    sandbox.config(&profile(&in_the_clear(), SECRET_STORE));
    // Only what follows the test of the store fails, once for each secret.
    store.at(
        "before-store",
        "case $url in */test/*) ;; *) if [ ! -e \"$file.failed\" ]; then : >\"$file.failed\"; \
         echo 'the keychain is locked'; exit 1; fi ;; esac",
    );
    let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
    terminal.until("Password (not shown): ").line(PASSWORD);
    terminal.until("did not store the refresh token: the keychain is locked\n").until("Try again? [Y/n]: ").line("");
    terminal.until("did not store the client secret: the keychain is locked\n").until("Try again? [Y/n]: ").line("");
    let (screen, status) = terminal.end();
    assert_eq!(status, Some(0), "{screen}");
    assert_eq!(stand_in.grants(), ["password", "password"], "the first refresh token is lost");
    assert!(config(&sandbox).contains(IN_STORE));
}

#[test]
fn a_permanent_token_goes_into_the_store() {
    let (stand_in, sandbox, store) = machine("safe");
    stand_in.always(Reply::json(200, &serde_json::json!({"response": {"items": []}})));
    let file = sandbox.write("token", PERMANENT_TOKEN);
    let from_stdin = |arguments: &[&str]| {
        let mut command = sandbox.command(PROGRAM);
        Running::start(command.args(arguments).stdin(fs::File::open(&file).unwrap())).end()
    };
    let outcome = from_stdin(&["login", "--with-token", "--secret-store", "safe"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(config(&sandbox), "[profiles.default]\nsecret_store = \"safe\"\ntoken_store = \"safe\"\n");
    sandbox.run([]).prints(&format!("{PERMANENT_TOKEN}\n"));

    // A second one replaces it, and without the store it is in the file again.
    sandbox.config("[profiles.default]\ntoken_store = \"safe\"\n");
    assert_eq!(from_stdin(&["login", "--with-token"]).status, Some(0));
    assert_eq!(config(&sandbox), format!("[profiles.default]\ntoken = \"{PERMANENT_TOKEN}\"\n"));
    assert_eq!(store.items(), Vec::<String>::new());
}

/// The encodings in which a secret could be on the disk.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let percent: String = secret
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let json = serde_json::to_string(secret).unwrap().trim_matches('"').to_owned();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let mut encodings: Vec<_> = [secret.to_owned(), percent, json, hex].map(String::into_bytes).into();
    // At each of the three alignments of base64, without the characters that the neighbors have a part in.
    for shift in 0..3 {
        let shifted = [vec![b' '; shift], secret.as_bytes().to_vec()].concat();
        let whole = shifted.len() / 3 * 3;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            encodings.push(engine.encode(&shifted[..whole]).into_bytes().split_off(if shift == 0 { 0 } else { 4 }));
        }
    }
    encodings
}

/// The files below the sandbox that hold one of the secrets in any encoding, by content or name.
fn found_secrets(sandbox: &Sandbox, secrets: &[&str]) -> Vec<String> {
    let encodings: Vec<_> = secrets.iter().flat_map(|secret| encodings(secret)).collect();
    let holds = |bytes: &[u8]| encodings.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret));
    // The store's own files are not of the program.
    let is_of_store =
        |path: &Path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("store-"));
    let mut found = Vec::new();
    for path in files(sandbox.path()).into_iter().filter(|path| !is_of_store(path)) {
        let content = fs::read(&path).unwrap_or_default();
        if holds(&content) || holds(path.as_os_str().as_encoded_bytes()) {
            found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(&content)));
        }
    }
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let below = |entry: fs::DirEntry| {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path())
        } else {
            vec![entry.path()].into_iter().filter(|_| kind.is_file()).collect()
        }
    };
    entries.flat_map(below).collect()
}

#[test]
fn the_search_finds_a_secret_in_every_encoding() {
    let sandbox = Sandbox::new();
    let secret = "ä sentinel/+=& secret";
    let encoded = ["plain {ä sentinel/+=& secret}", "\\u00e4", "sentinel%2F%2B%3D%26%20secret"];
    assert_eq!(found_secrets(&sandbox, &[secret]), Vec::<String>::new());
    let percent = encodings(secret)[1].clone();
    for (name, content) in [
        ("plain", encoded[0].as_bytes().to_vec()),
        ("percent", percent),
        ("base64", STANDARD_NO_PAD.encode(format!("{{\"secret\":\"{secret}\"}}")).into_bytes()),
        ("shifted", URL_SAFE_NO_PAD.encode(format!("..{secret}...")).into_bytes()),
    ] {
        let path = sandbox.write(name, "");
        fs::write(&path, content).unwrap();
        assert_eq!(found_secrets(&sandbox, &[secret]).len(), 1, "{name}");
        fs::remove_file(path).unwrap();
    }
}

/// With a real keychain, everything that lives longer than an access token is in no file, at no time of its life.
#[test]
fn with_a_keychain_no_file_holds_anything_that_lives_longer_than_two_hours() {
    for (keychain, mut sandbox) in Keychain::all(Sandbox::new) {
        let stand_in = service();
        set_urls(&mut sandbox, &stand_in);
        for dir in ["tmp", "cache", "data", "state"] {
            fs::create_dir(sandbox.path().join(dir)).unwrap();
        }
        let dirs =
            [("TMPDIR", "tmp"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state")];
        for (variable, dir) in dirs {
            sandbox.set(variable, sandbox.path().join(dir));
        }
        let mut secrets = vec![PASSWORD, CLIENT_SECRET, PERMANENT_TOKEN];
        secrets.extend(REFRESH_TOKENS);
        let check = |what: &str| {
            assert_eq!(found_secrets(&sandbox, &secrets), Vec::<String>::new(), "{what} with {}", keychain.store);
        };
        let Some(mut terminal) = Terminal::start(&sandbox, ["login"]) else { return };
        terminal.until(&format!("  1  the secret store {}\n", keychain.store)).until("Choose [1]: ").line("");
        type_everything(&mut terminal);
        let (screen, status) = terminal.end();
        assert_eq!(status, Some(0), "{screen}");
        check("after login");

        sandbox.run([]).prints("access-1\n");
        for token in ["access-2\n", "access-3\n"] {
            sandbox.run(["--force-refresh"]).prints(token);
            check("after a refresh");
        }
        let sent: Vec<_> =
            stand_in.requests().iter().filter_map(|request| request.form().remove("refresh_token")).collect();
        assert_eq!(sent, REFRESH_TOKENS[..2], "each came out of the keychain");
        assert!(!files(&sandbox.path().join("cache")).is_empty(), "the access token is there");

        stand_in.always(Reply::json(200, &serde_json::json!({"response": {"items": []}})));
        let arguments = ["login", "--with-token", "--profile", "paid", "--secret-store", keychain.store];
        let Some(mut terminal) = Terminal::start(&sandbox, arguments) else { return };
        terminal.until("Permanent token (not shown): ").line(PERMANENT_TOKEN);
        let (screen, status) = terminal.end();
        assert_eq!(status, Some(0), "{screen}");
        check("after login --with-token");
        sandbox.run(["--profile", "paid"]).prints(&format!("{PERMANENT_TOKEN}\n"));

        sandbox.run(["logout", "--all"]).prints("");
        check("after logout");
        sandbox.run(["--profile", "paid"]).has_failed(3);
    }
}
