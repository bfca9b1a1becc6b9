//! The command line: the one definition that `--help`, the completions and the man page are made of.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows the comments as they are: [VARIABLE] is no link")]

#[cfg(test)]
mod shipped;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::completions::Shell;
use crate::format::Format;

/// Prints a Spotinst API token: cached, and renewed once for all callers
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", version, disable_help_subcommand = true)]
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

/// The command line of a call for a token: the same without the commands. Every command has a copy of each option,
/// and all of them are built before the first argument is looked at, which a call for a token need not pay. Nor are its
/// values copied to commands that it does not have.
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", disable_help_flag = true, mut_args(|option| option.global(false)))]
struct Plain {
    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    options: Options,
}

impl Cli {
    /// Reads the process's arguments.
    ///
    /// # Errors
    /// They are wrong, or help or version is asked for.
    pub fn read() -> Result<Self, clap::Error> {
        match Plain::try_parse() {
            Ok(Plain { output, options }) => Ok(Self { output, options, command: None }),
            Err(_) => Self::try_parse(),
        }
    }
}

/// What else there is to do. Without any of these the token is printed.
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
    ///
    /// The program gets SPOTINST_TOKEN, and where the account is known SPOTINST_ACCOUNT and SPOTINST_ACCOUNT_ID; not
    /// SPOTINST_PASSWORD, SPOTINST_CLIENT_SECRET and the variables that name their files. The exit status is the
    /// program's own; 127 if there is no such program, 126 if it cannot be run.
    Exec {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
        argv: Vec<OsString>,
    },

    /// Answer as a credential helper of Bazel, Buck2 or restish
    ///
    /// Reads {"uri":"https://…"} on stdin. Only spotinst.io, the hosts below it and the server of SPOTINST_API_URL get
    /// the token, over https.
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
    /// Shape of the output (token) [SPOTINST_CRED_FORMAT]
    #[arg(short, long, hide_possible_values = true)]
    pub format: Option<Format>,

    /// Print no newline after the token
    #[arg(short, long)]
    pub no_newline: bool,

    /// Write to a file, 0600, and print nothing
    ///
    /// `-` is stdout. Readers of the file see the old content or the new. The directory is made if need be, 0700. A
    /// symbolic link is followed unless another user made it; what is no regular file is refused.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Output {
    /// The first of its options that is given: they go with printing alone.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            (self.format.is_some(), "--format"),
            (self.no_newline, "--no-newline"),
            (self.output.is_some(), "--output"),
        ];
        options.into_iter().find(|(is_given, _)| *is_given).map(|(_, option)| option)
    }
}

/// How a token is got.
#[derive(Debug, Args)]
pub struct Options {
    /// Profile to use [SPOTINST_CRED_PROFILE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The token must live at least this long: 30s, 15m, 1h
    #[arg(long, global = true, value_name = "DURATION")]
    pub min_ttl: Option<String>,

    /// Renew the token even if the cached one is good
    #[arg(long, global = true)]
    pub force_refresh: bool,

    /// Neither read nor write the cache
    #[arg(hide_short_help = true, long, global = true)]
    pub no_cache: bool,

    /// Configuration file [SPOTINST_CRED_CONFIG]
    #[arg(hide_short_help = true, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Directory of the cache [SPOTINST_CRED_CACHE_DIR]
    #[arg(hide_short_help = true, long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Limit of the whole exchange (8s) [SPOTINST_CRED_TIMEOUT]
    #[arg(hide_short_help = true, long, global = true, value_name = "DURATION")]
    pub timeout: Option<String>,

    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}
