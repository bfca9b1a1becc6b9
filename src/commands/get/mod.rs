//! `get`: the credential-helper protocol of Bazel and Buck2. Reads a request from stdin and prints the headers for it
//! to stdout. Also works as restish's external tool, which reads a part of this output.

pub mod allowed_hosts;

use std::io::{self, IsTerminal};
use std::time::Instant;

use serde::Deserialize;

use crate::cli::Options;
use crate::commands;
use crate::config::Config;
use crate::config::secret_source::MAX_SECRET;
use crate::error::{Error, ErrorKind, Result};
use crate::format::json;
use crate::get_token::deadlines::Deadlines;
use crate::sys::{bounded_read, printer};

const REQUEST: &str = r#"{"uri":"https://api.spotinst.io/"}"#;

/// The request. Other fields are ignored, as the protocol requires.
#[derive(Deserialize)]
pub struct Request {
    pub uri: String,
}

pub fn run(options: &Options, started: Instant) -> anyhow::Result<()> {
    let config = Config::resolve(&options.flags)?;
    let api = config.api_url()?;
    let request = read(Deadlines { started, limits: config.limits }.call_end())?;
    allowed_hosts::check(&request.uri, &api)?;
    let token = commands::token(&config, options, started)?;
    commands::print_document(&json::request_headers(&commands::credential(&token, &config)))
}

/// Reads the request until the host closes the pipe.
fn read(deadline: Instant) -> Result<Request> {
    let problem = |what: &str| {
        Error::other(format!("stdin {what}"))
            .hint(format!("`get` is run by Bazel, Buck2 or restish, and reads {REQUEST}"))
    };
    if io::stdin().is_terminal() {
        printer::note(&format!("reading a request from the terminal, such as {REQUEST}; Ctrl-D ends it"));
    }
    let bytes = bounded_read::stdin(MAX_SECRET, deadline).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem("holds more than 64 KiB"),
        io::ErrorKind::TimedOut => problem("was not closed in time").kind(ErrorKind::Temporary),
        _ => problem(&format!("cannot be read: {error}")),
    })?;
    parse(&bytes).ok_or_else(|| problem("is not a request: expected a JSON object with a `uri`"))
}

/// The request in these bytes. Pure.
pub fn parse(bytes: &[u8]) -> Option<Request> {
    // serde would also accept an array of the same values.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    serde_json::from_slice(bytes).ok().filter(|_| is_object)
}
