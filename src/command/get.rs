//! `get`: the credential-helper protocol of Bazel and Buck2. A request comes on stdin, the headers that it is to carry
//! go to stdout. The input of restish's external tool is understood as well, and its output is a part of this one.

use std::io::ErrorKind;
use std::time::Instant;

use serde::Deserialize;

use crate::cli::Options;
use crate::command;
use crate::failure::{Failure, Kind};
use crate::format::json;
use crate::recipient::Recipient;
use crate::secret::LONGEST;
use crate::settings::Settings;
use crate::voice::Voice;

/// What is asked. Unknown fields are ignored, as the protocol demands.
#[derive(Deserialize)]
struct Request {
    uri: String,
}

/// Answers one request.
///
/// # Errors
/// The URI is not one that may get the token, no token is to be had, or stdout cannot be written.
pub fn run(options: &Options, started: Instant) -> anyhow::Result<()> {
    let voice = Voice { verbose: options.verbose };
    let settings = Settings::resolve(options, started)?;
    let api = settings.api_url()?;
    let request = read(settings.budget.call_ends())?;
    Recipient::parse(&request.uri).and_then(|recipient| recipient.check(&api))?;
    let token = command::token(options, &settings, voice)?;
    Ok(command::write(&json::request_headers(&command::answer(&token, &settings)))?)
}

/// Reads the request, until the host closes its end or `deadline` comes.
fn read(deadline: Instant) -> Result<Request, Failure> {
    let problem = |what: &str| {
        Failure::new(Kind::Other, format!("stdin {what}"))
            .hint("`get` is run by Bazel, Buck2 or restish, and reads {\"uri\":\"https://api.spotinst.io/\"}")
    };
    let bytes = command::read_stdin(deadline).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => problem("was not closed in time").kind(Kind::Temporary),
        _ => problem(&format!("cannot be read: {error}")),
    })?;
    if bytes.len() as u64 > LONGEST {
        return Err(problem("holds more than 64 KiB"));
    }
    serde_json::from_slice(&bytes).map_err(|_| problem("holds no request: a JSON object with a `uri` is wanted"))
}
