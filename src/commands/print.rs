//! The main command: prints the token in the requested format.

use std::io;
use std::path::Path;
use std::time::Instant;

use crate::cli::{Options, Output};
use crate::commands;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Credential, EnvironmentFile, Format, Renderer, earlier_output};
use crate::sdk_file;
use crate::settings::{self, FORMAT};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::output_file::{self, WriteError};
use crate::sys::{env, printer, stdout};
use crate::text::one_line;

/// The maximum size of an output, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024;

pub fn run(output: &Output, options: &Options, started: Instant) -> anyhow::Result<()> {
    let format = format(output.format)?;
    check(output, &format)?;
    let format = format.value;
    let config = Config::resolve(&options.flags)?;
    if format.is_sdk_file() && config.has_no_account() {
        return Err(config.missing_account(&format.name()).into());
    }
    let renderer = format.prepare()?;
    let token = commands::token(&config, options, started)?;
    let mut credential = commands::credential(&token, &config);
    credential.section = output.section.as_deref().unwrap_or(credential.section);
    if format.is_sdk_file() && credential.account.is_none() {
        return Err(config.missing_account(&format.name()).into());
    }
    let mut document = renderer.render(&credential);
    if output.no_newline {
        document.pop();
    }
    match (output.file(), renderer) {
        (Some(path), renderer) => Ok(write(path, &document, format, &renderer, &credential)?),
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

/// Checks combinations of options that clap cannot check.
fn check(output: &Output, Sourced { value: format, source }: &Sourced<Format>) -> Result<()> {
    if let Some(section) = &output.section {
        check_section(section, *format)?;
    }
    let problem = if output.no_newline && *format != Format::Token {
        format!("--no-newline is only for the token format, but {source} selects another")
    } else if output.file().is_some() && *format == Format::Github {
        format!("--output cannot be used with the github format (from {source}): the runner reads stdout")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, problem).hint("leave out one of the two"))
}

fn check_section(section: &str, format: Format) -> Result<()> {
    let problem = if !format.is_sdk_file() {
        "--section is only for the formats ini and yaml"
    } else if !sdk_file::is_section_name(section) {
        "--section is not a name of letters, digits, `.`, `_` and `-`"
    } else {
        return Ok(());
    };
    let hint = format!("for example: {} yaml --section staging", FORMAT.flag());
    Err(Error::new(ErrorKind::Usage, problem).hint(hint))
}

/// Writes the file of `--output`, unless the old file holds something that would be lost. An SDK file gets a mark.
fn write(path: &Path, document: &[u8], format: Format, renderer: &Renderer, credential: &Credential<'_>) -> Result<()> {
    let old = match output_file::read(path, MAX_OUTPUT) {
        Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(would_lose(path, format));
        }
        old => old.map_err(|error| unwritten(path, &error))?.unwrap_or_default(),
    };
    match str::from_utf8(&old) {
        Ok(old) if earlier_output::is_replaceable(old, format, renderer, credential) => {}
        _ => return Err(would_lose(path, format)),
    }
    let marked = format.is_sdk_file().then(|| sdk_file::marked(document, credential.expiry()));
    output_file::write(path, marked.as_deref().unwrap_or(document)).map_err(|error| unwritten(path, &error))
}

fn would_lose(path: &Path, format: Format) -> Error {
    let variables = settings::SDK_FILE.variables.join(" or ");
    let named = if format.is_sdk_file() { format!(", and name it with {variables}") } else { String::new() };
    let problem = "it holds data that would be lost";
    Error::other(format!("cannot write {}: {problem}", path.display()))
        .hint(format!("write to another file{named}, or move this one away"))
}

/// The error if the file of `--output` could not be written; it is unchanged.
fn unwritten(path: &Path, error: &WriteError) -> Error {
    Error::other(format!("cannot write {}: {error}", path.display())).hint(match error {
        WriteError::NotAFile(_) => "name a regular file; without --output the token goes to stdout",
        WriteError::Io(_) => "check the path, its permissions and the room on the disk",
    })
}

/// Prints the mask before the token is passed to later steps, so that no log shows it.
fn print_mask(file: EnvironmentFile, credential: &Credential<'_>, mask: &[u8]) -> anyhow::Result<()> {
    commands::print_document(mask)?;
    Ok(file.append(credential)?)
}

/// Shows how to export the token, if it was printed to a terminal.
fn suggest_export(output: &Output, format: Format) {
    if format == Format::Token && !output.no_newline && stdout::is_terminal() {
        printer::note("to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN");
    }
}
