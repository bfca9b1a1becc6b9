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

mod callers;
mod examples;
mod fake_clock;
mod fake_network;
mod fixtures;
mod mount_namespace;
mod parallel;
mod pty;
mod requirements;
mod sandbox;
mod skip_file;
#[path = "../../contrib/stand-in/mod.rs"]
mod stand_in;
mod strace;
mod unprivileged;

mod cache_files;
mod cache_gc;
mod cached_failures;
mod cargo_token;
mod clock_changes;
mod completions;
mod config;
mod contention;
mod crash_safety;
mod deadlines;
mod error_messages;
mod examples_ci;
mod examples_shells;
mod exec;
mod expiry;
mod fleet;
mod fleet_kubernetes;
mod formats;
mod get;
mod hostile_env;
mod http_timeouts;
mod json_schema;
mod kubectl;
mod kubernetes_clients;
mod login;
mod logout;
mod output_file;
mod proxy;
mod readme;
mod refresh_fallback;
mod refresh_token;
mod rejected_credentials;
mod secret_leaks;
mod secret_sources;
mod server_errors;
mod shells;
mod smoke;
mod spotinst_clients;
mod status;
mod structured_formats;
mod syscall_failures;
mod terminal_output;
mod terraform;
mod tls;
mod token_command;
mod token_requests;
mod token_responses;
mod transcript;
