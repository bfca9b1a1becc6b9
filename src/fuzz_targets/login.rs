//! What `login` writes is valid, changes nothing else, and serves the next call.

use std::path::{Path, PathBuf};

use super::input::parts;
use toml_edit::DocumentMut;

use crate::config::edit::{self, Change};
use crate::config::file;
use crate::config::flags::Flags;
use crate::config::profile::ProfileLocation;
use crate::config::profile_values::{Profile, ProfileValue};
use crate::config::provider::EndpointConfig;
use crate::config::secret_source::{SecretSetting, SecretSource};
use crate::config::sources::Sources;
use crate::settings;
use crate::sourced::{Sourced, ValueSource};
use crate::sys::secret::Secret;

/// A profile's name, the answers (user name, client id, client secret), and the configuration file before.
pub fn login(data: &[u8]) {
    let Some([name, username, client_id, client_secret, before]) = parts(data) else { return };
    // As the prompt has it: no answer is empty, and one that is shown has no blanks around it.
    let is_answer = |text: &str| !text.is_empty() && text.trim() == text && !text.contains('\n');
    if name.is_empty() || !is_answer(username) || !is_answer(client_id) || client_secret.is_empty() {
        return;
    }
    let path = Path::new("/config.toml");
    let Ok(mut config) = file::parse(path, before) else { return };
    let profile = config.profiles.remove(name).unwrap_or_else(|| Ok(Profile::named(name)));
    let Some(mut profile) = profile.ok().filter(|profile| !is_refused(profile)) else { return };
    let changes = answer(&mut profile, [username, client_id], client_secret);
    let Ok(endpoint) = resolve(name, profile) else { return };

    let mut document: DocumentMut = before.parse().unwrap();
    edit::set_up(&mut document, name, changes).unwrap();
    let written = document.to_string();

    let config = file::parse(path, &written);
    let next = config.and_then(|mut config| resolve(name, config.profiles.remove(name).unwrap()?));
    let next = next.unwrap_or_else(|error| panic!("{error:?}:\n{written}"));
    assert_eq!(next.identity(), endpoint.identity(), "{written}");
    assert_rest_is_unchanged(name, before, &written);
}

/// Profiles that `login` refuses, as they have nothing to log in to, or that answer with more than is typed.
fn is_refused(profile: &Profile) -> bool {
    profile.secret(&settings::TOKEN).is_some()
        || profile.secret(&settings::PASSWORD).is_some()
        || profile.text(&settings::GRANT).is_some()
        || profile.text(&settings::SECRET_STORE).is_some()
        || profile.boolean(&settings::STORE_REFRESH_TOKEN).is_some_and(|store| !store.value)
}

/// Puts the answers to what is missing into the profile, and returns what `login` writes of them.
fn answer(profile: &mut Profile, texts: [&str; 2], client_secret: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    for (setting, text) in [&settings::USERNAME, &settings::CLIENT_ID].into_iter().zip(texts) {
        if profile.text(setting).is_none() {
            changes.push(Change::new(setting.key(), text));
            profile.set(setting, ProfileValue::Text(Sourced { value: text.to_owned(), source: ValueSource::Prompt }));
        }
    }
    if profile.secret(&settings::CLIENT_SECRET).is_none() {
        changes.push(Change::new(settings::CLIENT_SECRET.key(), client_secret));
        let (name, source) = (settings::CLIENT_SECRET.name, ValueSource::Prompt);
        let secret = SecretSource::Value(Secret::from(client_secret.to_owned()));
        profile.set(&settings::CLIENT_SECRET, ProfileValue::Secret(SecretSetting { name, secret, source }));
    }
    if !profile.is_login() {
        changes.push(Change { comment: Some("A comment."), ..Change::new(settings::LOGIN.key(), true) });
    }
    changes
}

/// The endpoint that a call with this profile uses.
fn resolve(name: &str, profile: Profile) -> crate::error::Result<EndpointConfig> {
    let location = ProfileLocation {
        file: Some(PathBuf::from("/config.toml")),
        profile: Some(Sourced { value: name.to_owned(), source: ValueSource::Prompt }),
        profiles: vec![name.to_owned()],
        sdk_section: None,
    };
    EndpointConfig::resolve(&Sources { flags: Flags::default(), profile }, &location)
}

/// By another parser of TOML than the one that reads the file.
fn assert_rest_is_unchanged(name: &str, before: &str, written: &str) {
    let profiles = |text: &str| {
        let document = text.parse::<DocumentMut>().unwrap();
        let profiles = document.get("profiles").and_then(|profiles| profiles.as_table_like());
        let others = profiles.iter().flat_map(|profiles| profiles.iter()).filter(|(other, _)| *other != name);
        others.map(|(other, profile)| (other.to_owned(), profile.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(profiles(before), profiles(written), "{written}");
    for comment in before.lines().map(str::trim).filter(|line| line.starts_with('#')) {
        assert!(written.contains(comment), "{comment} is not in:\n{written}");
    }
}
