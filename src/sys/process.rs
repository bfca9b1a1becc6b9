//! Runs a command that prints a secret or takes one, with a deadline.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{bounded_read, digest, env, os, printer, timeout};

/// How long to wait for a command's last stderr output after it exits. Together with the time limit of an exchange, it
/// must be shorter than the wait for the lock.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A command to run, and its context.
pub struct Run<'a> {
    pub argv: &'a [OsString],
    /// Its stdin; with nothing, stdin is empty.
    pub input: Option<&'a [u8]>,
    /// Its working directory; with nothing, the caller's.
    pub dir: Option<&'a Path>,
    /// The name of the identity that is being refreshed, if the command is part of a refresh.
    pub identity: Option<&'a str>,
    /// Variables that it does not inherit.
    pub hidden_variables: &'a [&'static str],
    pub stderr: Stderr,
    /// The maximum size of its output, in bytes.
    pub limit: u64,
    pub deadline: Instant,
}

/// What to do with a command's stderr if stderr is not a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// Forwards it immediately, because the command may ask the user to do something.
    Forward,
    Discard,
}

/// Why a command has no output.
#[derive(Debug)]
pub enum CommandError {
    /// This process is a descendant of the same command.
    Recursive,
    NotStarted(io::Error),
    /// It exited with this status, after it printed this.
    Failed(ExitStatus, Zeroizing<Vec<u8>>),
    /// Its output could not be read.
    Unreadable(io::Error),
    OutputTooLarge,
    TimedOut,
}

impl Run<'_> {
    /// Returns everything that the command prints on stdout. It does not inherit this process's stdin, because some
    /// hosts pass a pipe that they never close. At the deadline, or when this process exits earlier, the command and
    /// its children are killed.
    pub fn output(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        // Without a cache there is no lock to detect recursion by, so the command's own name detects it.
        let name = digest::name(b"command", self.argv.iter().map(|word| word.as_encoded_bytes()));
        let mut outer = env::outer_refreshes();
        if outer.contains(&name) {
            return Err(CommandError::Recursive);
        }
        outer.extend(self.identity.map(str::to_owned).into_iter().chain([name]));
        let mut command = self.command(outer.join(":")).map_err(CommandError::NotStarted)?;
        let (tree, mut child) = os::ProcessTree::start(&mut command).map_err(CommandError::NotStarted)?;
        printer::debug(|| format!("the command is running (pid {})", child.id()));
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            let input = Zeroizing::new(input.to_vec());
            // Written on a thread: a command that does not read its stdin must not block this process. If no thread can
            // be spawned, its stdin is empty.
            thread::Builder::new().spawn(move || stdin.write_all(&input).ok()).ok();
        }
        let forwarding = child.stderr.take().map(|stderr| forward(stderr, self.stderr));
        let result = self.collect(child, &tree);
        if let Some(is_done) = forwarding {
            is_done.recv_timeout(LAST_OUTPUT).ok();
        }
        result
    }

    /// If stderr is a terminal, the command inherits it to prompt the user. Otherwise the command writes to a pipe of
    /// this process: a descendant that survives the command would keep the host's stderr open, and many hosts read
    /// stderr until it is closed.
    fn command(&self, outer: impl AsRef<OsStr>) -> io::Result<Command> {
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let path = env::cleaned_path();
        let is_pathless = path.as_ref().is_some_and(|path| path.is_empty());
        // Without `PATH`, the system's default directories are searched.
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

    /// Collects the command's output until it exits. Kills it at the deadline.
    fn collect(&self, child: Child, tree: &os::ProcessTree) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let limit = self.limit;
        // A grandchild may keep the pipe open indefinitely, so reading needs the deadline, too.
        match timeout::run_with_deadline(self.deadline, move || read_and_wait(child, limit)) {
            Ok(result) => result,
            Err(error) => {
                tree.kill();
                match error.kind() {
                    io::ErrorKind::TimedOut => Err(CommandError::TimedOut),
                    // No thread can be spawned.
                    _ => Err(CommandError::NotStarted(error)),
                }
            }
        }
    }
}

/// A command for a program, searched for in `PATH` without its empty entries. The program inherits `PATH` unchanged.
///
/// Fails with [`io::ErrorKind::NotFound`] if there is no such program.
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
        // The command's exit status only reflects that its output was cut off.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(CommandError::OutputTooLarge),
        Err(error) => Err(CommandError::Unreadable(error)),
        Ok(output) if status.success() => Ok(output),
        Ok(output) => Err(CommandError::Failed(status, output)),
    }
}

/// Forwards the command's stderr as it is printed, or discards it. The receiver disconnects at its end.
fn forward(mut stderr: ChildStderr, mode: Stderr) -> Receiver<()> {
    let (done, is_done) = mpsc::channel::<()>();
    let copy = move || {
        let _done = done;
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut bytes) {
            if mode == Stderr::Forward {
                // A full or closed stderr does not stop the command.
                io::stderr().write_all(bytes.get(..length).unwrap_or_default()).ok();
            }
        }
    };
    // If no thread can be spawned, only the command's messages are lost.
    thread::Builder::new().spawn(copy).ok();
    is_done
}
