//! Defines the command line. `--help`, the completions and the man page are generated from it. Options that are
//! settings come from the table in `settings`.

#[cfg(test)]
mod generated;
mod options;
pub mod usage_error;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command as ClapCommand, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::format::Format;
use crate::settings;
use crate::sys::env;
pub use options::Options;

/// Prints a Spotinst API token: cached, and renewed once for all callers
#[derive(Debug, Parser)]
// Help shows this name on every system, and not that of the file, such as `spotinst-cred.exe`.
#[command(name = "spotinst-cred", bin_name = "spotinst-cred", version, disable_help_subcommand = true)]
#[command(subcommands(commands_for_options()), mut_args(options::with_help), mut_subcommands(options::add_to))]
#[command(after_long_help = "\
Examples:
  export SPOTINST_TOKEN=$(spotinst-cred)                     ignores a failure
  SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN   fails with it
  spotinst-cred -f json | jq .expiry
  spotinst-cred exec -- terraform apply
  spotinst-cred login                                        sets up a profile
  spotinst-cred status                                       the settings and the state of the token
  spotinst-cred help exec                                    help for a command

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
  kubernetes  an ExecCredential for kubectl and other clients
  terraform   an object of strings for the external data source

Exit status: 0 a token was printed; 1 other failure; 2 usage; 3 configuration;
4 credentials rejected; 5 temporary (network, timeout, rate limit, lock)")]
pub struct Cli {
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub options: Options,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The command line without commands, for calls that print a token. clap copies every option into every command
/// before it parses the first argument; leaving out the commands saves that time on each cache hit.
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", disable_help_flag = true)]
struct Plain {
    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    options: Options,
}

impl Cli {
    /// Parses the process's arguments. As in clap, `--help` and `--version` are errors, too.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        // The most common call has no arguments, so no parser is built for it.
        if std::env::args_os().len() == 1 {
            return Ok(Self { output: Output::default(), options: Options::default(), command: None });
        }
        match Plain::try_parse() {
            Ok(Plain { output, options }) => Ok(Self { output, options, command: None }),
            Err(_) => Self::parse_command(std::env::args_os()),
        }
    }

    fn parse_command(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut definition = Self::command();
        let matches = definition.try_get_matches_from_mut(arguments)?;
        match matches.subcommand() {
            Some((HELP, of_help)) => {
                let words = [COMMAND, SUBCOMMAND].into_iter().filter_map(|name| of_help.get_one(name).cloned());
                match Self::parse_command(asking_for(words, "--help")) {
                    // `--help` was taken as an argument of the program that `exec` runs.
                    Ok(_) => Err(definition.error(ErrorKind::InvalidSubcommand, "unknown command")),
                    help => help,
                }
            }
            Some((VERSION, _)) => Self::parse_command(asking_for([], "--version")),
            _ => {
                options::check_before_command(&mut definition, &matches)?;
                Self::from_arg_matches(&matches)
            }
        }
    }
}

const HELP: &str = "help";
const VERSION: &str = "version";
const COMMAND: &str = "COMMAND";
const SUBCOMMAND: &str = "SUBCOMMAND";

/// The commands that are aliases of an option. The short help does not list them.
fn commands_for_options() -> [ClapCommand; 2] {
    let word = |name, help| Arg::new(name).help(help).value_parser(ValueParser::os_string());
    let words = [word(COMMAND, "The command"), word(SUBCOMMAND, "Its subcommand")];
    [
        ClapCommand::new(HELP).about("Print the help of a command").args(words).hide(true),
        ClapCommand::new(VERSION).about("Print the version").hide(true),
    ]
}

/// The equivalent command line with the option.
fn asking_for(words: impl IntoIterator<Item = OsString>, option: &str) -> Vec<OsString> {
    ["spotinst-cred".into()].into_iter().chain(words).chain([option.into()]).collect()
}

/// Without a command, the token is printed.
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

    /// Run a program with the token, without the credentials
    #[command(long_about = exec_help(), override_usage = "spotinst-cred exec [OPTIONS] -- <CMD> [ARG …]")]
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

    /// Log in: ask for missing credentials, check them, write a profile
    #[command(long_about = login_help())]
    Login {
        #[command(flatten)]
        method: LoginMethod,

        /// Keep the secrets in this store: osxkeychain, wincred, secretservice, pass
        #[arg(long, value_name = "NAME")]
        secret_store: Option<String>,
    },

    /// Forget the cached tokens, and erase secrets in secret stores
    Logout {
        /// Forget those of all profiles and users
        #[arg(long)]
        all: bool,
    },

    /// List the profiles, or choose the default
    Profiles {
        /// Print a JSON document
        #[arg(long)]
        json: bool,

        /// Print the names alone, one on each line
        #[arg(long, conflicts_with = "json")]
        names: bool,

        #[command(subcommand)]
        action: Option<ProfilesAction>,
    },

    /// Show the settings, their sources, and the state of the token
    Status {
        /// Print a JSON document
        #[arg(long)]
        json: bool,

        /// Ask the API whether the token is accepted, and the secret store whether it answers
        #[arg(long)]
        check: bool,
    },

    /// Ask the API whose token it is; a short `status --check`
    Whoami,
}

/// The subcommands of `profiles`.
#[derive(Debug, Subcommand)]
pub enum ProfilesAction {
    /// Make a profile the default
    Use {
        /// The profile
        name: String,
    },
}

/// Without any of these, the user is asked for user name and password.
#[derive(Clone, Copy, Debug, Args)]
pub struct LoginMethod {
    /// Take a permanent token, typed or from stdin
    #[arg(long, conflicts_with = "saml")]
    pub with_token: bool,

    /// Take a SAML response, pasted or from stdin, for single sign-on
    #[arg(long)]
    pub saml: bool,
}

/// The options for the output.
#[derive(Debug, Default, Args)]
pub struct Output {
    #[arg(short, long, hide_possible_values = true)]
    pub format: Option<Format>,

    /// Print no newline after the token
    #[arg(short, long, hide_short_help = true)]
    pub no_newline: bool,

    /// Write to a file (mode 0600) instead of stdout
    ///
    /// `-` is stdout. The file is replaced atomically, if it is empty or holds the output of an earlier call; any
    /// other content is an error. A missing directory is created with mode 0700. A symbolic link is followed unless
    /// another user created it. Anything but a regular file is an error.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Section of ini and yaml (default)
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub section: Option<String>,
}

impl Output {
    /// The file to write to; `None` for `-`, which is stdout.
    pub fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }
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

fn login_help() -> String {
    let variables = settings::PASSWORD_LOGIN.map(|setting| format!("  {}", setting.variable())).join("\n");
    let token = &settings::TOKEN;
    format!(
        "Log in: ask for missing credentials, check them, write a profile\n\nThe console shows the client id and the \
         client secret: Settings > Tokens > Temporary. The password is stored nowhere.\n\nWithout a terminal, as in \
         CI, set four variables instead:\n\n{variables}\n\nA permanent token (Settings > Tokens > Permanent) needs no \
         password: run `spotinst-cred login --with-token`, or set `{}` or `{}` in a profile.",
        token.command_key(),
        token.file_key()
    )
}

fn get_help() -> String {
    format!(
        "Answer as a credential helper of Bazel, Buck2 or restish\n\nReads {{\"uri\":\"https://…\"}} on stdin. It prints \
         the token only for https URLs of spotinst.io, its subdomains and the server of {}.",
        settings::API_URL.variable()
    )
}

fn exec_help() -> String {
    let account = settings::ACCOUNT.variables.join(" and ");
    let (password, secret) = (settings::PASSWORD.variable(), settings::CLIENT_SECRET.variable());
    format!(
        "Run a program with the token, without the credentials\n\nThe program gets {} and, if the account is known, \
         {account}. {password}, {secret} and the variables for their files are removed. The exit status is the program's \
         own; 127 if the program does not exist, 126 if it cannot be run.",
        env::TOKEN
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_arguments_every_option_has_its_default() {
        let parsed = Plain::try_parse_from(["spotinst-cred"]).map(|Plain { output, options }| (output, options));
        let defaults = (Output::default(), Options::default());
        assert_eq!(parsed.ok().map(|parsed| format!("{parsed:?}")), Some(format!("{defaults:?}")));
    }
}
