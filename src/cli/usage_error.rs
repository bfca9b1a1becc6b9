//! The error of a command line that does not parse, in the form of all other errors.

use clap::error::{ContextKind, ContextValue, ErrorKind as UsageErrorKind};

use crate::error::{Error, ErrorKind};

const UNKNOWN_WORD: &str = "unknown command (not shown: it could be a secret)";

/// A word that is no option is not repeated: it may be a password or a token that was meant for somewhere else.
pub fn from_clap(error: &clap::Error) -> Error {
    let is_option = |word: &ContextValue| matches!(word, ContextValue::String(word) if word.starts_with('-'));
    let word = error.get(ContextKind::InvalidArg);
    let message = match (error.kind(), word) {
        (UsageErrorKind::UnknownArgument, Some(word)) if !is_option(word) => UNKNOWN_WORD.to_owned(),
        (UsageErrorKind::InvalidValue, Some(ContextValue::String(word))) if word.starts_with('<') => {
            format!("{word} is none of the known ones (not shown, as it may be a secret)")
        }
        (UsageErrorKind::InvalidSubcommand, _) => UNKNOWN_WORD.to_owned(),
        _ => first_line(error),
    };
    Error::new(ErrorKind::Usage, message).hint(hint(error))
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// What would be right.
fn hint(error: &clap::Error) -> String {
    let words = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        Some(ContextValue::Strings(words)) if !words.is_empty() => Some(words.join(", ")),
        _ => None,
    };
    if let Some(known) = words(ContextKind::ValidValue) {
        return format!("expected one of {known}");
    }
    let similar = words(ContextKind::SuggestedArg).or_else(|| words(ContextKind::SuggestedSubcommand));
    similar.map_or_else(
        || "spotinst-cred --help lists the options".to_owned(),
        |similar| format!("did you mean {similar}?"),
    )
}
