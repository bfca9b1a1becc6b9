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

mod example;
mod host;
mod internet;
mod machines;
mod mounts;
mod sandbox;
mod strace;
mod surroundings;
mod terminal;
mod wall_clock;

mod ageing;
mod answers;
mod at_terminal;
mod budgets;
mod cargo_token;
mod clients;
mod clocks;
mod cold_and_warm;
mod command_grant;
mod completions;
mod contention;
mod documents;
mod example_ci;
mod example_shells;
mod exec;
mod failure_memory;
mod files;
mod fleet;
mod fleet_kubernetes;
mod fleet_openbao;
mod formats;
mod get;
mod json_schema;
mod kill;
mod kubectl;
mod kubernetes_clients;
mod login;
mod logout;
mod messages;
mod output_file;
mod proxy;
mod readme;
mod refresh;
mod refresh_grant;
mod refusals;
mod rejection;
mod requests;
mod secrets;
mod sentinels;
mod settings;
mod shells;
mod status;
mod sweep;
mod syscalls;
mod terraform;
mod tls;
mod transcript;
mod traps;
mod wire_limits;
