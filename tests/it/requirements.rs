//! What a test needs of the machine it runs on, and may not find: programs, privileges, another user.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// The user and group `nobody` of every Linux.
pub const NOBODY: u32 = 65534;

/// Whether what a test needs is there. Where it is not, the test says so by name and ends; on CI nothing may be left
/// out.
#[track_caller]
pub fn need(what: &str, is_there: bool) -> bool {
    assert!(is_there || std::env::var_os("CI").is_none(), "CI must have it: {what}");
    if !is_there {
        let test = thread::current().name().unwrap_or_default().to_owned();
        eprintln!("skipped: {test} (it needs {what})");
    }
    is_there
}

/// Whether the program is installed, by running it with these arguments: see [`need`].
#[track_caller]
pub fn is_installed(program: &str, probe: &[&str]) -> bool {
    need(program, can_run(program, probe))
}

/// The same for a program that Debian has no package of, or none that is new enough: CI may go without it.
pub fn is_at_hand(program: &str, probe: &[&str]) -> bool {
    let is_there = can_run(program, probe);
    if !is_there {
        eprintln!("skipped: {program} is not installed, and CI cannot install it");
    }
    is_there
}

/// Whether this program is installed and agrees to run with these arguments.
pub fn can_run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether this is root, whom no permission stops.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

/// Makes a call by a user who has no special rights: for root another one, else ourselves.
pub struct PlainUser<'a> {
    sandbox: &'a Sandbox,
    program: PathBuf,
}

impl<'a> PlainUser<'a> {
    /// The sandbox's home becomes that user's. The program is copied there, as where it was built others may have no
    /// access.
    pub fn of(sandbox: &'a Sandbox) -> Self {
        if !is_root() {
            return Self { sandbox, program: PROGRAM.into() };
        }
        let program = sandbox.path().join("spotinst-cred");
        // By a process of its own: a file that this one writes could not be run while another thread's child, just
        // forked, has it open too.
        assert!(can_run("cp", &[PROGRAM, program.to_str().unwrap()]));
        fs::set_permissions(sandbox.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let user = Self { sandbox, program };
        user.owns(&sandbox.home());
        user
    }

    /// Gives a file or directory, and all that is in it, to the user.
    pub fn owns(&self, path: &Path) {
        if is_root() {
            give(path, NOBODY);
        }
    }

    /// Any command as this user, in the sandbox.
    pub fn command<'s>(&self, words: impl IntoIterator<Item = &'s OsStr>) -> Command {
        let mut words = words.into_iter();
        if !is_root() {
            let mut command = self.sandbox.command(words.next().unwrap());
            command.args(words);
            return command;
        }
        let mut command = self.sandbox.command("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", "--"]).args(words);
        command
    }

    /// The program as this user.
    pub fn program<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let words = std::iter::once(self.program.as_os_str()).chain(arguments.iter().map(OsStr::new));
        self.command(words)
    }

    /// Runs the program as this user.
    #[track_caller]
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        Running::start(&mut self.program(arguments)).end()
    }
}

/// Changes the owner of a file or directory and of all that is in it. A link is not followed into.
pub fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for file in fs::read_dir(path).unwrap() {
            give(&file.unwrap().path(), user);
        }
    }
}

/// Does the work for all of the items, some at the same time. A failing one fails the test.
pub fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    const HANDS: usize = 6;
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let work = &work;
            scope.spawn(move || items.iter().skip(hand).step_by(HANDS).for_each(work));
        }
    });
}
