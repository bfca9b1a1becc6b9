//! What a person answers, and what becomes of it.

use std::path::PathBuf;

use crate::config::credentials::Credentials;
use crate::config::edit::Change;
use crate::config::file::Profile;
use crate::error::Error;
use crate::secret_source::{Command, SecretSetting, SecretSource};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::env;
use crate::sys::prompt;
use crate::sys::secret::Secret;

/// The answers to all that was missing.
pub struct Answers {
    /// The user name, unless the profile has it.
    username: Option<String>,
    /// The client id, unless the profile has it.
    client_id: Option<String>,
    /// The client secret, unless it is set.
    client_secret: Option<Answer>,
    /// The password, unless it is set.
    password: Option<Answer>,
    /// The profile says already that the password is typed.
    is_login: bool,
}

/// Where a secret comes from from now on.
enum Answer {
    /// It was typed.
    Typed(Secret),
    /// This line for `sh -c` prints it.
    Command(String),
    /// This file holds it.
    File(PathBuf),
}

impl Answers {
    /// Asks for what neither the environment nor the profile has.
    ///
    /// # Errors
    /// The input has ended, or a variable is not UTF-8.
    pub fn ask(profile: &Profile) -> Result<Self, Error> {
        let set = Credentials::resolve(profile)?;
        let is_login = profile.login.as_ref().is_some_and(|login| login.value);
        Ok(Self {
            username: text("User name", set.username, profile.username.is_some())?,
            client_id: text("Client id", set.client_id, profile.client_id.is_some())?,
            client_secret: secret(
                set.client_secret,
                "Client secret",
                "kept in that file, which only you can read",
                false,
            )?,
            password: secret(set.password, "Password", "stored nowhere; asked again when the login ends", is_login)?,
            is_login,
        })
    }

    /// Puts the answers into the profile, for this call.
    pub fn complete(&self, profile: &mut Profile) {
        let given = |text: &String| Sourced { value: text.clone(), source: ValueSource::Prompt };
        profile.username = self.username.as_ref().map(given).or(profile.username.take());
        profile.client_id = self.client_id.as_ref().map(given).or(profile.client_id.take());
        if let Some(answer) = &self.client_secret {
            profile.client_secret = Some(answer.setting("client secret"));
        }
        if let Some(answer) = &self.password {
            profile.password = Some(answer.setting("password"));
        }
    }

    /// What is to be written. A password that was typed is not; that it is typed, is.
    pub fn changes(&self) -> Vec<Change> {
        let text = |key, text: &Option<String>| text.as_ref().map(|text| Change::new(key, text));
        let client_secret = self.client_secret.as_ref().map(|answer| match answer {
            Answer::Typed(secret) => Change::new("client_secret", secret.expose()),
            Answer::Command(line) => Change::new("client_secret_command", line),
            Answer::File(path) => Change::new("client_secret_file", path.display().to_string()),
        });
        let password = self.password.as_ref().and_then(|answer| match answer {
            Answer::Typed(_) if self.is_login => None,
            Answer::Typed(_) => Some(Change {
                comment: Some("The password is typed at each `spotinst-cred login` and stored nowhere."),
                ..Change::new("login", true)
            }),
            Answer::Command(line) => Some(Change::new("password_command", line)),
            Answer::File(path) => Some(Change::new("password_file", path.display().to_string())),
        });
        let texts = [text("username", &self.username), text("client_id", &self.client_id)];
        texts.into_iter().chain([client_secret, password]).flatten().collect()
    }

    /// Whether a person types the password.
    pub fn is_typed(&self) -> bool {
        matches!(self.password, Some(Answer::Typed(_)))
    }
}

impl Answer {
    fn setting(&self, what: &'static str) -> SecretSetting {
        let source = match self {
            Answer::Typed(secret) => SecretSource::Value(secret.clone()),
            Answer::Command(line) => SecretSource::Command(Command::shell(line)),
            Answer::File(path) => SecretSource::File(env::expand_home(path).unwrap_or_else(|| path.clone())),
        };
        SecretSetting { name: what, secret: source, source: ValueSource::Prompt }
    }
}

/// A value that is no secret: of the environment, or typed; nothing where the profile has it.
fn text(question: &str, set: Option<Sourced<String>>, is_in_profile: bool) -> Result<Option<String>, Error> {
    match set {
        Some(_) if is_in_profile => Ok(None),
        Some(Sourced { value, source: origin }) => {
            prompt::show(&format!("{question}: {value} (from {origin})\n"));
            Ok(Some(value))
        }
        None => prompt::ask(question).map(Some),
    }
}

/// A secret's source; nothing where it is set. `is_typed` is known of a profile that is logged in to again.
fn secret(set: Option<SecretSetting>, what: &str, fate: &str, is_typed: bool) -> Result<Option<Answer>, Error> {
    if let Some(setting) = set {
        if let ValueSource::Variable(name) = setting.source {
            prompt::show(&format!("{what}: set by {name}, and not written\n"));
        }
        return Ok(None);
    }
    if !is_typed {
        prompt::show(&format!(
            "{what}\n  1  type it now: {fate}\n  2  name a command that prints it: pass, op, security, …\n  \
             3  name a file that holds it\n"
        ));
        match prompt::choose("1", 3)? {
            Some(2) => return prompt::ask("Command").map(Answer::Command).map(Some),
            Some(3) => return file().map(Some),
            _ => {}
        }
    }
    prompt::ask_hidden(what).map(Answer::Typed).map(Some)
}

/// A file by its path, which must mean the same from anywhere.
fn file() -> Result<Answer, Error> {
    let path = PathBuf::from(prompt::ask("File")?);
    let is_of_home = path.starts_with("~");
    let absolute = if is_of_home { path } else { std::path::absolute(&path).unwrap_or(path) };
    Ok(Answer::File(absolute))
}
