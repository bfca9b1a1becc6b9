//! Runs a command that prints a secret, with a deadline.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::signals::{self, Undo, UndoGuard};
use super::{bounded_read, digest, env, os, timeout};

/// How long forwarding a command's last stderr output may take after its end. Together with the time of an exchange it
/// must be shorter than the wait for the lock.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A command to run, and for what.
pub struct Run<'a> {
    pub argv: &'a [OsString],
    /// Where it runs; nothing for the caller's own directory.
    pub dir: Option<&'a Path>,
    /// The name of the identity that is being refreshed, if that is what it runs for.
    pub identity: Option<&'a str>,
    /// Variables that it must not inherit.
    pub hidden_variables: &'a [&'static str],
    pub stderr: Stderr,
    /// The most that it may print, in bytes.
    pub limit: u64,
    pub deadline: Instant,
}

/// What becomes of a command's stderr where that is no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// It is passed on as it comes: a person may have to act.
    Forward,
    Discard,
}

/// Why a command yielded nothing.
#[derive(Debug)]
pub enum CommandError {
    /// It is running already, and this process is one of its children.
    Recursive,
    NotStarted(io::Error),
    /// It ran and ended with this status.
    Failed(ExitStatus),
    /// Its output could not be read.
    Unreadable(io::Error),
    OutputTooLarge,
    TimedOut,
}

impl Run<'_> {
    /// Everything that the command prints on stdout. Its stdin is empty: some hosts hand over a pipe that they never
    /// close. At the deadline, or if this process ends before, it is killed with its children.
    pub fn output(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        // Where there is no lock to wait for, the command itself marks the recursion.
        let name = digest::name(b"command", self.argv.iter().map(|word| word.as_encoded_bytes()));
        let mut outer = env::outer_refreshes();
        if outer.contains(&name) {
            return Err(CommandError::Recursive);
        }
        outer.extend(self.identity.map(str::to_owned).into_iter().chain([name]));
        // A person may be asked on a terminal: there the command stays in our process group, as another one could not
        // read from it, nor hear the interrupt key.
        let is_isolated = !os::has_terminal();
        let mut watchdog = Watchdog::start(is_isolated);
        let (mut child, _undo) = self.start(outer.join(":"), is_isolated).map_err(CommandError::NotStarted)?;
        if let Some(watchdog) = &mut watchdog {
            watchdog.guard(&child);
        }
        let forwarding = child.stderr.take().map(|stderr| forward(stderr, self.stderr));
        let result = self.collect(child, is_isolated);
        if let Some(is_done) = forwarding {
            is_done.recv_timeout(LAST_OUTPUT).ok();
        }
        result
    }

    /// Starts the command. A signal that ends this process ends it first.
    fn start(&self, outer: impl AsRef<OsStr>, is_isolated: bool) -> io::Result<(Child, UndoGuard)> {
        let mut command = self.command(outer, is_isolated)?;
        signals::collect_children();
        signals::with_undo(|| {
            let child = command.spawn()?;
            let id = os::process_id(&child);
            let undo: Undo = if is_isolated {
                Box::new(move |_| os::kill(id, is_isolated))
            } else {
                // It may have a terminal to restore.
                Box::new(move |signal| os::pass_on(id, signal))
            };
            Ok((child, undo))
        })
    }

    /// A terminal is the command's stderr too, for a person to be asked there. Else its stderr is a pipe of ours: what a
    /// killed command leaves behind would keep the host's own open, and many hosts read that to its end.
    fn command(&self, outer: impl AsRef<OsStr>, is_isolated: bool) -> io::Result<Command> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        for name in self.hidden_variables {
            command.env_remove(name);
        }
        if let Some(dir) = self.dir {
            command.current_dir(dir);
        }
        if !io::stderr().is_terminal() {
            command.stderr(Stdio::piped());
        }
        if is_isolated {
            os::isolate(&mut command);
        }
        match env::cleaned_path() {
            Some(path) if path.is_empty() => command.env_remove(env::PATH),
            Some(path) => command.env(env::PATH, path),
            None => &mut command,
        };
        command.env(env::OUTER_REFRESHES, outer);
        Ok(command)
    }

    /// What the command prints until its end, or until the deadline, when it is killed.
    fn collect(&self, child: Child, is_isolated: bool) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let (id, limit) = (os::process_id(&child), self.limit);
        // A grandchild may hold the pipe open for ever, so the reading must end at the deadline, too.
        match timeout::run_with_deadline(self.deadline, move || read_and_wait(child, limit)) {
            Ok(result) => result,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                os::kill(id, is_isolated);
                Err(CommandError::TimedOut)
            }
            Err(error) => Err(CommandError::Unreadable(error)),
        }
    }
}

/// Ends a command whose caller was killed and could undo nothing. It is a shell that reads a pipe of ours: the first line is
/// the command's id, a second one says that the command has ended, and the end of the pipe that we have.
struct Watchdog(Child);

impl Watchdog {
    /// Kills the process group.
    const GROUP: &str = "read -r id && [ \"$id\" ] && { read -r line || kill -s KILL -- \"-$id\"; }";
    /// Ends the process and its descendants, as far as the system lists them. After another signal they may take a second to
    /// restore the terminal.
    const TREE: &str = "read -r id && [ \"$id\" ] || exit
        read -r line && exit
        add() {
            found=\"$found $1\"
            for list in /proc/\"$1\"/task/*/children; do
                children=
                read -r children <\"$list\"
                for child in $children; do add \"$child\"; done
            done
        }
        add \"$id\"
        sleep 1
        kill -s TERM $found";

    /// Starts it before the command, so that a kill finds it there. Without a shell there is none.
    fn start(is_isolated: bool) -> Option<Self> {
        let mut command = Command::new("/bin/sh");
        let script = if is_isolated { Self::GROUP } else { Self::TREE };
        command.args(["-c", script]).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // The interrupt key is not for it.
        os::isolate(&mut command);
        command.spawn().ok().map(Self)
    }

    fn guard(&mut self, child: &Child) {
        if let Some(stdin) = &mut self.0.stdin {
            writeln!(stdin, "{}", child.id()).ok();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            stdin.write_all(b"\n").ok();
        }
        // A program that `exec` runs would inherit it.
        self.0.wait().ok();
    }
}

/// A command for [`os::exec`], looked for in the PATH without its empty entries. The program gets the PATH as it is.
///
/// Fails with [`io::ErrorKind::NotFound`] where there is no such program.
pub fn command(program: &OsStr) -> io::Result<Command> {
    let is_path = program.as_encoded_bytes().contains(&b'/');
    let Some(dirs) = env::search_path().filter(|_| !is_path) else {
        return Ok(Command::new(program));
    };
    let candidates = || dirs.iter().map(|dir| dir.join(program));
    // One that may not be run fails with the reason.
    let found = candidates().find(|path| os::is_program(path)).or_else(|| candidates().find(|path| path.exists()));
    let mut command = Command::new(found.ok_or_else(os::not_found)?);
    os::set_name(&mut command, program);
    Ok(command)
}

/// Reads the command's stdout to its end and waits for its exit.
fn read_and_wait(mut child: Child, limit: u64) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let output = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), |out| bounded_read::read(out, 0, limit));
    let status = child.wait().map_err(CommandError::Unreadable)?;
    match output {
        // It is cut off, and its status says no more than that.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(CommandError::OutputTooLarge),
        Err(error) => Err(CommandError::Unreadable(error)),
        Ok(output) if status.success() => Ok(output),
        Ok(_) => Err(CommandError::Failed(status)),
    }
}

/// Passes on what the command prints on stderr as it comes, or discards it. The receiver hears when there is no more.
fn forward(mut stderr: ChildStderr, mode: Stderr) -> Receiver<()> {
    let (done, is_done) = mpsc::channel::<()>();
    let copy = move || {
        let _done = done;
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut bytes) {
            if mode == Stderr::Forward {
                // A stderr that is full or closed is no reason to stop the command.
                io::stderr().write_all(bytes.get(..length).unwrap_or_default()).ok();
            }
        }
    };
    // If no thread can be spawned, the command's messages are lost, and nothing else.
    thread::Builder::new().spawn(copy).ok();
    is_done
}
