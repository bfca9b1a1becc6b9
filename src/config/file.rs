//! The configuration file: `config.toml`, with `[profiles.NAME]` tables and an optional `default_profile`.
//!
//! It is walked by hand and not deserialized: the messages of a deserializer repeat the values they stumble over, and
//! here these may be passwords.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::secret_source::{Command, SecretSetting, SecretSource};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::bounded_read;
use crate::sys::secret::Secret;
use crate::sys::{env, os};
use crate::text::one_line;
use crate::text::shell_word;

/// No configuration is longer, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The keys of a profile, for the hint that follows an unknown one.
const KEYS: &str = "username, password, password_file, password_command, client_id, client_secret, client_secret_file, \
    client_secret_command, account, token, token_file, token_command, grant, token_url, refresh_url, api_url, ca_file, \
    command_timeout, store_refresh_token, login";

/// The whole file.
#[derive(Debug, Default)]
pub struct ConfigFile {
    /// The profile to use where nobody names one.
    pub default_profile: Option<Sourced<String>>,
    /// The profiles by their names.
    pub profiles: BTreeMap<String, Profile>,
}

/// One `[profiles.NAME]` table: each value as it stands there.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub username: Option<Sourced<String>>,
    pub password: Option<SecretSetting>,
    pub client_id: Option<Sourced<String>>,
    pub client_secret: Option<SecretSetting>,
    pub account: Option<Sourced<String>>,
    pub token: Option<SecretSetting>,
    pub grant: Option<Sourced<String>>,
    pub token_url: Option<Sourced<String>>,
    pub refresh_url: Option<Sourced<String>>,
    pub api_url: Option<Sourced<String>>,
    pub ca_file: Option<Sourced<PathBuf>>,
    pub command_timeout: Option<Sourced<String>>,
    pub store_refresh_token: Option<Sourced<bool>>,
    /// A person types the password at each `login`, and it is stored nowhere.
    pub login: Option<Sourced<bool>>,
}

/// Reads the file; nothing where there is none. One that is a pipe has as long as an exchange has by default.
///
/// # Errors
/// See [`read_until`].
pub fn read(path: &Path) -> Result<Option<ConfigFile>, Error> {
    read_until(path, || Instant::now() + super::TIMEOUT)
}

/// Reads the file; nothing where there is none. One that is a pipe has until the deadline.
///
/// # Errors
/// It cannot be read or parsed, others could have written it, it has an unknown key or a value of the wrong type, or it
/// holds a secret and can be read by others.
pub fn read_until(path: &Path, deadline: impl FnOnce() -> Instant) -> Result<Option<ConfigFile>, Error> {
    let problem = |what: &str| Error::config(format!("the configuration {} {what}", path.display()));
    let unreadable = |error: std::io::Error| match error.kind() {
        io::ErrorKind::FileTooLarge => problem("is longer than 1 MiB").hint("is this the right file?"),
        io::ErrorKind::TimedOut => Error::read_timed_out(&format!("the configuration {}", path.display())),
        _ => problem(&format!("cannot be read: {error}")).hint("check the path and its permissions"),
    };
    let (about, bytes) = match bounded_read::file(path, LARGEST, deadline) {
        Ok(read) => read,
        // A home like /dev/null is one without files.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    check_author(path, &about)?;
    let text = str::from_utf8(&bytes).map_err(|_| problem("is not valid UTF-8").hint("save it in UTF-8"))?;
    let (config, secret) = parse(text, path)?;
    match secret {
        Some(origin) if os::is_accessible_by_others(&about) => {
            Err(Error::config(format!("{} can be read by others, and it holds a secret ({origin})", path.display()))
                .hint(format!("chmod 600 {}", path.display())))
        }
        _ => Ok(Some(config)),
    }
}

/// Who writes the configuration has its commands run as the user. A device, such as `/dev/null`, is nobody's text.
fn check_author(path: &Path, about: &Metadata) -> Result<(), Error> {
    let problem = |what: &str| Error::config(format!("the configuration {} {what}", path.display()));
    if os::is_char_device(about) {
        return Ok(());
    }
    if os::is_world_writable(about) {
        return Err(problem("can be written by everybody, and its commands run as you")
            .hint(format!("look it through, then chmod o-w {}", shell_word(&path.to_string_lossy()))));
    }
    let us = os::current_user();
    match os::owner(about) {
        0 => Ok(()),
        owner if owner == us => Ok(()),
        owner => Err(problem(&format!("belongs to user {owner}, and its commands run as you, user {us}"))
            .hint(format!("look it through, then chown {us} {}", shell_word(&path.to_string_lossy())))),
    }
}

/// The configuration in the file's text, and where the first secret stands that it holds itself.
///
/// # Errors
/// It is not TOML, has an unknown key or a value of the wrong type.
fn parse(text: &str, path: &Path) -> Result<(ConfigFile, Option<ValueSource>), Error> {
    Reader::new(path, text).config()
}

/// Knows the file, so that every value and every problem can name its line.
struct Reader<'t> {
    path: Rc<Path>,
    text: &'t str,
    /// Where each line ends, in bytes: every value wants its line, and none is to count them again.
    line_ends: Vec<usize>,
}

/// A value in the file.
type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

impl<'t> Reader<'t> {
    fn new(path: &Path, text: &'t str) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { path: path.into(), text, line_ends }
    }

    /// The whole file, and where the first secret stands that it holds itself.
    fn config(&self) -> Result<(ConfigFile, Option<ValueSource>), Error> {
        let root = DeTable::parse(self.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            // The parser's message repeats nothing of the text; what it would expect instead helps nobody.
            let what = error.message().split(", expected ").next().unwrap_or_default();
            let problem = format!("{} is not valid TOML: {}", self.locate(&span), one_line(what));
            Error::config(problem)
                .hint("text stands in quotes, and a table begins with its name in brackets: [profiles.work]")
        })?;
        let mut config = ConfigFile::default();
        let mut secret = None;
        for (key, value) in root.get_ref() {
            match key.get_ref().as_ref() {
                "default_profile" => config.default_profile = Some(self.text("default_profile", value)?),
                "profiles" => {
                    for (name, table) in self.table("profiles", value)? {
                        let name = name.get_ref().to_string();
                        let table = self.table(&format!("profiles.{name}"), table)?;
                        config.profiles.insert(name, self.profile(table, &mut secret)?);
                    }
                }
                unknown => {
                    return Err(self.problem(
                        &key.span(),
                        &format!("unknown key `{}`", one_line(unknown)),
                        "known here are default_profile and [profiles.NAME]",
                    ));
                }
            }
        }
        Ok((config, secret))
    }

    /// One profile; `secret` is set where it holds one itself.
    fn profile(&self, table: &DeTable<'_>, secret: &mut Option<ValueSource>) -> Result<Profile, Error> {
        let mut profile = Profile::default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match name {
                "username" => profile.username = Some(self.text(name, value)?),
                "client_id" => profile.client_id = Some(self.text(name, value)?),
                "account" => profile.account = Some(self.text(name, value)?),
                "grant" => profile.grant = Some(self.text(name, value)?),
                "token_url" => profile.token_url = Some(self.text(name, value)?),
                "refresh_url" => profile.refresh_url = Some(self.text(name, value)?),
                "api_url" => profile.api_url = Some(self.text(name, value)?),
                "login" => profile.login = Some(self.boolean(name, value)?),
                "command_timeout" => profile.command_timeout = Some(self.text(name, value)?),
                "store_refresh_token" => profile.store_refresh_token = Some(self.boolean(name, value)?),
                "ca_file" => profile.ca_file = Some(self.text(name, value)?.map(|text| self.resolve(&text))),
                "password" | "password_file" | "password_command" => {
                    self.secret(&mut profile.password, "password", name, value)?;
                }
                "client_secret" | "client_secret_file" | "client_secret_command" => {
                    self.secret(&mut profile.client_secret, "client secret", name, value)?;
                }
                "token" | "token_file" | "token_command" => self.secret(&mut profile.token, "token", name, value)?,
                unknown => {
                    return Err(self.problem(
                        &key.span(),
                        &format!("unknown key `{}`", one_line(unknown)),
                        &format!("known here are {KEYS}"),
                    ));
                }
            }
            if matches!(name, "password" | "client_secret" | "token") {
                secret.get_or_insert(self.locate(&value.span()));
            }
        }
        self.check_login(&profile)?;
        Ok(profile)
    }

    /// A profile whose password is typed at each login has no other source of it, nor needs one; and it keeps the
    /// refresh token, as without there would be nothing of the login.
    fn check_login(&self, profile: &Profile) -> Result<(), Error> {
        let Some(Sourced { value: true, source: origin }) = &profile.login else {
            return Ok(());
        };
        if let Some(other) = [&profile.password, &profile.token].into_iter().flatten().next() {
            let problem = format!("{}: the profile has both `login = true` and a {}", other.source, other.name);
            return Err(Error::config(problem).hint("keep one of the two"));
        }
        if let Some(Sourced { value: false, source: other }) = &profile.store_refresh_token {
            let problem =
                format!("the profile has both `login = true` ({origin}) and `store_refresh_token = false` ({other})");
            return Err(Error::config(problem).hint("keep one of the two: a login is kept as its refresh token"));
        }
        Ok(())
    }

    /// A secret's source, by the ending of its key. Two sources for one secret are one too many.
    fn secret(
        &self,
        place: &mut Option<SecretSetting>,
        what: &'static str,
        key: &str,
        value: Value<'_, '_>,
    ) -> Result<(), Error> {
        let source = if key.ends_with("_file") {
            SecretSource::File(self.resolve(&self.text(key, value)?.value))
        } else if key.ends_with("_command") {
            SecretSource::Command(self.command(key, value)?)
        } else {
            SecretSource::Value(Secret::from(self.text(key, value)?.value))
        };
        let origin = self.locate(&value.span());
        if let Some(other) = place {
            let problem = format!("the {what} has a second source, `{key}`, beside that of {}", other.source);
            return Err(self.problem(&value.span(), &problem, "keep one of them"));
        }
        *place = Some(SecretSetting { name: what, secret: source, source: origin });
        Ok(())
    }

    /// A command: an array is run as it is, a string by the shell.
    fn command(&self, key: &str, value: Value<'_, '_>) -> Result<Command, Error> {
        let command = match value.get_ref() {
            DeValue::String(line) if !line.trim().is_empty() => Some(Command::shell(line)),
            DeValue::Array(words) if !words.is_empty() => {
                let argv: Option<_> = words.iter().map(|word| word.get_ref().as_str().map(OsString::from)).collect();
                argv.map(|argv| Command { argv: self.resolve_program(argv) })
            }
            _ => None,
        };
        command.ok_or_else(|| {
            let hint = format!("{key} = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`");
            self.problem(&value.span(), &format!("`{key}` must be a command"), &hint)
        })
    }

    /// A string that is not empty.
    fn text(&self, key: &str, value: Value<'_, '_>) -> Result<Sourced<String>, Error> {
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => {
                Ok(Sourced { value: text.to_owned(), source: self.locate(&value.span()) })
            }
            Some(_) => {
                Err(self.problem(&value.span(), &format!("`{key}` is empty"), "give it a value or remove the line"))
            }
            None => Err(self.problem(&value.span(), &format!("`{key}` must be text"), &format!("{key} = \"…\""))),
        }
    }

    /// `true` or `false`.
    fn boolean(&self, key: &str, value: Value<'_, '_>) -> Result<Sourced<bool>, Error> {
        match value.get_ref().as_bool() {
            Some(answer) => Ok(Sourced { value: answer, source: self.locate(&value.span()) }),
            None => Err(self.problem(
                &value.span(),
                &format!("`{key}` must be true or false"),
                "write the word without quotes",
            )),
        }
    }

    fn table<'a, 'i>(&self, key: &str, value: Value<'a, 'i>) -> Result<&'a DeTable<'i>, Error> {
        let no_table = || {
            self.problem(
                &value.span(),
                &format!("`{key}` must be a table"),
                "write [profiles.NAME] above the profile's keys",
            )
        };
        value.get_ref().as_table().ok_or_else(no_table)
    }

    /// A path in the file: `~/` is the home directory, and a relative one starts at the file's own directory, as the
    /// working directory may be anywhere.
    fn resolve(&self, path: &str) -> PathBuf {
        let beside = || self.path.parent().unwrap_or(Path::new("")).join(path);
        env::expand_home(Path::new(path)).unwrap_or_else(beside)
    }

    /// A program that is given by a path is found like a file; one without a slash is for the `PATH`.
    fn resolve_program(&self, mut argv: Vec<OsString>) -> Vec<OsString> {
        if let Some(program) = argv.first_mut()
            && let Some(path) = program.to_str().filter(|program| program.contains('/'))
        {
            *program = self.resolve(path).into();
        }
        argv
    }

    fn problem(&self, span: &Range<usize>, what: &str, hint: &str) -> Error {
        Error::config(format!("{}: {}", self.locate(span), one_line(what))).hint(hint)
    }

    fn locate(&self, span: &Range<usize>) -> ValueSource {
        let line = self.line_ends.partition_point(|&end| end < span.start) + 1;
        ValueSource::File { path: Rc::clone(&self.path), line }
    }
}

#[cfg(test)]
mod tests;
