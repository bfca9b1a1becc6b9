//! Single sign-on: `grant = "saml"`. The assertion comes from a file or a command, becomes a token, and is sent once.

use std::net::TcpListener;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::os;
use crate::requirements::{is_unix, is_unix_for_case};
use crate::sandbox::{Running, Sandbox};
use stand_in::spotinst::{ASSERTION, CLIENT_ID, CLIENT_SECRET, ORGANIZATION_ID, RefreshTokens};
use stand_in::{Reply, StandIn};

/// A machine whose profile for single sign-on has these lines, too.
pub fn machine(stand_in: &StandIn, lines: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1").set("SPOTINST_API_URL", stand_in.base());
    sandbox.set("SPOTINST_SAML_URL", saml_url(stand_in)).set("SPOTINST_REFRESH_URL", stand_in.url());
    sandbox.config(&profile(lines));
    sandbox
}

pub fn saml_url(stand_in: &StandIn) -> String {
    format!("{}/samlToken", stand_in.base())
}

fn profile(lines: &str) -> String {
    format!("[profiles.default]\ngrant = \"saml\"\norganization_id = \"{ORGANIZATION_ID}\"\n{lines}")
}

const FILE: &str = "saml_assertion_file = \"assertion\"\n";

/// A machine with an assertion in a file.
fn with_file(stand_in: &StandIn) -> Sandbox {
    let sandbox = machine(stand_in, FILE);
    put(&sandbox, ASSERTION);
    sandbox
}

fn put(sandbox: &Sandbox, assertion: &str) {
    sandbox.write_beside_config("assertion", assertion);
}

/// How many assertions the service got.
pub fn sent(stand_in: &StandIn) -> usize {
    stand_in.requests().iter().filter(|request| request.path() == "/samlToken").count()
}

/// The error of an assertion that was sent.
fn sent_already(sandbox: &Sandbox) -> String {
    let config = sandbox.config_path();
    let file = config.with_file_name("assertion");
    format!(
        "spotinst-cred: the SAML assertion file {} (from {}:4) was sent already, and is not sent twice\n\
         hint: put a new assertion into {}\n",
        file.display(),
        config.display(),
        file.display()
    )
}

#[test]
fn an_assertion_becomes_a_token_that_is_cached_and_refreshed() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    let token = sandbox.token();
    assert_eq!((sandbox.token(), &token), (token.clone(), &stand_in.issued()[0]));

    let refreshed = sandbox.run(["--force-refresh"]);
    refreshed.prints(&format!("{}\n", stand_in.issued()[1]));

    let requests = stand_in.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].target, format!("/samlToken?organizationId={ORGANIZATION_ID}"));
    assert_eq!(requests[0].header("content-type"), Some("application/xml"));
    assert_eq!(requests[0].text(), ASSERTION);
    assert_eq!(requests[1].path(), "/token");
    let fields: Vec<_> = requests[1].fields().into_iter().map(|(name, _)| name).collect();
    assert_eq!(fields, ["refresh_token", "grant_type"], "there is no client");
}

#[test]
fn the_refresh_grant_has_the_client_where_there_is_one() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refreshes_without_client = false);
    let client = format!("client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n");
    let sandbox = machine(&stand_in, &format!("{FILE}{client}"));
    put(&sandbox, ASSERTION);
    sandbox.token();
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(stand_in.requests()[0].text(), ASSERTION, "the client is not sent with an assertion");
}

#[test]
fn every_form_that_a_browser_shows_is_accepted() {
    let base64 = BASE64_STANDARD.encode(ASSERTION);
    let lines: Vec<_> = base64.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    let encoded = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for form in
        [base64.clone(), lines.join("\r\n"), format!("SAMLResponse={encoded}&RelayState=x"), format!("\n{ASSERTION}\n")]
    {
        let stand_in = StandIn::start();
        let sandbox = with_file(&stand_in);
        put(&sandbox, &form);
        sandbox.token();
        assert_eq!(stand_in.requests()[0].text(), ASSERTION);
    }
}

#[test]
fn a_command_gives_a_new_assertion_for_each_new_login() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| {
        service.refresh_tokens = RefreshTokens::Never;
        service.assertions = [1, 2].map(|n| format!("<Response>{n}</Response>")).into();
    });
    if !is_unix("shell scripts") {
        return;
    }
    let sandbox =
        machine(&stand_in, "saml_assertion_command = \"echo x >>log; echo '<Response>'$(wc -l <log)'</Response>'\"\n");
    sandbox.token();
    sandbox.token();
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    let texts: Vec<_> = stand_in.requests().iter().map(stand_in::Request::text).collect();
    assert_eq!(texts, ["<Response>1</Response>", "<Response>2</Response>"]);
}

#[test]
fn fifty_callers_send_one_assertion() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    let gate = stand_in.close_gate();
    let callers: Vec<_> = (0..50).map(|_| sandbox.start(["--timeout", "50s"])).collect();
    stand_in.wait_for_requests(1);
    gate.open();
    let token = format!("{}\n", stand_in.issued()[0]);
    callers
        .into_iter()
        .map(Running::end)
        .for_each(|outcome| assert_eq!((outcome.status, outcome.stdout), (Some(0), token.clone())));
    assert_eq!(stand_in.requests().len(), 1);
}

#[test]
fn no_assertion_is_sent_twice_whatever_came_of_it() {
    let lost = Reply::close_unanswered();
    for (what, reply) in [
        ("rejected", Reply::unauthorized()),
        ("lost", lost),
        ("server error", Reply::failed(503)),
        ("garbage", Reply::garbage()),
        ("no token", Reply::without_access_token()),
        ("rate limit", Reply::rate_limited()),
    ] {
        let stand_in = StandIn::start();
        let sandbox = with_file(&stand_in);
        stand_in.always(reply);
        assert_ne!(sandbox.run([]).status, Some(0), "{what}");
        stand_in.default_behavior();
        // Even where nothing else is known of the failure, and in another form.
        put(&sandbox, &BASE64_STANDARD.encode(ASSERTION));
        let outcome = sandbox.run(["--force-refresh"]);
        if what == "rate limit" {
            assert_eq!(outcome.status, Some(5));
        } else {
            outcome.fails(4, &sent_already(&sandbox));
        }
        assert_eq!(sent(&stand_in), 1, "{what}");
        let new = "<Response>new</Response>".to_owned();
        stand_in.settings(|service| service.assertions = vec![new.clone()]);
        put(&sandbox, &new);
        if what != "rate limit" {
            sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[0]));
        }
    }
}

#[test]
fn a_rejected_assertion_is_remembered_like_a_rejected_password() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    stand_in.script([Reply::unauthorized()]);
    let url = saml_url(&stand_in);
    let first = sandbox.run([]);
    let problem =
        format!("spotinst-cred: {url}?organizationId={ORGANIZATION_ID} refused the saml grant: HTTP 401, Unauthorized");
    assert!(first.status == Some(4) && first.stderr.starts_with(&problem), "{first:?}");
    let hint = "hint: check the organization id, and get a new assertion: one is good for minutes, and once\n";
    assert!(first.stderr.ends_with(hint), "{first:?}");
    let second = sandbox.run([]);
    assert!(second.status == Some(4) && second.stderr.starts_with(&problem), "{second:?}");
    assert_eq!(sent(&stand_in), 1);
}

#[test]
fn an_assertion_stays_sent_after_success_and_logout() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    sandbox.token();
    sandbox.run(["logout"]).prints("");
    sandbox.run([]).fails(4, &sent_already(&sandbox));
    assert_eq!(sent(&stand_in), 1);
}

#[test]
fn an_assertion_stays_sent_after_a_kill() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    let gate = stand_in.close_gate();
    let caller = sandbox.start([]);
    stand_in.wait_for_requests(1);
    caller.kill();
    gate.open();
    sandbox.run([]).fails(4, &sent_already(&sandbox));
    assert_eq!(sent(&stand_in), 1);
}

#[test]
fn an_assertion_that_never_left_is_sent_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_SAML_URL", format!("{base}/samlToken")).set("SPOTINST_REFRESH_URL", format!("{base}/token"));
    sandbox.config(&profile(FILE));
    put(&sandbox, ASSERTION);
    assert_eq!(sandbox.run([]).status, Some(5));

    let stand_in = StandIn::start_on(TcpListener::bind(address).unwrap(), None);
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[0]));
}

#[test]
fn a_rejected_refresh_token_needs_a_new_assertion() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    sandbox.token();
    stand_in.service().revoke_refresh_tokens();
    let outcome = sandbox.run(["--force-refresh"]);
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    let new = "<Response>new</Response>".to_owned();
    stand_in.settings(|service| service.assertions = vec![new.clone()]);
    put(&sandbox, &new);
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(sent(&stand_in), 2);
}

/// The gateway's page says nothing of the refresh token, and the assertion in the file is spent.
#[test]
fn a_gateway_does_not_end_a_login_that_only_the_refresh_token_keeps() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    sandbox.token();
    stand_in.script([Reply::gateway_page().with_body(|body| body), Reply::new(401, "<html>no</html>")]);
    for _ in 0..2 {
        assert_eq!(sandbox.run(["--force-refresh"]).status, Some(5));
    }
    sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));
    assert_eq!(sent(&stand_in), 1);
}

/// It may be spent, but nothing else serves.
#[test]
fn a_refresh_token_of_a_killed_attempt_is_sent_again_where_the_assertion_is_spent() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    sandbox.token();
    let gate = stand_in.close_gate();
    let caller = sandbox.start(["--force-refresh"]);
    stand_in.wait_for_requests(2);
    caller.kill();
    gate.open();
    let outcome = sandbox.run(["--force-refresh"]);
    outcome.prints(&format!("{}\n", stand_in.issued()[2]));
    assert_eq!(sent(&stand_in), 1);
}

#[test]
fn without_a_cache_only_a_command_is_used() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    sandbox.run(["--no-cache"]).fails(
        3,
        "spotinst-cred: no cache is used, which remembers that the SAML assertion was sent\n\
         hint: leave --no-cache out, or get a new assertion each time by `saml_assertion_command`\n",
    );
    if is_unix_for_case("a file size limit") {
        let full = sandbox.full_disk(&[]);
        assert!(full.status == Some(1) && full.stderr.contains("which stores the login: File too large"), "{full:?}");
    }
    assert_eq!(stand_in.connections(), 0);
    sandbox.token();

    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, "");
    let file = sandbox.write("assertion.xml", ASSERTION);
    sandbox.config(&profile(&format!("saml_assertion_command = {:?}\n", os::print_file(&file))));
    let outcome = sandbox.run(["--no-cache"]);
    outcome.prints(&format!("{}\n", stand_in.issued()[0]));
}

/// An assertion does not say whose it is: the tokens of two users must not mix.
#[test]
fn tokens_belong_to_the_file_or_command_of_the_assertion() {
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.assertions = [1, 2].map(|n| format!("<Response>{n}</Response>")).into());
    let sandbox = machine(&stand_in, "");
    let text = profile("saml_assertion_file = \"1\"\n")
        + &profile("saml_assertion_file = \"2\"\n").replace("default", "other")
        + &profile("saml_assertion_file = \"1\"\n").replace("default", "same");
    sandbox.config(&text);
    for n in [1, 2] {
        sandbox.write_beside_config(&n.to_string(), &format!("<Response>{n}</Response>"));
    }
    let [first, other, same] = ["default", "other", "same"].map(|name| sandbox.run(["-p", name]).stdout);
    assert_ne!(first, other);
    assert_eq!(first, same);
    assert_eq!(sent(&stand_in), 2);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let stand_in = StandIn::start();
    let sandbox = machine(&stand_in, "");
    let path = sandbox.config_path().display().to_string();
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: missing SAML assertion\n\
             hint: run `spotinst-cred login --saml`; SAML assertion: SPOTINST_SAML_ASSERTION_FILE or `saml_assertion`, \
             `saml_assertion_file`, `saml_assertion_command`; keys go into [profiles.default] of {path}\n"
        ),
    );
    sandbox.config(&profile(FILE));
    put(&sandbox, "not an assertion");
    let file = sandbox.config_path().with_file_name("assertion").display().to_string();
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the SAML assertion file {file} (from {path}:4) holds no SAML response\n\
             hint: it must be the response of the identity provider, as base64 or XML\n"
        ),
    );
    put(&sandbox, &"x".repeat(256 * 1024 + 1));
    let too_long = sandbox.run(["--force-refresh"]).stderr;
    assert!(too_long.contains(" holds more than 256 KiB\n"), "{too_long}");
    sandbox.config(&profile(FILE).replace(ORGANIZATION_ID, "a&b=c"));
    sandbox.run([]).fails(
        3,
        &format!(
            "spotinst-cred: the organization id from {path}:3 is not an id: \"a&b=c\"\n\
             hint: it has letters, digits, `.`, `_` and `-` only\n"
        ),
    );
    sandbox.config("[profiles.default]\ngrant = \"saml\"\nsaml_assertion_file = \"x\"\n");
    assert!(sandbox.run([]).stderr.starts_with("spotinst-cred: missing organization id\nhint: organization id: "));
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn an_assertion_of_256_kib_is_sent() {
    let stand_in = StandIn::start();
    let assertion = format!("<Response>{}</Response>", "a".repeat(256 * 1024 - 21));
    assert_eq!(assertion.len(), 256 * 1024);
    stand_in.settings(|service| service.assertions = vec![assertion.clone()]);
    let sandbox = with_file(&stand_in);
    put(&sandbox, &assertion);
    sandbox.token();
}

#[test]
fn the_status_shows_the_settings_of_single_sign_on() {
    let stand_in = StandIn::start();
    let sandbox = with_file(&stand_in);
    let status = sandbox.run(["status"]).stdout;
    let file = sandbox.config_path().with_file_name("assertion");
    for line in [
        "grant          saml, from config.toml:2\n",
        &format!("organization id {ORGANIZATION_ID}, from config.toml:3\n"),
        &format!("SAML assertion set, in the file {}, from config.toml:4\n", file.display()),
        &format!("SAML URL       {}, from SPOTINST_SAML_URL\n", saml_url(&stand_in)),
        &format!("refresh URL    {}, from SPOTINST_REFRESH_URL\n", stand_in.url()),
    ] {
        assert!(status.contains(line), "{line}{status}");
    }
    for name in ["user name", "password", "client id", "client secret", "token URL"] {
        assert!(!status.contains(&format!("\n{name} ")), "{status}");
    }
    assert_eq!(stand_in.connections(), 0);
}
