//! The credentials file of Spotinst's SDKs as a source of tokens, and pasted tokens that expire.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::examples::{ACCOUNT, find, path};
use crate::fake_network::FakeNetwork;
use crate::fixtures::with_permanent_token;
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::{Reply, jwt};

const HOUR: Duration = Duration::from_secs(3600);

fn with_file(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".spotinst/credentials", text);
    sandbox
}

/// Token and account that the program prints.
#[track_caller]
fn found<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> String {
    let Outcome { stdout, stderr, status } = Running::start(sandbox.program(arguments).args(["-f", "json"])).end();
    assert_eq!((stderr.as_str(), status), ("", Some(0)));
    let document: Value = serde_json::from_str(&stdout).unwrap();
    format!("{} {}", document["access_token"].as_str().unwrap(), document["account"].as_str().unwrap_or("-"))
}

#[test]
fn every_shape_of_the_file_is_read() {
    for (text, token_and_account) in [
        ("[default]\ntoken = cafe\naccount = act-1\n", "cafe act-1"),
        ("token=cafe\naccount=act-1\n", "cafe act-1"),
        ("default:\n  token: cafe\n  account: act-1\n", "cafe act-1"),
        ("---\r\n# ours\r\ndefault:\r\n  account: 'act-1'\r\n  token: \"cafe\" # since May\r\n", "cafe act-1"),
        ("\u{feff}default: {token: cafe, account: ~}\n", "cafe -"),
        ("prod:\n  token: beef\ndefault:\n  token: 1234567890\n  account: 12345678\n", "1234567890 12345678"),
        ("default:\n  token: >-\n    cafe\n", "cafe -"),
        (r#"{"token":"cafe","account":"act-1"}"#, "cafe act-1"),
        ("{\n\t\"token\": \"cafe\",\n\t\"account\": null\n}\n", "cafe -"),
        (r#"{"token":"cafe","default":{"token":"cafe","account":"act-1"}}"#, "cafe act-1"),
    ] {
        assert_eq!(found(&with_file(text), []), token_and_account, "{text:?}");
    }
}

/// As in the Go SDK.
#[test]
fn what_a_section_does_not_have_is_that_of_default() {
    let ini = "[default]\ntoken = cafe\naccount = act-1\n[prod]\ntoken = beef\n[test]\naccount = act-3\n";
    let yaml = "default: {token: cafe, account: act-1}\nprod: {token: beef}\ntest: {account: act-3}\n";
    for text in [ini, yaml] {
        let mut sandbox = with_file(text);
        for (section, token_and_account) in [("default", "cafe act-1"), ("prod", "beef act-1"), ("test", "cafe act-3")]
        {
            sandbox.set("SPOTINST_PROFILE", section);
            assert_eq!(found(&sandbox, []), token_and_account, "{section} of {text:?}");
        }
    }
}

#[test]
fn the_variables_of_both_sdks_name_file_and_section() {
    let text = "default:\n  token: cafe\nprod:\n  token: beef\n";
    for file in ["SPOTINST_CREDENTIALS_FILE", "SPOTINST_SHARED_CREDENTIALS_FILE"] {
        for section in ["SPOTINST_CREDENTIALS_PROFILE", "SPOTINST_PROFILE"] {
            let mut sandbox = with_file("[default]\ntoken = usual\n");
            let elsewhere = sandbox.write("elsewhere", text);
            sandbox.set(section, "");
            assert_eq!(found(sandbox.set(file, elsewhere), []), "cafe -");
            assert_eq!(found(sandbox.set(section, "prod"), []), "beef -");
        }
    }
}

#[test]
fn variables_that_contradict_each_other_are_an_error() {
    let mut sandbox = with_file("[default]\ntoken = cafe\n[prod]\ntoken = beef\n");
    let path = sandbox.home().join(".spotinst/credentials");
    sandbox.set("SPOTINST_CREDENTIALS_FILE", &path).set("SPOTINST_SHARED_CREDENTIALS_FILE", &path);
    sandbox.set("SPOTINST_CREDENTIALS_PROFILE", "prod").set("SPOTINST_PROFILE", "prod").run([]).prints("beef\n");

    sandbox.set("SPOTINST_PROFILE", "default").run([]).fails(
        3,
        "spotinst-cred: SPOTINST_CREDENTIALS_PROFILE and SPOTINST_PROFILE set the SDK profile to different values\n\
         hint: unset one of them\n",
    );
    // What is named for this program decides.
    sandbox.run(["-p", "default"]).prints("cafe\n");

    sandbox.set("SPOTINST_SHARED_CREDENTIALS_FILE", "elsewhere").run(["-p", "default"]).fails(
        3,
        "spotinst-cred: SPOTINST_CREDENTIALS_FILE and SPOTINST_SHARED_CREDENTIALS_FILE set the SDK file to different values\n\
         hint: unset one of them\n",
    );
    // Where the file is no source, they do not matter.
    sandbox.config("[profiles.default]\ntoken = 'configured'\n").run([]).prints("configured\n");
}

#[test]
fn without_a_configuration_profile_names_a_section() {
    let mut sandbox = with_file("[default]\ntoken = cafe\n[prod]\ntoken = beef\naccount = act-2\n");
    sandbox.set("SPOTINST_CREDENTIALS_PROFILE", "test");
    assert_eq!(found(&sandbox, ["-p", "prod"]), "beef act-2");
    assert!(sandbox.run(["status", "-p", "prod"]).stdout.starts_with("profile        prod, from --profile\n"));
    sandbox.set("SPOTINST_CRED_PROFILE", "default");
    assert_eq!(found(&sandbox, []), "cafe -");
    assert_eq!(found(&sandbox, ["--profile", "prod"]), "beef act-2");
    // A configuration without profiles configures nothing.
    sandbox.config("# later\n");
    assert_eq!(found(&sandbox, ["-p", "prod"]), "beef act-2");

    // A profile goes before the section of its name; with profiles no section is reached.
    sandbox.unset("SPOTINST_CRED_PROFILE").config("[profiles.prod]\ntoken = 'configured'\n");
    sandbox.run(["-p", "prod"]).prints("configured\n");
    sandbox.run(["-p", "default"]).has_failed(3);
}

/// The credentials of a grant do so, too: another account's token is never printed instead.
#[test]
fn a_section_is_not_used_in_the_place_of_credentials() {
    let mut sandbox = with_file("[prod]\ntoken = beef\n");
    let outcome = sandbox.set("SPOTINST_USERNAME", "ada").run(["-p", "prod"]);
    outcome.has_failed(3);
    assert!(
        outcome.stderr.starts_with("spotinst-cred: there is no profile \"prod\" (from --profile)\n"),
        "{outcome:?}"
    );
}

#[test]
fn a_missing_section_is_an_error_that_lists_those_with_a_token() {
    let stderr = |sandbox: &Sandbox, source| {
        format!(
            "spotinst-cred: the credentials file {} has no token in [prod] (from {source})\n\
             hint: it has tokens in default, test: choose one with --profile\n",
            sandbox.home().join(".spotinst/credentials").display()
        )
    };
    for text in [
        "[default]\ntoken = cafe\n[test]\naccount = act-1\n",
        "test:\n  token: beef\ndefault:\n  token: cafe\nprods:\n",
        r#"{"token":"cafe","test":{"token":"beef"},"prod":{"token":""}}"#,
    ] {
        let mut sandbox = with_file(text);
        sandbox.run(["-p", "prod"]).fails(3, &stderr(&sandbox, "--profile"));
        sandbox.set("SPOTINST_PROFILE", "prod").run([]).fails(3, &stderr(&sandbox, "SPOTINST_PROFILE"));
    }
    // Without a word about a section it is `default`, and no other one.
    let outcome = with_file("[prod]\ntoken = beef\n").run([]);
    outcome.has_failed(3);
    assert!(outcome.stderr.ends_with("hint: it has tokens in prod: choose one with --profile\n"), "{outcome:?}");
}

/// A link without a file is one that the user made: the file is not on this machine, or not mounted.
#[test]
fn a_dangling_symbolic_link_is_a_file_that_cannot_be_read() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write(".spotinst/credentials", "");
    for target in ["elsewhere", "/dev/null/elsewhere"] {
        fs::remove_file(&file).unwrap();
        symlink(target, &file).unwrap();
        let outcome = sandbox.run([]);
        outcome.has_failed(3);
        let expected = format!("spotinst-cred: the credentials file {} cannot be read: ", file.display());
        assert!(outcome.stderr.starts_with(&expected), "{outcome:?}");
    }
    let outcome = sandbox.set("SPOTINST_CREDENTIALS_FILE", &file).run([]);
    outcome.has_failed(3);
    assert!(outcome.stderr.contains(" (from SPOTINST_CREDENTIALS_FILE) cannot be read: "), "{outcome:?}");
}

/// A configuration that is not mounted must not be replaced by the SDKs' file, which may be of another account.
#[test]
fn a_configuration_behind_a_dangling_symbolic_link_is_an_error() {
    for link in ["config.toml", "."] {
        let sandbox = Sandbox::new();
        sandbox.write(".spotinst/credentials", "[default]\ntoken = cafe\naccount = act-1\n");
        let config = sandbox.config_path();
        let link = config.parent().unwrap().join(link).components().collect::<PathBuf>();
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink("elsewhere", link).unwrap();
        let problem = format!("the configuration {} is behind a symbolic link without a target", config.display());
        let hint = "restore the target, or remove the link";
        sandbox.run([]).fails(3, &format!("spotinst-cred: {problem}\nhint: {hint}\n"));
    }
}

#[test]
fn a_pasted_token_that_has_expired_is_an_error() {
    let token = jwt::mint(SystemTime::now() - 3 * HOUR, 2 * HOUR);
    for (sandbox, place) in pasted(&token) {
        let outcome = sandbox.run([]);
        outcome.has_failed(4);
        let (message, hint) = outcome.stderr.split_once('\n').unwrap();
        assert!(message.starts_with(&format!("spotinst-cred: the token from {place} expired 1 h")), "{outcome:?}");
        assert!(message.ends_with(" ago"), "{outcome:?}");
        let remedy = "run `spotinst-cred login`, whose tokens are renewed, or `spotinst-cred login --with-token` for a permanent one";
        assert_eq!(hint, format!("hint: {remedy}\n"));
        for arguments in [["exec", "true"], ["-f", "kubernetes"]] {
            sandbox.run(arguments).has_failed(4);
        }
        assert_eq!(sandbox.run(["status", "--check"]).status, Some(4));
    }
}

/// The token with this text in place of its `exp`.
fn with_exp(exp: &str) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"spotinst","exp":{exp}}}"#));
    format!("e30.{payload}.c2ln")
}

#[test]
fn the_expiry_of_a_pasted_token_is_any_number() {
    for exp in ["-1", "-1e300", "0", "0.5", "1800000.25", "\"1800000\"", "\"-1\""] {
        let sandbox = with_file(&format!("[default]\ntoken = {}\n", with_exp(exp)));
        let outcome = sandbox.run([]);
        outcome.has_failed(4);
        assert!(outcome.stderr.contains("/.spotinst/credentials:2 expired "), "{exp}: {outcome:?}");
    }
    for (exp, expiry) in [
        ("4070908800", Some("2098-12-31T23:59:00Z")),
        ("4070908800.9", Some("2098-12-31T23:59:00Z")),
        ("\"4070908800\"", Some("2098-12-31T23:59:00Z")),
        // Beyond the calendar, or not a time: no expiry is known.
        ("9223372036854775807", None),
        ("1e300", None),
        ("null", None),
        ("\"soon\"", None),
        ("\"nan\"", None),
        ("true", None),
    ] {
        let outcome = with_file(&format!("[default]\ntoken = {}\n", with_exp(exp))).run(["-f", "json"]);
        assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)), "{exp}");
        let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(document.get("expiry").and_then(Value::as_str), expiry, "{exp}");
    }
}

/// A token that is about to expire is not handed out, as no other one is.
#[test]
fn a_pasted_token_in_its_last_minute_is_an_error() {
    let token = jwt::mint(SystemTime::now() - 2 * HOUR + Duration::from_secs(50), 2 * HOUR);
    let outcome = with_file(&format!("[default]\ntoken = {token}\n")).run([]);
    outcome.has_failed(4);
    assert!(outcome.stderr.contains("/.spotinst/credentials:2 expires in "), "{outcome:?}");
    assert!(!outcome.stderr.contains("--min-ttl"), "nobody asked for that: {outcome:?}");
}

#[test]
fn a_pasted_token_is_held_to_the_minimum_lifetime() {
    let token = jwt::mint(SystemTime::now() - HOUR, 2 * HOUR);
    for (sandbox, place) in pasted(&token) {
        sandbox.run(["--min-ttl", "50m"]).prints(&format!("{token}\n"));
        let outcome = sandbox.run(["--min-ttl", "61m"]);
        outcome.has_failed(4);
        let start = format!("spotinst-cred: the token from {place} expires in 59 min ");
        assert!(outcome.stderr.starts_with(&start), "{outcome:?}");
        assert!(outcome.stderr.contains(", and --min-ttl asks for 1 h 1 min\n"), "{outcome:?}");
    }
}

#[test]
fn formats_and_status_tell_the_expiry_of_a_pasted_token() {
    let issued = SystemTime::now() - HOUR;
    let token = jwt::mint(issued, 2 * HOUR);
    // As told to hosts: a minute early.
    let seconds = (issued + 2 * HOUR).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - 60;
    let expiry = time::OffsetDateTime::from_unix_timestamp(seconds.cast_signed()).unwrap();
    let expiry = expiry.format(&time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"));
    let expiry = Value::from(expiry.unwrap());
    for (sandbox, _) in pasted(&token) {
        let document = |format| serde_json::from_str::<Value>(&sandbox.run(["-f", format]).stdout).unwrap();
        assert_eq!(document("json")["expiry"], expiry);
        assert_eq!(document("kubernetes")["status"]["expirationTimestamp"], expiry);
        assert_eq!(document("terraform")["expiry"], expiry);
        assert_eq!(document("terraform")["expires_at"], expiry);
    }

    let sandbox = with_file(&format!("[default]\ntoken = {token}\n"));
    let text = sandbox.run(["status"]).stdout;
    let line = text.lines().find(|line| line.contains("; not cached; set, from "));
    assert!(line.is_some_and(|line| line.starts_with("token          fresh, 59 min ")), "{text}");
    let document: Value = serde_json::from_str(&sandbox.run(["status", "--json"]).stdout).unwrap();
    assert_eq!(document["token"]["state"], "fresh");
    assert_eq!(document["token"]["expiry"], expiry);
    assert_eq!(document["token"]["expires_at"], seconds + 60);
    assert!((3500..=3600).contains(&document["token"]["seconds_left"].as_u64().unwrap()), "{document}");
}

/// Sandboxes with this token in each place for one, and how messages call the place.
fn pasted(token: &str) -> Vec<(Sandbox, String)> {
    let file = with_file(&format!("default:\n  token: {token}\n"));
    let place = file.home().join(".spotinst/credentials").display().to_string() + ":2";
    let profile = with_permanent_token(token, "");
    let mut sandboxes = vec![(file, place)];
    let by_file = Sandbox::new();
    by_file.write_beside_config("token", &format!("{token}\n"));
    by_file.config("[profiles.default]\ntoken_file = 'token'\n");
    let by_command = Sandbox::new();
    by_command.config(&format!("[profiles.default]\ntoken_command = ['echo', '{token}']\n"));
    for sandbox in [profile, by_file, by_command] {
        let place = sandbox.config_path().display().to_string() + ":2";
        sandboxes.push((sandbox, place));
    }
    sandboxes
}

/// The real Python SDK and the program take the same token and account from the same file.
#[test]
fn the_python_sdk_reads_the_same_from_the_file() {
    let ini = format!("[default]\ntoken = cafe\naccount = act-1\n[prod]\ntoken = beef\naccount = {ACCOUNT}\n");
    let yaml = format!("default:\n  token: cafe\n  account: act-1\nprod:\n  token: beef\n  account: {ACCOUNT}\n");
    let json = format!(r#"{{"default":{{"token":"cafe"}},"prod":{{"token":"beef","account":"{ACCOUNT}"}}}}"#);
    for text in [ini, yaml, json] {
        let Some(python) = find("python/bin/python") else { return };
        let mut network = FakeNetwork::start();
        network.spotinst.handler(|request| {
            let is_good = request.bearer() == Some("beef") && request.target.ends_with(&format!("accountId={ACCOUNT}"));
            if is_good { crate::fake_network::group(request) } else { Reply::unauthorized() }
        });
        let file = network.sandbox.write("elsewhere", &text);
        for name in ["USERNAME", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET", "ACCOUNT"] {
            network.sandbox.unset(&format!("SPOTINST_{name}"));
        }
        network.sandbox.set("SPOTINST_SHARED_CREDENTIALS_FILE", file).set("SPOTINST_PROFILE", "prod");

        assert_eq!(found(&network.sandbox, []), format!("beef {ACCOUNT}"));
        let sdk = Running::start(network.sandbox.command(python).arg(path("python/sdk.py"))).end();
        assert_eq!((sdk.status, sdk.stdout.as_str()), (Some(0), "id-of-existing existing\n"), "{text}: {sdk:?}");
    }
}
