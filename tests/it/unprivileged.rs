//! Runs commands as a user without special rights, also when root runs the tests.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::requirements::{can_run, is_root};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};

/// The user and group `nobody` on every Linux.
pub const NOBODY: u32 = 65534;

/// Runs commands as an unprivileged user: as another user if this is root, else as this user.
pub struct PlainUser<'a> {
    sandbox: &'a Sandbox,
    program: PathBuf,
}

impl<'a> PlainUser<'a> {
    /// Gives the sandbox's home to that user and copies the program there, as others may not have access to the build
    /// directory.
    pub fn of(sandbox: &'a Sandbox) -> Self {
        if !is_root() {
            return Self { sandbox, program: PROGRAM.into() };
        }
        let program = sandbox.path().join("spotinst-cred");
        // `cp` writes it: a file that is open for writing cannot be executed, and a child that another thread forks at
        // this moment would inherit the open file.
        assert!(can_run("cp", &[PROGRAM, program.to_str().unwrap()]));
        fs::set_permissions(sandbox.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let user = Self { sandbox, program };
        user.owns(&sandbox.home());
        user
    }

    /// Gives a file, or a directory and its content, to the user.
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

/// Changes the owner of a file, or of a directory and its content, without following links.
pub fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for file in fs::read_dir(path).unwrap() {
            give(&file.unwrap().path(), user);
        }
    }
}
