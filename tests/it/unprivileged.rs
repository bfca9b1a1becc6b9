//! Calls by a user without special rights, also when root runs the tests.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::requirements::{can_run, is_root};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// The user and group `nobody` of every Linux.
pub const NOBODY: u32 = 65534;

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
