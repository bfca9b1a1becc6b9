//! GitHub Actions: the runner reads commands from a step's output, and variables for the later steps from a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::credential::Credential;
use super::lines;
use crate::error::{Error, Result};
use crate::sourced::Sourced;
use crate::sys::{env, os};

/// The command that keeps the token out of the log.
pub fn mask(credential: &Credential<'_>) -> Vec<u8> {
    format!("::add-mask::{}\n", credential.token()).into_bytes()
}

/// The file that `GITHUB_ENV` names.
#[derive(Debug)]
pub struct EnvironmentFile {
    path: PathBuf,
    file: File,
}

impl EnvironmentFile {
    /// Opens the file, before a token is obtained.
    pub fn open() -> Result<Self> {
        let Some(Sourced { value: path, .. }) = env::path(env::GITHUB_ENV) else {
            return Err(Error::config("GITHUB_ENV is not set, and the github format appends to the file it names")
                .hint("GitHub Actions sets it in each step; elsewhere choose another format, such as sh or dotenv"));
        };
        let problem = |what: &str, hint: &str| {
            Error::config(format!("cannot write {} (from GITHUB_ENV): {what}", path.display())).hint(hint)
        };
        match os::open_append(&path).and_then(|file| Ok((file.metadata()?.is_file(), file))) {
            Ok((true, file)) => Ok(Self { path, file }),
            // Later steps cannot read from a pipe or a device.
            Ok((false, _)) => Err(problem("it is not a regular file", "GitHub Actions sets it to a file in each step")),
            Err(error) => Err(problem(&error.to_string(), "check the path and its permissions")),
        }
    }

    /// Appends the variables for the later steps. Never truncates the file, because other steps and programs append
    /// to it, too.
    pub fn append(self, credential: &Credential<'_>) -> Result<()> {
        let Self { path, mut file } = self;
        append(&mut file, &lines::dotenv(credential)).map_err(|error| {
            Error::other(format!("cannot write {}: {error}", path.display()))
                .hint("check the room on the disk; no later step has the token")
        })
    }
}

/// Appends whole lines in one write, so that they do not mix with those of others.
fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    // Another program may have left its last line unfinished.
    let newline: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
    file.write_all(&[newline, lines].concat())
}
