//! HTTP: the client, the root certificates it trusts, and the servers that may get a token.

pub mod client;
mod resolver;
mod send_mark;
mod tls;
