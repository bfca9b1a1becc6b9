//! The command line: the one definition that `--help`, the completions and the man page are made of. The options that
//! are settings come from their table.

#[cfg(test)]
mod generated;
pub mod usage_error;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Args, Command as ClapCommand, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::flags::Flags;
use crate::format::Format;
use crate::settings::{self, FORMAT, SETTINGS, Setting, ValueKind};
use crate::sys::env;

/// Prints a Spotinst API token: cached, and renewed once for all callers
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", version, disable_help_subcommand = true, mut_args(with_help))]
#[command(after_long_help = "\
Examples:
  export SPOTINST_TOKEN=$(spotinst-cred)                     hides a failure
  SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN   does not
  spotinst-cred -f json | jq .expiry
  spotinst-cred exec -- terraform apply
  spotinst-cred login                                        sets up a profile
  spotinst-cred status                                       what is set, and from where

Formats:
  token       the token alone, on one line
  json        token, type, expiry and account, as JSON
  header      an HTTP header, for curl -H @-
  sh          exports for sh, bash, dash, zsh and ksh, for eval
  dotenv      lines of an environment file: .env, docker, systemd
  fish        exports for fish, for source
  powershell  assignments for PowerShell, for Invoke-Expression
  github      masks the token in a GitHub job's log and appends to GITHUB_ENV
  ini         the file of the Spotinst SDKs
  yaml        the file of the Serverless Framework plugin
  kubernetes  an ExecCredential for kubectl and its like
  terraform   an object of strings for the external data source

Exit status: 0 a token was printed; 1 other failure; 2 usage; 3 configuration;
4 credentials rejected; 5 temporary (network, time-out, rate limit, lock)")]
pub struct Cli {
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub options: Options,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The command line of a call for a token: the same without commands. Each command has a copy of every option, and all
/// are built before the first argument is parsed, which is a cost of every warm call.
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", disable_help_flag = true, mut_args(|option| option.global(false)))]
struct Plain {
    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    options: Options,
}

impl Cli {
    /// Parses the process's arguments. Fails also where help or the version is asked for.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        match Plain::try_parse() {
            Ok(Plain { output, options }) => Ok(Self { output, options, command: None }),
            Err(_) => Self::try_parse(),
        }
    }
}

/// Without any of these the token is printed.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the completions of a shell
    ///
    /// bash: source <(spotinst-cred completions bash)
    ///
    /// zsh: spotinst-cred completions zsh > ~/.zfunc/_spotinst-cred, a directory of $fpath
    ///
    /// fish: spotinst-cred completions fish > ~/.config/fish/completions/spotinst-cred.fish
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Run a program with the token in its environment, without the keys
    #[command(long_about = exec_help())]
    Exec {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
        argv: Vec<OsString>,
    },

    /// Answer as a credential helper of Bazel, Buck2 or restish
    #[command(long_about = get_help())]
    Get,

    /// Forget the cached token if it is the rejected one on stdin
    Invalidate,

    /// Ask for what is missing, check it, and write the profile
    Login,

    /// Forget the cached tokens
    Logout {
        /// Those of every profile and user
        #[arg(long)]
        all: bool,
    },

    /// Show what is set, from where, and how the cached token is
    Status {
        /// Print a JSON document
        #[arg(long)]
        json: bool,

        /// Ask the API whether the token is accepted, and which accounts it sees
        #[arg(long)]
        check: bool,

        /// Print the names of all profiles, and nothing else
        #[arg(long, conflicts_with_all = ["json", "check"])]
        profiles: bool,
    },
}

/// The shape of what is printed.
#[derive(Debug, Args)]
pub struct Output {
    #[arg(short, long, hide_possible_values = true)]
    pub format: Option<Format>,

    /// Print no newline after the token
    #[arg(short, long)]
    pub no_newline: bool,

    /// Write to a file, 0600, and print nothing
    ///
    /// `-` is stdout. Readers of the file see the old content or the new. A missing directory is created, 0700. A
    /// symbolic link is followed unless another user made it; what is no regular file is refused.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Output {
    /// The first of these options that is given: they are for printing only.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            (self.format.is_some(), FORMAT.flag()),
            (self.no_newline, "--no-newline"),
            (self.output.is_some(), "--output"),
        ];
        options.into_iter().find(|(is_given, _)| *is_given).map(|(_, option)| option)
    }

    /// The file to write to. `-` is stdout, as with many programs.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// How a token is obtained.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub flags: Flags,

    /// Renew the token even if the cached one is good
    #[arg(long, global = true)]
    pub force_refresh: bool,

    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// The shells with completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

const NO_CACHE: &str = "no_cache";

/// The settings with an option, except the format, which is for printing only.
fn flags() -> impl Iterator<Item = (&'static Setting, &'static settings::Flag)> {
    let settings = SETTINGS.into_iter().filter(|setting| !setting.is(&FORMAT));
    settings.filter_map(|setting| Some((setting, setting.flag.as_ref()?)))
}

impl Args for Flags {
    fn augment_args(command: ClapCommand) -> ClapCommand {
        let no_cache = Arg::new(NO_CACHE).long("no-cache").action(clap::ArgAction::SetTrue).global(true);
        flags()
            .fold(command, |command, (setting, flag)| command.arg(option(setting, flag)))
            .arg(no_cache.hide_short_help(true).help("Neither read nor write the cache"))
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
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
    option.global(true).hide_short_help(!flag.is_in_short_help)
}

/// The option with the help of its setting. Not for a plain call, which prints none.
fn with_help(option: Arg) -> Arg {
    let name = option.get_long().map(|name| format!("--{name}"));
    let is_of = |setting: &&&Setting| name.as_deref().is_some_and(|name| setting.flag() == name);
    match SETTINGS.iter().find(is_of) {
        Some(setting) => option.help(help(setting)),
        None => option,
    }
}

/// The setting's line, its default where that is short, and its variable.
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

fn get_help() -> String {
    format!(
        "Answer as a credential helper of Bazel, Buck2 or restish\n\nReads {{\"uri\":\"https://…\"}} on stdin. Only \
         spotinst.io, the hosts below it and the server of {} get the token, over https.",
        settings::API_URL.variable()
    )
}

fn exec_help() -> String {
    let account = settings::ACCOUNT.variables.join(" and ");
    let (password, secret) = (settings::PASSWORD.variable(), settings::CLIENT_SECRET.variable());
    format!(
        "Run a program with the token in its environment, without the keys\n\nThe program gets {}, and where the account \
         is known {account}; not {password}, {secret} and the variables that name their files. The exit status is the \
         program's own; 127 if there is no such program, 126 if it cannot be run.",
        env::TOKEN
    )
}
