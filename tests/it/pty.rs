//! Runs a program at a pseudo-terminal, with Python's standard library. Tests read the screen and type keys.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::requirements::{is_unix, need, not_installed};
use crate::sandbox::Sandbox;

/// A wait that takes longer fails the test.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs its arguments at a terminal with default signals: tests in the background inherit an ignored SIGINT, and tests
/// under `nohup` an ignored SIGHUP.
/// The status of a program that a signal ended is 256 less the signal.
const DRIVER: &str = "
import os, pty, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])) & 255)
";

pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    screen: String,
    /// The screen has been read up to here.
    read: usize,
}

impl Terminal {
    /// Starts the program under test; `None` if Python is not installed.
    pub fn start<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Option<Self> {
        let mut line = vec![crate::sandbox::PROGRAM];
        line.extend(arguments);
        Self::run(sandbox, &line)
    }

    /// Starts any command line; `None` if Python is not installed.
    pub fn run(sandbox: &Sandbox, line: &[impl AsRef<OsStr>]) -> Option<Self> {
        let mut command = sandbox.command(python()?);
        command.args(["-c", DRIVER]).args(line).stdin(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (keys, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                if send.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Some(Self { child, keys, shown, screen: String::new(), read: 0 })
    }

    /// Waits until this text is shown, after the text of the previous wait.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> &mut Self {
        while !self.screen[self.read..].contains(text) {
            match self.shown.recv_timeout(LIMIT) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes).replace('\r', "")),
                Err(_) => panic!("timed out waiting for {text:?} on this screen:\n{}", self.screen),
            }
        }
        self.read += self.screen[self.read..].find(text).unwrap() + text.len();
        self
    }

    /// Whether the terminal shows what is typed. Needs Linux's `/proc`.
    pub fn has_echo(&self) -> bool {
        let id = self.child.id();
        let child = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let terminal = File::open(format!("/proc/{}/fd/0", child.trim())).unwrap();
        let modes = Command::new("stty").arg("-a").stdin(terminal).output().unwrap();
        String::from_utf8(modes.stdout).unwrap().contains(" echo ")
    }

    pub fn keys(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// Types a line and Enter.
    pub fn line(&mut self, text: &str) -> &mut Self {
        self.keys(&format!("{text}\n"))
    }

    /// Waits for the end and returns the whole screen and the exit status.
    #[track_caller]
    pub fn end(mut self) -> (String, Option<i32>) {
        loop {
            match self.shown.recv_timeout(LIMIT) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes).replace('\r', "")),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("timed out waiting for the end:\n{}", self.screen),
            }
        }
        let status = self.child.wait().unwrap();
        (std::mem::take(&mut self.screen), status.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The path of the interpreter itself: a wrapper in the `PATH` may need more environment than a sandbox has.
fn python() -> Option<String> {
    if !is_unix("Python's pty module") {
        return None;
    }
    let found = Command::new("python3").args(["-c", "import pty, sys; print(sys.executable)"]).output().ok();
    let found = found.filter(|found| found.status.success());
    need(found.is_some(), &not_installed("python3"));
    found.map(|found| String::from_utf8(found.stdout).unwrap().trim().to_owned())
}
