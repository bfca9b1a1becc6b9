//! Runs a command that prints a secret or takes one, with a deadline.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{bounded_read, digest, env, os, timeout};

/// How long forwarding a command's last stderr output may take after its end. Together with the time of an exchange it
/// must be shorter than the wait for the lock.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A command to run, and for what.
pub struct Run<'a> {
    pub argv: &'a [OsString],
    /// What it reads on stdin; nothing for an empty stdin.
    pub input: Option<&'a [u8]>,
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
    /// It ran and ended with this status, and printed this.
    Failed(ExitStatus, Zeroizing<Vec<u8>>),
    /// Its output could not be read.
    Unreadable(io::Error),
    OutputTooLarge,
    TimedOut,
}

impl Run<'_> {
    /// Everything that the command prints on stdout. Its stdin is never ours: some hosts hand over a pipe that they never
    /// close. At the deadline, or if this process ends before, it is killed with its children.
    pub fn output(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        // Where there is no lock to wait for, the command itself marks the recursion.
        let name = digest::name(b"command", self.argv.iter().map(|word| word.as_encoded_bytes()));
        let mut outer = env::outer_refreshes();
        if outer.contains(&name) {
            return Err(CommandError::Recursive);
        }
        outer.extend(self.identity.map(str::to_owned).into_iter().chain([name]));
        let mut command = self.command(outer.join(":")).map_err(CommandError::NotStarted)?;
        let (tree, mut child) = os::ProcessTree::start(&mut command).map_err(CommandError::NotStarted)?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            let input = Zeroizing::new(input.to_vec());
            // A command that does not read must not keep this process from reading. Without a thread its stdin is empty.
            thread::Builder::new().spawn(move || stdin.write_all(&input).ok()).ok();
        }
        let forwarding = child.stderr.take().map(|stderr| forward(stderr, self.stderr));
        let result = self.collect(child, &tree);
        if let Some(is_done) = forwarding {
            is_done.recv_timeout(LAST_OUTPUT).ok();
        }
        result
    }

    /// A terminal is the command's stderr too, for a person to be asked there. Else its stderr is a pipe of ours: what a
    /// killed command leaves behind would keep the host's own open, and many hosts read that to its end.
    fn command(&self, outer: impl AsRef<OsStr>) -> io::Result<Command> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let path = env::cleaned_path();
        let is_pathless = path.as_ref().is_some_and(|path| path.is_empty());
        // Without a PATH, the system's own directories are searched.
        let mut command = if is_pathless { Command::new(program) } else { command(program)? };
        os::add_arguments(&mut command, arguments);
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped());
        for name in self.hidden_variables {
            command.env_remove(name);
        }
        if let Some(dir) = self.dir {
            command.current_dir(dir);
        }
        if !io::stderr().is_terminal() {
            command.stderr(Stdio::piped());
        }
        match path {
            Some(_) if is_pathless => command.env_remove(env::PATH),
            Some(path) => command.env(env::PATH, path),
            None => &mut command,
        };
        command.env(env::OUTER_REFRESHES, outer);
        Ok(command)
    }

    /// What the command prints until its end, or until the deadline, when it is killed.
    fn collect(&self, child: Child, tree: &os::ProcessTree) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let limit = self.limit;
        // A grandchild may hold the pipe open for ever, so the reading must end at the deadline, too.
        match timeout::run_with_deadline(self.deadline, move || read_and_wait(child, limit)) {
            Ok(result) => result,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                tree.kill();
                Err(CommandError::TimedOut)
            }
            Err(error) => Err(CommandError::Unreadable(error)),
        }
    }
}

/// A command for a program, looked for in the PATH without its empty entries. The program gets the PATH as it is.
///
/// Fails with [`io::ErrorKind::NotFound`] where there is no such program.
pub fn command(program: &OsStr) -> io::Result<Command> {
    let is_name = Path::new(program).parent() == Some(Path::new(""));
    match env::search_path().filter(|_| is_name) {
        Some(dirs) => os::command(program, &dirs),
        None => Ok(Command::new(program)),
    }
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
        Ok(output) => Err(CommandError::Failed(status, output)),
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
