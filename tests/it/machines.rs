//! Machines of a fleet: each has its own home and cache, and a token command for the engine that all of them share.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{PROGRAM, Running, Sandbox};
use stand_in::{StandIn, spotinst};

/// Loopback addresses that no other test uses, so that servers can listen on their own ports.
pub fn addresses<const N: usize>() -> [Ipv4Addr; N] {
    static USED: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    [(); N].map(|()| Ipv4Addr::new(127, high | 128, low, USED.fetch_add(1, Ordering::Relaxed)))
}

/// Waits until another process makes the condition true.
#[track_caller]
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < limit, "timed out after a minute: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The configuration of a machine whose token command is `command`.
pub fn token_command(command: &[&str]) -> String {
    format!("[profiles.default]\ngrant = \"command\"\ntoken_command = {command:?}\ncommand_timeout = \"60s\"\n")
}

/// The profile that a refresher logs in with, without password and client secret.
pub fn login(stand_in: &StandIn) -> String {
    let (user, client) = (spotinst::USERNAME, spotinst::CLIENT_ID);
    let url = stand_in.url();
    format!("[profiles.spotinst]\ntoken_url = '{url}'\nusername = '{user}'\nclient_id = '{client}'\n")
}

/// The same, with password and client secret.
pub fn login_with_secrets(stand_in: &StandIn) -> String {
    let (password, secret) = (spotinst::PASSWORD, spotinst::CLIENT_SECRET);
    format!("{}password = '{password}'\nclient_secret = '{secret}'\n", login(stand_in))
}

/// Starts fifty callers, and waits until one of them runs the token command and all others wait for it.
pub fn fifty_callers(machine: &Sandbox) -> Vec<Running> {
    let mut callers: Vec<_> = (0..50).map(|_| machine.start(["-v"])).collect();
    let lines: Vec<_> = callers.iter_mut().map(Running::next_line).collect();
    let running = lines.iter().filter(|line| line.starts_with("spotinst-cred: running the token command ")).count();
    let waiting = lines.iter().filter(|line| line.starts_with("spotinst-cred: the lock is held by ")).count();
    assert_eq!((running, waiting), (1, 49));
    callers
}

/// The stderr of a caller that needs a token when the token command fails and prints `stderr`.
pub fn command_failed(machine: &Sandbox, stderr: &str) -> String {
    let setting = format!("{}:3", machine.config_path().display());
    format!(
        "{stderr}\n\
         spotinst-cred: the token command from {setting} failed: exit status: 1\n\
         hint: run it by hand to see why\n"
    )
}

/// Waits for all callers to end. Each must print the token that was issued last, which is returned.
#[track_caller]
pub fn all_print_the_last(stand_in: &StandIn, callers: impl IntoIterator<Item = Running>) -> String {
    let outcomes: Vec<_> = callers.into_iter().map(Running::end).collect();
    let token = stand_in.issued().pop().unwrap();
    for outcome in outcomes {
        assert_eq!((outcome.stdout, outcome.status), (format!("{token}\n"), Some(0)), "{}", outcome.stderr);
    }
    token
}

/// Starts the program in its own session: see [`kill_session`].
pub fn start_session(machine: &Sandbox) -> Running {
    Running::start(machine.command("setsid").arg(PROGRAM))
}

/// Kills all processes of a session at once, as if the machine died.
pub fn kill_session(session: Running) {
    let id = session.id().to_string();
    assert!(Sandbox::new().command("pkill").args(["-KILL", "--session", &id]).status().unwrap().success());
    session.kill();
}
