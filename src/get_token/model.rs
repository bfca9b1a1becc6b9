//! A model of several processes that share one cache entry. The tests explore all orders of their steps, with faults,
//! kills and clock changes in between.
//!
//! The decisions are the real functions ([`caller`] calls them). The effects between them (reading, locking, sending,
//! publishing) are reimplemented here as steps ([`steps`]). The server is a small model ([`server`]), but the real code
//! parses and interprets its responses. [`invariants`] lists what must be true, and [`search`] finds the shortest path
//! to a state that violates one.
//!
//! To add an event: write a method of [`turn::Turn`] that changes the state, and add a row to [`events::EVENTS`] with
//! the sort that says how often it may happen. The search, the stories and the replay then include it. A new kind of
//! process, profile or first entry is a variant of its enum in [`state`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its figures"
)]

mod caller;
mod conformance;
mod entries;
mod events;
mod exploration;
mod hash;
mod invariants;
mod other_commands;
mod receive;
mod search;
mod server;
mod state;
mod steps;
mod story;
mod turn;
mod wrong;
