//! Traces of the real program. The unit tests in `src/get_token/model` check that each is a path of the model; so the
//! model does not drift from the program.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::spotinst::RefreshTokens;
use stand_in::{Reply, StandIn};

/// What happens to the first process while the second one waits for it.
enum Turn {
    /// The server replies as it does.
    Served,
    Replied(Reply),
    Killed,
}

#[test]
fn the_recorded_traces_are_those_of_the_program() {
    let mut traces = String::new();
    for (configuration, turn) in [
        ("Password/None/Plain+Plain", Turn::Served),
        ("Password/None/Plain+Forced", Turn::Served),
        ("Password/None/Plain+Logout", Turn::Served),
        ("Password/None/WrongPassword+WrongPassword", Turn::Served),
        ("Password/None/WrongPassword+Plain", Turn::Served),
        ("Password/None/WrongSecret+Plain", Turn::Served),
        ("Password/None/Plain+WrongPassword", Turn::Served),
        ("Password/Fresh/Forced+Forced", Turn::Served),
        ("Password/Fresh/Forced+Plain", Turn::Served),
        ("Password/None/Plain+MinTtl", Turn::Served),
        ("Password/Fresh/Forced+Invalidate", Turn::Served),
        ("Password/Fresh/Forced+Logout", Turn::Served),
        ("Password/Fresh/ForcedWrongPassword+Forced", Turn::Served),
        ("Login/Fresh/Forced+Forced", Turn::Served),
        ("Login/Fresh/Forced+Logout", Turn::Served),
        ("Password/None/Plain+Plain", Turn::Replied(Reply::failed(500))),
        ("Password/None/Plain+Forced", Turn::Replied(Reply::failed(500))),
        ("Password/None/Plain+Plain", Turn::Replied(Reply::rate_limited())),
        ("Password/None/Plain+Plain", Turn::Replied(Reply::captive_portal())),
        ("Password/Fresh/Forced+Forced", Turn::Replied(Reply::failed(500))),
        ("Login/Fresh/Forced+Forced", Turn::Replied(Reply::failed(500))),
        ("Password/None/Plain+Plain", Turn::Killed),
        ("Password/Fresh/Forced+Forced", Turn::Killed),
        ("Login/Fresh/Forced+Forced", Turn::Killed),
    ] {
        writeln!(traces, "{}", trace(configuration, turn)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces.txt");
    if std::env::var_os("UPDATE_TRACES").is_some() {
        fs::write(&path, &traces).unwrap();
    }
    let recorded = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(traces, recorded, "record them again: UPDATE_TRACES=1 cargo test recorded_traces");
}

/// The first process sends a request, the second one does what it can meanwhile, then the first one goes on.
fn trace(configuration: &str, turn: Turn) -> String {
    let [profile, entry, kinds] = configuration.split('/').collect::<Vec<_>>().try_into().unwrap();
    let (first, second) = kinds.split_once('+').unwrap();
    let stand_in = StandIn::start();
    stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
    let mut sandbox = Sandbox::of(&stand_in);
    let old = (entry == "Fresh").then(|| sandbox.token());
    if profile == "Login" {
        sandbox.unset("SPOTINST_PASSWORD");
    }
    let before = stand_in.grants().len();
    if let Turn::Replied(reply) = &turn {
        stand_in.script([reply.clone()]);
    }
    let gate = stand_in.close_gate();
    let mut first = start(&sandbox, first, old.as_deref());
    let asks = first.next_line();
    stand_in.wait_for_requests(before + 1);
    let mut second = start(&sandbox, second, old.as_deref());
    second.next_line();
    let killed = matches!(turn, Turn::Killed);
    let outcome = if killed {
        first.kill();
        stand_in.wait_for_requests(before + 2);
        gate.open();
        None
    } else {
        gate.open();
        Some(first.end())
    };
    let second = second.end();
    let issued: Vec<_> = stand_in.issued().into_iter().filter(|token| Some(token) != old.as_ref()).collect();
    let told = |outcome: &Outcome| tell(outcome, old.as_deref(), &issued);
    let first = outcome.map_or_else(|| format!("{}; is killed", event(&asks).unwrap()), |outcome| told(&outcome));
    let server = stand_in.grants().split_off(before).join("; ");
    format!("{configuration}\n1: {first}\n2: {}\nserver: {server}\n", told(&second))
}

fn start(sandbox: &Sandbox, kind: &str, old: Option<&str>) -> Running {
    let mut command = sandbox.program(["-v"]);
    match kind {
        "Plain" => &mut command,
        "Forced" => command.arg("--force-refresh"),
        "MinTtl" => command.args(["--min-ttl", "7000s"]),
        "WrongPassword" => command.env("SPOTINST_PASSWORD", "wrong"),
        "ForcedWrongPassword" => command.env("SPOTINST_PASSWORD", "wrong").arg("--force-refresh"),
        "WrongSecret" => command.env("SPOTINST_CLIENT_SECRET", "wrong"),
        "Logout" => command.arg("logout"),
        "Invalidate" => {
            let mut child = command.arg("invalidate").stdin(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(old.unwrap().as_bytes()).unwrap();
            return Running::of(child);
        }
        _ => panic!("a new kind: {kind}"),
    };
    Running::start(&mut command)
}

/// What a process says that it does, and how it ends.
fn tell(outcome: &Outcome, old: Option<&str>, issued: &[String]) -> String {
    let mut events: Vec<_> = outcome.stderr.lines().filter_map(event).collect();
    let token = outcome.stdout.trim_end();
    let number = issued.iter().position(|one| one == token).map(|number| format!("prints new token {}", number + 1));
    events.push(match outcome.status {
        Some(0) if token.is_empty() => "is done".to_owned(),
        Some(0) if Some(token) == old => "prints the old token".to_owned(),
        Some(0) => number.unwrap(),
        _ => "fails".to_owned(),
    });
    events.join("; ")
}

/// A line of `-v`, in the words of the model.
fn event(line: &str) -> Option<String> {
    let line = line.strip_prefix("spotinst-cred: ")?;
    let grant = || line.strip_prefix("asking ")?.split_once("(grant_type=");
    let status = || line.strip_prefix("HTTP ")?.split_once(" after ");
    Some(match line {
        _ if line.starts_with("the lock is held") => "waits".to_owned(),
        _ if line.contains("falling back") => "falls back".to_owned(),
        _ if line.starts_with("token refreshed by another process") => "uses another's token".to_owned(),
        _ if line.starts_with("token from ") => "finds a fresh token".to_owned(),
        _ if grant().is_some() => format!("asks {}", grant()?.1.trim_end_matches(')')),
        // Which of these it is depends on the server.
        _ if matches!(status(), Some(("400" | "401" | "403", _))) => "gets 4xx".to_owned(),
        _ => format!("gets {}", status()?.0),
    })
}
