//! `exec`: runs a program with the token in its environment, but without the credentials.

use std::ffi::OsString;
use std::io;
use std::time::Instant;

use crate::cli::Options;
use crate::commands;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::settings;
use crate::sys::{env, os, process};
use crate::text::one_line;

/// Replaces this process with the program, so that exit status and signals are the program's own. Returns only on
/// failure.
pub fn run(argv: &[OsString], options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = Config::resolve(&options.flags)?;
    let token = commands::token(&config, options, started)?;
    let credential = commands::credential(&token, &config);
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Error::new(ErrorKind::Usage, "there is no command to run").into());
    };
    let not_run = |error: io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::NotExecutable };
        let problem = format!("cannot run {}: {error}", one_line(&program.to_string_lossy()));
        Error::new(kind, problem).hint("check the program's name, its permissions and the PATH")
    };
    let mut command = process::command(program).map_err(not_run)?;
    command.args(arguments);
    // No refresh waits for the program, so the guard against recursion does not apply to it.
    for name in settings::secret_variables().chain([env::OUTER_REFRESHES]) {
        command.env_remove(name);
    }
    for name in settings::ACCOUNT.variables {
        // Without an account, the inherited variable is empty if it is set: remove it.
        match credential.account {
            Some(account) => command.env(name, account),
            None => command.env_remove(name),
        };
    }
    command.env(env::TOKEN, token.value.expose());
    Err(not_run(os::exec(&mut command)).into())
}
