//! Secret stores: which secrets they keep instead of files, when they are called, and that no failure loses a secret.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::callers::assert_one_works;
use crate::pty::Terminal;
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use crate::store_program::{LOCKED, StoreProgram};
use crate::strace;
use stand_in::spotinst::{CLIENT_ID, RefreshTokens, USERNAME};
use stand_in::{Reply, StandIn};

/// A sandbox with a store, whose profile names it. Refresh tokens are rotated.
fn with_store(profile: &str) -> (StandIn, Sandbox, StoreProgram) {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let mut sandbox = Sandbox::of(&stand_in);
    let store = StoreProgram::install(&mut sandbox, "safe");
    sandbox.config(&format!("[profiles.default]\nsecret_store = \"safe\"\n{profile}"));
    (stand_in, sandbox, store)
}

/// A login: a cached token, its refresh token in the store, and no password.
fn logged_in(profile: &str) -> (StandIn, Sandbox, StoreProgram) {
    let (stand_in, mut sandbox, store) = with_store("");
    sandbox.token();
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config(&format!(
        "[profiles.default]\nusername = \"{USERNAME}\"\nclient_id = \"{CLIENT_ID}\"\nlogin = true\nsecret_store = \"safe\"\n{profile}"
    ));
    store.calls();
    (stand_in, sandbox, store)
}

fn sent_refresh_tokens(stand_in: &StandIn) -> Vec<String> {
    stand_in.requests().iter().filter_map(|request| request.form().remove("refresh_token")).collect()
}

/// Asserts that the store has the only refresh token, and that the cache has only a reference to it.
#[track_caller]
fn assert_kept_in_store(sandbox: &Sandbox, store: &StoreProgram) {
    let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
    let [item] = &store.items()[..] else { panic!("{:?}", store.items()) };
    let secret = item.split("\"Secret\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!secret.is_empty() && !entry.contains(secret), "{secret} in {entry}");
    assert!(entry.contains(r#""refresh_token":{"store":"safe""#), "{entry}");
}

#[test]
fn the_refresh_token_is_in_the_store_and_not_in_the_cache() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    assert_eq!(store.calls(), ["store refresh-token"]);
    assert_kept_in_store(&sandbox, &store);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

    assert_eq!(store.calls(), ["get refresh-token", "store refresh-token"], "once a refresh");
    assert_eq!(stand_in.grants(), ["password", "refresh_token"]);
    assert_kept_in_store(&sandbox, &store);
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(stand_in.grants()[1..], ["refresh_token", "refresh_token"], "the rotated one was sent");
}

#[test]
fn a_cache_hit_does_not_call_the_store() {
    let (_stand_in, sandbox, store) = logged_in("");
    for format in ["token", "json", "kubernetes"] {
        assert_eq!(sandbox.run(["-f", format]).status, Some(0));
    }
    sandbox.run(["status"]);
    assert_eq!(store.calls(), Vec::<String>::new());
    if strace::is_there() {
        let names: Vec<_> = strace::calls(&sandbox, &[]).into_iter().map(|call| call.name).collect();
        assert!(
            !names.iter().any(|name| name.contains("clone") || name.contains("fork") || name == "execve"),
            "{names:?}"
        );
    }
}

#[test]
fn profiles_with_one_identity_share_the_store_too() {
    let (stand_in, sandbox, store) = with_store("[profiles.other]\n");
    sandbox.token();

    sandbox.run(["--profile", "other", "--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

    assert_eq!(store.calls(), ["store refresh-token", "get refresh-token", "store refresh-token"]);
    assert_kept_in_store(&sandbox, &store);
}

#[test]
fn caches_in_two_directories_share_no_secret() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    sandbox.run(["--cache-dir", "other"]).prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(store.items().len(), 2);
}

#[test]
fn a_plaintext_refresh_token_moves_into_the_store_at_the_next_refresh() {
    for refresh_tokens in [RefreshTokens::Rotated, RefreshTokens::Kept] {
        let (stand_in, sandbox, store) = with_store("");
        stand_in.settings(|service| service.refresh_tokens = refresh_tokens);
        sandbox.config("[profiles.default]\n");
        sandbox.token();
        assert!(store.items().is_empty());
        sandbox.config("[profiles.default]\nsecret_store = \"safe\"\n");

        sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

        assert_kept_in_store(&sandbox, &store);
        sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));
        assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
    }
}

#[test]
fn a_plaintext_refresh_token_stays_if_the_store_rejects_it() {
    let (stand_in, sandbox, store) = with_store("");
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Kept);
    sandbox.config("[profiles.default]\n");
    sandbox.token();
    sandbox.config("[profiles.default]\nsecret_store = \"safe\"\n");
    store.at("before-store", LOCKED);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"]);
}

#[test]
fn with_a_locked_store_the_other_grant_is_used() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    store.at("before-get", LOCKED);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

    assert_eq!(stand_in.grants(), ["password", "password"]);
    store.repair("before-get");
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(stand_in.grants()[2], "refresh_token");
}

/// Stores that do not return the refresh token of a login, and the error for each.
#[test]
fn a_store_that_fails_is_named_with_the_reason_and_the_remedy() {
    const UNLOCK: &str = "unlock it, or run `docker-credential-safe list` to see why";
    const LOGIN: &str = "run `spotinst-cred login`";
    const NO_PROTOCOL: &str = "its output does not follow the protocol";
    for (code, status, reason, hint) in [
        (LOCKED, 5, "the keychain is locked", UNLOCK),
        ("exit 3", 5, "exit status: 3", UNLOCK),
        ("echo '{\"Secret\":\"hunter2\"'; exit 1", 5, "exit status: 1", UNLOCK),
        ("echo hunter2; exit 0", 5, NO_PROTOCOL, UNLOCK),
        ("kill -9 $$", 5, "signal: 9 (SIGKILL)", UNLOCK),
        ("head -c 200000 /dev/zero; exit 0", 5, "it printed more than 128 KiB", UNLOCK),
        ("echo '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"\"}'; exit 0", 4, "", LOGIN),
        ("rm -f \"$file\"", 4, "", LOGIN),
    ] {
        let (stand_in, sandbox, store) = logged_in("");
        store.at("before-get", code);
        let problem = match reason {
            "" => "the secret store \"safe\" has no refresh token, so the login has ended".to_owned(),
            reason => format!("the secret store \"safe\" did not return the refresh token: {reason}"),
        };
        let outcome = sandbox.run(["--force-refresh"]);
        outcome.fails(status, &format!("spotinst-cred: {problem}\nhint: {hint}\n"));
        assert_eq!(stand_in.grants(), ["password"], "nothing was sent: {code}");
    }
}

#[test]
fn a_store_that_is_not_installed_is_named() {
    let (_stand_in, sandbox, _store) = logged_in("");
    fs::remove_file(sandbox.home().join("bin/docker-credential-safe")).unwrap();
    sandbox.run(["--force-refresh"]).fails(
        3,
        "spotinst-cred: the secret store \"safe\" did not return the refresh token: docker-credential-safe cannot be \
         started: No such file or directory (os error 2)\n\
         hint: install docker-credential-safe, or check the PATH; `spotinst-cred login --secret-store NAME` chooses another \
         store\n",
    );
}

#[test]
fn the_time_limit_of_commands_applies_to_a_slow_store() {
    let (_stand_in, sandbox, store) = logged_in("");
    store.at("before-get", "exec sleep 60");
    sandbox.run(["--force-refresh", "--timeout", "300ms"]).fails(
        5,
        "spotinst-cred: the secret store \"safe\" did not return the refresh token: it timed out\n\
         hint: unlock it; if it prompts, set `command_timeout` in the profile, for example \"60s\"\n",
    );
}

/// Half of the time is left for the password grant.
#[test]
fn a_store_that_hangs_does_not_keep_the_password_from_serving() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    store.at("before-get", "exec sleep 60");
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(stand_in.grants(), ["password", "password"]);
}

/// A locked keychain prompts once, however many calls wait for it.
#[test]
fn fifty_callers_make_one_prompt() {
    for (end, status, calls) in
        [(LOCKED, 5, vec!["get refresh-token"]), ("", 0, vec!["get refresh-token", "store refresh-token"])]
    {
        let (stand_in, sandbox, store) = logged_in("command_timeout = \"50s\"\n");
        let person = sandbox.path().join("person");
        assert!(Command::new("mkfifo").arg(&person).status().unwrap().success());
        store.at("before-get", &format!("cat '{}'\n{end}", person.display()));
        let mut callers: Vec<_> = (0..50).map(|_| sandbox.start(["-v", "--force-refresh"])).collect();
        assert_one_works(&mut callers, |line| line == "spotinst-cred: running docker-credential-safe get");

        fs::write(&person, "").unwrap();

        for caller in callers {
            let outcome = caller.end();
            assert_eq!(outcome.status, Some(status), "{outcome:?}");
        }
        assert_eq!(store.calls(), calls);
        assert_eq!(stand_in.grants().len(), calls.len(), "the login, and at most one refresh");
    }
}

#[test]
fn a_rotated_refresh_token_that_the_store_rejects_is_reported() {
    let (stand_in, sandbox, store) = logged_in("");
    store.at("before-store", LOCKED);

    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

    let why = "the secret store \"safe\" did not store the refresh token: the keychain is locked";
    let status = sandbox.run(["status"]).stdout;
    assert!(
        status.contains("refresh token  none\n") && status.contains(&format!("lost           {why} (")),
        "{status}"
    );
    let json = sandbox.run(["status", "--json"]).stdout;
    assert!(json.contains("\"lost_refresh_token\":{\"reason\":\"the secret store"), "{json}");
    sandbox.run(["--force-refresh"]).fails(
        4,
        &format!(
            "spotinst-cred: the login of profile default is over, and its password is stored nowhere; the refresh token \
             was lost: {why}\nhint: run `spotinst-cred login`\n"
        ),
    );
    assert_eq!(stand_in.grants(), ["password", "refresh_token"], "the spent one is not sent again");
}

#[test]
fn a_new_refresh_token_clears_the_report_of_a_lost_one() {
    let (_stand_in, sandbox, store) = with_store("");
    store.at("before-store", LOCKED);
    sandbox.token();
    assert!(sandbox.run(["status"]).stdout.contains("\nlost "));
    store.repair("before-store");
    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));
    let status = sandbox.run(["status"]).stdout;
    assert!(!status.contains("\nlost ") && status.contains(", in the secret store safe\n"), "{status}");
}

#[test]
fn a_message_repeats_no_secret_that_the_store_was_given() {
    let (_stand_in, sandbox, store) = with_store("");
    store.at("before-store", "echo \"cannot store $input\"; echo \"$input\" >&2; exit 1");
    let outcome = sandbox.run([]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert!(sandbox.run(["status"]).stdout.contains("did not store the refresh token: exit status: 1 ("));
}

/// A kill at any step loses no more than without a store.
#[test]
fn after_a_kill_at_any_step_the_next_call_succeeds() {
    for (step, grants) in [
        // Nothing was sent.
        ("before-get", vec!["refresh_token"]),
        ("after-get", vec!["refresh_token"]),
        // The store has the next refresh token.
        ("after-store", vec!["refresh_token", "refresh_token"]),
    ] {
        let (stand_in, sandbox, store) = logged_in("");
        store.at(step, "kill -9 $PPID");
        assert_eq!(sandbox.run(["--force-refresh"]).status, None, "{step}");
        store.repair(step);

        let outcome = sandbox.run(["--force-refresh"]);

        outcome.prints(&format!("{}\n", stand_in.issued().last().unwrap()));
        assert_eq!(stand_in.grants()[1..], grants, "{step}");
        let mut sent = sent_refresh_tokens(&stand_in);
        sent.dedup();
        assert_eq!(sent.len(), grants.len(), "{step}: none was sent twice");
        assert_kept_in_store(&sandbox, &store);
    }
}

/// As without a store, a token that may be spent is not sent again if another grant is possible.
#[test]
fn after_a_kill_the_other_grant_is_used() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    store.at("before-store", "kill -9 $PPID");
    assert_eq!(sandbox.run(["--force-refresh"]).status, None);
    store.repair("before-store");

    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));

    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);
    assert_kept_in_store(&sandbox, &store);
}

#[test]
fn if_the_store_has_another_refresh_token_the_other_grant_is_used() {
    let (stand_in, sandbox, store) = with_store("");
    sandbox.token();
    store.at("after-get", "exit 0");
    store.at("before-get", "echo '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"another\"}'; exit 0");

    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));

    assert_eq!(stand_in.grants(), ["password", "password"]);
}

#[test]
fn logout_erases_what_the_store_keeps() {
    for arguments in [["logout"].as_slice(), &["logout", "--all"]] {
        let (_stand_in, sandbox, store) = with_store("[profiles.paid]\ntoken_store = \"safe\"\n");
        sandbox.token();
        let outcome = run(&sandbox, arguments);
        outcome.prints("");
        assert_eq!(store.items(), Vec::<String>::new(), "{arguments:?}");
        assert!(sandbox.cache_files("token").is_empty());
        // Again, when nothing is left.
        run(&sandbox, arguments).prints("");
    }
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    Running::start(sandbox.command(PROGRAM).args(arguments)).end()
}

#[test]
fn logout_all_finds_stores_without_a_profile_through_the_cache() {
    let (_stand_in, sandbox, store) = with_store("");
    sandbox.token();
    fs::remove_file(sandbox.config_path()).unwrap();
    sandbox.run(["logout", "--all"]).prints("");
    assert_eq!(store.items(), Vec::<String>::new());
}

#[test]
fn if_one_erase_fails_logout_still_removes_the_rest_and_fails() {
    for arguments in [["logout"].as_slice(), &["logout", "--all"]] {
        let (_stand_in, sandbox, store) = with_store("");
        let token = sandbox.token();
        store.at("before-erase", LOCKED);
        run(&sandbox, arguments).fails(
            5,
            "spotinst-cred: the secret store \"safe\" did not erase the refresh token: the keychain is locked\n\
             hint: unlock it, or run `docker-credential-safe list` to see why\n",
        );
        let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
        assert!(!entry.contains(&token), "the access token is forgotten");
        store.repair("before-erase");
        run(&sandbox, arguments).prints("");
        assert_eq!(store.items(), Vec::<String>::new());
        assert!(sandbox.cache_files("token").is_empty());
    }
}

#[test]
fn after_a_failed_erase_logout_finds_the_store_without_its_profile() {
    let (_stand_in, sandbox, store) = with_store("");
    sandbox.token();
    store.at("before-erase", LOCKED);
    sandbox.run(["logout"]).has_failed(5);
    store.repair("before-erase");
    fs::remove_file(sandbox.config_path()).unwrap();
    sandbox.run(["logout", "--all"]).prints("");
    assert_eq!(store.items(), Vec::<String>::new());
}

#[test]
fn logout_all_fails_if_it_cannot_find_out_which_stores_are_used() {
    let (_stand_in, sandbox, _store) = with_store("");
    sandbox.config("[profiles.default]\ntoken_store = \n");
    sandbox.run(["logout", "--all"]).has_failed(3);
}

#[test]
fn invalidate_does_not_call_the_store() {
    let (stand_in, sandbox, store) = logged_in("");
    sandbox.shell("sh", &format!("printf %s '{}' | spotinst-cred invalidate", stand_in.issued()[0])).prints("");
    assert_eq!(store.calls(), Vec::<String>::new());
    assert_eq!(sandbox.token(), stand_in.issued()[1]);
    assert_eq!(store.calls(), ["get refresh-token", "store refresh-token"]);
}

#[test]
fn status_calls_the_store_only_with_check() {
    let (stand_in, mut sandbox, store) = logged_in("");
    sandbox.set("SPOTINST_API_URL", stand_in.base());
    let status = sandbox.run(["status"]).stdout;
    assert!(status.contains("refresh token  alive, ") && status.contains(", in the secret store safe\n"), "{status}");
    assert_eq!(store.calls(), Vec::<String>::new());

    let status = sandbox.run(["status", "--check"]).stdout;
    assert!(status.contains("\nsecret store   safe returns the refresh token\n"), "{status}");
    assert_eq!(store.calls(), ["get refresh-token"]);

    store.at("before-get", LOCKED);
    let status = sandbox.run(["status", "--check"]);
    assert!(status.stdout.contains("safe\" did not return the refresh token: the keychain is locked\n"), "{status:?}");
    let locked = "spotinst-cred: the secret store \"safe\" did not return the refresh token: the keychain is locked\n";
    assert!(status.stderr.starts_with(locked) && status.stdout.contains("the API accepts the token"), "{status:?}");
    assert_eq!(status.status, Some(5), "it may be unlocked later");

    store.at("before-get", "echo credentials not found in native keychain; exit 1");
    let status = sandbox.run(["status", "--check"]);
    let stderr = "spotinst-cred: the secret store \"safe\" has no refresh token\nhint: run `spotinst-cred login`\n";
    assert_eq!((status.stderr.as_str(), status.status), (stderr, Some(4)), "the login is over");
}

/// Each call reads a permanent token from the store, because no file has it.
#[test]
fn a_permanent_token_comes_from_the_store() {
    let mut sandbox = Sandbox::new();
    let store = StoreProgram::install(&mut sandbox, "safe");
    sandbox.config("[profiles.default]\ntoken_store = \"safe\"\n");
    let path = sandbox.config_path();
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the secret store \"safe\" of the token (from {}:2) does not hold it\n\
             hint: run `spotinst-cred login --with-token --profile default`\n",
            path.display()
        ),
    );
    store.at("before-get", "echo '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"abc\"}'; exit 0");
    store.calls();
    sandbox.run([]).prints("abc\n");
    sandbox.run([]).prints("abc\n");
    assert_eq!(store.calls(), ["get token", "get token"]);
    assert!(sandbox.run(["status"]).stdout.contains("; set, in the secret store safe, from config.toml:2\n"));
}

/// A login that ends soon is announced where a person can read it, by the call that refreshed.
#[test]
fn a_login_that_ends_soon_is_announced() {
    const DAY: u64 = 24 * 60 * 60;
    for (left, is_announced) in [(DAY, true), (3 * DAY, false)] {
        let (stand_in, sandbox, _store) = logged_in("");
        let tokens =
            json!({"access_token": "T2", "expires_in": 7200, "refresh_token": "R2", "refresh_expires_in": left});
        stand_in.script([Reply::json(200, &tokens)]);
        let Some(terminal) = Terminal::start(&sandbox, ["--force-refresh"]) else { return };
        let (screen, status) = terminal.end();
        let line = "spotinst-cred: the login expires in 1 day; to renew it, run `spotinst-cred login`\n";
        assert_eq!((screen.contains(line), status), (is_announced, Some(0)), "{screen}");
        let Some(terminal) = Terminal::start(&sandbox, []) else { return };
        assert!(!terminal.end().0.contains("login"), "a hit says nothing of it");
        let status = sandbox.run(["status"]).stdout;
        assert_eq!(status.contains("\nlogin          ends in "), is_announced, "{status}");
        assert_eq!(status.contains("; to renew it, run `spotinst-cred login`\n"), is_announced, "{status}");
    }
}
