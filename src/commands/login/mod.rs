//! `login`: asks for credentials, verifies them, and writes the profile.

mod account;
mod answers;
mod assertion;
mod attempts;
mod complete;
mod console;
mod log_in;
mod password;
mod single_sign_on;
mod stdin;
mod storage;
mod target;
mod with_token;

use crate::cli::{LoginMethod, Options};

pub fn run(options: &Options, method: LoginMethod, secret_store: Option<&str>) -> anyhow::Result<()> {
    match method {
        LoginMethod { with_token: true, .. } => with_token::run(options, secret_store),
        LoginMethod { saml: true, .. } => single_sign_on::run(options, secret_store),
        _ => password::run(options, secret_store),
    }
}
