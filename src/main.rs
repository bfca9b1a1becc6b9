//! `spotinst-cred`: prints a Spotinst API token, cached and shared by all callers.
//!
//! The map:
//! - What is asked and answered: `cli` has the command line and `usage` the words for a wrong one; `command` has a
//!   module for each command; `format` the bytes that hosts want, `recipient` the servers that may get them.
//! - Settings: `settings` resolves where each value comes from; `secret` fetches the secret ones, by `child` where a
//!   program prints them; `endpoint` is a URL that secrets may go to; `budget` has the time limits.
//! - The use case: `obtain` (read, lock, read again, refresh, publish), with `cache` for what is kept, `token` for how
//!   long it is good, `lock_wait` for the wait for others, and `granter` for who is asked: `refresh` and `oauth` for a token endpoint, `command_grant` for a
//!   command. `accounts` asks the API what a token sees.
//! - Files: `replacement` replaces one as a whole, `output_file` one that its user named.
//! - The machine: `clock` reads the time of day, `patience` walks away from what may never end, `random` has chance, to spread callers and for names nobody else has.
//! - The person: `voice` speaks on stderr beside the final error, `terminal` asks, `colour` paints.
//!
//! `failure` has the classes that decide the exit status. Here it is only switched, and only here an error is printed.
//! `hostile` has the input that the tests of all parsers share.

#![forbid(unsafe_code)]

mod budget;
mod cache;
mod cli;
mod command;
mod command_grant;
mod config;
mod error;
mod format;
mod granter;
mod http;
mod oauth;
mod obtain;
mod refresh;
mod secret_source;
mod settings;
mod sourced;
mod sys;
mod text;
mod token;
mod transport;
mod url;
mod usage;

#[cfg(test)]
mod strategies;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind as UsageErrorKind;

use cli::{Cli, Command};
use error::{Error, ErrorKind};
use sys::{os, printer};

fn main() -> ExitCode {
    let started = Instant::now();
    os::deny_core_dumps();
    panic::set_hook(Box::new(report_panic));
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    printer::set_verbose(cli.options.verbose);
    match run(&cli, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Does what the command line asks for.
fn run(cli: &Cli, started: Instant) -> anyhow::Result<()> {
    let options = &cli.options;
    let Some(command) = &cli.command else {
        return command::print::run(&cli.output, options, started);
    };
    if let Some(option) = cli.output.given() {
        return Err(Error::new(ErrorKind::Usage, format!("{option} does not go with a command")).into());
    }
    match command {
        Command::Completions { shell } => command::completions::run(*shell),
        Command::Exec { argv } => command::exec::run(argv, options, started),
        Command::Get => command::get::run(options, started),
        Command::Invalidate => command::invalidate::run(options, started),
        Command::Login => command::login::run(options),
        Command::Logout { all } => command::logout::run(*all, options, started),
        Command::Status { profiles: true, .. } => command::profiles::run(options),
        Command::Status { json, check, profiles: _ } => command::status::run(*json, *check, options, started),
    }
}

/// Prints the error: the line that stands alone, then its hint. A stdout that nobody reads any more is not worth one.
fn report(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<command::OutputClosed>().is_some() {
        return ErrorKind::Other.exit_code();
    }
    let failure = error.downcast_ref::<Error>();
    printer::error(&format!("{error:#}"), failure.and_then(|failure| failure.hint.as_deref()));
    failure.map_or(ErrorKind::Other, |failure| failure.kind).exit_code()
}

/// Help and version go to stdout; what is wrong with the command line goes to stderr like any other failure.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), UsageErrorKind::DisplayHelp | UsageErrorKind::DisplayVersion) {
        let is_written = command::write(error.to_string().as_bytes()).is_ok();
        return if is_written { ExitCode::SUCCESS } else { ErrorKind::Other.exit_code() };
    }
    report(&usage::failure(error).into())
}

/// A panic is a mistake of ours. Its message may hold a piece of what was being worked on, so it is not shown.
#[expect(clippy::exit, reason = "a panic has no way back to main")]
fn report_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    printer::info(&format!("internal error at {place}; please report it"));
    std::process::exit(1);
}
