//! The sockets: one thread accepts, each connection has a thread, and all of them end with the stand-in.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use crate::reply::{Delivery, Reply};
use crate::request::Request;
use crate::server_state::ServerState;
use crate::tls::Identity;

/// How much is read from a client that goes on sending after its reply, in bytes.
const MAX_LEFTOVER: u64 = 16 << 20;

/// The longest wait for a client to end its side.
const MAX_HANG_UP: Duration = Duration::from_secs(10);

/// The pause before the next `accept` when the process has no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(10);

/// Accepts connections until the stand-in stops, then closes the open ones and waits for their threads.
pub fn serve(listener: &TcpListener, identity: Option<&Identity>, state: &ServerState) {
    let mut live: Vec<Weak<TcpStream>> = Vec::new();
    thread::scope(|scope| {
        while let Some(stream) = next_connection(listener, state) {
            let stream = Arc::new(stream);
            live.retain(|connection| connection.strong_count() > 0);
            live.push(Arc::downgrade(&stream));
            // An error here is the client's doing or the fault under test: there is nobody to report it to.
            let work = move || drop(handle_connection(&stream, identity, state));
            // If no thread can be spawned, the connection is closed.
            drop(thread::Builder::new().spawn_scoped(scope, work));
        }
        for stream in live.iter().filter_map(Weak::upgrade) {
            // This fails if the client has closed the connection already.
            drop(stream.shutdown(Shutdown::Both));
        }
    });
}

fn next_connection(listener: &TcpListener, state: &ServerState) -> Option<TcpStream> {
    loop {
        let accepted = listener.accept();
        if state.stop.is_set() {
            return None;
        }
        match accepted {
            Ok((stream, _)) => return Some(stream),
            Err(_) => state.stop.wait_for(ACCEPT_RETRY_DELAY),
        };
    }
}

fn handle_connection(stream: &TcpStream, identity: Option<&Identity>, state: &ServerState) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr().ok();
    match (state.count_connection(), identity) {
        (Some(reply), _) if reply.delivery == Delivery::Reset => return reset(stream),
        (Some(_), _) => {}
        (None, None) => exchange(&mut &*stream, peer, state)?,
        (None, Some(identity)) => identity.over_tls(stream, |secure| exchange(secure, peer, state))?,
    }
    hang_up(stream)
}

fn exchange(stream: &mut (impl Read + Write), peer: Option<SocketAddr>, state: &ServerState) -> io::Result<()> {
    let reply = match Request::read(stream) {
        Ok(request) => state.reply_to(&Request { peer, ..request }),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Reply::bad_request(),
        Err(error) => return Err(error),
    };
    reply.send(stream, &state.stop)
}

/// Leaves the client's bytes unread: closing such a socket sends a reset (RFC 2525, section 2.17).
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.peek(&mut [0]).map(drop)
}

/// Ends our side and reads until the client ends its own: closing at once could send a reset, which discards what the
/// client has not read yet. A client that was killed may never do so: under Wine its end can stay open.
fn hang_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(MAX_HANG_UP))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(MAX_LEFTOVER), &mut io::sink()).map(drop)
}
