//! `spotinst-cred`: prints a Spotinst API token, cached and shared by all callers.
//!
//! The map: `cli` says what can be asked, `settings` resolves where each value comes from, `obtain` is the use case
//! (read, lock, read again, refresh, publish), with `cache` for what is kept, `granter` for who is asked: `refresh` and
//! `oauth` for a token endpoint, `command_grant` for a command; `token` for how long it is good; `format` has the bytes
//! that hosts want, `recipient` the servers that may get them. `failure` has the classes that decide the exit status.
//! Here it is only switched, and only here an error is printed.

#![forbid(unsafe_code)]

mod accounts;
mod budget;
mod cache;
mod child;
mod cli;
mod clock;
mod colour;
mod command;
mod command_grant;
mod endpoint;
mod failure;
mod format;
mod granter;
#[cfg(test)]
mod hostile;
mod lock_wait;
mod oauth;
mod obtain;
mod output_file;
mod patience;
mod random;
mod recipient;
mod refresh;
mod replacement;
mod secret;
mod settings;
mod terminal;
mod token;
mod usage;
mod voice;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;

use cli::{Cli, Command};
use failure::{Failure, Kind};

fn main() -> ExitCode {
    let started = Instant::now();
    secret::keep_out_of_core_dumps();
    panic::set_hook(Box::new(report_panic));
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
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
        return Err(Failure::new(Kind::Usage, format!("{option} does not go with a command")).into());
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
        return Kind::Other.exit_code();
    }
    let failure = error.downcast_ref::<Failure>();
    voice::complain(&format!("{error:#}"), failure.and_then(|failure| failure.hint.as_deref()));
    failure.map_or(Kind::Other, |failure| failure.kind).exit_code()
}

/// Help and version go to stdout; what is wrong with the command line goes to stderr like any other failure.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let is_written = command::write(error.to_string().as_bytes()).is_ok();
        return if is_written { ExitCode::SUCCESS } else { Kind::Other.exit_code() };
    }
    report(&usage::failure(error).into())
}

/// A panic is a mistake of ours. Its message may hold a piece of what was being worked on, so it is not shown.
#[expect(clippy::exit, reason = "a panic has no way back to main")]
fn report_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    voice::say(&format!("internal error at {place}; please report it"));
    std::process::exit(1);
}
