//! The main command: print the token in the format that is asked for.

use std::io::{self, IsTerminal};
use std::time::Instant;

use crate::cli::{Options, Output};
use crate::failure::{Failure, Kind};
use crate::format::{Answer, Format};
use crate::settings::{self, Settings};
use crate::voice::Voice;
use crate::{clock, command};

/// Prints the token.
///
/// # Errors
/// No token is to be had, or stdout cannot be written.
pub fn run(output: &Output, options: &Options, started: Instant) -> anyhow::Result<()> {
    let voice = Voice { verbose: options.verbose };
    let format = settings::format(output.format)?;
    if output.no_newline && format != Format::Token {
        return Err(Failure::new(Kind::Usage, "--no-newline goes with the token format only").into());
    }
    let settings = Settings::resolve(options, started)?;
    let renderer = format.prepare()?;
    let token = command::token(options, &settings, voice)?;
    let answer = Answer { token: &token, account: settings.account.as_deref(), now: clock::now() };
    let mut document = renderer.render(&answer);
    if output.no_newline {
        document.pop();
    }
    command::write(&document)?;
    if format == Format::Token && !output.no_newline && io::stdout().is_terminal() {
        voice.notice("to hand it to programs: SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN");
    }
    Ok(())
}
