//! `login`: takes the credentials that a person has, verifies them, and writes the profile.

mod account;
mod answers;
mod attempts;
mod console;
mod log_in;
mod password;
mod storage;
mod target;
mod with_token;

use crate::cli::Options;

pub fn run(options: &Options, takes_token: bool, secret_store: Option<&str>) -> anyhow::Result<()> {
    if takes_token { with_token::run(options, secret_store) } else { password::run(options, secret_store) }
}
