//! One answer, and the ways in which it can go wrong on the wire.

use std::io::{self, Write};
use std::time::Duration;

use super::gate::Event;

/// How many bytes a chunk of a chunked body holds: few, so that every token is cut apart.
const CHUNK: usize = 7;

/// An answer to one request. Ready-made ones are in `issued.rs` and `refusal.rs`, the faults in `fault.rs`.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values; `Content-Length` and `Connection` are added when it is sent.
    pub headers: Vec<(String, String)>,
    /// The body, or with [`Delivery::Raw`] everything that is sent.
    pub body: Vec<u8>,
    /// How it travels.
    pub delivery: Delivery,
}

/// How a reply travels, or fails to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As it should.
    Whole,
    /// With `Transfer-Encoding: chunked`.
    Chunked,
    /// One byte at a time, this long apart.
    Drip(Duration),
    /// With a `Content-Length` of this many bytes, whatever the body really measures.
    Announce(usize),
    /// The body's bytes alone, without any HTTP around them.
    Raw,
    /// Never: the connection stays open and silent until the stand-in is dropped.
    Hang,
    /// Never: the connection ends as soon as the request was read.
    CloseUnanswered,
    /// Never: the connection ends before anything was read, so the request is not logged.
    CloseAtOnce,
    /// Never: the connection is reset while the request is on its way, so the request is not logged.
    Reset,
}

impl Reply {
    /// An answer with this body and no headers of its own.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), delivery: Delivery::Whole }
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with its body changed.
    pub fn with_body(mut self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        self.body = change(self.body);
        self
    }

    /// The same, delivered in another way.
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Whether it needs no request, so that the connection ends before one is read.
    pub(super) fn precedes_request(&self) -> bool {
        matches!(self.delivery, Delivery::CloseAtOnce | Delivery::Reset)
    }

    /// Sends it. A reply that hangs or drips ends early when `stop` happens.
    ///
    /// # Errors
    /// Whatever writing fails with, which mostly means that the client had enough.
    pub(super) fn send(&self, stream: &mut impl Write, stop: &Event) -> io::Result<()> {
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

/// The phrase beside the status, which the API's envelope repeats as `status.message`.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unnamed",
    }
}
