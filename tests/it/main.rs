//! All integration tests, in one binary. They run the real program in real processes, against a fake Spotinst service
//! on real sockets.
//!
//! Support:
//!
//! - `sandbox`: its own home, a cleared environment, and the program run in it; `fixtures`: sandboxes whose token
//!   is known in advance; `callers`: many concurrent callers
//! - `fake_network`: Spotinst's host names for unmodified clients; `fake_clock`: a wall clock that a
//!   test sets
//! - `requirements`: programs and privileges that a test needs, and what happens without them; `skip_file`: where
//!   skipped tests are recorded; `unprivileged`, `mount_namespace`, `pty`, `strace`: ways to run a process
//! - `examples`: the files of `contrib/`; `act`: GitHub's workflows; `parallel`: work on many items
//!
//! Tests, by topic:
//!
//! - One token for all callers: `contention`, `expiry`, `clock_changes`, `deadlines`
//! - The cache: `cache_files`, `sudo`, `cache_gc`, `crash_safety`, `syscall_failures`
//! - Failures: `cached_failures`, `rejected_credentials`, `server_errors`, `refresh_fallback`
//! - Requests and responses: `token_requests`, `token_responses`, `refresh_token`, `http_timeouts`, `proxy`, `tls`
//! - Settings and secrets: `config`, `sdk_credentials`, `secret_sources`, `secret_stores`, `token_command`, `hostile_env`,
//!   `secret_leaks`, `error_messages`
//! - Hosts: `inherited_state`, `host_signals`
//! - Output: `formats`, `structured_formats`, `json_schema`, `output_file`, `drafts`, `terminal_output`
//! - Commands: `exec`, `get`, `login`, `login_accounts`, `login_attempts`, `login_profile`, `login_token`, `logout`,
//!   `revocation`, `status`, `completions`, `command_line`, `profiles`
//! - Programs that use it: `shells`, `kubectl`, `kubernetes_clients`, `spotinst_clients`, `http_clients`,
//!   `task_runners`, `github_action`, `terraform`, `cargo_token`, `fleet`, `fleet_kubernetes`, `fleet_openbao`, on
//!   `machines`
//! - Examples and documentation: `examples_ci`, `examples_shells`, `integrations`, `docs`, `transcript`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its own clock and environment"
)]

mod act;
mod callers;
mod examples;
mod fake_clock;
mod fake_network;
mod fixtures;
mod machines;
mod mount_namespace;
mod parallel;
mod pty;
mod requirements;
mod sandbox;
mod skip_file;
mod store_program;
mod strace;
mod unprivileged;

mod clock_changes;
mod contention;
mod deadlines;
mod expiry;

mod architecture;
mod cache_files;
mod cache_gc;
mod crash_safety;
mod sudo;
mod syscall_failures;

mod cached_failures;
mod refresh_fallback;
mod rejected_credentials;
mod server_errors;

mod http_timeouts;
mod proxy;
mod refresh_token;
mod tls;
mod token_requests;
mod token_responses;

mod config;
mod error_messages;
mod host_signals;
mod hostile_env;
mod inherited_state;
mod sdk_credentials;
mod secret_leaks;
mod secret_sources;
mod secret_stores;
mod token_command;

mod drafts;
mod formats;
mod json_schema;
mod output_file;
mod structured_formats;
mod terminal_output;

mod command_line;
mod completions;
mod exec;
mod exit_zero;
mod get;
mod login;
mod login_accounts;
mod login_attempts;
mod login_profile;
mod login_token;
mod logout;
mod profiles;
mod revocation;
mod status;

mod cargo_token;
mod fleet;
mod fleet_kubernetes;
mod fleet_openbao;
mod github_action;
mod http_clients;
mod kubectl;
mod kubernetes_clients;
mod shared_failures;
mod shells;
mod spent_refresh_tokens;
mod spotinst_clients;
mod task_runners;
mod terraform;

mod docs;
mod examples_ci;
mod examples_shells;
mod integrations;
mod transcript;
