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
//!   skipped tests are recorded; `os`: what differs between operating systems, `steps`: commands for either shell,
//!   `system_errors`: the operating system's error texts
//! - `unprivileged`, `mount_namespace`, `pty`, `strace`: ways to run a process
//! - `examples`: the files of `contrib/`; `act`: GitHub's workflows; `parallel`: work on many items
//!
//! Tests, by topic:
//!
//! - One token for all callers: `contention`, `conformance` to the model, `expiry`, `clock_changes`, `deadlines`
//! - The cache: `cache_files`, `sudo`, `cache_gc`, `crash_safety`, `syscall_failures`
//! - Failures: `cached_failures`, `rejected_credentials`, `server_errors`, `refresh_fallback`
//! - Requests and responses: `token_requests`, `token_responses`, `refresh_token`, `http_timeouts`, `proxy`, `tls`
//! - Settings and secrets: `config`, `sdk_credentials`, `secret_sources`, `secret_stores`, `real_secret_stores`,
//!   `token_command`, `saml`, `hostile_env`, `secret_leaks`, `error_messages`
//! - Windows: `windows`, and under Wine on other systems `windows_console`
//! - Hosts: `inherited_state`, `host_signals`
//! - Output: `formats`, `structured_formats`, `json_schema`, `output_file`, `output_links`, `drafts`, `terminal_output`
//! - Commands: `exec`, `get`, `login`, `login_accounts`, `login_attempts`, `login_profile`, `login_saml`,
//!   `login_stores`, `login_token`, `logout`, `revocation`, `status`, `completions`, `command_line`, `profiles`
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
#![cfg_attr(windows, allow(dead_code, reason = "most of the support is for tests that run on Unix alone"))]

#[cfg(unix)]
mod act;
mod callers;
#[cfg(unix)]
mod examples;
mod fake_clock;
#[cfg(unix)]
mod fake_network;
mod fixtures;
#[cfg(unix)]
mod keychains;
#[cfg(unix)]
mod machines;
mod mount_namespace;
#[cfg_attr(unix, path = "os/unix.rs")]
#[cfg_attr(windows, path = "os/windows.rs")]
mod os;
mod parallel;
mod pty;
mod requirements;
mod sandbox;
mod skip_file;
mod steps;
#[cfg(unix)]
mod store_program;
mod strace;
mod system_errors;
#[cfg(unix)]
mod unprivileged;

#[cfg(unix)]
mod clock_changes;
#[cfg(unix)]
mod conformance;
mod contention;
mod deadlines;
mod expiry;

mod architecture;
#[cfg(unix)]
mod cache_files;
#[cfg(unix)]
mod cache_gc;
#[cfg(unix)]
mod crash_safety;
#[cfg(unix)]
mod sudo;
#[cfg(unix)]
mod syscall_failures;

mod cached_failures;
mod refresh_fallback;
mod rejected_credentials;
mod server_errors;

mod http_timeouts;
mod proxy;
#[cfg(unix)]
mod refresh_token;
mod tls;
mod token_requests;
mod token_responses;

mod config;
#[cfg(unix)]
mod error_messages;
#[cfg(unix)]
mod host_signals;
#[cfg(unix)]
mod hostile_env;
#[cfg(unix)]
mod inherited_state;
#[cfg(unix)]
mod real_secret_stores;
mod saml;
#[cfg(unix)]
mod sdk_credentials;
#[cfg(unix)]
mod secret_leaks;
#[cfg(unix)]
mod secret_sources;
#[cfg(unix)]
mod secret_stores;
#[cfg(unix)]
mod token_command;

#[cfg(unix)]
mod drafts;
mod formats;
mod json_schema;
mod output_file;
#[cfg(unix)]
mod output_links;
mod structured_formats;
mod terminal_output;

mod command_line;
mod completions;
#[cfg(unix)]
mod exec;
#[cfg(unix)]
mod exit_zero;
mod get;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod login_accounts;
#[cfg(unix)]
mod login_attempts;
#[cfg(unix)]
mod login_profile;
#[cfg(unix)]
mod login_saml;
#[cfg(unix)]
mod login_stores;
mod login_token;
mod logout;
mod profiles;
#[cfg(unix)]
mod revocation;
mod status;

#[cfg(unix)]
mod cargo_token;
#[cfg(unix)]
mod fleet;
#[cfg(unix)]
mod fleet_kubernetes;
#[cfg(unix)]
mod fleet_openbao;
#[cfg(unix)]
mod github_action;
#[cfg(unix)]
mod http_clients;
#[cfg(unix)]
mod kubectl;
#[cfg(unix)]
mod kubernetes_clients;
mod shared_failures;
#[cfg(unix)]
mod shells;
#[cfg(unix)]
mod spent_refresh_tokens;
#[cfg(unix)]
mod spotinst_clients;
#[cfg(unix)]
mod task_runners;
#[cfg(unix)]
mod terraform;

#[cfg(unix)]
mod docs;
#[cfg(unix)]
mod examples_ci;
#[cfg(unix)]
mod examples_shells;
#[cfg(unix)]
mod integrations;
#[cfg(unix)]
mod transcript;
#[cfg(windows)]
mod windows;
#[cfg(unix)]
mod windows_console;
