//! `spotinst-cred`: prints a Spotinst API token, cached and shared by all callers.
//!
//! The modules, top layer first. A module imports only modules below it; `tests/it/architecture.rs` checks this.
//!
//! - `cli` parses the command line, `commands` has a file or folder for each command.
//! - `get_token` is the use case: read, lock, read again, fetch, publish. Its `decisions` are pure functions.
//! - `oauth` implements the requests to the token endpoint and the API.
//! - `config` resolves the settings, `cache` stores the tokens, `http` sends requests, `format` renders the output
//!   formats.
//! - `settings` is the table of all settings; `token`, `url`, `transport` and `sdk_file` are plain types.
//! - `sys` wraps the operating system and the terminal: environment, clock, files, processes, prompts. `error`,
//!   `sourced` and `text` are at the bottom.
//!
//! This file dispatches the commands and prints their errors.

#![forbid(unsafe_code)]

mod cache;
mod cli;
mod commands;
mod config;
mod error;
mod format;
mod get_token;
mod http;
mod oauth;
mod sdk_file;
mod settings;
mod sourced;
mod sys;
mod text;
mod token;
mod transport;
mod url;

#[cfg(any(test, fuzzing))]
pub mod fuzz_targets;
#[cfg(test)]
mod secrets_in_debug;
#[cfg(test)]
mod strategies;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use clap::CommandFactory;
use cli::{Cli, Command, ProfilesAction, usage_error};
use commands::OutputClosed;
use error::{Error, ErrorKind};
use sys::{os, printer};

fn main() -> ExitCode {
    let started = Instant::now();
    os::prepare_process();
    panic::set_hook(Box::new(report_panic));
    let cli = match Cli::parse_arguments() {
        Ok(cli) => cli,
        Err(error) => return help_or_usage_error(&error),
    };
    printer::set_verbose(cli.options.verbose);
    match run(&cli, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

fn run(cli: &Cli, started: Instant) -> anyhow::Result<()> {
    let options = &cli.options;
    let Some(command) = &cli.command else {
        return commands::print::run(&cli.output, options, started);
    };
    match command {
        Command::Completions { shell } => commands::completions::run(*shell),
        Command::Exec { argv } => commands::exec::run(argv, options, started),
        Command::Get => commands::get::run(options, started),
        Command::Invalidate => commands::invalidate::run(options, started),
        Command::Login { method, secret_store } => commands::login::run(options, *method, secret_store.as_deref()),
        Command::Logout { all } => commands::logout::run(*all, options, started),
        Command::Profiles { action: Some(ProfilesAction::Use { name }), .. } => {
            commands::profiles::choose(name, options)
        }
        Command::Profiles { json: true, .. } => commands::profiles::list_as_json(options),
        Command::Profiles { names, .. } => commands::profiles::list(*names, options),
        Command::Status { json, check } => commands::status::run(*json, *check, options, started),
        Command::Whoami => commands::status::whoami(options, started),
    }
}

/// Prints the error and its hint. A closed stdout pipe gets no message.
fn report(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<OutputClosed>().is_some() {
        return ErrorKind::Other.exit_code();
    }
    let known = error.downcast_ref::<Error>();
    printer::error(&format!("{error:#}"), known.and_then(|error| error.hint.as_deref()));
    known.map_or(ErrorKind::Other, |error| error.kind).exit_code()
}

/// Help and version go to stdout; a usage error goes to stderr like any other error.
fn help_or_usage_error(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let printed = commands::print_document(error.to_string().as_bytes());
        return printed.map_or_else(|error| report(&error), |()| ExitCode::SUCCESS);
    }
    report(&usage_error::from_clap(error, &Cli::command()).into())
}

/// Prints only the location of a panic: its message could contain a secret.
#[expect(clippy::exit, reason = "a panic has no way back to main")]
fn report_panic(info: &panic::PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    printer::info(&format!("internal error at {location}; please report it"));
    std::process::exit(1);
}
