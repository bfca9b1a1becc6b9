//! `login` with user name and password: asks for missing values, verifies them with a real grant, and writes the
//! profile. A typed password is sent to the server and not stored; the refresh token in the cache is all that is
//! stored of the login.

use super::answers::Answers;
use super::complete;
use super::console::{PERMANENT_TOKENS, TEMPORARY_TOKENS};
use super::log_in;
use super::storage::Storage;
use super::target::Target;
use crate::cli::Options;
use crate::config::cache_dir;
use crate::config::grant::{GrantKind, grant_kind};
use crate::error::{Error, Result};
use crate::settings::{self, Setting};
use crate::sys::prompt;

pub fn run(options: &Options, secret_store: Option<&str>) -> anyhow::Result<()> {
    if !prompt::is_available() {
        return Err(no_terminal().into());
    }
    let mut target = Target::resolve(options)?;
    check(&target)?;
    target.check_identity(&IDENTITY)?;
    let cache_dir = log_in::check_cache_dir(cache_dir(&options.flags).map(|dir| dir.value))?;
    let writable = target.check_writable();
    let is_incomplete = Answers::are_missing(&target.sources)?;
    if is_incomplete {
        writable.clone()?;
    }
    introduce(&target, is_incomplete);
    let storage = Storage::choose(&mut target, secret_store, is_incomplete)?;
    if storage.changes_profile() {
        writable.clone()?;
    }
    let answers = Answers::ask(&target.sources, &storage)?;
    Ok(complete::run(target, answers, storage, cache_dir, writable.is_ok())?)
}

/// Shows where the answers are written, and where to find the values.
fn introduce(target: &Target, is_incomplete: bool) {
    let (name, path) = (target.name(), target.path.display());
    prompt::show(&format!("Logging in; what is missing goes into profile \"{name}\" of {path}\n"));
    if is_incomplete {
        let (command, saml_command) = (target.location.login_command(), target.location.saml_login_command());
        prompt::show(&format!(
            "The values are in the console, under Settings > Tokens:\n  client id and client secret  {TEMPORARY_TOKENS}\n  \
             permanent token              {PERMANENT_TOKENS}\nWith single sign-on: `{command} --with-token` or `{saml_command}`\n"
        ));
    }
}

fn no_terminal() -> Error {
    let [username, password, client_id, client_secret] =
        [&settings::USERNAME, &settings::PASSWORD, &settings::CLIENT_ID, &settings::CLIENT_SECRET]
            .map(|setting| setting.variables.iter().take(1).copied().chain(setting.file_variable))
            .map(|variables| variables.collect::<Vec<_>>().join(" or "));
    Error::config("login needs a terminal to ask for credentials").hint(format!(
        "without a terminal, set {username}, {password}, {client_id}, and {client_secret} instead, or run \
         `spotinst-cred login --with-token` with a permanent token on stdin"
    ))
}

/// Fails for a profile that does not use the password grant, or does not store the refresh token.
fn check(target: &Target) -> Result<()> {
    let sources = &target.sources;
    let refuse = |why| Err(target.refusal(&format!("{why}, so it needs no login")));
    if sources.profile.secret(&settings::TOKEN).is_some() {
        return refuse("has a token of its own");
    }
    match grant_kind(sources, &target.location)? {
        GrantKind::Password => {}
        GrantKind::Saml => {
            let command = target.location.saml_login_command();
            return Err(target.refusal("uses single sign-on").hint(format!("run `{command}`")));
        }
        GrantKind::ClientCredentials => return refuse("uses client credentials"),
    }
    target.check_storage(&settings::PASSWORD)
}

/// The settings that identify a login.
const IDENTITY: [&Setting; 5] =
    [&settings::USERNAME, &settings::CLIENT_ID, &settings::GRANT, &settings::TOKEN_URL, &settings::REFRESH_URL];
