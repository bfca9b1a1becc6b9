//! Answers that fail on the wire.

use std::time::Duration;

use super::reply::{Delivery, Reply};

impl Reply {
    /// Accepts the request and stays silent until the stand-in is dropped.
    pub fn hang() -> Self {
        Self::empty(200).delivered(Delivery::Hang)
    }

    /// Ends the connection before reading anything; over TLS, before the handshake. Not logged: see
    /// `StandIn::connections`.
    pub fn close_at_once() -> Self {
        Self::empty(200).delivered(Delivery::CloseAtOnce)
    }

    /// Reads the request and ends the connection without an answer.
    pub fn close_unanswered() -> Self {
        Self::empty(200).delivered(Delivery::CloseUnanswered)
    }

    /// Resets the connection while the request is on its way. Not logged.
    pub fn reset() -> Self {
        Self::empty(200).delivered(Delivery::Reset)
    }

    /// Bytes that are no HTTP, such as another protocol's greeting.
    pub fn garbage() -> Self {
        Self::new(200, *b"SSH-2.0-NotWhatYouThink\r\n\x00\x01\xFE\xFF").delivered(Delivery::Raw)
    }

    /// This answer, one byte at a time.
    pub fn dripping(self, pause: Duration) -> Self {
        self.delivered(Delivery::Drip(pause))
    }

    /// This answer with `Transfer-Encoding: chunked`, in small chunks.
    pub fn chunked(self) -> Self {
        self.delivered(Delivery::Chunked)
    }

    /// This answer, but the connection ends after half of the announced body.
    pub fn cut_short(self) -> Self {
        let length = self.body.len();
        self.with_body(|mut body| {
            body.truncate(length / 2);
            body
        })
        .announcing(length)
    }

    /// This answer with a `Content-Length` of `length` bytes, be it too long or too short.
    pub fn announcing(self, length: usize) -> Self {
        self.delivered(Delivery::Announce(length))
    }
}
