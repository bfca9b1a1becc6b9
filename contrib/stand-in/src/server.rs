//! The sockets: one thread accepts, one thread talks on each connection, and all of them end with the stand-in.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::desk::Desk;
use super::http::read_request;
use super::reply::{Delivery, Reply};
use super::tls::Identity;

/// The most that is read from a client that goes on talking after its answer, in bytes.
const LEFTOVER: u64 = 16 << 20;

/// How long the acceptor rests when the process has no more file descriptors.
const BREATHER: Duration = Duration::from_millis(10);

/// Accepts connections until the desk stops, then cuts those that still live and returns when their threads have.
pub fn serve(listener: &TcpListener, identity: Option<&Identity>, desk: &Desk) {
    let mut live: Vec<Weak<TcpStream>> = Vec::new();
    thread::scope(|scope| {
        while let Some(stream) = next_connection(listener, desk) {
            let stream = Arc::new(stream);
            live.retain(|connection| connection.strong_count() > 0);
            live.push(Arc::downgrade(&stream));
            // What fails here is the client's doing, or the fault under test: nobody is to be told.
            let talk = move || drop(converse(&stream, identity, desk));
            // Without a thread to be had, the connection just ends.
            drop(thread::Builder::new().spawn_scoped(scope, talk));
        }
        for stream in live.iter().filter_map(Weak::upgrade) {
            // It fails where the client was faster.
            drop(stream.shutdown(Shutdown::Both));
        }
    });
}

fn next_connection(listener: &TcpListener, desk: &Desk) -> Option<TcpStream> {
    loop {
        let accepted = listener.accept();
        if desk.stop.is_set() {
            return None;
        }
        match accepted {
            Ok((stream, _)) => return Some(stream),
            Err(_) => desk.stop.wait_for(BREATHER),
        };
    }
}

fn converse(stream: &TcpStream, identity: Option<&Identity>, desk: &Desk) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match (desk.greet(), identity) {
        (Some(reply), _) if reply.delivery == Delivery::Reset => return reset(stream),
        (Some(_), _) => {}
        (None, None) => exchange(&mut &*stream, desk)?,
        (None, Some(identity)) => identity.over_tls(stream, |secure| exchange(secure, desk))?,
    }
    hang_up(stream)
}

fn exchange(stream: &mut (impl Read + Write), desk: &Desk) -> io::Result<()> {
    let reply = match read_request(stream) {
        Ok(request) => desk.answer(&request),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Reply::bad_request(),
        Err(error) => return Err(error),
    };
    reply.send(stream, &desk.stop)
}

/// Leaves the client's bytes unread: closing such a socket sends a reset (RFC 2525, section 2.17).
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.peek(&mut [0]).map(drop)
}

/// Ends our side and reads until the client ends its own: closing at once could send a reset, which takes from the
/// client what it has not read yet.
fn hang_up(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(LEFTOVER), &mut io::sink()).map(drop)
}
