//! `status`: the report in each situation. It changes nothing.

use std::fs;
use std::path::MAIN_SEPARATOR_STR;

use serde_json::Value;

use crate::fake_clock::FakeClock;
use crate::os;
use crate::requirements::{is_unix, is_unix_for_case, need_for_case};
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::steps::Step;
use stand_in::{Reply, StandIn, spotinst};

/// A sandbox whose API is also the stand-in.
fn sandbox_of(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::of(stand_in);
    sandbox.set("SPOTINST_API_URL", stand_in.base());
    sandbox
}

/// The text with placeholders for what differs between runs: paths, port, identity and durations.
fn normalize(text: &str, sandbox: &Sandbox, stand_in: &StandIn) -> String {
    let mut text = text.replace(&stand_in.base(), "BASE");
    for (path, name) in [
        (sandbox.config_path(), "CONFIG"),
        (sandbox.config_path().parent().unwrap().to_owned(), "CONFIG_DIR"),
        (sandbox.cache_dir(), "CACHE"),
        (sandbox.home(), "~"),
    ] {
        text = text.replace(path.to_str().unwrap(), name);
    }
    let text = text.replace(MAIN_SEPARATOR_STR, "/");
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words: Vec<String> = Vec::new();
        for word in line.split(' ') {
            let bare = word.trim_end_matches(',');
            let is_unit = ["days", "day", "h", "min", "s"].contains(&bare);
            match words.last_mut().filter(|last| is_unit && is_number(last.trim_start_matches('('))) {
                Some(number) => *number = format!("{}TIME", if number.starts_with('(') { "(" } else { "" }),
                None => words.push(word.to_owned()),
            }
            // Of a time in two units one is left.
            if let [.., first, second] = &words[..]
                && first.ends_with("TIME")
                && second == "TIME"
            {
                words.pop();
            }
        }
        lines.push(without_identity(&words.join(" ")) + "\n");
    }
    lines.concat()
}

/// The line with the 32 digits of an identity replaced.
fn without_identity(line: &str) -> String {
    let part = |part: &str| match part.split_once('.') {
        Some((name, rest)) if name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()) => format!("ID.{rest}"),
        _ => part.to_owned(),
    };
    line.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[track_caller]
fn reports(outcome: &Outcome, sandbox: &Sandbox, stand_in: &StandIn, expected: &str) {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(normalize(&outcome.stdout, sandbox, stand_in), with_sources(expected));
}

/// The expected text with the sources of the paths in it.
fn with_sources(expected: &str) -> String {
    let expected = expected.replace("NEW_CONFIG", os::NEW_CONFIG);
    expected.replace("CONFIG_SOURCE", os::CONFIG_SOURCE).replace("CACHE_SOURCE", os::CACHE_SOURCE)
}

#[track_caller]
fn line(outcome: &Outcome, name: &str) -> String {
    let found = outcome.stdout.lines().find_map(|line| line.strip_prefix(&format!("{name:<14} ")));
    found.unwrap_or_else(|| panic!("no {name} in {outcome:?}")).to_owned()
}

const SETTINGS: &str = "\
profile        none
user name      ada@example.com, from SPOTINST_USERNAME
password       set, from SPOTINST_PASSWORD
client id      client-1, from SPOTINST_CLIENT_ID
client secret  set, from SPOTINST_CLIENT_SECRET
grant          password, by default
token URL      BASE/token, from SPOTINST_TOKEN_URL
refresh URL    BASE/token, from SPOTINST_TOKEN_URL
account        not set
API URL        BASE, from SPOTINST_API_URL
time limit     8s, by default
";

#[test]
fn an_empty_cache_is_reported_without_files_or_requests() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    let files = || fs::read_dir(sandbox.home()).unwrap().map(|file| file.unwrap().file_name()).collect::<Vec<_>>();
    let before = files();

    let outcome = sandbox.run(["status"]);

    let places = "\
token          none
refresh token  none
lock           free, CACHE/ID.lock
cache file     CACHE/ID.token (not there)
configuration  NEW_CONFIG
cache          CACHE (not there), CACHE_SOURCE
";
    reports(&outcome, &sandbox, &stand_in, &format!("{SETTINGS}{places}"));
    assert_eq!(stand_in.connections(), 0);
    assert_eq!(files(), before, "no file was created");
}

#[test]
fn tokens_are_reported_with_their_lifetime() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();

    let outcome = sandbox.run(["status"]);

    let places = "\
token          fresh, TIME left
refresh token  alive, TIME left
lock           free, CACHE/ID.lock
cache file     CACHE/ID.token
configuration  NEW_CONFIG
cache          CACHE, CACHE_SOURCE
";
    reports(&outcome, &sandbox, &stand_in, &format!("{SETTINGS}{places}"));
    assert_eq!(stand_in.requests().len(), 1, "only the request for the token");
}

#[test]
fn each_setting_is_reported_with_its_source() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    for name in ["SPOTINST_PASSWORD", "SPOTINST_CLIENT_SECRET", "SPOTINST_CLIENT_ID", "SPOTINST_TOKEN_URL"] {
        sandbox.unset(name);
    }
    let ran = sandbox.path().join("ran");
    let config = format!(
        "# ours\ndefault_profile = \"work\"\n\n[profiles.work]\nusername = \"grace@example.com\"\n\
         password_command = {:?}\nclient_id = \"c-2\"\nclient_secret_file = \"secret\"\naccount = \"act-1\"\n\
         token_url = \"{}\"\ncommand_timeout = \"60s\"\nca_file = {:?}\n",
        os::command(&[Step::Count(ran.clone())]),
        stand_in.url(),
        sandbox.home().join("ca.pem")
    );
    sandbox.config(&config);

    let outcome = sandbox.run(["status", "--timeout", "3s"]);

    reports(
        &outcome,
        &sandbox,
        &stand_in,
        "\
profile        work, from config.toml:2
user name      ada@example.com, from SPOTINST_USERNAME
password       set, by a command, from config.toml:6
client id      c-2, from config.toml:7
client secret  set, in the file CONFIG_DIR/secret, from config.toml:8
grant          password, by default
token URL      BASE/token, from config.toml:10
refresh URL    BASE/token, from config.toml:10
account        act-1, from config.toml:9
API URL        BASE, from SPOTINST_API_URL
time limit     3s, from --timeout
command limit  60s, from config.toml:11
CA file        ~/ca.pem, from config.toml:12
token          none
refresh token  none
lock           free, CACHE/ID.lock
cache file     CACHE/ID.token (not there)
configuration  CONFIG, CONFIG_SOURCE
cache          CACHE (not there), CACHE_SOURCE
",
    );
    assert!(!ran.exists(), "no command was run");
}

#[test]
fn what_is_missing_for_a_token_is_the_error() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    sandbox.unset("SPOTINST_PASSWORD").unset("SPOTINST_USERNAME");

    let outcome = sandbox.run(["status"]);

    assert_eq!(outcome.status, Some(3));
    assert_eq!(line(&outcome, "user name"), "not set");
    assert_eq!(line(&outcome, "password"), "not set");
    assert!(outcome.stderr.starts_with("spotinst-cred: missing user name, password\nhint: "), "{outcome:?}");
}

#[test]
fn a_new_user_is_told_in_one_line() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::new();

    let outcome = sandbox.run(["status"]);

    let rows = "\
profile        none
token          none
configuration  NEW_CONFIG
cache          CACHE (not there), CACHE_SOURCE
";
    assert_eq!(normalize(&outcome.stdout, &sandbox, &stand_in), with_sources(rows));
    let stderr = "spotinst-cred: not logged in: no credentials found\n\
                  hint: run `spotinst-cred login`; for CI and permanent tokens see `spotinst-cred help login`\n";
    assert_eq!((outcome.stderr.as_str(), outcome.status), (stderr, Some(3)));
}

/// What a usable token is worth once nothing can renew it.
#[test]
fn a_usable_token_is_one_that_can_be_had_without_a_person() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.config("[profiles.default]\nstore_refresh_token = false\n");
    sandbox.token();
    sandbox.unset("SPOTINST_PASSWORD");
    assert_eq!(sandbox.run(["status"]).status, Some(0));
    clock.set(7200);
    assert_eq!(sandbox.run(["status"]).status, Some(3));
}

#[test]
fn rejected_credentials_need_a_person() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    let Some(clock) = FakeClock::of(&mut sandbox) else { return };
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    sandbox.run([]).has_failed(4);
    clock.set(5);

    let outcome = sandbox.run(["status"]);

    assert_eq!(outcome.status, Some(4));
    assert!(outcome.stderr.contains(" (5 s ago, not asked again)\nhint: check user name, "), "{outcome:?}");
    clock.set(900);
    assert_eq!(sandbox.run(["status"]).status, Some(0), "the next call asks again");
}

/// The next call sends its own credentials.
#[test]
fn a_rejection_of_other_credentials_is_not_a_problem() {
    let stand_in = StandIn::start();
    for variable in ["SPOTINST_PASSWORD", "SPOTINST_CLIENT_SECRET"] {
        let mut sandbox = sandbox_of(&stand_in);
        let right = sandbox.variable(variable).unwrap().to_owned();
        sandbox.set(variable, "wrong");
        sandbox.run([]).has_failed(4);
        assert_eq!(sandbox.run(["status"]).status, Some(4));
        sandbox.set(variable, right);
        let outcome = sandbox.run(["status"]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(outcome.stdout.contains("last failure"), "{outcome:?}");
    }
}

#[test]
fn a_cached_rejection_is_reported_with_its_remedy() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    assert_eq!(sandbox.run([]).status, Some(4));

    let outcome = sandbox.run(["status"]);

    let text = normalize(&outcome.stdout, &sandbox, &stand_in);
    let expected = "\
last failure   BASE/token refused the password grant: HTTP 401, Unauthorized (request id \
                    963e071a-b62c-4a12-b4d9-0ca34cbe9320) (TIME ago)
lifted         in TIME or by changed credentials or --force-refresh
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_held_lock_is_reported_without_waiting() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    let gate = stand_in.close_gate();
    let holder = sandbox.start([]);
    stand_in.wait_for_requests(1);

    let outcome = sandbox.run(["status"]);

    let known = os::lock_holder(holder.id());
    let expected = known.as_ref().map(|known| format!(" ({known}, for ")).unwrap_or_else(|| ", ".to_owned());
    assert!(line(&outcome, "lock").starts_with(&format!("held by another process{expected}")), "{outcome:?}");
    let document: Value = serde_json::from_str(&sandbox.run(["status", "--json"]).stdout).unwrap();
    assert_eq!(document["lock"]["held"], true);
    assert_eq!(document["lock"]["holder"]["pid"], known.map_or(Value::Null, |_| holder.id().into()));
    gate.open();
    assert_eq!(holder.end().status, Some(0));
    assert!(line(&sandbox.run(["status"]), "lock").starts_with("free, "));
}

#[test]
fn an_unusable_lock_file_is_reported() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();
    let path = sandbox.lock_path();
    let lock = |why: &str| assert_eq!(line(&sandbox.run(["status"]), "lock"), format!("{why}, {}", path.display()));

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    lock("not a regular file");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    lock("free");
    if os::change_owner(&path, 12345).is_err() {
        need_for_case(false, "only root can make a lock file of another user");
        return;
    }
    lock("the lock file belongs to user 12345");
}

#[test]
fn an_unusable_cache_file_is_reported() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();
    let path = sandbox.entry_path();
    let trouble = |outcome: &Outcome| line(outcome, "cache file").split_once(" (").unwrap().1.to_owned();

    if is_unix_for_case("mode bits") {
        os::set_mode(&path, 0o644);
        assert_eq!(trouble(&sandbox.run(["status"])), "can be read or written by other users, so it is ignored)");
        os::set_mode(&path, 0o600);
    }
    fs::write(&path, "spotinst-cred 1 nonsense\n").unwrap();
    assert_eq!(trouble(&sandbox.run(["status"])), "is damaged or was written by another version, so it is ignored)");
    fs::remove_file(&path).unwrap();
    if is_unix_for_case("symbolic links that any user can make") {
        os::symlink(&sandbox.home(), &path);
        assert_eq!(trouble(&sandbox.run(["status"])), "is a symbolic link, so it is ignored)");
        fs::remove_file(&path).unwrap();
    }
    fs::create_dir(&path).unwrap();
    assert_eq!(trouble(&sandbox.run(["status"])), "is not a regular file, so it is ignored)");
}

#[test]
fn a_permanent_token_has_no_cache() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_API_URL", stand_in.base());
    sandbox.config("[profiles.default]\ntoken = \"0123456789abcdef\"\n");

    let outcome = sandbox.run(["status"]);

    reports(
        &outcome,
        &sandbox,
        &stand_in,
        "\
profile        default, by default
account        not set
API URL        BASE, from SPOTINST_API_URL
time limit     8s, by default
token          permanent, not cached; set, from config.toml:2
configuration  CONFIG, CONFIG_SOURCE
cache          CACHE (not there), CACHE_SOURCE
",
    );
}

#[test]
fn no_secret_is_shown() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    let token = sandbox.token();

    for arguments in [["status", "-v"], ["status", "--json"], ["status", "--check"]] {
        let outcome = sandbox.run(arguments);
        for secret in [spotinst::PASSWORD, spotinst::CLIENT_SECRET, &token] {
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
        }
    }
}

#[test]
fn json_has_the_same_report() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();

    let outcome = sandbox.run(["status", "--json", "--check"]);

    assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)));
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {document}")).clone();
    assert_eq!(text("/version"), 1);
    assert_eq!(text("/profile"), Value::Null);
    assert_eq!(text("/settings/user_name/value"), "ada@example.com");
    assert_eq!(text("/settings/user_name/from"), "SPOTINST_USERNAME");
    assert_eq!(text("/settings/password"), serde_json::json!({"secret": "value", "from": "SPOTINST_PASSWORD"}));
    assert_eq!(text("/settings/grant/from"), "default");
    assert_eq!(text("/token/state"), "fresh");
    assert!((7000..=7200).contains(&text("/token/seconds_left").as_u64().unwrap()));
    assert_eq!(text("/refresh_token/state"), "alive");
    assert_eq!(text("/failure"), Value::Null);
    assert_eq!(text("/lock/held"), false);
    assert_eq!(text("/cache_file/trouble"), Value::Null);
    assert_eq!(text("/problem"), Value::Null);
    assert_eq!(text("/check/accepted"), true);
    assert_eq!(text("/check/accounts/1"), serde_json::json!({"id": "act-87654321", "name": "staging"}));
}

#[test]
fn check_lists_the_accounts_of_the_token() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    let token = sandbox.token();

    let outcome = sandbox.run(["status", "--check"]);

    let expected = "\
check          the API accepts the token; accounts seen: 2
               act-12345678 production
               act-87654321 staging
";
    assert!(outcome.stdout.ends_with(expected), "{outcome:?}");
    let asked = &stand_in.requests()[1];
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", "/setup/account"));
    assert_eq!(asked.bearer(), Some(token.as_str()));
}

#[test]
fn check_reads_the_configuration_only_once() {
    if !is_unix("shell scripts") {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    sandbox
        .unset("SPOTINST_USERNAME")
        .set("CONFIG", format!("[profiles.default]\nusername = \"{}\"", spotinst::USERNAME));

    let outcome = sandbox.shell("sh", "echo \"$CONFIG\" | spotinst-cred status --check --config /dev/stdin");

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(line(&outcome, "user name"), "ada@example.com, from stdin:2");
    assert_eq!(line(&outcome, "check"), "the API accepts the token; accounts seen: 2");
}

#[test]
fn check_reports_why_the_api_rejects_the_token() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();
    let base = stand_in.base();
    let id = "963e071a-b62c-4a12-b4d9-0ca34cbe9320";

    let not_accepted =
        format!("{base}/setup/account does not accept the token: HTTP 401, Unauthorized (request id {id})");
    let stderr = format!("spotinst-cred: {not_accepted}\nhint: run `spotinst-cred --force-refresh` to get a new one\n");
    for arguments in [["status", "--check"].as_slice(), &["whoami"]] {
        stand_in.script([Reply::unauthorized()]);
        let outcome = Running::start(sandbox.program([]).args(arguments)).end();
        assert_eq!((outcome.stderr.as_str(), outcome.status), (stderr.as_str(), Some(4)), "{outcome:?}");
        assert!(outcome.stdout.starts_with("profile        none\nuser name      ada@example.com, "), "{outcome:?}");
        assert!(outcome.stdout.ends_with(&format!("\ncheck          {not_accepted}\n")), "{outcome:?}");
    }

    stand_in.script([Reply::unauthorized()]);
    let outcome = sandbox.run(["status", "--check", "--json"]);
    assert_eq!((outcome.stderr.as_str(), outcome.status), (stderr.as_str(), Some(4)));
    let check = &serde_json::from_str::<Value>(&outcome.stdout).unwrap()["check"];
    assert_eq!((&check["accepted"], &check["accounts"]), (&Value::from(false), &serde_json::json!([])));
    assert_eq!(check["problem"]["message"], not_accepted);

    stand_in.script([Reply::json(200, &serde_json::json!({"response": {}}))]);
    let problem = format!("the response from {base}/setup/account lists no accounts: HTTP 200 (request id {id})");
    check_fails(&sandbox, 5, &problem, NOT_THE_API);
}

const NOT_THE_API: &str = "is this the API? a proxy, a gateway or a login page may have responded instead";

/// Asserts that the check prints the whole report and fails.
#[track_caller]
fn check_fails(sandbox: &Sandbox, status: i32, problem: &str, hint: &str) {
    let outcome = sandbox.run(["status", "--check"]);
    let stderr = format!("spotinst-cred: {problem}\nhint: {hint}\n");
    assert_eq!((outcome.stderr.as_str(), outcome.status), (stderr.as_str(), Some(status)), "{outcome:?}");
    assert!(outcome.stdout.starts_with("profile        none\n"), "{outcome:?}");
    assert_eq!(line(&outcome, "check"), problem);
}

#[test]
fn check_reports_why_there_is_no_token() {
    let stand_in = StandIn::start();
    let mut sandbox = sandbox_of(&stand_in);
    sandbox.set("SPOTINST_PASSWORD", "wrong");
    let refused = sandbox.run(["status", "--check"]);
    assert_eq!(refused.status, Some(4));
    assert!(line(&refused, "check").contains(" refused the password grant: "), "{refused:?}");
    assert!(line(&refused, "last failure").contains(" refused the password grant: "), "{refused:?}");

    sandbox.unset("SPOTINST_PASSWORD");
    let missing = sandbox.run(["status", "--check"]);
    assert_eq!((missing.status, line(&missing, "check").as_str()), (Some(3), "missing password"));
}

/// The API's list of this many accounts, with members that the program does not read.
fn organization(accounts: usize) -> Reply {
    let account = |number: usize| {
        serde_json::json!({
            "accountId": format!("act-{number:08x}"), "name": format!("account {number}"),
            "organizationId": "606079861911", "cloudProvider": "AWS", "createdAt": "2016-01-25T20:20:59.446Z",
        })
    };
    let items: Vec<_> = (0..accounts).map(account).collect();
    Reply::json(200, &serde_json::json!({"response": {"items": items, "count": accounts}}))
}

#[test]
fn check_lists_the_accounts_of_a_large_organization() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();
    let reply = organization(700);
    assert!(reply.body.len() > 64 * 1024, "larger than the limit for a token endpoint");

    stand_in.script([reply]);
    let outcome = sandbox.run(["status", "--check"]);

    assert_eq!(line(&outcome, "check"), "the API accepts the token; accounts seen: 700");
    assert!(outcome.stdout.ends_with(" act-000002bb account 699\n"), "{outcome:?}");
}

#[test]
fn check_reports_why_the_response_cannot_be_read() {
    let stand_in = StandIn::start();
    let sandbox = sandbox_of(&stand_in);
    sandbox.token();
    let url = format!("{}/setup/account", stand_in.base());
    let network = "check the network; behind a proxy, set HTTPS_PROXY";

    for (reply, problem, hint) in [
        (Reply::huge(5, "T"), "the response is longer than 4096 KiB", NOT_THE_API),
        (Reply::garbage(), "the response is not HTTP", NOT_THE_API),
        (organization(3).cut_short(), "the connection closed before the response was complete", network),
    ] {
        stand_in.script([reply]);
        check_fails(&sandbox, 5, &format!("{url}: {problem}"), hint);
    }
}
