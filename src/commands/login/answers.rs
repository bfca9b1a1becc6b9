//! The questions of `login`, and the changes to the profile that follow from the answers.

use std::path::PathBuf;

use super::assertion;
use super::attempts::TypedSecret;
use super::storage::Storage;
use crate::config::edit::Change;
use crate::config::grant::SAML_GRANT;
use crate::config::profile_values::{Profile, ProfileValue};
use crate::config::secret_source::{Command, SecretSetting, SecretSource};
use crate::config::sources::Sources;
use crate::error::Result;
use crate::settings::{self, Setting};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::secret::Secret;
use crate::sys::{env, prompt};

/// The answers for all missing values.
pub struct Answers {
    texts: Vec<(&'static Setting, String)>,
    secrets: Vec<(&'static Setting, Answer)>,
    /// The variables whose values are neither in the profile nor written to it.
    variables_needed: Vec<&'static str>,
    /// Whether the profile already has `login = true`.
    is_login: bool,
}

/// Where a secret comes from.
enum Answer {
    Typed(Secret),
    /// A line for `sh -c` that prints it.
    Command(String),
    /// A file that holds it.
    File(PathBuf),
}

impl Answers {
    /// Whether anything would be written to the profile.
    pub fn are_missing(sources: &Sources) -> Result<bool> {
        let profile = &sources.profile;
        let is_typed = sources.secret(&settings::PASSWORD)?.is_none() && !profile.is_login();
        let is_secret_missing = is_typed || sources.secret(&settings::CLIENT_SECRET)?.is_none();
        Ok(is_secret_missing
            || [&settings::USERNAME, &settings::CLIENT_ID].iter().any(|one| profile.text(one).is_none()))
    }

    /// Asks for the values that neither the environment nor the profile has.
    pub fn ask(sources: &Sources, storage: &Storage) -> Result<Self> {
        let is_login = sources.profile.is_login();
        let mut answers = Self { texts: Vec::new(), secrets: Vec::new(), variables_needed: Vec::new(), is_login };
        answers.ask_text(sources, &settings::USERNAME, "User name")?;
        answers.ask_text(sources, &settings::CLIENT_ID, "Client id")?;
        answers.show_url(sources, &settings::TOKEN_URL, "Token URL")?;
        answers.show_url(sources, &settings::REFRESH_URL, "Refresh URL")?;
        answers.ask_secret(sources, &settings::CLIENT_SECRET, &storage.place(), false)?;
        let nowhere = "stored nowhere; asked again when the login ends";
        answers.ask_secret(sources, &settings::PASSWORD, nowhere, is_login)?;
        Ok(answers)
    }

    /// Asks for the values of a SAML login that neither the environment nor the profile has.
    pub fn ask_for_saml(sources: &Sources) -> Result<Self> {
        let (profile, is_login) = (&sources.profile, sources.profile.is_login());
        let mut answers = Self { texts: Vec::new(), secrets: Vec::new(), variables_needed: Vec::new(), is_login };
        if profile.text(&settings::GRANT).is_none() {
            answers.texts.push((&settings::GRANT, SAML_GRANT.to_owned()));
        }
        answers.ask_text(sources, &settings::ORGANIZATION_ID, "Organization id")?;
        answers.show_url(sources, &settings::SAML_URL, "SAML URL")?;
        answers.show_url(sources, &settings::REFRESH_URL, "Refresh URL")?;
        if sources.secret(&settings::SAML_ASSERTION)?.is_none() {
            answers.secrets.push((&settings::SAML_ASSERTION, Answer::Typed(assertion::get()?)));
        }
        Ok(answers)
    }

    /// Takes a value that is not a secret from the environment, or asks for it, unless the profile has it.
    fn ask_text(&mut self, sources: &Sources, setting: &'static Setting, question: &str) -> Result<()> {
        let text = match sources.text(setting)? {
            Some(_) if sources.profile.text(setting).is_some() => return Ok(()),
            Some(Sourced { value, source }) => {
                prompt::show(&format!("{question}: {value} (from {source})\n"));
                value
            }
            None => prompt::ask(question)?,
        };
        self.texts.push((setting, text));
        Ok(())
    }

    /// Shows that a URL is only set in the environment. `login` does not ask for URLs, so it does not write them
    /// either.
    fn show_url(&mut self, sources: &Sources, setting: &'static Setting, what: &str) -> Result<()> {
        if let (None, Some(Sourced { source: ValueSource::Variable(name), .. })) =
            (sources.profile.text(setting), sources.text(setting)?)
        {
            prompt::show(&format!("{what}: set by {name}, and not written\n"));
            self.variables_needed.push(name);
        }
        Ok(())
    }

    /// Asks for a secret's source, unless it is set. `is_typed`: the profile logs in again, so the source is known.
    fn ask_secret(
        &mut self,
        sources: &Sources,
        setting: &'static Setting,
        storage: &str,
        is_typed: bool,
    ) -> Result<()> {
        let question = question(setting);
        if let Some(given) = sources.secret(setting)? {
            if let ValueSource::Variable(name) = given.source {
                prompt::show(&format!("{question}: set by {name}, and not written\n"));
                if sources.profile.secret(setting).is_none() && !is_typed {
                    self.variables_needed.push(name);
                }
            }
            return Ok(());
        }
        let choice = if is_typed { None } else { choose(question, storage)? };
        let answer = match choice {
            Some(2) => Answer::Command(prompt::ask("Command")?),
            Some(3) => Answer::File(ask_file()?),
            _ => Answer::Typed(prompt::ask_hidden(question)?),
        };
        self.secrets.push((setting, answer));
        Ok(())
    }

    /// Adds the answers to the profile in memory.
    pub fn complete(&self, profile: &mut Profile) {
        for (setting, text) in &self.texts {
            profile.set(setting, ProfileValue::Text(Sourced { value: text.clone(), source: ValueSource::Prompt }));
        }
        for (setting, answer) in &self.secrets {
            let source = if prompt::is_available() { ValueSource::Prompt } else { ValueSource::Stdin };
            let (name, secret) = (setting.name, answer.source());
            profile.set(setting, ProfileValue::Secret(SecretSetting { name, secret, source }));
        }
    }

    /// Stores the secrets and returns the changes to write. For a typed password or an assertion that is only `login
    /// = true`.
    pub fn changes(&self, storage: &Storage) -> Result<Vec<Change>> {
        let texts = self.texts.iter().map(|(setting, text)| Change::new(setting.key(), text));
        let mut changes: Vec<_> = texts.collect();
        for (setting, answer) in &self.secrets {
            match answer {
                Answer::Command(line) => changes.push(Change::new(setting.command_key(), line)),
                Answer::File(path) => changes.push(Change::new(setting.file_key(), path.display().to_string())),
                Answer::Typed(secret) if !is_given_at_login(setting) => {
                    changes.extend(storage.keep(setting, secret)?);
                }
                Answer::Typed(_) if self.is_login => {}
                Answer::Typed(_) => changes.push(Change {
                    comment: Some(match setting.is(&settings::PASSWORD) {
                        true => "The password is typed at each `spotinst-cred login` and stored nowhere.",
                        false => "The assertion is given at each `spotinst-cred login --saml` and stored nowhere.",
                    }),
                    ..Change::new(settings::LOGIN.key(), true)
                }),
            }
        }
        Ok(changes)
    }

    /// The typed secrets, to ask for them again.
    pub fn typed(&mut self) -> Vec<TypedSecret<'_>> {
        let typed = self.secrets.iter_mut().filter_map(|(setting, answer)| match answer {
            Answer::Typed(secret) => Some(match setting.is(&settings::SAML_ASSERTION) {
                true => TypedSecret { secret, ask: Box::new(|| assertion::ask().map(Some)) },
                false => TypedSecret::line(question(setting), secret),
            }),
            _ => None,
        });
        typed.collect()
    }

    /// The variables that later calls need, too.
    pub fn variables_needed(&self) -> &[&'static str] {
        &self.variables_needed
    }

    /// The secret that was entered and is needed again at each login, if any.
    pub fn given_at_login(&self) -> Option<&'static Setting> {
        let is_given = |(setting, answer): &&(&'static Setting, Answer)| {
            is_given_at_login(setting) && matches!(answer, Answer::Typed(_))
        };
        self.secrets.iter().find(is_given).map(|(setting, _)| *setting)
    }
}

fn is_given_at_login(setting: &Setting) -> bool {
    setting.is(&settings::PASSWORD) || setting.is(&settings::SAML_ASSERTION)
}

impl Answer {
    fn source(&self) -> SecretSource {
        match self {
            Self::Typed(secret) => SecretSource::Value(secret.clone()),
            Self::Command(line) => SecretSource::Command(Command::shell(line)),
            Self::File(path) => SecretSource::File(env::expand_home(path).unwrap_or_else(|| path.clone())),
        }
    }
}

/// The name of the secret in prompts.
fn question(setting: &Setting) -> &'static str {
    if setting.is(&settings::PASSWORD) { "Password" } else { "Client secret" }
}

/// Asks for the kind of source; returns its number.
fn choose(question: &str, storage: &str) -> Result<Option<usize>> {
    prompt::show(&format!(
        "{question}\n  1  type it now: {storage}\n  2  name a command that prints it: pass, op, security, …\n  \
         3  name a file that holds it\n"
    ));
    prompt::choose("1", 3)
}

/// Asks for a file. The path is made absolute, so that it does not depend on the working directory.
fn ask_file() -> Result<PathBuf> {
    let path = PathBuf::from(prompt::ask("File")?);
    Ok(if path.starts_with("~") { path } else { std::path::absolute(&path).unwrap_or(path) })
}
