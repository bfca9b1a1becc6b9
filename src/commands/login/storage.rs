//! Where a login stores secrets: in a secret store, or in files that only their owner can read. Secrets of the
//! profile that are stored elsewhere are moved.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::target::Target;
use crate::config::edit::Change;
use crate::config::profile_values::ProfileValue;
use crate::config::secret_source::{SecretSetting, SecretSource};
use crate::config::secret_store::{StoreCall, StoreItem, is_store_name};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::secret::Secret;
use crate::sys::{printer, prompt};
use crate::text::one_line;

/// The stores that are offered if their programs work.
const KNOWN: [&str; 4] = ["osxkeychain", "wincred", "secretservice", "pass"];

/// The secrets that a profile can have.
const SECRETS: [&Setting; 3] = [&settings::TOKEN, &settings::CLIENT_SECRET, &settings::PASSWORD];

pub struct Storage {
    store: Option<String>,
    /// For the items of the profile.
    path: PathBuf,
    profile: String,
    /// The time limit of each call to a store.
    time: Duration,
    /// The secrets of the profile to move.
    moved: Vec<(&'static Setting, Secret)>,
    /// The changes to the profile for the store itself, and for lost secrets.
    changes: Vec<Change>,
    /// Items in other stores, which are erased after the profile is written.
    leftovers: Vec<StoreItem>,
}

impl Storage {
    /// Selects the requested store, else that of the profile, else, if `asks`, one that the user chooses. Loads the
    /// secrets into the profile in memory.
    pub fn choose(target: &mut Target, asked_for: Option<&str>, asks: bool) -> Result<Self> {
        if let Some(name) = asked_for.filter(|name| !is_store_name(name)) {
            let problem = format!("\"{}\" is not the name of a secret store", one_line(name));
            return Err(Error::new(ErrorKind::Usage, problem).hint(format!("expected one of {}", KNOWN.join(", "))));
        }
        let present = target.sources.profile.secret_store().map(str::to_owned);
        let mut storage = Self {
            store: asked_for.map(str::to_owned).or_else(|| present.clone()),
            path: target.path.clone(),
            profile: target.name().to_owned(),
            time: target.limits.commands.unwrap_or(target.limits.exchange),
            moved: Vec::new(),
            changes: Vec::new(),
            leftovers: Vec::new(),
        };
        if storage.store.is_none() && asks {
            storage.store = storage.ask()?;
        }
        if let Some(store) = &storage.store {
            // Fail before any question is asked.
            storage.item(store, "test").check(storage.call())?;
            if present.as_ref() != Some(store) {
                storage.changes.push(Change::new(settings::SECRET_STORE.key(), store));
                let given = Sourced { value: store.clone(), source: ValueSource::Prompt };
                target.sources.profile.set(&settings::SECRET_STORE, ProfileValue::Text(given));
            }
        }
        for setting in SECRETS {
            storage.take_over(target, setting)?;
        }
        Ok(storage)
    }

    /// The place as shown in the question for a secret.
    pub fn place(&self) -> String {
        match &self.store {
            Some(store) => format!("kept in the secret store {store}"),
            None => "kept in that file, which only you can read".to_owned(),
        }
    }

    /// Whether the profile changes regardless of the answers.
    pub fn changes_profile(&self) -> bool {
        !self.moved.is_empty() || !self.changes.is_empty()
    }

    /// Does not move the present secret, because a new one replaces it.
    pub fn replace(&mut self, setting: &Setting) {
        self.moved.retain(|(moved, _)| !moved.is(setting));
    }

    /// Stores the secret and returns the changes to write.
    pub fn keep(&self, setting: &'static Setting, secret: &Secret) -> Result<Vec<Change>> {
        let (key, store_key) = (setting.key().to_owned(), setting.store_key());
        Ok(match &self.store {
            Some(store) => {
                self.item(store, setting.name).put(secret, self.call())?;
                vec![Change::remove(key), Change::new(store_key, store)]
            }
            None => vec![Change::remove(store_key), Change::new(key, secret.expose())],
        })
    }

    /// Moves the secrets that are stored elsewhere and returns the changes to write.
    pub fn move_secrets(&self) -> Result<Vec<Change>> {
        let mut changes = self.changes.clone();
        for (setting, secret) in &self.moved {
            changes.extend(self.keep(setting, secret)?);
        }
        Ok(changes)
    }

    /// Call this after the profile is written. Reports what was moved, and erases it in the earlier places.
    pub fn finish(mut self, left_refresh_token: Option<StoreItem>) -> Result<()> {
        let cache = self.store.clone().unwrap_or_else(|| "the cache".to_owned());
        for (setting, _) in &self.moved {
            let place = self.store.clone().unwrap_or_else(|| self.path.display().to_string());
            printer::info(&format!("the {} has moved to {place}", setting.name));
        }
        if let Some(item) = left_refresh_token {
            printer::info(&format!("the {} has moved to {cache}", item.secret));
            self.leftovers.push(item);
        }
        self.leftovers.iter().map(|item| item.erase(self.call())).fold(Ok(()), Result::and)
    }

    /// Offers the stores whose programs work.
    fn ask(&self) -> Result<Option<String>> {
        let works = |store: &&str| self.item(store, "test").is_writable(self.call());
        let found: Vec<_> = KNOWN.into_iter().filter(works).collect();
        if found.is_empty() {
            return Ok(None);
        }
        let stores: String =
            found.iter().zip(1..).map(|(store, n)| format!("  {n}  the secret store {store}\n")).collect();
        let files = found.len() + 1;
        prompt::show(&format!("Where to keep secrets\n{stores}  {files}  files that only you can read\n"));
        let chosen = prompt::choose("1", files)?.unwrap_or(1);
        Ok(found.get(chosen - 1).map(|store| (*store).to_owned()))
    }

    /// Loads a secret of the profile from its store, and remembers it if it has to move. A secret that its store does
    /// not return is asked for again.
    fn take_over(&mut self, target: &mut Target, setting: &'static Setting) -> Result<()> {
        let Some(given) = target.sources.profile.secret(setting).cloned() else { return Ok(()) };
        let item = match given.secret {
            SecretSource::Value(secret) if self.store.is_some() => {
                self.moved.push((setting, secret));
                return Ok(());
            }
            SecretSource::Store(item) => item,
            _ => return Ok(()),
        };
        let is_kept = self.store.as_ref() == Some(&item.store);
        let problem = match item.get(self.call()) {
            Ok(Some(secret)) => {
                if !is_kept {
                    self.moved.push((setting, secret.clone()));
                    self.leftovers.push(item);
                }
                let secret = SecretSource::Value(secret);
                target.sources.profile.set(setting, ProfileValue::Secret(SecretSetting { secret, ..given }));
                return Ok(());
            }
            Ok(None) => format!("the secret store \"{}\" has no {}", item.store, item.secret),
            Err(error) if is_kept => return Err(error),
            Err(error) => error.message,
        };
        printer::info(&format!("{problem}; it is asked for again"));
        self.changes.push(Change::remove(setting.store_key()));
        target.sources.profile.remove(setting);
        Ok(())
    }

    fn item(&self, store: &str, secret: &'static str) -> StoreItem {
        StoreItem { store: store.to_owned(), secret, place: self.path.clone(), owner: self.profile.clone() }
    }

    fn call(&self) -> StoreCall<'static> {
        StoreCall { identity: None, deadline: Instant::now() + self.time }
    }
}
