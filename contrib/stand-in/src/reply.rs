//! One reply, and the ways in which it can fail on the wire.

use std::io::{self, Write};
use std::time::Duration;

use http::StatusCode;

use crate::sync::Event;

/// The bytes in a chunk of a chunked body: so few that every token is split.
const CHUNK: usize = 7;

/// A reply to one request. `token_reply`, `error_reply` and `network_fault` have constructors for all that a server is
/// known to send.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values; `Content-Length` and `Connection` are added when it is sent.
    pub headers: Vec<(String, String)>,
    /// The body; with [`Delivery::Raw`], everything that is sent.
    pub body: Vec<u8>,
    /// How it is sent.
    pub delivery: Delivery,
}

/// How a reply is sent, or fails to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Correctly, at once.
    Whole,
    /// With `Transfer-Encoding: chunked`.
    Chunked,
    /// One byte at a time with this pause after each.
    Drip(Duration),
    /// With a `Content-Length` of this many bytes, whatever the length of the body.
    Announce(usize),
    /// The bytes of the body alone, without HTTP.
    Raw,
    /// Never: the connection stays open and silent until the stand-in is dropped.
    Hang,
    /// Never: the connection is closed after the request was read.
    CloseUnanswered,
    /// Never: the connection is closed before anything is read, so the request is not logged.
    CloseAtOnce,
    /// Never: the connection is reset while the request is on its way, so the request is not logged.
    Reset,
}

impl Reply {
    /// A reply with this body and no headers of its own.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), delivery: Delivery::Whole }
    }

    /// This reply with one more header.
    pub fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// This reply with its body changed.
    pub fn with_body(mut self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        self.body = change(self.body);
        self
    }

    /// This reply, sent in another way.
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Whether it ends the connection before a request is read.
    pub(crate) fn needs_no_request(&self) -> bool {
        matches!(self.delivery, Delivery::CloseAtOnce | Delivery::Reset)
    }

    /// Sends it. A reply that hangs or drips ends early when `stop` is set.
    pub(crate) fn send(&self, stream: &mut impl Write, stop: &Event) -> io::Result<()> {
        match self.delivery {
            Delivery::Whole | Delivery::Chunked | Delivery::Announce(_) | Delivery::Raw => {
                stream.write_all(&self.encode())?;
                stream.flush()
            }
            Delivery::Drip(pause) => drip(stream, &self.encode(), pause, stop),
            Delivery::Hang => {
                stop.wait();
                Ok(())
            }
            Delivery::CloseUnanswered | Delivery::CloseAtOnce | Delivery::Reset => Ok(()),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self.delivery {
            Delivery::Raw => self.body.clone(),
            Delivery::Chunked => [self.head(), chunked(&self.body)].concat(),
            _ => [self.head(), self.body.clone()].concat(),
        }
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.extend([name.as_str(), ": ", value, "\r\n"]);
        }
        head += &self.framing();
        head += "Connection: close\r\n\r\n";
        head.into_bytes()
    }

    /// The header that says where the body ends. A 204 must have none (RFC 9110, section 8.6).
    fn framing(&self) -> String {
        match self.delivery {
            Delivery::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Delivery::Announce(length) => format!("Content-Length: {length}\r\n"),
            _ if self.status == 204 => String::new(),
            _ => format!("Content-Length: {}\r\n", self.body.len()),
        }
    }
}

/// The standard reason phrase of a status, which the API repeats as `status.message` in its envelope.
pub(crate) fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().as_ref().and_then(StatusCode::canonical_reason).unwrap_or("Unknown")
}

fn drip(stream: &mut impl Write, bytes: &[u8], pause: Duration, stop: &Event) -> io::Result<()> {
    for byte in bytes.chunks(1) {
        stream.write_all(byte)?;
        stream.flush()?;
        if stop.wait_for(pause) {
            break;
        }
    }
    Ok(())
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for chunk in body.chunks(CHUNK) {
        encoded.extend(format!("{:x}\r\n", chunk.len()).bytes());
        encoded.extend(chunk);
        encoded.extend(b"\r\n");
    }
    encoded.extend(b"0\r\n\r\n");
    encoded
}
