//! The last part of a login: verifies the answers with a real grant and writes the profile.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::account;
use super::answers::Answers;
use super::attempts::Attempts;
use super::log_in::{self, Login};
use super::storage::Storage;
use super::target::Target;
use crate::config::edit::Change;
use crate::config::provider::EndpointConfig;
use crate::error::Result;
use crate::get_token::deadlines::Deadlines;
use crate::settings;
use crate::sys::{printer, prompt};
use crate::text::duration;

/// Logs in and writes the profile. At a terminal, asks again after a failure.
pub fn run(
    mut target: Target,
    mut answers: Answers,
    storage: Storage,
    cache_dir: PathBuf,
    can_write: bool,
) -> Result<()> {
    let mut attempts = Attempts::default();
    let login = loop {
        answers.complete(&mut target.sources.profile);
        let endpoint = EndpointConfig::resolve(&target.sources, &target.location)?;
        let deadlines = Deadlines { started: Instant::now(), limits: target.limits };
        match log_in::log_in(endpoint, target.sources.transport(), cache_dir.clone(), deadlines) {
            Ok(login) => break login,
            Err(error) if prompt::is_available() => attempts.after(error, answers.typed())?,
            Err(error) => return Err(error),
        }
    };
    // Write before the last question: the login works without its answer.
    target.write(keep(&storage, &answers, &mut attempts)?)?;
    if can_write && prompt::is_available() && target.sources.account()?.is_none() {
        account::choose(&target, account::list(&target, &login.token.value))?;
    }
    conclude(&target, &answers, &login);
    storage.finish(login.left_refresh_token)
}

/// Stores the secrets and returns the changes to write. If a store fails, the user can unlock it and retry.
fn keep(storage: &Storage, answers: &Answers, attempts: &mut Attempts) -> Result<Vec<Change>> {
    loop {
        let moved = storage.move_secrets();
        match moved.and_then(|moved| Ok([moved, answers.changes(storage)?].concat())) {
            Err(error) if prompt::is_available() => attempts.after(error, Vec::new())?,
            changes => return changes,
        }
    }
}

fn conclude(target: &Target, answers: &Answers, login: &Login) {
    let condition = match answers.variables_needed() {
        [] => String::new(),
        names => format!(" with {} set", names.join(", ")),
    };
    printer::note(&format!("logged in; profile \"{}\" is complete{condition}", target.name()));
    if let Some(secret) = answers.given_at_login() {
        let more = match secret.is(&settings::SAML_ASSERTION) {
            true => format!("`{}` renews it", target.location.saml_login_command()),
            false => format!("the {} is stored nowhere", secret.name),
        };
        printer::note(&lifetime(login.refresh_lifetime, &more));
    }
}

/// How long the login lasts, followed by `more`.
fn lifetime(refresh_lifetime: Option<Option<Duration>>, more: &str) -> String {
    match refresh_lifetime {
        Some(Some(lifetime)) => format!("the login lasts {}; {more}", duration(lifetime)),
        Some(None) => format!("the server did not say when the login expires; {more}"),
        None => "the server returned no refresh token: the login ends when this token expires".to_owned(),
    }
}
