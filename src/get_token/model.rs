//! A model of several processes that share one cache entry, explored whole: every order of their steps, with faults,
//! kills and clock changes in between.
//!
//! The decisions are the shipped functions ([`caller`] calls them); the straight line of effects between them is written
//! here a second time, as steps ([`steps`]). The server is a small one of its own ([`server`]), but its responses are
//! parsed and judged by the shipped code. [`invariants`] says what must hold, [`search`] looks for the shortest path to
//! a state where it does not.
//!
//! To add an event: write what it does to a state as a function of a [`turn::Turn`], and add its row to
//! [`events::EVENTS`] with the sort that says how often it may happen. The search, the stories and the replay know it
//! from then on. A new kind of process, profile or first entry is a variant of its enum in [`state`].
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
