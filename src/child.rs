//! Runs a command that prints a secret, with a time limit.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use zeroize::Zeroizing;

use crate::cache::{self, Cache};
use crate::failure::{Failure, Kind};
use crate::patience;
use crate::secret::LONGEST;
use crate::settings::env;

/// A profile may stand behind another, but one that stands behind itself would wait for itself, or start processes
/// without end.
pub const ANOTHER_PROFILE: &str = "let the command name another profile: spotinst-cred --profile NAME";

/// How long what a command has said may take to be passed on when it is over. Together with the time of an exchange it
/// must be shorter than the wait for the lock.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What becomes of a command's stderr where that is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// It reaches the caller's as it comes: a person may have to act.
    PassedOn,
    /// Nobody is to hear it.
    Withheld,
}

/// Why a command yielded nothing.
pub struct CommandFailure {
    kind: Kind,
    why: String,
    hint: &'static str,
    /// It ran, and said itself that it failed.
    has_failed: bool,
}

impl CommandFailure {
    /// The failure as told to a person: `what` names the command and the setting.
    pub fn about(self, what: &str) -> Failure {
        Failure::new(self.kind, format!("{what} {}", self.why)).hint(self.hint)
    }

    /// The same where the command asks somebody else each time: if it ran and failed, that may pass.
    pub fn passing(self) -> Self {
        Self { kind: if self.has_failed { Kind::Temporary } else { self.kind }, ..self }
    }
}

/// Everything that the command prints on stdout. Its stderr is passed on or not, its stdin is empty: some hosts hand
/// over a pipe that they never close. It is told that it runs to refresh `identity`, if that is so.
/// It runs in `dir`, or where the caller stands.
///
/// # Errors
/// It cannot be started, exits non-zero, or is not done by `deadline`: then it is killed, without a terminal with all its
/// children.
pub fn output(
    argv: &[OsString],
    dir: Option<&Path>,
    identity: Option<&Cache>,
    words: Words,
    deadline: Instant,
) -> Result<Zeroizing<Vec<u8>>, CommandFailure> {
    // Where there is no lock to be waited for, the command itself is the mark.
    let name = cache::name(argv.iter().map(|word| word.as_bytes()));
    let mut inside = env::inside();
    if inside.contains(&name) {
        return Err(CommandFailure {
            kind: Kind::Settings,
            why: "is not started: it runs already, and seems to run itself".to_owned(),
            hint: ANOTHER_PROFILE,
            has_failed: false,
        });
    }
    inside.extend(identity.map(|cache| cache.name().to_owned()).into_iter().chain([name]));
    let is_apart = !has_terminal();
    let mut child = start(argv, dir, &inside.join(":"), is_apart).map_err(|error| CommandFailure {
        kind: Kind::Settings,
        why: format!("cannot be started: {error}"),
        hint: "check the program's name and the PATH",
        has_failed: false,
    })?;
    let words = child.stderr.take().map(|stderr| relay(stderr, words));
    let ended = result(child, is_apart, deadline);
    if let Some(words) = words {
        words.recv_timeout(LAST_WORDS).ok();
    }
    ended
}

/// What the command prints until its end, or until `deadline`: then it is killed, with its children if it `is_apart`.
fn result(child: Child, is_apart: bool, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, CommandFailure> {
    let pid = Pid::from_child(&child);
    // A grandchild may hold the pipe open for ever, so the reading must be something that can be walked away from.
    match patience::until(deadline, move || collect(child)) {
        // One that prints too much is cut off, and its status says only that; the reader says what is wrong.
        Ok(Ok((status, bytes))) if status.success() || bytes.len() as u64 > LONGEST => Ok(bytes),
        Ok(Ok((status, _))) => Err(CommandFailure {
            kind: Kind::Settings,
            why: format!("failed: {status}"),
            hint: "run it by hand to see why",
            has_failed: true,
        }),
        Ok(Err(error)) => Err(unreadable(error)),
        Err(error) if error.kind() != ErrorKind::TimedOut => Err(unreadable(error)),
        Err(_) => {
            // It may have ended in this very moment: then there is nothing to kill.
            let kill = if is_apart { kill_process_group } else { kill_process };
            let _ = kill(pid, Signal::KILL);
            Err(CommandFailure {
                kind: Kind::Temporary,
                why: "was not done in time".to_owned(),
                hint: "where a person must act, set `command_timeout` in the profile, such as \"60s\"",
                has_failed: false,
            })
        }
    }
}

/// The system refused what it takes to read from a command.
fn unreadable(error: io::Error) -> CommandFailure {
    let why = format!("could not be read: {error}");
    CommandFailure { kind: Kind::Other, why, hint: "run it by hand to see why", has_failed: false }
}

/// Starts the command with none of our secrets. A terminal is its stderr too, for a person to be asked there. Else its
/// stderr is a pipe of ours: what a killed command leaves behind would hold the host's own open, and many hosts read
/// that to its end.
fn start(argv: &[OsString], dir: Option<&Path>, inside: &str, is_apart: bool) -> io::Result<Child> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    for name in env::SECRETS {
        command.env_remove(name);
    }
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    if !io::stderr().is_terminal() {
        command.stderr(Stdio::piped());
    }
    if is_apart {
        command.process_group(0);
    }
    command.env(env::INSIDE, inside);
    command.spawn()
}

/// Whether a person may be asked, by way of stderr or of the terminal that the process has: then the command stays in
/// our process group, as another one could not read there, nor hear the interrupt key. Without, it gets one of its own,
/// so that its children end with it when time runs out.
fn has_terminal() -> bool {
    io::stderr().is_terminal() || File::open("/dev/tty").is_ok()
}

/// Passes on what the command says, as it comes, or reads it for nobody. The receiver hears when there is no more.
fn relay(mut stderr: ChildStderr, words: Words) -> Receiver<()> {
    let (over, heard) = mpsc::channel::<()>();
    let pass_on = move || {
        let _over = over;
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut bytes) {
            if words == Words::PassedOn {
                // A stderr that is full or gone is no reason to stop the command.
                io::stderr().write_all(bytes.get(..length).unwrap_or_default()).ok();
            }
        }
    };
    // Without a thread to be had the words are lost, and no other harm is done.
    std::thread::Builder::new().spawn(pass_on).ok();
    heard
}

/// Reads the command's stdout to its end and waits for its exit.
fn collect(mut child: Child) -> io::Result<(ExitStatus, Zeroizing<Vec<u8>>)> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST + 1).read_to_end(&mut bytes)?;
    }
    Ok((child.wait()?, bytes))
}
