//! The main command: print the token in the format that is asked for.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use crate::cli::{Options, Output};
use crate::command::{self, OutputClosed};
use crate::config::{self, Settings};
use crate::error::{Error, ErrorKind};
use crate::format::{Credential, EnvironmentFile, Format, Renderer};
use crate::sourced::Sourced;
use crate::sys::output_file::{self, WriteError};
use crate::sys::printer;

/// Prints the token.
///
/// # Errors
/// No token is to be had, or stdout or the file cannot be written.
pub fn run(output: &Output, options: &Options, started: Instant) -> anyhow::Result<()> {
    let format = config::format(output.format)?;
    check(output, &format)?;
    let format = format.value;
    let settings = Settings::resolve(options, started)?;
    if format.needs_account() && settings.has_no_account() {
        return Err(settings.missing_account(format).into());
    }
    let renderer = format.prepare()?;
    let token = command::token(options, &settings)?;
    let answer = command::answer(&token, &settings);
    if format.needs_account() && answer.account.is_none() {
        return Err(settings.missing_account(format).into());
    }
    let mut document = renderer.render(&answer);
    if output.no_newline {
        document.pop();
    }
    match (output.file(), renderer) {
        (Some(path), _) => Ok(output_file::write(path, &document).map_err(|problem| unwritten(path, &problem))?),
        (None, Renderer::Github(file)) => hand_over(file, &answer, &document),
        (None, _) => {
            command::write(&document)?;
            tell_how_to_export(output, format);
            Ok(())
        }
    }
}

/// The file of `--output` is as it was.
fn unwritten(path: &Path, problem: &WriteError) -> Error {
    Error::other(format!("cannot write {}: {problem}", path.display())).hint(match problem {
        WriteError::NotAFile(_) => "name a regular file; without --output the token goes to stdout",
        WriteError::Io(_) => "check the path, its permissions and the room on the disk",
    })
}

/// Who looks at the token on a terminal probably wants to hand it on.
fn tell_how_to_export(output: &Output, format: Format) {
    if format == Format::Token && !output.no_newline && io::stdout().is_terminal() {
        printer::note("to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN");
    }
}

/// What does not go together on the command line, as far as the parser cannot tell.
fn check(output: &Output, format: &Sourced<Format>) -> Result<(), Error> {
    let Sourced { value, source: origin } = format;
    if output.no_newline && *value != Format::Token {
        let problem = format!("--no-newline goes with the token format only, and {origin} asks for another");
        return Err(Error::new(ErrorKind::Usage, problem).hint("leave out one of the two"));
    }
    if output.file().is_some() && *value == Format::Github {
        let problem = format!("--output does not go with the github format of {origin}, whose output the runner reads");
        return Err(Error::new(ErrorKind::Usage, problem).hint("leave out one of the two"));
    }
    Ok(())
}

/// Hands the token to the later steps of a job, and the mask to the runner: both or none.
fn hand_over(file: EnvironmentFile, answer: &Credential<'_>, mask: &[u8]) -> anyhow::Result<()> {
    let appended = file.append(answer)?;
    command::write(mask).map_err(|closed: OutputClosed| {
        appended.undo();
        closed.into()
    })
}

impl Output {
    /// The file to write to. `-` is stdout, as with many programs: nobody wants a file of that name.
    fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }
}
