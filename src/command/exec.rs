//! `exec`: become another program, which gets the token and not the keys.

use std::ffi::OsString;
use std::io;
use std::process::Command;
use std::time::Instant;

use crate::cli::Options;
use crate::command;
use crate::config::Settings;
use crate::error::{Error, ErrorKind};
use crate::sys::{env, os};
use crate::text::one_line;

/// Replaces this process by the program with the token in its environment; so its exit status and the signals that end
/// it are its own. Returns only if that fails.
///
/// # Errors
/// No token is to be had, or the program cannot be run.
pub fn run(argv: &[OsString], options: &Options, started: Instant) -> anyhow::Result<()> {
    let settings = Settings::resolve(options, started)?;
    let token = command::token(options, &settings)?;
    let answer = command::answer(&token, &settings);
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Error::new(ErrorKind::Usage, "there is no command to run").into());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in env::SECRETS {
        command.env_remove(name);
    }
    // The refresh is over, and nobody waits for the program on account of it.
    command.env_remove(env::OUTER_REFRESHES);
    for name in env::ACCOUNT {
        // One that is set is the account; without an account there is at most an empty one, which misleads.
        match answer.account {
            Some(account) => command.env(name, account),
            None => command.env_remove(name),
        };
    }
    command.env("SPOTINST_TOKEN", token.value.expose());
    let error = os::exec(&mut command);
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::NotExecutable };
    let problem = format!("cannot run {}: {error}", one_line(&program.to_string_lossy()));
    Err(Error::new(kind, problem).hint("check the program's name, its permissions and the PATH").into())
}
