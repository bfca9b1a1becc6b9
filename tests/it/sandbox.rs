//! A sandbox for the program: its own home and a cleared environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::os;
use stand_in::{StandIn, spotinst};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_spotinst-cred");

/// A process that takes longer hangs, and fails the test. No test relies on this limit.
const LIMIT: Duration = Duration::from_secs(60);

/// A new machine for one user: an empty home, and only the variables that a test sets.
pub struct Sandbox {
    dir: TempDir,
    variables: BTreeMap<OsString, OsString>,
}

impl Sandbox {
    /// Nothing is configured. `PATH` is set, as commands need it.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("spotinst-cred-").unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let mut sandbox = Self { dir, variables: BTreeMap::new() };
        os::prepare_home(&sandbox.home());
        for (name, value) in os::home_variables(&sandbox.home()) {
            sandbox.set(name, value);
        }
        sandbox.set("PATH", std::env::var_os("PATH").unwrap());
        sandbox
    }

    /// The environment has the credentials that the stand-in accepts.
    pub fn of(stand_in: &StandIn) -> Self {
        let mut sandbox = Self::new();
        sandbox.set_credentials(stand_in);
        sandbox
    }

    /// Sets the credentials that the stand-in accepts, in the environment.
    pub fn set_credentials(&mut self, stand_in: &StandIn) {
        self.set("SPOTINST_TOKEN_URL", stand_in.url());
        self.set("SPOTINST_USERNAME", spotinst::USERNAME);
        self.set("SPOTINST_PASSWORD", spotinst::PASSWORD);
        self.set("SPOTINST_CLIENT_ID", spotinst::CLIENT_ID);
        self.set("SPOTINST_CLIENT_SECRET", spotinst::CLIENT_SECRET);
    }

    /// Sets a variable for all later processes.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Removes a variable for all later processes.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(OsStr::new(name))?.to_str()
    }

    /// The sandbox's directory, with `home` and files of the test.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The default path of the configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.home().join(os::CONFIG_PATH)
    }

    /// Writes the configuration file, with mode 0600.
    pub fn config(&self, text: &str) -> &Self {
        self.write(os::CONFIG_PATH, text);
        self
    }

    /// Writes a file into the directory of the configuration file, with mode 0600.
    pub fn write_beside_config(&self, name: &str, text: &str) -> PathBuf {
        let path = Path::new(os::CONFIG_PATH).with_file_name(name);
        self.write(path.to_str().unwrap(), text)
    }

    /// Writes a file below the home directory, with mode 0600, and creates its directories.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        os::create_private(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    /// Writes an executable `sh` script below the home directory.
    pub fn script(&self, path: &str, text: &str) -> PathBuf {
        self.executable(path, &format!("#!/bin/sh\n{text}\n"))
    }

    /// Writes an executable file below the home directory.
    pub fn executable(&self, path: &str, text: &str) -> PathBuf {
        let text = self.write(&format!("{path}.text"), text);
        let path = self.home().join(path);
        // Another process writes it: a file that is open for writing cannot be executed, and a child that another
        // thread forks at this moment would inherit the open file.
        assert!(Command::new("install").args(["-m", "700"]).arg(&text).arg(&path).status().unwrap().success());
        fs::remove_file(text).unwrap();
        path
    }

    /// The default cache directory.
    pub fn cache_dir(&self) -> PathBuf {
        self.home().join(os::CACHE_DIR)
    }

    /// The cache's files with this extension (`token`, `lock`, `tmp`), sorted.
    pub fn cache_files(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.cache_dir()) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.extension() == Some(OsStr::new(ending)));
        files.sort();
        files
    }

    /// The only cache entry.
    #[track_caller]
    pub fn entry_path(&self) -> PathBuf {
        let mut files = self.cache_files("token");
        assert_eq!(files.len(), 1, "one entry in the cache: {files:?}");
        files.remove(0)
    }

    /// The lock file of the only cache entry.
    #[track_caller]
    pub fn lock_path(&self) -> PathBuf {
        self.entry_path().with_extension("lock")
    }

    /// Any command in this sandbox, with empty stdin and both streams captured.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(os::file_variable(&self.home())).envs(&self.variables).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The program with these arguments, not yet started.
    pub fn program<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = self.command(PROGRAM);
        command.args(arguments);
        command
    }

    #[track_caller]
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.start(arguments).end()
    }

    /// Runs the program with a file size limit of 0, which acts like a full disk for root too.
    #[track_caller]
    pub fn full_disk(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command("sh");
        command.args(["-c", "ulimit -f 0; exec \"$@\"", "sh", PROGRAM]).args(arguments);
        Running::start(&mut command).end()
    }

    pub fn start<const N: usize>(&self, arguments: [&str; N]) -> Running {
        Running::start(&mut self.program(arguments))
    }

    /// Runs a shell script to its end, with the program under test in the `PATH`.
    #[track_caller]
    pub fn shell(&self, shell: &str, script: &str) -> Outcome {
        let mut command = self.command(shell);
        command.arg("-c").arg(script).env("PATH", path_with_program());
        Running::start(&mut command).end()
    }

    /// Runs the program and returns the token that it prints.
    #[track_caller]
    pub fn token(&self) -> String {
        let outcome = self.run([]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stdout.strip_suffix('\n').expect("one line").to_owned()
    }
}

/// `PATH` with the directory of the program under test first.
pub fn path_with_program() -> OsString {
    let directory = Path::new(PROGRAM).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).unwrap()
}

/// A running process. It is killed when dropped.
pub struct Running {
    child: Option<Child>,
    stderr: Option<BufReader<ChildStderr>>,
    first_lines: String,
}

impl Running {
    /// Starts a command whose streams are pipes.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        Self::of(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Takes over a started process.
    pub fn of(mut child: Child) -> Self {
        let stderr = child.stderr.take().map(BufReader::new);
        Self { child: Some(child), stderr, first_lines: String::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Reads the next line of stderr: with `-v` the program prints each step before it takes it.
    #[track_caller]
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        self.first_lines.push_str(&line);
        line.trim_end().to_owned()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.as_mut().unwrap().try_wait(), Ok(None))
    }

    pub fn kill(mut self) {
        self.end_child();
    }

    #[track_caller]
    pub fn end(mut self) -> Outcome {
        let mut child = self.child.take().unwrap();
        let (id, mut stderr) = (child.id(), self.stderr.take().unwrap());
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = child.stdout.take();
            let errors = thread::spawn(move || text(&mut stderr));
            let out = stdout.as_mut().map(text).unwrap_or_default();
            let ended = (out, errors.join().unwrap(), child.wait().unwrap());
            // After the time limit nobody receives it.
            send.send(ended).ok();
        });
        let Ok((stdout, stderr, status)) = receive.recv_timeout(LIMIT) else {
            os::kill(id);
            panic!("process {id} hangs");
        };
        Outcome::new(stdout, std::mem::take(&mut self.first_lines) + &stderr, status)
    }

    fn end_child(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_child();
    }
}

fn text(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).expect("both streams are UTF-8")
}

#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// `None` if a signal ended it.
    pub status: Option<i32>,
}

impl Outcome {
    fn new(stdout: String, stderr: String, status: ExitStatus) -> Self {
        Self { stdout, stderr, status: status.code() }
    }

    /// Asserts success with exactly this stdout and nothing on stderr.
    #[track_caller]
    pub fn prints(&self, stdout: &str) {
        let expected = Self { stdout: stdout.to_owned(), stderr: String::new(), status: Some(0) };
        assert_eq!(*self, expected);
    }

    /// Asserts failure with this status, exactly this stderr and nothing on stdout.
    #[track_caller]
    pub fn fails(&self, status: i32, stderr: &str) {
        let expected = Self { stdout: String::new(), stderr: stderr.to_owned(), status: Some(status) };
        assert_eq!(*self, expected);
    }

    /// Asserts that it waited in vain for this lock of this process, and names what started it.
    #[track_caller]
    pub fn waited_in_vain(&self, other: &str, lock: &Path, pid: u32) {
        let (holder, end) = match os::lock_holder(pid) {
            Some(holder) => (format!("{holder}, for "), format!(" s)\nhint: HINT, end that process: kill {pid}\n")),
            None => {
                let find = format!(")\nhint: HINT, find the process with `{}`\n", os::find_process(lock));
                (format!("lock {}", lock.display()), find)
            }
        };
        let end = end.replace("HINT", "try again; if this keeps happening");
        let start = format!("spotinst-cred: timed out waiting for another {other} ({holder}");
        assert!(self.stderr.starts_with(&start) && self.stderr.ends_with(&end), "{self:?}\n{start}…{end}");
        assert_eq!((self.stdout.as_str(), self.status), ("", Some(5)));
    }

    /// Asserts failure with this status and nothing on stdout, whatever is on stderr.
    #[track_caller]
    pub fn has_failed(&self, status: i32) {
        assert_eq!((self.stdout.as_str(), self.status), ("", Some(status)), "{self:?}");
    }
}
