//! `get`: the credential-helper protocol of Bazel and Buck2. A request comes on stdin, the headers that it is to carry
//! go to stdout. The input of restish's external tool is understood as well, and its output is a part of this one.

use std::io;
use std::time::Instant;

use serde::Deserialize;

use crate::cli::Options;
use crate::command;
use crate::config::Settings;
use crate::error::{Error, ErrorKind};
use crate::format::json;
use crate::http::allowed_hosts;
use crate::secret_source::MAX_SECRET;
use crate::sys::bounded_read;

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
    let settings = Settings::resolve(options, started)?;
    let api = settings.api_url()?;
    let request = read(settings.budget.call_ends())?;
    allowed_hosts::check(&request.uri, &api)?;
    let token = command::token(options, &settings)?;
    Ok(command::write(&json::request_headers(&command::answer(&token, &settings)))?)
}

/// Reads the request, until the host closes its end or `deadline` comes.
fn read(deadline: Instant) -> Result<Request, Error> {
    let problem = |what: &str| {
        Error::other(format!("stdin {what}"))
            .hint("`get` is run by Bazel, Buck2 or restish, and reads {\"uri\":\"https://api.spotinst.io/\"}")
    };
    let bytes = bounded_read::stdin(MAX_SECRET, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem("holds more than 64 KiB"),
        io::ErrorKind::TimedOut => problem("was not closed in time").kind(ErrorKind::Temporary),
        _ => problem(&format!("cannot be read: {error}")),
    })?;
    serde_json::from_slice(&bytes).map_err(|_| problem("holds no request: a JSON object with a `uri` is wanted"))
}
