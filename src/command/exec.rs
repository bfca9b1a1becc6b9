//! `exec`: become another program, which gets the token and not the keys.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use crate::cli::Options;
use crate::command;
use crate::failure::{Failure, Kind, one_line};
use crate::settings::{Settings, env};
use crate::voice::Voice;

/// Replaces this process by the program with the token in its environment; so its exit status and the signals that end
/// it are its own. Returns only if that fails.
///
/// # Errors
/// No token is to be had, or the program cannot be run.
pub fn run(argv: &[OsString], options: &Options, started: Instant) -> anyhow::Result<()> {
    let voice = Voice { verbose: options.verbose };
    let settings = Settings::resolve(options, started)?;
    let token = command::token(options, &settings, voice)?;
    let answer = command::answer(&token, &settings);
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Failure::new(Kind::Usage, "there is no command to run").into());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in env::SECRETS {
        command.env_remove(name);
    }
    // The refresh is over, and nobody waits for the program on account of it.
    command.env_remove(env::INSIDE);
    for name in env::ACCOUNT {
        // One that is set is the account; without an account there is at most an empty one, which misleads.
        match answer.account {
            Some(account) => command.env(name, account),
            None => command.env_remove(name),
        };
    }
    command.env("SPOTINST_TOKEN", token.value.expose());
    let error = command.exec();
    let kind = if error.kind() == ErrorKind::NotFound { Kind::NotFound } else { Kind::NotExecutable };
    let problem = format!("cannot run {}: {error}", one_line(&program.to_string_lossy()));
    Err(Failure::new(kind, problem).hint("check the program's name, its permissions and the PATH").into())
}
