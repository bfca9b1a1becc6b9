//! Converts clap's usage errors to our own error type.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind as UsageErrorKind};

use super::options::does_not_go_with;
use crate::error::{Error, ErrorKind};

const UNKNOWN_WORD: &str = "unknown command (not shown: it could be a secret)";

/// An argument that is not an option is never shown: it could be a password or a token that was pasted by mistake.
pub fn from_clap(error: &clap::Error, program: &Command) -> Error {
    let command = command_of(error, program);
    let invalid = words(error, ContextKind::InvalidArg);
    let option = invalid.first().map(String::as_str).filter(|word| word.starts_with('-'));
    let (message, help) = match (error.kind(), command) {
        (UsageErrorKind::InvalidSubcommand | UsageErrorKind::UnknownArgument, None) if option.is_none() => {
            (UNKNOWN_WORD.to_owned(), commands(program))
        }
        (UsageErrorKind::InvalidSubcommand | UsageErrorKind::UnknownArgument, Some(command)) if option.is_none() => {
            let problem = format!("`{command}` takes no such argument (not shown: it could be a secret)");
            (problem, usage(error))
        }
        (UsageErrorKind::UnknownArgument, Some(command)) if is_option_of(option, program) => {
            let problem = does_not_go_with(option.unwrap_or_default(), command);
            // clap would suggest an unrelated option.
            return Error::new(ErrorKind::Usage, problem).hint(help_of(Some(command)));
        }
        (UsageErrorKind::MissingRequiredArgument, Some(command)) => (
            format!("missing argument of `{command}`: {}", invalid.join(" ").trim_end_matches('.')),
            choices(command, program).unwrap_or_else(|| usage(error)),
        ),
        (UsageErrorKind::InvalidValue, _) if invalid.iter().any(|word| word.starts_with('<')) => {
            (format!("unknown value for {} (not shown: it could be a secret)", invalid.join(" ")), usage(error))
        }
        _ => (first_line(error), help_of(command)),
    };
    Error::new(ErrorKind::Usage, message).hint(suggestion(error).unwrap_or(help))
}

/// The valid or similar values, if clap knows any.
fn suggestion(error: &clap::Error) -> Option<String> {
    let known = words(error, ContextKind::ValidValue);
    if !known.is_empty() {
        return Some(expected(&known));
    }
    let mut similar = words(error, ContextKind::SuggestedArg);
    similar.extend(words(error, ContextKind::SuggestedSubcommand));
    // clap lists the most similar one last.
    similar.reverse();
    (!similar.is_empty()).then(|| format!("did you mean {}?", similar.join(" or ")))
}

fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => Vec::new(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// The usage line at the end of clap's message.
fn usage(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default().to_owned()
}

/// The possible values of a command's argument, if it has a fixed list of them.
fn choices(command: &str, program: &Command) -> Option<String> {
    let argument = program.find_subcommand(command)?.get_positionals().next()?;
    let values: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    (!values.is_empty()).then(|| expected(&values))
}

fn expected(values: &[String]) -> String {
    format!("expected one of {}", values.join(", "))
}

/// The command whose arguments are wrong; `None` for the program itself.
fn command_of<'p>(error: &clap::Error, program: &'p Command) -> Option<&'p str> {
    let usage = usage(error);
    let name = usage.split(' ').nth(1)?;
    program.find_subcommand(name).map(Command::get_name)
}

fn is_option_of(option: Option<&str>, program: &Command) -> bool {
    let is = |long: Option<&str>, short: Option<char>| {
        option.is_some_and(|option| {
            long.is_some_and(|long| option.strip_prefix("--") == Some(long))
                || short.is_some_and(|short| option.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])))
        })
    };
    program.get_arguments().any(|known| is(known.get_long(), known.get_short()))
}

fn help_of(command: Option<&str>) -> String {
    match command {
        Some(command) => format!("`spotinst-cred help {command}` lists its options"),
        None => "`spotinst-cred --help` lists the options".to_owned(),
    }
}

fn commands(program: &Command) -> String {
    let names: Vec<_> = program.get_subcommands().map(Command::get_name).collect();
    format!("the commands are {}; without one it prints the token", names.join(", "))
}
