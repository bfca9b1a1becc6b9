//! Access to the operating system: environment, clock, files, processes, terminal.
//!
//! [`os`] contains what differs between operating systems: one folder for each, with the same functions.

pub mod atomic_file;
pub mod bounded_read;
pub mod clock;
pub mod color;
pub mod digest;
pub mod drafts;
pub mod env;
pub mod file_lock;
pub mod lock_holder;
pub mod missing;
pub mod output_file;
pub mod printer;
pub mod process;
pub mod prompt;
pub mod random;
pub mod secret;
pub mod stdout;
pub mod stdout_kind;
pub mod timeout;

#[cfg(unix)]
#[path = "unix/mod.rs"]
pub mod os;
#[cfg(windows)]
#[path = "windows/mod.rs"]
pub mod os;
