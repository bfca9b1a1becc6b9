//! Replies that fail on the wire.

use std::time::Duration;

use crate::reply::{Delivery, Reply};

impl Reply {
    /// Reads the request and stays silent until the stand-in is dropped.
    pub fn hang() -> Self {
        Self::empty(200).delivered(Delivery::Hang)
    }

    /// Closes the connection before anything is read; over TLS, before the handshake. No request is logged, but see
    /// [`StandIn::connections`](crate::StandIn::connections).
    pub fn close_at_once() -> Self {
        Self::empty(200).delivered(Delivery::CloseAtOnce)
    }

    /// Reads the request and closes the connection without a reply.
    pub fn close_unanswered() -> Self {
        Self::empty(200).delivered(Delivery::CloseUnanswered)
    }

    /// Resets the connection while the request is on its way. No request is logged.
    pub fn reset() -> Self {
        Self::empty(200).delivered(Delivery::Reset)
    }

    /// Bytes that are not HTTP, such as another protocol's greeting.
    pub fn garbage() -> Self {
        Self::new(200, *b"SSH-2.0-NotWhatYouThink\r\n\x00\x01\xFE\xFF").delivered(Delivery::Raw)
    }

    /// This reply, one byte at a time with a `pause` after each.
    pub fn dripping(self, pause: Duration) -> Self {
        self.delivered(Delivery::Drip(pause))
    }

    /// This reply with `Transfer-Encoding: chunked`, in small chunks.
    pub fn chunked(self) -> Self {
        self.delivered(Delivery::Chunked)
    }

    /// This reply, but the connection ends after half of the announced body.
    pub fn cut_short(self) -> Self {
        let length = self.body.len();
        self.with_body(|mut body| {
            body.truncate(length / 2);
            body
        })
        .announcing(length)
    }

    /// This reply with a `Content-Length` of `length` bytes, which may be too large or too small.
    pub fn announcing(self, length: usize) -> Self {
        self.delivered(Delivery::Announce(length))
    }
}
