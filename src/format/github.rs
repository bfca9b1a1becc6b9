//! GitHub Actions: the runner reads commands from a step's output, and variables for the later steps from a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::{Answer, lines};
use crate::failure::{Failure, Kind};
use crate::settings::env;
use crate::settings::origin::Given;

/// The command that keeps the token out of the log.
pub fn mask(answer: &Answer<'_>) -> Vec<u8> {
    format!("::add-mask::{}\n", answer.token()).into_bytes()
}

/// The file that `GITHUB_ENV` names.
#[derive(Debug)]
pub struct EnvironmentFile {
    path: PathBuf,
    file: File,
}

/// What was appended. It is taken back unless the mask got out: no later step should hold a token that its log shows.
#[derive(Debug)]
pub struct Appended {
    file: File,
    length_before: u64,
}

impl EnvironmentFile {
    /// Opens it, before a token is obtained.
    ///
    /// # Errors
    /// The variable is not set, or the file cannot be written.
    pub fn open() -> Result<Self, Failure> {
        let Some(Given { value: path, .. }) = env::path(env::GITHUB_ENV) else {
            return Err(Failure::settings("GITHUB_ENV is not set, and the github format appends to the file it names")
                .hint("GitHub Actions sets it in each step; elsewhere choose another format, such as sh or dotenv"));
        };
        let problem = |what: &str, hint: &str| {
            Failure::settings(format!("cannot write {} (from GITHUB_ENV): {what}", path.display())).hint(hint)
        };
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        match opened.and_then(|file| Ok((file.metadata()?.is_file(), file))) {
            Ok((true, file)) => Ok(Self { path, file }),
            // Whatever a pipe or a device takes, no later step gets to see it.
            Ok((false, _)) => Err(problem("it is no regular file", "GitHub Actions sets it to a file in each step")),
            Err(error) => Err(problem(&error.to_string(), "check the path and its permissions")),
        }
    }

    /// Appends the variables for the later steps.
    ///
    /// # Errors
    /// The disk is full, say.
    pub fn append(self, answer: &Answer<'_>) -> Result<Appended, Failure> {
        let Self { path, mut file } = self;
        append(&mut file, &lines::dotenv(answer))
            .map(|length_before| Appended { file, length_before })
            .map_err(|error| Failure::new(Kind::Other, format!("cannot write {}: {error}", path.display())))
    }
}

/// Appends whole lines or nothing, and tells how long the file was before.
fn append(file: &mut File, lines: &[u8]) -> io::Result<u64> {
    let length_before = file.metadata()?.len();
    let mut last = [b'\n'];
    if length_before > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    // Somebody may have left a line unfinished.
    let newline: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
    if let Err(error) = file.write_all(&[newline, lines].concat()) {
        file.set_len(length_before).ok();
        return Err(error);
    }
    Ok(length_before)
}

impl Appended {
    /// Takes it back, as far as the file allows.
    pub fn undo(self) {
        self.file.set_len(self.length_before).ok();
    }
}
