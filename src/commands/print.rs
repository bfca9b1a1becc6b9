//! The main command: prints the token in the format that is asked for.

use std::path::Path;
use std::time::Instant;

use crate::cli::{Options, Output};
use crate::commands;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Credential, EnvironmentFile, Format, Renderer};
use crate::settings::FORMAT;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::output_file::{self, WriteError};
use crate::sys::{env, printer, stdout};
use crate::text::one_line;

pub fn run(output: &Output, options: &Options, started: Instant) -> anyhow::Result<()> {
    let format = format(output.format)?;
    check(output, &format)?;
    let format = format.value;
    let config = Config::resolve(&options.flags)?;
    if format.needs_account() && config.has_no_account() {
        return Err(config.missing_account(&format.name()).into());
    }
    let renderer = format.prepare()?;
    let token = commands::token(&config, options, started)?;
    let credential = commands::credential(&token, &config);
    if format.needs_account() && credential.account.is_none() {
        return Err(config.missing_account(&format.name()).into());
    }
    let mut document = renderer.render(&credential);
    if output.no_newline {
        document.pop();
    }
    match (output.file(), renderer) {
        (Some(path), _) => Ok(output_file::write(path, &document).map_err(|error| unwritten(path, &error))?),
        (None, Renderer::Github(file)) => print_mask(file, &credential, &document),
        (None, _) => {
            commands::print_document(&document)?;
            suggest_export(output, format);
            Ok(())
        }
    }
}

/// The format of the command line, else of its variable, else the token alone.
fn format(flag: Option<Format>) -> Result<Sourced<Format>> {
    if let Some(value) = flag {
        return Ok(Sourced { value, source: ValueSource::Flag(FORMAT.flag()) });
    }
    let Some(text) = env::text(FORMAT.variables)? else {
        return Ok(Sourced::default(Format::Token));
    };
    let Some(format) = Format::named(&text.value) else {
        let problem = format!("the format from {} is unknown: \"{}\"", text.source, one_line(&text.value));
        return Err(Error::config(problem).hint(format!("expected one of {}", Format::names())));
    };
    Ok(text.map(|_| format))
}

/// What does not go together on the command line, as far as the parser cannot tell.
fn check(output: &Output, Sourced { value: format, source }: &Sourced<Format>) -> Result<()> {
    let problem = if output.no_newline && *format != Format::Token {
        format!("--no-newline goes with the token format only, and {source} asks for another")
    } else if output.file().is_some() && *format == Format::Github {
        format!("--output does not go with the github format of {source}, whose output the runner reads")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, problem).hint("leave out one of the two"))
}

/// The file of `--output` is as it was.
fn unwritten(path: &Path, error: &WriteError) -> Error {
    Error::other(format!("cannot write {}: {error}", path.display())).hint(match error {
        WriteError::NotAFile(_) => "name a regular file; without --output the token goes to stdout",
        WriteError::Io(_) => "check the path, its permissions and the room on the disk",
    })
}

/// Hands the mask to the runner, then the token to the later steps of a job: no step has a token that its log shows.
fn print_mask(file: EnvironmentFile, credential: &Credential<'_>, mask: &[u8]) -> anyhow::Result<()> {
    commands::print_document(mask)?;
    Ok(file.append(credential)?)
}

/// A person who sees the token on a terminal probably wants to hand it to programs.
fn suggest_export(output: &Output, format: Format) {
    if format == Format::Token && !output.no_newline && stdout::is_terminal() {
        printer::note("to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN");
    }
}
