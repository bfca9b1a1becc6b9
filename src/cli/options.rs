//! The options that several commands share: those of settings, and a few others. Each command accepts only those that
//! apply to it.

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::config::flags::Flags;
use crate::settings::{self, CONFIG, FORMAT, MIN_TTL, SETTINGS, Setting, ValueKind};

/// How a token is obtained.
#[derive(Debug, Default, Args)]
pub struct Options {
    #[command(flatten)]
    pub flags: Flags,

    /// Get a new token even if the cached one is valid
    #[arg(long, hide_short_help = true)]
    pub force_refresh: bool,

    /// Print each step to stderr
    #[arg(short, long)]
    pub verbose: bool,
}

const NO_CACHE: &str = "no_cache";
const FORCE_REFRESH: &str = "force_refresh";
const VERBOSE: &str = "verbose";

/// Whether a command accepts an option.
fn goes_with(option: &str, command: &str) -> bool {
    match command {
        "exec" | "get" | "status" | "whoami" => true,
        "invalidate" | "login" | "logout" => ![MIN_TTL.flag(), FORCE_REFRESH, NO_CACHE].contains(&option),
        "profiles" => [CONFIG.flag(), VERBOSE].contains(&option),
        _ => false,
    }
}

/// Adds the options that the command accepts.
pub fn add_to(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let all = Options::augment_args(Command::default());
    let options = all.get_arguments().filter(|option| goes_with(option.get_id().as_str(), &name));
    // Global, so that options after the command are among the matches of the program.
    command.args(options.map(|option| with_help(option.clone()).global(true)))
}

/// Fails for an option before a command that does not accept it.
pub fn check_before_command(program: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((name, of_command)) = matches.subcommand() else {
        return Ok(());
    };
    let given = |option: &&Arg| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
    let given: Vec<_> = program.get_arguments().filter(given).cloned().collect();
    let Some(command) = program.find_subcommand_mut(name) else {
        return Ok(());
    };
    match given.iter().find(|option| command.get_arguments().all(|own| own.get_id() != option.get_id())) {
        Some(option) => {
            let option = format!("--{}", option.get_long().unwrap_or_default());
            Err(command.error(ErrorKind::ArgumentConflict, does_not_go_with(&option, name)))
        }
        None => check_before_command(command, of_command),
    }
}

pub fn does_not_go_with(option: &str, command: &str) -> String {
    format!("{option} cannot be used with `{command}`")
}

/// The settings with an option, except the format, which is for printing only.
fn flags() -> impl Iterator<Item = (&'static Setting, &'static settings::Flag)> {
    let settings = SETTINGS.into_iter().filter(|setting| !setting.is(&FORMAT));
    settings.filter_map(|setting| Some((setting, setting.flag.as_ref()?)))
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let no_cache = Arg::new(NO_CACHE).long("no-cache").action(ArgAction::SetTrue);
        flags()
            .fold(command, |command, (setting, flag)| command.arg(option(setting, flag)))
            .arg(no_cache.hide_short_help(true).help("Neither read nor write the cache"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given =
            |(setting, flag): (_, &settings::Flag)| Some((setting, matches.get_raw(flag.long)?.next()?.to_owned()));
        Ok(Self { values: flags().filter_map(given).collect(), no_cache: matches.get_flag(NO_CACHE) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn option(setting: &'static Setting, flag: &'static settings::Flag) -> Arg {
    let parser = match setting.kind {
        ValueKind::Path => ValueParser::path_buf(),
        _ => ValueParser::string(),
    };
    let name = flag.long.trim_start_matches('-');
    let option = Arg::new(flag.long).long(name).short(flag.short).value_name(flag.value_name).value_parser(parser);
    option.hide_short_help(!flag.is_in_short_help)
}

/// Adds the help of the option's setting. Skipped on a cache hit, which prints no help.
pub fn with_help(option: Arg) -> Arg {
    let name = option.get_long().map(|name| format!("--{name}"));
    let is_of = |setting: &&&Setting| name.as_deref().is_some_and(|name| setting.flag() == name);
    match SETTINGS.iter().find(is_of) {
        Some(setting) => option.help(help(setting)),
        None => option,
    }
}

/// The setting's summary, its default unless that is a path, and its variable.
fn help(setting: &Setting) -> String {
    let (first, rest) = setting.summary().split_at(1);
    let mut help = first.to_uppercase() + rest;
    if let (Some(default), false) = (setting.default, setting.kind == ValueKind::Path) {
        help.push_str(&format!(" ({default})"));
    }
    if let Some(variable) = setting.variables.first() {
        help.push_str(&format!(" [{variable}]"));
    }
    help
}
