//! The main command: print the token in the format that is asked for.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use crate::cli::{Options, Output};
use crate::command::{self, OutputClosed};
use crate::failure::{Failure, Kind};
use crate::format::{Answer, EnvironmentFile, Format, Renderer};
use crate::output_file::{self, Unwritten};
use crate::settings::origin::Given;
use crate::settings::{self, Settings};
use crate::voice::Voice;

/// Prints the token.
///
/// # Errors
/// No token is to be had, or stdout or the file cannot be written.
pub fn run(output: &Output, options: &Options, started: Instant) -> anyhow::Result<()> {
    let voice = Voice { verbose: options.verbose };
    let format = settings::format(output.format)?;
    check(output, &format)?;
    let format = format.value;
    let settings = Settings::resolve(options, started)?;
    if format.needs_account() && settings.has_no_account() {
        return Err(settings.missing_account(format).into());
    }
    let renderer = format.prepare()?;
    let token = command::token(options, &settings, voice)?;
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
            tell_how_to_export(output, format, voice);
            Ok(())
        }
    }
}

/// The file of `--output` is as it was.
fn unwritten(path: &Path, problem: &Unwritten) -> Failure {
    Failure::new(Kind::Other, format!("cannot write {}: {problem}", path.display())).hint(match problem {
        Unwritten::NoFile(_) => "name a regular file; without --output the token goes to stdout",
        Unwritten::Refused(_) => "check the path, its permissions and the room on the disk",
    })
}

/// Who looks at the token on a terminal probably wants to hand it on.
fn tell_how_to_export(output: &Output, format: Format, voice: Voice) {
    if format == Format::Token && !output.no_newline && io::stdout().is_terminal() {
        voice.notice("to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN");
    }
}

/// What does not go together on the command line, as far as the parser cannot tell.
fn check(output: &Output, format: &Given<Format>) -> Result<(), Failure> {
    let Given { value, origin } = format;
    if output.no_newline && *value != Format::Token {
        let problem = format!("--no-newline goes with the token format only, and {origin} asks for another");
        return Err(Failure::new(Kind::Usage, problem).hint("leave out one of the two"));
    }
    if output.file().is_some() && *value == Format::Github {
        let problem = format!("--output does not go with the github format of {origin}, whose output the runner reads");
        return Err(Failure::new(Kind::Usage, problem).hint("leave out one of the two"));
    }
    Ok(())
}

/// Hands the token to the later steps of a job, and the mask to the runner: both or none.
fn hand_over(file: EnvironmentFile, answer: &Answer<'_>, mask: &[u8]) -> anyhow::Result<()> {
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
