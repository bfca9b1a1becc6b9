//! `login --saml`: for single sign-on. The user enters an assertion of the identity provider, which is sent once;
//! only the refresh token is stored, in the cache.

use super::answers::Answers;
use super::complete;
use super::log_in;
use super::storage::Storage;
use super::target::Target;
use crate::cli::Options;
use crate::config::cache_dir;
use crate::config::grant::{GrantKind, grant_kind};
use crate::error::Result;
use crate::settings::{self, Setting};
use crate::sys::prompt;

/// The settings that identify a login.
const IDENTITY: [&Setting; 5] =
    [&settings::ORGANIZATION_ID, &settings::CLIENT_ID, &settings::GRANT, &settings::SAML_URL, &settings::REFRESH_URL];

pub fn run(options: &Options, secret_store: Option<&str>) -> anyhow::Result<()> {
    let mut target = Target::resolve(options)?;
    check(&target)?;
    target.check_identity(&IDENTITY)?;
    let cache_dir = log_in::check_cache_dir(cache_dir(&options.flags).map(|dir| dir.value))?;
    let (writable, is_new) = (target.check_writable(), !target.sources.profile.is_login());
    if is_new {
        writable.clone()?;
    }
    if prompt::is_available() {
        introduce(&target);
    } else if target.sources.text(&settings::ORGANIZATION_ID)?.is_none() {
        return Err(target.location.missing(&[&settings::ORGANIZATION_ID]).into());
    }
    let storage = Storage::choose(&mut target, secret_store, is_new && prompt::is_available())?;
    if storage.changes_profile() {
        writable.clone()?;
    }
    let answers = Answers::ask_for_saml(&target.sources)?;
    Ok(complete::run(target, answers, storage, cache_dir, writable.is_ok())?)
}

fn introduce(target: &Target) {
    prompt::show(&format!(
        "Logging in by single sign-on; what is missing goes into profile \"{}\" of {}\nLog in to the console in a browser, \
         and copy the form field SAMLResponse of the request that the identity provider's page sends\n",
        target.name(),
        target.path.display()
    ));
}

/// Fails for a profile with another source of tokens.
fn check(target: &Target) -> Result<()> {
    let profile = &target.sources.profile;
    let secrets = [&settings::TOKEN, &settings::PASSWORD].map(|one| profile.secret(one).map(|secret| &secret.source));
    let username = profile.text(&settings::USERNAME).map(|text| &text.source);
    if let Some(conflict) = secrets.into_iter().flatten().next().or(username) {
        return Err(target.refusal(&format!("already has another source of tokens ({conflict})")));
    }
    let is_named = target.sources.text(&settings::GRANT)?.is_some();
    if is_named && grant_kind(&target.sources, &target.location)? != GrantKind::Saml {
        return Err(target.refusal("uses another grant"));
    }
    target.check_storage(&settings::SAML_ASSERTION)
}
