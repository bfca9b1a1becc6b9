//! `get`: the credential-helper protocol of Bazel and Buck2. A request comes on stdin, the headers that it is to carry
//! go to stdout. The input of restish's external tool is understood as well, and its output is a part of this one.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Instant;

use serde::Deserialize;

use crate::cli::Options;
use crate::command;
use crate::failure::{Failure, Kind};
use crate::format::json;
use crate::recipient::Recipient;
use crate::settings::Settings;
use crate::voice::Voice;

/// No request is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

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
    let (send, receive) = mpsc::channel();
    let reader = move || {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
        send.send(read.map(|_| bytes))
    };
    let problem = |what: &str| {
        Failure::new(Kind::Other, format!("stdin {what}"))
            .hint("`get` is run by Bazel, Buck2 or restish, and reads {\"uri\":\"https://api.spotinst.io/\"}")
    };
    std::thread::Builder::new().spawn(reader).map_err(|error| problem(&format!("cannot be read: {error}")))?;
    let left = deadline.saturating_duration_since(Instant::now());
    let bytes = match receive.recv_timeout(left) {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(problem(&format!("cannot be read: {error}"))),
        Err(_) => return Err(problem("was not closed in time").kind(Kind::Temporary)),
    };
    if bytes.len() as u64 > LONGEST {
        return Err(problem("holds more than 64 KiB"));
    }
    serde_json::from_slice(&bytes).map_err(|_| problem("holds no request: a JSON object with a `uri` is wanted"))
}
