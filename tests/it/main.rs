//! One binary for all integration tests: the real program, real processes, real sockets, the stand-in that this
//! repository ships. A file an area; `sandbox` is what they share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its own clock and environment"
)]

mod sandbox;
#[path = "../../contrib/stand-in/mod.rs"]
mod stand_in;

mod cold_and_warm;
mod command_grant;
mod exec;
mod fleet;
mod formats;
mod get;
mod host;
mod json_schema;
mod output_file;
