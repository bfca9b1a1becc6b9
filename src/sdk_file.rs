//! The credentials file of the Spotinst SDKs, in its three forms. Pure.
//!
//! - INI: `[default]`, `token = …`, `account = …`
//! - YAML: `default:`, `  token: …`, `  account: …`
//! - JSON: `{"token": …, "account": …}`, which is YAML, too

use std::collections::BTreeSet;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::sys::digest;
use crate::sys::secret::Secret;

pub const TOKEN: &str = "token";
pub const ACCOUNT: &str = "account";

/// The section of values that are outside of any section.
pub const DEFAULT_SECTION: &str = "default";

/// The start of a file that this program wrote. Such a file is not a source of tokens.
const MARK: &str = "# Written by spotinst-cred, which replaces it";

/// The content of the file: a comment line, then the document. The line must not contain `=`, because Ansible splits
/// every line there. It ends with a digest of the rest, which shows whether the file was edited: an opaque token does
/// not show whether it is permanent.
pub fn marked(document: &[u8], expiry: Option<String>) -> Vec<u8> {
    let expiry = expiry.map(|expiry| format!("; the token expires {expiry}")).unwrap_or_default();
    let mark = format!("{MARK} if unchanged{expiry}; digest");
    let digest = file_digest(&mark, document);
    [format!("{mark} {digest}\n").as_bytes(), document].concat()
}

pub fn is_marked(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Whether this program wrote the file and nobody edited it.
pub fn is_as_written(text: &str) -> bool {
    let lines = text.split_once('\n').filter(|_| is_marked(text));
    let parts = lines.and_then(|(line, document)| Some((line.rsplit_once(' ')?, document)));
    parts.is_some_and(|((mark, written), document)| written == file_digest(mark, document.as_bytes()))
}

fn file_digest(mark: &str, document: &[u8]) -> String {
    digest::name(b"sdk file", [mark.as_bytes(), document])
}

/// Whether a section can have this name in all three forms.
pub fn is_section_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[derive(Debug, Default)]
pub struct SdkFile {
    entries: Vec<Entry>,
}

/// A value that is not empty.
#[derive(Debug)]
pub struct Entry {
    section: String,
    key: String,
    pub value: Secret,
    /// Counted from 1.
    pub line: usize,
}

/// A syntax error. It does not repeat the text, which may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct ParseError {
    pub problem: &'static str,
    /// Counted from 1.
    pub line: usize,
}

impl SdkFile {
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut file = Self::default();
        match Shape::of(text) {
            Shape::Ini => file.read_ini(text),
            shape => YamlReader { parser: Parser::new_from_str(text), shape, file: &mut file }.read()?,
        }
        Ok(file)
    }

    /// A value of a section. If it is there more than once, the last one counts, as in the SDKs. A value that the
    /// section lacks is taken from `default`, as in the Go SDK.
    pub fn get(&self, section: &str, key: &str) -> Option<&Entry> {
        let value = |section| self.entries.iter().rfind(|entry| entry.section == section && entry.key == key);
        let is_there = self.entries.iter().any(|entry| entry.section == section);
        value(section).or_else(|| value(DEFAULT_SECTION).filter(|_| is_there))
    }

    /// The sections with a token.
    pub fn sections(&self) -> Vec<&str> {
        let sections: BTreeSet<_> = self.entries.iter().map(|entry| entry.section.as_str()).collect();
        sections.into_iter().filter(|section| self.get(section, TOKEN).is_some()).collect()
    }

    fn read_ini(&mut self, text: &str) {
        let mut section = DEFAULT_SECTION;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(header) = ini_header(line) {
                section = header;
            } else if !is_comment(line)
                && let Some((key, value)) = line.split_once(['=', ':'])
            {
                self.add(section, key.trim(), unquoted(value), index + 1);
            }
        }
    }

    fn add(&mut self, section: &str, key: &str, value: &str, line: usize) {
        if !value.is_empty() {
            let value = Secret::from(value.to_owned());
            self.entries.push(Entry { section: section.to_owned(), key: key.to_owned(), value, line });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Ini,
    Yaml,
    Json,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
        let first = lines.clone().next().unwrap_or_default();
        let is_assignment = first.find(['=', ':']).is_some_and(|at| first.as_bytes().get(at) == Some(&b'='));
        if first.starts_with('{') {
            Self::Json
        } else if is_assignment || lines.any(|line| ini_header(line).is_some()) {
            Self::Ini
        } else {
            Self::Yaml
        }
    }
}

fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';'])
}

/// The name in brackets.
fn ini_header(line: &str) -> Option<&str> {
    Some(line.strip_prefix('[')?.rsplit_once(']')?.0.trim())
}

/// The value without quotes and without a comment after it. A comment begins at the first `#` or `;`, as in the Go
/// SDK; no token or account contains either.
fn unquoted(value: &str) -> &str {
    let value = value.split(['#', ';']).next().unwrap_or_default().trim();
    let strip = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    strip('"').or_else(|| strip('\'')).unwrap_or(value)
}

/// Reads a mapping of mappings. Deeper levels are skipped.
struct YamlReader<'t, 'f> {
    parser: Parser<'t, StrInput<'t>>,
    shape: Shape,
    file: &'f mut SdkFile,
}

impl<'t> YamlReader<'t, '_> {
    fn read(&mut self) -> Result<(), ParseError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::MappingStart(..), _) => self.mapping(None)?,
                (other, _) => self.skip(&other)?,
            }
        }
    }

    /// The next event and its line. Callers must stop at an error: the parser would return it again forever.
    fn next(&mut self) -> Result<(Event<'t>, usize), ParseError> {
        let problem = if self.shape == Shape::Json { "is not valid JSON" } else { "is not valid YAML" };
        match self.parser.next_event() {
            Some(Ok((Event::Alias(_), span))) => {
                Err(ParseError { problem: "has a YAML alias, which is not supported", line: span.start.line() })
            }
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(ParseError { problem, line: error.marker().line() }),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    /// The rest of a mapping: the whole file, or a section.
    fn mapping(&mut self, section: Option<&str>) -> Result<(), ParseError> {
        loop {
            let key = match self.next()?.0 {
                Event::MappingEnd | Event::StreamEnd => return Ok(()),
                Event::Scalar(key, ..) => key,
                other => {
                    self.skip(&other)?;
                    "".into()
                }
            };
            match (self.next()?, section) {
                ((Event::MappingStart(..), _), None) => self.mapping(Some(&key))?,
                ((Event::Scalar(value, style, ..), line), _) => {
                    let is_null = style == ScalarStyle::Plain && ["~", "null"].contains(&&*value);
                    let value = if is_null { "" } else { value.trim() };
                    self.file.add(section.unwrap_or(DEFAULT_SECTION), &key, value, line);
                }
                ((other, _), _) => self.skip(&other)?,
            }
        }
    }

    /// Skips the rest of the value that starts with this event.
    fn skip(&mut self, first: &Event<'_>) -> Result<(), ParseError> {
        let is_start = |event: &Event<'_>| matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let mut depth = usize::from(is_start(first));
        while depth > 0 {
            match self.next()?.0 {
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                Event::StreamEnd => return Ok(()),
                event => depth += usize::from(is_start(&event)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
