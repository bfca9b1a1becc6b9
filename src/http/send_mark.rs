//! Records when a request starts to be written: if an error occurs before, the server cannot have acted on the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

use crate::url::Origin;

/// The last of the chained connectors. When it is called, the connection is established, including proxy and TLS.
#[derive(Clone, Debug)]
pub struct SendMark {
    server: Origin,
    is_sent: Arc<AtomicBool>,
    /// Nothing is written after this.
    deadline: Instant,
}

impl SendMark {
    pub fn new(server: Origin, deadline: Instant) -> Self {
        Self { server, is_sent: Arc::default(), deadline }
    }

    /// Resets the mark for the next request.
    pub fn reset(&self) {
        self.is_sent.store(false, Ordering::Release);
    }

    pub fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Acquire)
    }
}

impl<In: Transport> Connector<In> for SendMark {
    type Out = Marked<In>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Marked<In>>, Error> {
        // The same chain also connects to a proxy, and what is sent to the proxy is not the request.
        let is_server = Origin::parse(&details.uri.to_string()).as_ref() == Ok(&self.server);
        let is_sent = if is_server { Arc::clone(&self.is_sent) } else { Arc::default() };
        Ok(chained.map(|inner| Marked { inner, mark: Self { is_sent, ..self.clone() } }))
    }
}

/// A connection that sets the mark when it sends data.
#[derive(Debug)]
pub struct Marked<T> {
    inner: T,
    mark: SendMark,
}

impl<T: Transport> Transport for Marked<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if Instant::now() >= self.mark.deadline {
            return Err(Error::Timeout(Timeout::Global));
        }
        self.mark.is_sent.store(true, Ordering::Release);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
