//! The operating system's own texts of errors: each system and language has others.

use std::fs::{File, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// Of a file that does not exist, in a directory that does.
pub fn no_such_file() -> String {
    let missing = Path::new(env!("CARGO_MANIFEST_DIR")).join("no-such-file");
    File::open(missing).unwrap_err().to_string()
}

/// Of a directory that is opened like a file to append to.
pub fn append_to_directory() -> String {
    let directory = env!("CARGO_MANIFEST_DIR");
    OpenOptions::new().read(true).append(true).open(directory).unwrap_err().to_string()
}

/// Of a port where nobody listens.
pub fn connection_refused() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    TcpStream::connect(free).unwrap_err().to_string()
}
