//! Reads the configuration file: `[profiles.NAME]` tables and an optional `default_profile`.
//!
//! The TOML is walked by hand, not deserialized: serde's messages repeat invalid values, which may be passwords.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::profile_values::{ConfigFile, Profile, ProfileValue};
use super::secret_source::{Command, SecretSetting, SecretSource};
use super::secret_store::{StoreItem, is_store_name};
use crate::error::{Error, Result};
use crate::settings::{self, COMMAND_ENDING, DEFAULT_PROFILE, FILE_ENDING, SETTINGS, STORE_ENDING, Setting, ValueKind};
use crate::sourced::{Sourced, ValueSource};
use crate::sys::bounded_read::ReadFile;
use crate::sys::missing::is_missing;
use crate::sys::secret::Secret;
use crate::sys::{bounded_read, env, os};
use crate::text::{nearest, one_line, shell_word};

pub const MAX_FILE: u64 = 1024 * 1024;

/// The table of all profiles.
const PROFILES: &str = "profiles";

/// Reads the file; `None` if it does not exist. Reading from a pipe stops at the deadline.
///
/// Fails if others can write the file, if it holds a secret that others can read, or if it is not a table of
/// profiles. An error in a profile is stored as the value of that profile.
pub fn read(path: &Path, deadline: impl FnOnce() -> Instant) -> Result<Option<ConfigFile>> {
    let ReadFile { metadata, is_link, bytes } = match bounded_read::file(path, MAX_FILE, deadline) {
        Ok(read) => read,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    check_author(path, &metadata, is_link)?;
    let text = str::from_utf8(&bytes).map_err(|_| problem(path, "is not valid UTF-8").hint("save it in UTF-8"))?;
    let mut reader = Reader::new(path, text);
    let config = reader.config()?;
    match reader.first_secret {
        Some(source) if os::is_accessible_by_others(path, &metadata) => {
            let problem = format!("{} can be read by others, and it holds a secret ({source})", path.display());
            Err(Error::config(problem).hint(format!("chmod 600 {}", path.display())))
        }
        _ => Ok(Some(config)),
    }
}

fn problem(path: &Path, what: &str) -> Error {
    Error::config(format!("the configuration {} {what}", path.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => problem(path, "is longer than 1 MiB").hint("is this the right file?"),
        _ => Error::unreadable(&format!("the configuration {}", path.display()), error),
    }
}

/// Parses the text of the file at this path. Pure.
pub fn parse(path: &Path, text: &str) -> Result<ConfigFile> {
    Reader::new(path, text).config()
}

/// Fails if the text, or this profile in it, is invalid.
pub fn check(path: &Path, text: &str, profile: &str) -> Result<()> {
    let mut config = parse(path, text)?;
    config.profiles.remove(profile).transpose().map(drop)
}

/// Whether an invalid file seems to name secrets in a secret store.
pub fn may_name_stores(path: &Path) -> bool {
    let text = bounded_read::regular_file(path, MAX_FILE).unwrap_or_default();
    text.windows(STORE_ENDING.len()).any(|part| part == STORE_ENDING.as_bytes())
}

/// Refuses a file that another user could have written or replaced: its commands run as the current user. A device
/// such as `/dev/null` is always accepted.
fn check_author(path: &Path, metadata: &Metadata, is_link: bool) -> Result<()> {
    if os::is_char_device(metadata) {
        return Ok(());
    }
    check_directory(path, path)?;
    if is_link && let Ok(target) = path.canonicalize() {
        check_directory(path, &target)?;
    }
    let (owner, user) = (os::owner(metadata), os::current_user());
    let (what, remedy) = if os::is_world_writable(metadata) {
        ("is world-writable, and its commands run as you".to_owned(), "chmod o-w".to_owned())
    } else if [os::ROOT, user].contains(&owner) {
        return Ok(());
    } else {
        let what = format!("belongs to user {owner}, and its commands run as you, user {user}");
        (what, format!("chown {user}"))
    };
    let word = shell_word(&path.to_string_lossy());
    Err(problem(path, &what).hint(format!("check its content, then {remedy} {word}")))
}

/// Refuses a world-writable directory, in which anyone could replace the file. A group-writable one is accepted: on
/// most systems each user has a group of their own.
fn check_directory(path: &Path, file: &Path) -> Result<()> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    if !os::is_open_to_all(&dir.metadata().map_err(|error| unreadable(path, &error))?) {
        return Ok(());
    }
    Err(problem(path, "is in a world-writable directory, and its commands run as you")
        .hint(format!("check its content, then chmod o-w {}", shell_word(&dir.to_string_lossy()))))
}

/// Converts TOML to [`ConfigFile`], and knows the line of every value for messages.
struct Reader<'t> {
    path: Rc<Path>,
    text: &'t str,
    /// The byte offsets of line ends, computed once for all values.
    line_ends: Vec<usize>,
    /// The position of the first secret in the file.
    first_secret: Option<ValueSource>,
}

type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

impl<'t> Reader<'t> {
    fn new(path: &Path, text: &'t str) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { path: path.into(), text, line_ends, first_secret: None }
    }

    fn config(&mut self) -> Result<ConfigFile> {
        let root = DeTable::parse(self.text).map_err(|error| self.syntax_error(&error))?;
        let mut config = ConfigFile::default();
        for (key, value) in root.get_ref() {
            match key.get_ref().as_ref() {
                DEFAULT_PROFILE => config.default_profile = Some(self.text(DEFAULT_PROFILE, value)?),
                PROFILES => {
                    for (name, table) in self.table(|| PROFILES.to_owned(), value)? {
                        let name = name.get_ref().to_string();
                        let table = self.table(|| format!("{PROFILES}.{name}"), table)?;
                        let profile = self.profile(&name, table);
                        config.profiles.insert(name, profile);
                    }
                }
                unknown => return Err(self.unknown_top_key(&key.span(), unknown, value)),
            }
        }
        Ok(config)
    }

    fn syntax_error(&self, error: &toml::de::Error) -> Error {
        let span = error.span().unwrap_or_default();
        // The parser's message repeats nothing of the text; its list of expected characters is cut off.
        let what = error.message().split(", expected ").next().unwrap_or_default();
        Error::config(format!("{} is not valid TOML: {}", self.source(&span), one_line(what)))
            .hint("put text in quotes, and the name of a table in brackets: [profiles.work]")
    }

    fn profile(&mut self, name: &str, table: &DeTable<'_>) -> Result<Profile> {
        let (mut profile, mut problem) = (Profile::named(name), None);
        for (key, value) in table {
            // Continue after an error, to find secrets that come after it.
            if let Err(error) = self.entry(&mut profile, key, value) {
                problem.get_or_insert(error);
            }
        }
        problem.map_or_else(|| check_login(&profile), Err)?;
        Ok(profile)
    }

    fn entry(&mut self, profile: &mut Profile, key: &Spanned<DeString<'_>>, value: Value<'_, '_>) -> Result<()> {
        let name = key.get_ref().as_ref();
        let Some((setting, ending)) = find(name) else {
            return Err(self.unknown_key(&key.span(), name, &known_keys(name)));
        };
        let value = match setting.kind {
            ValueKind::Secret => self.secret(profile, setting, ending, name, value)?,
            ValueKind::Boolean => ProfileValue::Text(self.boolean(name, value)?),
            ValueKind::Path => ProfileValue::Path(self.text(name, value)?.map(|text| self.resolve(&text))),
            _ if setting.is(&settings::SECRET_STORE) => ProfileValue::Text(self.store(name, value)?),
            _ => ProfileValue::Text(self.text(name, value)?),
        };
        profile.set(setting, value);
        Ok(())
    }

    /// A secret's source. A second source of the same secret is an error.
    fn secret(
        &mut self,
        profile: &Profile,
        setting: &'static Setting,
        ending: &str,
        key: &str,
        value: Value<'_, '_>,
    ) -> Result<ProfileValue> {
        let source = self.source(&value.span());
        let secret = match ending {
            FILE_ENDING => SecretSource::File(self.resolve(&self.text(key, value)?.value)),
            COMMAND_ENDING => SecretSource::Command(self.command(key, value)?),
            STORE_ENDING => SecretSource::Store(StoreItem {
                store: self.store(key, value)?.value,
                secret: setting.name,
                place: self.path.to_path_buf(),
                owner: profile.name.clone(),
            }),
            _ => {
                let secret = SecretSource::Value(Secret::from(self.text(key, value)?.value));
                self.first_secret.get_or_insert_with(|| source.clone());
                secret
            }
        };
        if let Some(other) = profile.secret(setting) {
            let problem = format!("`{key}` is a second source of the {}; the first is {}", setting.name, other.source);
            return Err(self.error(&value.span(), &problem, "keep one of them"));
        }
        Ok(ProfileValue::Secret(SecretSetting { name: setting.name, secret, source }))
    }

    /// A command: an array is run directly, a string by the shell.
    fn command(&self, key: &str, value: Value<'_, '_>) -> Result<Command> {
        let command = match value.get_ref() {
            DeValue::String(line) if !line.trim().is_empty() => Some(Command::shell(line)),
            DeValue::Array(words) if !words.is_empty() => {
                let argv: Option<_> = words.iter().map(|word| word.get_ref().as_str().map(OsString::from)).collect();
                argv.map(|argv| Command { argv: self.resolve_program(argv) })
            }
            _ => None,
        };
        let hint = || format!("{key} = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`");
        command.ok_or_else(|| self.wrong(key, value, "must be a command", &hint()))
    }

    /// A string that is not empty.
    fn text(&self, key: &str, value: Value<'_, '_>) -> Result<Sourced<String>> {
        match value.get_ref().as_str() {
            Some("") => Err(self.wrong(key, value, "is empty", "give it a value or remove the line")),
            Some(text) => Ok(Sourced { value: text.to_owned(), source: self.source(&value.span()) }),
            None => Err(self.wrong(key, value, "must be text", &format!("{key} = \"…\""))),
        }
    }

    /// The name of a secret store, which becomes part of a program's name.
    fn store(&self, key: &str, value: Value<'_, '_>) -> Result<Sourced<String>> {
        let name = self.text(key, value)?;
        if is_store_name(&name.value) {
            return Ok(name);
        }
        let hint = format!("{key} = \"pass\" is for the program docker-credential-pass");
        Err(self.wrong(key, value, "is not the name of a secret store", &hint))
    }

    fn boolean(&self, key: &str, value: Value<'_, '_>) -> Result<Sourced<String>> {
        let boolean = value.get_ref().as_bool();
        let wrong = || self.wrong(key, value, "must be true or false", "write the word without quotes");
        Ok(Sourced { value: boolean.ok_or_else(wrong)?.to_string(), source: self.source(&value.span()) })
    }

    fn table<'a, 'i>(&self, key: impl FnOnce() -> String, value: Value<'a, 'i>) -> Result<&'a DeTable<'i>> {
        let wrong = || self.wrong(&key(), value, "must be a table", "write [profiles.NAME] above the profile's keys");
        value.get_ref().as_table().ok_or_else(wrong)
    }

    /// Resolves a path in the file: `~/` is the home directory, and a relative path is relative to the file's
    /// directory, not to the working directory.
    fn resolve(&self, path: &str) -> PathBuf {
        let beside = || self.path.parent().unwrap_or(Path::new("")).join(path);
        env::expand_home(Path::new(path)).unwrap_or_else(beside)
    }

    /// Resolves a program with a slash in its name like other paths; one without is looked up in the `PATH`.
    fn resolve_program(&self, mut argv: Vec<OsString>) -> Vec<OsString> {
        if let Some(program) = argv.first_mut()
            && let Some(path) = program.to_str().filter(|program| program.contains('/'))
        {
            *program = self.resolve(path).into();
        }
        argv
    }

    fn wrong(&self, key: &str, value: Value<'_, '_>, what: &str, hint: &str) -> Error {
        self.error(&value.span(), &format!("`{key}` {what}"), hint)
    }

    /// Suggests a similar name, or to move the table or key into a profile.
    fn unknown_top_key(&self, span: &Range<usize>, key: &str, value: Value<'_, '_>) -> Error {
        let hint = match nearest(key, [DEFAULT_PROFILE, PROFILES]) {
            Some(known) => format!("did you mean `{known}`?"),
            None if value.get_ref().is_table() => format!("did you mean [{PROFILES}.{}]?", one_line(key)),
            None => format!("put the keys of a profile below its name in brackets: [{PROFILES}.NAME]"),
        };
        self.unknown_key(span, key, &hint)
    }

    fn unknown_key(&self, span: &Range<usize>, key: &str, hint: &str) -> Error {
        self.error(span, &format!("unknown key `{}`", one_line(key)), hint)
    }

    fn error(&self, span: &Range<usize>, what: &str, hint: &str) -> Error {
        Error::config(format!("{}: {}", self.source(span), one_line(what))).hint(hint)
    }

    fn source(&self, span: &Range<usize>) -> ValueSource {
        let line = self.line_ends.partition_point(|&end| end < span.start) + 1;
        ValueSource::File { path: Rc::clone(&self.path), line }
    }
}

/// The hint for an unknown key of a profile.
fn known_keys(unknown: &str) -> String {
    let keys: Vec<_> = SETTINGS.iter().flat_map(|setting| setting.keys()).collect();
    if let Some(key) = nearest(unknown, keys.iter().map(String::as_str)) {
        return format!("did you mean `{key}`?");
    }
    let names: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.key).collect();
    let names = names.join(", ");
    format!("the keys are {names}; a secret can also end with {FILE_ENDING}, {COMMAND_ENDING} or {STORE_ENDING}")
}

/// The setting of a key, and the ending of the key (`_file`, `_command`, `_store` or empty).
fn find(key: &str) -> Option<(&'static Setting, &str)> {
    let first = key.bytes().next();
    SETTINGS.iter().find_map(|setting| {
        // Most settings differ in the first letter: a call for a token compares no more.
        let name = setting.key.filter(|name| name.bytes().next() == first)?;
        let ending = key.strip_prefix(name)?;
        (ending.is_empty() || setting.endings().contains(&ending)).then_some((*setting, ending))
    })
}

/// A profile with `login = true` cannot have another source of the password or token, and must store the refresh
/// token, because nothing else of the login is stored.
fn check_login(profile: &Profile) -> Result<()> {
    let Some(Sourced { value: true, source }) = profile.boolean(&settings::LOGIN) else {
        return Ok(());
    };
    let (login, store) = (settings::LOGIN.key(), settings::STORE_REFRESH_TOKEN.key());
    let secrets =
        [&settings::PASSWORD, &settings::SAML_ASSERTION, &settings::TOKEN].map(|setting| profile.secret(setting));
    if let Some(other) = secrets.into_iter().flatten().next() {
        let problem = format!("{}: the profile has both `{login} = true` and a {}", other.source, other.name);
        return Err(Error::config(problem).hint("keep one of the two"));
    }
    if let Some(Sourced { value: false, source: other }) = profile.boolean(&settings::STORE_REFRESH_TOKEN) {
        let problem = format!("the profile has both `{login} = true` ({source}) and `{store} = false` ({other})");
        return Err(Error::config(problem).hint("keep one of the two: a login is kept as its refresh token"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
