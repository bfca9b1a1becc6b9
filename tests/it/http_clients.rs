//! HTTP clients and libraries, with the examples unchanged: HTTPie, xh, curl, requests, httpx and Node's `fetch`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::examples::{ACCOUNT, find, path, path_with};
use crate::fake_network::FakeNetwork;
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::strace;
use stand_in::{Reply, StandIn};

const ACCOUNTS: &str = "https://api.spotinst.io/setup/account";

#[test]
fn httpie_sends_the_token() {
    let Some(_) = find("python/bin/python") else { return };
    sends_the_token("python/bin/http", "httpie/spotinst-http", &["--ignore-stdin"]);
}

#[test]
fn xh_sends_the_token() {
    sends_the_token("python/bin/xh", "xh/spotinst-xh", &["--ignore-stdin"]);
}

/// The example is run under `strace`: no program has the token in its arguments.
#[test]
fn curl_gets_the_token_on_stdin() {
    sends_the_token("curl", "curl/spotinst-curl", &[]);
}

/// Runs an example: it sends the token, and without a token it sends nothing.
#[track_caller]
fn sends_the_token(program: &str, example: &str, options: &[&str]) {
    let Some(program) = find(program) else { return };
    let mut network = FakeNetwork::start();
    network.sandbox.set("PATH", path_with(&[&program]));
    // HTTPie checks for its own updates.
    network.sandbox.write(".config/httpie/config.json", r#"{"disable_update_warnings": true}"#);
    let arguments: Vec<_> = options.iter().copied().chain([ACCOUNTS]).collect();

    let outcome = Running::start(network.sandbox.command(path(example)).args(&arguments)).end();

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
    if strace::is_there_for_case() {
        let trace = network.sandbox.path().join("trace");
        let mut command = network.sandbox.command("strace");
        command.args(["--follow-forks", "--quiet=all", "--trace=execve", "--string-limit=65536", "--output"]);
        let traced = Running::start(command.arg(&trace).arg("--").arg(path(example)).args(&arguments)).end();
        assert_eq!(traced.status, Some(0), "{traced:?}");
        let trace = fs::read_to_string(trace).unwrap();
        assert!(trace.contains(ACCOUNTS) && !trace.contains(&network.token()), "{trace}");
    }

    let mut network = FakeNetwork::start();
    network.sandbox.set("PATH", path_with(&[&program])).set("SPOTINST_PASSWORD", "wrong");
    Running::start(network.sandbox.command(path(example)).args(&arguments)).end().has_failed(4);
    assert_eq!(network.hosts(), ["oauth.spotinst.io:443"]);
}

#[test]
fn requests_retries_with_a_new_token_after_a_401() {
    let script = "import sys, requests, auth_requests\n\
                  session = requests.Session()\n\
                  session.auth = auth_requests.SpotinstAuth()\n\
                  answer = session.post(sys.argv[1], data='a body')\n\
                  print(answer.status_code, answer.text)";
    retries_after_a_401(&Library { program: "python/bin/python", flag: "-c", script });
}

#[test]
fn httpx_retries_with_a_new_token_after_a_401() {
    let script = "import sys, httpx, auth_httpx\n\
                  client = httpx.Client(auth=auth_httpx.SpotinstAuth())\n\
                  answer = client.post(sys.argv[1], content='a body')\n\
                  print(answer.status_code, answer.text)";
    retries_after_a_401(&Library { program: "python/bin/python", flag: "-c", script });
}

#[test]
fn an_asynchronous_httpx_retries_with_a_new_token_after_a_401() {
    let script = "import asyncio, sys, httpx, auth_httpx\n\
                  async def main():\n    \
                      async with httpx.AsyncClient(auth=auth_httpx.SpotinstAuth()) as client:\n        \
                          answer = await client.post(sys.argv[1], content='a body')\n        \
                          print(answer.status_code, answer.text)\n\
                  asyncio.run(main())";
    retries_after_a_401(&Library { program: "python/bin/python", flag: "-c", script });
}

#[test]
fn node_retries_with_a_new_token_after_a_401() {
    let script = "const { spotinst } = await import(process.env.MODULES + '/node/fetch.mjs'); \
                  const answer = await spotinst(process.argv.at(-1), { method: 'POST', body: 'a body' }); \
                  console.log(answer.status, await answer.text());";
    retries_after_a_401(&Library { program: "node", flag: "-e", script });
}

/// A program that uses a library to post `a body` to its last argument, and prints the response's status and text.
struct Library {
    program: &'static str,
    flag: &'static str,
    script: &'static str,
}

impl Library {
    fn post(&self, program: &Path, sandbox: &Sandbox, url: &str) -> Outcome {
        let mut command = sandbox.command(program);
        // Python must not write compiled modules beside the examples.
        command.env("PYTHONPATH", path("python")).env("PYTHONDONTWRITEBYTECODE", "1").env("MODULES", path(""));
        if self.flag == "-e" {
            command.arg("--input-type=module");
        }
        Running::start(command.args([self.flag, self.script, url])).end()
    }
}

/// Asserts that a rejected token is reported and replaced, and that the request is retried once. Other hosts get no
/// token.
#[track_caller]
fn retries_after_a_401(library: &Library) {
    let Some(program) = find(library.program) else { return };
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("PATH", path_with(&[])).set("SPOTINST_API_URL", stand_in.base());
    let url = format!("{}/ocean", stand_in.base());
    let sent = || -> Vec<_> {
        let requests = stand_in.requests().into_iter().filter(|request| request.target == "/ocean");
        requests.map(|request| (request.bearer().unwrap().to_owned(), request.text())).collect()
    };
    let body = || "a body".to_owned();

    // A token that is accepted.
    accept(&stand_in, |_, _| true);
    library.post(&program, &sandbox, &url).prints("200 {\"ok\":true}\n");
    let first = stand_in.issued().remove(0);
    assert_eq!(sent(), [(first.clone(), body())]);

    // One that is rejected from now on.
    accept(&stand_in, |bearer, issued| issued.iter().position(|token| token == bearer) == Some(1));
    library.post(&program, &sandbox, &url).prints("200 {\"ok\":true}\n");
    let second = stand_in.issued().remove(1);
    assert_eq!(sent()[1..], [(first, body()), (second.clone(), body())]);
    assert_eq!(sandbox.token(), second);

    // A server that rejects every token.
    accept(&stand_in, |_, _| false);
    let outcome = library.post(&program, &sandbox, &url);
    assert!(outcome.stdout.starts_with("401 "), "{outcome:?}");
    assert_eq!(sent().len(), 5);

    // Another host.
    let other = StandIn::start();
    let outcome = library.post(&program, &sandbox, &format!("{}/ocean", other.base()));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    assert!(outcome.stderr.contains("gets no token: it is not a Spotinst server"), "{outcome:?}");
    assert_eq!(other.connections(), 0);
}

/// Lets the API accept the bearer tokens for which `is_good` returns true; it also gets all issued tokens.
fn accept(stand_in: &StandIn, is_good: impl Fn(&str, &[String]) -> bool + Send + Sync + 'static) {
    let service = stand_in.service();
    stand_in.handler(move |request| {
        if request.target == "/token" {
            return service.reply_to(request);
        }
        let is_good = is_good(request.bearer().unwrap_or_default(), &service.issued());
        if is_good { Reply::json(200, &json!({"ok": true})) } else { Reply::unauthorized() }
    });
}
