//! Every secret contains a sentinel, and no sentinel may appear in any output: both streams, file names, the cache, the
//! arguments and environment of children, and the memory of the process as others can read it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::sandbox::{Outcome, Running, Sandbox};
use crate::unprivileged::PlainUser;
use stand_in::reply::Delivery;
use stand_in::spotinst::ORGANIZATION_ID;
use stand_in::token_reply::{Style, Tokens};
use stand_in::{Reply, StandIn};

/// The part of each secret that stays the same in every encoding.
const PASSWORD: &str = "sentinel-password";
const CLIENT_SECRET: &str = "sentinel-client-secret";
const PERMANENT: &str = "sentinel-permanent";
const PROXY: &str = "sentinel-proxy";
const ASSERTION: &str = "sentinel-assertion";
const ACCESS: &str = "sentinel-access";
const REFRESH: &str = "sentinel-refresh";
/// A token in the environment that is meant for another program.
const FOREIGN: &str = "sentinel-foreign";

/// Secrets with characters that need encoding.
const FULL_PASSWORD: &str = "ä sentinel-password &=+%20";
const FULL_CLIENT_SECRET: &str = "sentinel-client-secret/\"'<>";

/// A machine whose secrets all contain sentinels, set in the environment.
fn machine() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.settings(|service| {
        service.password = FULL_PASSWORD.to_owned();
        service.client_secret = FULL_CLIENT_SECRET.to_owned();
    });
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_PASSWORD", FULL_PASSWORD).set("SPOTINST_CLIENT_SECRET", FULL_CLIENT_SECRET);
    sandbox.set("SPOTINST_TOKEN", FOREIGN);
    stand_in.script([Reply::two_items(ACCESS, REFRESH)]);
    (stand_in, sandbox)
}

/// Asserts that no file name contains a secret, and no file a secret that must not be stored.
#[track_caller]
fn assert_cache_clean(sandbox: &Sandbox, what: &str) {
    let Ok(files) = fs::read_dir(sandbox.cache_dir()) else { return };
    for file in files {
        let path = file.unwrap().path();
        assert!(!path.to_str().unwrap().contains("sentinel"), "{what}: {path:?}");
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        for secret in [PASSWORD, CLIENT_SECRET, PERMANENT, PROXY, FOREIGN, ASSERTION] {
            assert!(!text.contains(secret), "{what}: {secret} in {text}");
        }
    }
}

/// Runs the program with and without `-v` and asserts that it shows no secret, except the token on stdout.
#[track_caller]
fn assert_no_leak(sandbox: &Sandbox, arguments: &[&str], status: i32) {
    for verbose in [&[] as &[&str], &["-v"]] {
        let outcome = Running::start(sandbox.program([]).args(arguments).args(verbose)).end();
        let what = format!("{arguments:?} {verbose:?}: {outcome:?}");
        assert_eq!(outcome.status, Some(status), "{what}");
        assert_clean(&outcome, &what);
        assert_cache_clean(sandbox, &what);
    }
}

#[track_caller]
fn assert_clean(outcome: &Outcome, what: &str) {
    assert!(!outcome.stderr.contains("sentinel"), "{what}");
    match outcome.status {
        Some(0) => {
            let rest = outcome.stdout.replacen(ACCESS, "", 1).replacen(PERMANENT, "", 1);
            assert!(!rest.contains("sentinel"), "{what}");
        }
        _ => assert_eq!(outcome.stdout, "", "{what}"),
    }
}

#[test]
fn no_command_and_no_flag_shows_a_secret() {
    let (stand_in, sandbox) = machine();
    assert_no_leak(&sandbox, &[], 0);
    assert_no_leak(&sandbox, &["-f", "json"], 0);
    assert_no_leak(&sandbox, &["-f", "kubernetes"], 0);
    assert_no_leak(&sandbox, &["-n"], 0);
    assert_no_leak(&sandbox, &["--min-ttl", "1h"], 0);
    assert_no_leak(&sandbox, &["--min-ttl", "1d"], 3);
    assert_no_leak(&sandbox, &["--help"], 0);
    assert_no_leak(&sandbox, &["--version"], 0);
    assert_no_leak(&sandbox, &["--profile", "none"], 3);
    assert_no_leak(&sandbox, &["--config", "none"], 3);
    assert_no_leak(&sandbox, &["--timeout", "none"], 2);
    assert_no_leak(&sandbox, &["--none"], 2);
    assert_eq!(stand_in.grants(), ["password"]);

    stand_in.script([Reply::two_items(ACCESS, REFRESH), Reply::access_only(ACCESS)]);
    assert_no_leak(&sandbox, &["--force-refresh"], 0);
    stand_in.script([Reply::two_items(ACCESS, REFRESH), Reply::access_only(ACCESS)]);
    assert_no_leak(&sandbox, &["--no-cache"], 0);
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token", "password", "password"]);
}

/// The server echoes the request or the tokens in every part of a response.
#[test]
fn no_rejection_shows_a_secret() {
    let echo = |status| move |request: &stand_in::Request| Reply::new(status, request.text());
    type Handler = Box<dyn Fn(&stand_in::Request) -> Reply + Send + Sync>;
    let decoded = |status: u16| -> Handler {
        Box::new(move |request| {
            let values: Vec<_> = request.form().into_values().collect();
            Reply::oauth_error(status, "invalid_grant", &values.join(" "))
        })
    };
    let scripted = |reply: Reply| -> Handler { Box::new(move |_| reply.clone()) };
    let invalid = Style::OneItem.reply(&Tokens::access(&format!("{ACCESS} and more")).with_refresh(REFRESH));
    let cases: Vec<(&str, i32, Handler)> = vec![
        ("the request echoed as a rejection", 4, Box::new(echo(400))),
        ("as a rejection of the client", 4, Box::new(echo(401))),
        ("as a server error", 5, Box::new(echo(500))),
        ("as a rate limit", 5, Box::new(echo(429))),
        ("as a missing page", 3, Box::new(echo(404))),
        ("as success", 5, Box::new(echo(200))),
        ("the request decoded", 4, decoded(400)),
        ("the request decoded, as success", 4, decoded(200)),
        ("as the invalid field", 4, Box::new(|request| Reply::validation_error_in(&request.text(), &request.text()))),
        (
            "as a redirect",
            3,
            Box::new(|request| Reply::redirect(307, &format!("https://a.example/?{}", request.text()))),
        ),
        ("as the request's id", 5, Box::new(|request| Reply::empty(500).with_header("X-Request-Id", request.text()))),
        ("an invalid token", 5, scripted(invalid)),
        (
            "a refresh token alone",
            5,
            scripted(
                Reply::without_access_token().with_body(|body| {
                    String::from_utf8(body).unwrap().replace("eyJ.refresh.only", REFRESH).into_bytes()
                }),
            ),
        ),
        ("the token as text", 5, scripted(Reply::new(200, ACCESS))),
        ("a truncated response", 5, scripted(Reply::two_items(ACCESS, REFRESH).cut_short())),
        ("the bare token without HTTP", 5, scripted(Reply::new(200, ACCESS).delivered(Delivery::Raw))),
    ];
    for (what, status, handler) in cases {
        eprintln!("case: {what}");
        let (stand_in, sandbox) = machine();
        stand_in.handler(handler);
        // The script's first response fills the cache; the case's handler gives all later ones.
        assert_no_leak(&sandbox, &[], 0);
        fs::remove_dir_all(sandbox.cache_dir()).unwrap();
        assert_no_leak(&sandbox, &[], status);
        assert!(stand_in.requests().len() > 1, "{what}");
    }
}

/// The server may send the refresh token back in a message.
#[test]
fn no_rejected_refresh_shows_a_secret() {
    let (stand_in, sandbox) = machine();
    assert_no_leak(&sandbox, &[], 0);
    stand_in.handler(|request| Reply::new(400, request.text()));
    assert_no_leak(&sandbox, &["--force-refresh"], 4);
    assert_eq!(stand_in.grants().get(..3), Some(&["password", "refresh_token", "password"].map(String::from)[..]));
}

#[test]
fn no_network_error_shows_a_secret() {
    let (stand_in, mut sandbox) = machine();
    stand_in.always(Reply::hang());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", sandbox.path().join("first"));
    assert_no_leak(&sandbox, &[], 0);
    sandbox.set("SPOTINST_CRED_CACHE_DIR", sandbox.path().join("second"));
    assert_no_leak(&sandbox, &["--timeout", "300ms"], 5);

    let mut apart = |name: &str, value: &str, status| {
        sandbox.set("SPOTINST_CRED_CACHE_DIR", sandbox.path().join(format!("{name}-{status}")));
        sandbox.set(name, value);
        assert_no_leak(&sandbox, &[], status);
    };
    apart("SPOTINST_TOKEN_URL", &format!("https://ada:{PROXY}@127.0.0.1/token"), 3);
    apart("SPOTINST_TOKEN_URL", &format!("http://example.com/{PROXY}"), 3);
    apart("SPOTINST_TOKEN_URL", &format!("https://[{PROXY}"), 3);
    // Nothing listens on these ports.
    apart("SPOTINST_TOKEN_URL", "https://127.0.0.1:2/token", 5);
    apart("HTTPS_PROXY", &format!("http://ada:{PROXY}@127.0.0.1:1"), 5);
    apart("HTTPS_PROXY", &format!("ftp://ada:{PROXY}@127.0.0.1:1"), 3);
    apart("HTTPS_PROXY", &format!("http://ada:{PROXY}@[127.0.0.1"), 3);
}

#[test]
fn no_proxy_refusal_shows_its_password() {
    let (stand_in, mut sandbox) = machine();
    stand_in.handler(|request| Reply::new(407, format!("{} {:?}", request.text(), request.headers)));
    assert_no_leak(&sandbox, &[], 0);
    fs::remove_dir_all(sandbox.cache_dir()).unwrap();
    sandbox.set("SPOTINST_TOKEN_URL", "https://spotinst.example/token");
    let authority = stand_in.addr();
    sandbox.set("HTTPS_PROXY", format!("http://ada:{PROXY}@{authority}"));
    assert_no_leak(&sandbox, &[], 5);
    assert!(stand_in.requests().iter().any(|request| request.method == "CONNECT"));
}

#[test]
fn no_configuration_error_shows_a_secret() {
    let broken = [
        "password = \"sentinel-password",
        "password = sentinel-password",
        "password = [\"sentinel-password\"]",
        "password_command = { run = \"sentinel-password\" }",
        "passwort = \"sentinel-password\"",
        "password = \"sentinel-password\"\npassword_file = \"sentinel-password\"",
        "token = \"sentinel-permanent\"\nusername = \"ada\"",
        "token = \"sentinel permanent\"",
        "password = \"sentinel-password\"\nclient_secret = 5",
        "password = \"sentinel-password\"\nstore_refresh_token = \"sentinel-password\"",
    ];
    for text in broken {
        let sandbox = Sandbox::new();
        // Messages may show keys and paths, so the sentinel is only in values.
        sandbox.config(&format!("[profiles.default]\n{text}\n"));
        assert_no_leak(&sandbox, &[], 3);
    }
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken = \"sentinel-permanent\"\n");
    assert_no_leak(&sandbox, &[], 0);
    assert_no_leak(&sandbox, &["-f", "json"], 0);
    fs::set_permissions(sandbox.config_path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert_no_leak(&sandbox, &[], 3);
}

#[test]
fn no_failed_command_shows_its_output() {
    let failing = [
        "echo sentinel-permanent; exit 1",
        "echo sentinel-permanent; kill -9 $$",
        "printf 'sentinel-permanent\\377'",
        "printf 'sentinel-permanent\\nand more'",
        "yes sentinel-permanent",
    ];
    for command in failing {
        let sandbox = Sandbox::new();
        sandbox.config(&format!(
            "[profiles.default]\ntoken_command = ['sh', '-c', \"{}\"]\n",
            command.replace('\\', "\\\\")
        ));
        assert_no_leak(&sandbox, &[], 3);
    }
    let sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken_command = 'echo sentinel-permanent; exec sleep 600'\n");
    assert_no_leak(&sandbox, &["--timeout", "300ms"], 5);
}

/// A service that repeats the assertion, or the beginning of it, in any form.
#[test]
fn no_rejected_assertion_is_shown() {
    let xml = format!(
        "<samlp:Response><NameID>{ASSERTION} &amp; more</NameID><Sig>0123456789+/{ASSERTION}</Sig></samlp:Response>"
    );
    let beginning = xml[..xml.find("<Sig>").unwrap()].to_owned();
    let base64 = BASE64_STANDARD.encode(&xml);
    type Handler = Arc<dyn Fn(&stand_in::Request) -> Reply + Send + Sync>;
    let cases: Vec<(&str, i32, Handler)> = vec![
        ("the assertion as text", 4, Arc::new(|request| Reply::new(401, request.text()))),
        ("as a rejection", 4, Arc::new(|request| Reply::oauth_error(400, "invalid_grant", &request.text()))),
        ("its beginning", 4, Arc::new(move |_| Reply::oauth_error(400, "invalid_grant", &beginning))),
        ("encoded", 5, Arc::new(|request| Reply::new(500, request.text().replace('<', "&lt;").replace('-', "%2D")))),
        ("as success", 5, Arc::new(|request| Reply::new(200, request.text()))),
        (
            "as a redirect",
            3,
            Arc::new(|request| Reply::redirect(307, &format!("https://a.example/{}", request.text().len()))),
        ),
        ("as the request's id", 5, Arc::new(|request| Reply::empty(500).with_header("X-Request-Id", request.text()))),
        ("a lost answer", 5, Arc::new(|_| Reply::close_unanswered())),
    ];
    for (what, status, handler) in cases {
        for text in [&xml, &base64] {
            eprintln!("case: {what}");
            let stand_in = StandIn::start();
            let handler = Arc::clone(&handler);
            stand_in.handler(move |request| handler(request));
            let mut sandbox = crate::saml::machine(&stand_in, "saml_assertion_file = \"assertion\"\n");
            sandbox.set("SPOTINST_TOKEN", FOREIGN);
            sandbox.write_beside_config("assertion", text);
            let outcome = sandbox.run(["-v"]);
            assert_eq!(outcome.status, Some(status), "{what}: {outcome:?}");
            assert_clean(&outcome, what);
            assert!(!outcome.stderr.contains(&base64[..40]), "{what}: {outcome:?}");
            // By now it was sent.
            assert_no_leak(&sandbox, &["--force-refresh"], 4);
            let status = sandbox.run(["status"]);
            assert!(!(status.stdout + &status.stderr).contains("sentinel"), "{what}");
            assert_eq!(crate::saml::sent(&stand_in), 1, "{what}");
        }
    }
}

/// The files below the directory that contain the text.
fn files_with(dir: &Path, text: &[u8]) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => files_with(&path, text),
        false => vec![path].into_iter().filter(|path| holds(path, text)).collect(),
    });
    found.collect()
}

fn holds(path: &Path, text: &[u8]) -> bool {
    fs::read(path).unwrap().windows(text.len()).any(|part| part == text)
}

/// What a person types or pipes into a login is found in the profile alone, and an assertion nowhere.
#[test]
fn no_login_shows_or_leaves_a_secret_elsewhere() {
    let xml = format!("<Response>{ASSERTION}</Response>");
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.assertions = vec![xml.clone()]);
    let service = stand_in.service();
    stand_in.handler(move |request| match request.bearer() {
        Some(PERMANENT) => Reply::json(200, &serde_json::json!({"response": {"items": []}})),
        _ => service.reply_to(request),
    });
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_SAML_URL", crate::saml::saml_url(&stand_in)).set("SPOTINST_API_URL", stand_in.base());
    sandbox.set("SPOTINST_ORGANIZATION_ID", ORGANIZATION_ID);
    for (arguments, secret, status) in [
        (["login", "--saml", "-p", "sso"], xml.as_str(), 0),
        (["login", "--saml", "-p", "sso"], &xml, 4),
        (["login", "--saml", "-p", "sso"], "sentinel-assertion", 3),
        (["login", "--with-token", "-p", "ci"], PERMANENT, 0),
        (["login", "--with-token", "-p", "ci"], "sentinel-permanent-2", 4),
        (["login", "--with-token", "-p", "ci"], "sentinel permanent", 3),
    ] {
        let mut child = sandbox.program(arguments).arg("-v").stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        let outcome = Running::of(child).end();
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        assert!(!outcome.stderr.contains("sentinel") && outcome.stdout.is_empty(), "{outcome:?}");
    }
    let found = files_with(sandbox.path(), b"sentinel");
    assert_eq!(found, [sandbox.config_path()]);
    let config = fs::read_to_string(sandbox.config_path()).unwrap();
    assert_eq!((config.matches("sentinel").count(), config.matches(PERMANENT).count()), (1, 1), "{config}");
}

/// The environment of a command has no secrets, and the arguments of its parent have none either.
#[test]
fn no_command_gets_a_secret() {
    let dump = "tr '\\\\0' '\\\\n' < /proc/self/environ; tr '\\\\0' '\\\\n' < /proc/self/cmdline; tr '\\\\0' '\\\\n' < /proc/$PPID/cmdline";
    let (stand_in, mut sandbox) = machine();
    let seen = sandbox.home().join("seen");
    sandbox.set("SEEN", &seen);
    let profile =
        |key: &str, word: &str| format!("[profiles.default]\n{key} = \"\"\"\n({dump}) >> $SEEN; echo '{word}'\"\"\"\n");

    sandbox.config(&profile("password_command", FULL_PASSWORD).replace("%20'", "%20' "));
    sandbox.unset("SPOTINST_PASSWORD");
    assert_no_leak(&sandbox, &[], 0);
    sandbox.set("SPOTINST_PASSWORD", FULL_PASSWORD).unset("SPOTINST_CLIENT_SECRET");
    fs::remove_dir_all(sandbox.cache_dir()).unwrap();
    stand_in.script([Reply::two_items(ACCESS, REFRESH)]);
    sandbox.config(&profile("client_secret_command", "another"));
    assert_no_leak(&sandbox, &[], 0);

    let text = fs::read_to_string(seen).unwrap();
    assert_eq!(text.matches("SPOTINST_CLIENT_ID=").count(), 2, "both commands ran and saw the environment: {text}");
    // The configured text of the commands contains what they print.
    let given = text.lines().filter(|line| !line.contains("echo '"));
    let found: Vec<_> = given.filter(|line| line.contains("sentinel")).collect();
    assert_eq!(found, [] as [&str; 0]);
}

#[test]
fn store_refresh_token_false_keeps_it_off_the_disk() {
    let (stand_in, sandbox) = machine();
    let kept = |sandbox: &Sandbox| fs::read_to_string(sandbox.entry_path()).unwrap().contains(REFRESH);
    sandbox.run([]).prints(&format!("{ACCESS}\n"));
    assert!(kept(&sandbox));

    // A stored refresh token is removed by the next refresh.
    sandbox.config("[profiles.default]\nstore_refresh_token = false\n");
    stand_in.script([Reply::two_items(ACCESS, REFRESH), Reply::two_items(ACCESS, REFRESH)]);
    sandbox.run(["--force-refresh"]).prints(&format!("{ACCESS}\n"));
    assert!(!kept(&sandbox));
    sandbox.run(["--force-refresh"]).prints(&format!("{ACCESS}\n"));
    assert!(!kept(&sandbox));
    sandbox.run([]).prints(&format!("{ACCESS}\n"));
    assert_eq!(stand_in.grants(), ["password", "refresh_token", "password"]);

    // A failed refresh removes it too.
    sandbox.config("[profiles.default]\nstore_refresh_token = true\n");
    stand_in.script([Reply::two_items(ACCESS, REFRESH), Reply::empty(500), Reply::empty(500), Reply::empty(500)]);
    sandbox.run(["--force-refresh"]).prints(&format!("{ACCESS}\n"));
    assert!(kept(&sandbox));
    sandbox.config("[profiles.default]\nstore_refresh_token = false\n");
    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(5));
    assert!(!kept(&sandbox));
}

#[test]
fn store_refresh_token_must_be_a_boolean() {
    let (_stand_in, sandbox) = machine();
    sandbox.config("[profiles.default]\nstore_refresh_token = \"no\"\n");
    let problem = "config.toml:2: `store_refresh_token` must be true or false\n\
                   hint: write the word without quotes\n";
    let dir = sandbox.config_path().parent().unwrap().display().to_string();
    sandbox.run([]).fails(3, &format!("spotinst-cred: {dir}/{problem}"));
}

/// The kernel makes root the owner of the /proc files of a process that is not dumpable: other processes of the user
/// cannot read its memory or environment, and there is no core dump.
#[test]
fn the_memory_of_the_process_is_private() {
    let (stand_in, sandbox) = machine();
    let gate = stand_in.close_gate();
    let user = PlainUser::of(&sandbox);
    let running = Running::start(&mut user.program([]));
    stand_in.wait_for_requests(1);
    let owner = |id: u32| fs::metadata(format!("/proc/{id}/environ")).unwrap().uid();
    assert_eq!(owner(running.id()), 0);

    // Other processes belong to their user: otherwise this test could not fail.
    let other = Running::start(&mut user.command(["sleep".as_ref(), "600".as_ref()]));
    while fs::read_to_string(format!("/proc/{}/comm", other.id())).unwrap() != "sleep\n" {
        std::thread::yield_now();
    }
    if crate::requirements::is_root() {
        assert_eq!(owner(other.id()), crate::unprivileged::NOBODY);
    } else {
        assert_ne!(owner(other.id()), 0);
    }
    other.kill();
    gate.open();
    assert_eq!(running.end().status, Some(0));
}
