//! The command line.

#![allow(rustdoc::broken_intra_doc_links, reason = "the help shows the variables in brackets")]

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::format::Format;

/// Prints a Spotinst API token: cached, and renewed once for all callers
#[derive(Debug, Parser)]
#[command(name = "spotinst-cred", version)]
#[command(after_help = "\
Examples:
  export SPOTINST_TOKEN=$(spotinst-cred)                     hides a failure
  SPOTINST_TOKEN=$(spotinst-cred) && export SPOTINST_TOKEN   does not
  spotinst-cred -f json | jq .expiry
  spotinst-cred exec -- terraform apply

Exit status: 0 a token was printed; 1 other failure; 2 usage; 3 configuration;
4 credentials rejected; 5 temporary (network, time-out, rate limit, lock)")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub options: Options,
}

/// What is done in the place of printing the token.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program with the token in its environment, and without the keys
    ///
    /// The program gets SPOTINST_TOKEN, and where the account is known SPOTINST_ACCOUNT and SPOTINST_ACCOUNT_ID; not
    /// SPOTINST_PASSWORD, SPOTINST_CLIENT_SECRET and the variables that name their files. The exit status is the
    /// program's own; 127 if there is no such program, 126 if it cannot be run.
    Exec {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
        argv: Vec<OsString>,
    },

    /// Answer a request for headers, as a credential helper of Bazel, Buck2 or restish
    ///
    /// Reads {"uri":"https://…"} on stdin. Only spotinst.io, the hosts below it and the server of SPOTINST_API_URL get
    /// the token, over https.
    Get,
}

/// The shape of what is printed.
#[derive(Debug, Args)]
pub struct Output {
    /// Shape of the output: token if not given [SPOTINST_CRED_FORMAT]
    #[arg(short, long)]
    pub format: Option<Format>,

    /// Print no newline after the token
    #[arg(short, long)]
    pub no_newline: bool,

    /// Replace the content of a file, 0600, and print nothing; `-` is stdout
    ///
    /// Its readers see the old content or the new. The directory is made if need be, 0700. A symbolic link is followed
    /// unless another user made it; what is no regular file is refused.
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
    /// Profile of the configuration file [SPOTINST_CRED_PROFILE]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The token must live at least this long: 30s, 15m, 1h
    #[arg(long, global = true, value_name = "DURATION")]
    pub min_ttl: Option<String>,

    /// Renew the token even if the cached one is good
    #[arg(long, global = true)]
    pub force_refresh: bool,

    /// Neither read nor write the cache
    #[arg(long, global = true)]
    pub no_cache: bool,

    /// Configuration file [SPOTINST_CRED_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Directory of the cache [SPOTINST_CRED_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Limit of the whole exchange: 8s if not given [SPOTINST_CRED_TIMEOUT]
    #[arg(long, global = true, value_name = "DURATION")]
    pub timeout: Option<String>,

    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}
