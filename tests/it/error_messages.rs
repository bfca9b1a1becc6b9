//! The exact error for each mistake in settings or on the command line. Each says what is wrong, where, and what to do
//! next.
//!
//! `$HOME` stands for the sandbox's home, `$FILE` for its configuration file. Anything that may be a secret is
//! `hunter2` here, and never shown.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::StandIn;

/// A situation and its error message.
struct Row {
    situation: &'static str,
    prepare: fn(&mut Sandbox),
    args: &'static [&'static str],
    status: i32,
    stderr: &'static str,
}

/// No message may contain it.
const SECRET: &str = "hunter2";

const UNKNOWN_COMMAND: &str = "spotinst-cred: unknown command (not shown: it could be a secret)\n\
    hint: the commands are completions, exec, get, invalidate, login, logout, profiles, status, whoami, help, version; \
    without one it prints the token\n";

#[test]
fn command_line_errors() {
    check(&[
        Row {
            situation: "a mistyped option",
            prepare: complete,
            args: &["--formt", "json"],
            status: 2,
            stderr: "spotinst-cred: unexpected argument '--formt' found\n\
                     hint: did you mean --format?\n",
        },
        Row {
            situation: "an option of another program",
            prepare: complete,
            args: &["--password=hunter2"],
            status: 2,
            stderr: "spotinst-cred: unexpected argument '--password' found\n\
                     hint: `spotinst-cred --help` lists the options\n",
        },
        Row {
            situation: "an unknown command",
            prepare: complete,
            args: &["hunter2"],
            status: 2,
            stderr: UNKNOWN_COMMAND,
        },
        Row {
            situation: "the help of an unknown command",
            prepare: complete,
            args: &["help", "hunter2"],
            status: 2,
            stderr: UNKNOWN_COMMAND,
        },
        Row {
            situation: "a mistyped command: the nearest one first",
            prepare: complete,
            args: &["logn"],
            status: 2,
            stderr: "spotinst-cred: unknown command (not shown: it could be a secret)\n\
                     hint: did you mean login or logout?\n",
        },
        Row {
            situation: "a word behind a command that takes none",
            prepare: complete,
            args: &["logout", "hunter2"],
            status: 2,
            stderr: "spotinst-cred: `logout` takes no such argument (not shown: it could be a secret)\n\
                     hint: spotinst-cred logout [OPTIONS]\n",
        },
        Row {
            situation: "nothing to run",
            prepare: complete,
            args: &["exec"],
            status: 2,
            stderr: "spotinst-cred: missing argument of `exec`: <CMD>\n\
                     hint: spotinst-cred exec [OPTIONS] -- <CMD> [ARG …]\n",
        },
        Row {
            situation: "no shell to complete for",
            prepare: complete,
            args: &["completions"],
            status: 2,
            stderr: "spotinst-cred: missing argument of `completions`: <SHELL>\n\
                     hint: expected one of bash, elvish, fish, powershell, zsh\n",
        },
        Row {
            situation: "an option that means nothing to the command",
            prepare: complete,
            args: &["logout", "--min-ttl", "5m"],
            status: 2,
            stderr: "spotinst-cred: --min-ttl cannot be used with `logout`\n\
                     hint: `spotinst-cred help logout` lists its options\n",
        },
        Row {
            situation: "such an option in front of the command",
            prepare: complete,
            args: &["--min-ttl", "5m", "logout"],
            status: 2,
            stderr: "spotinst-cred: --min-ttl cannot be used with `logout`\n\
                     hint: `spotinst-cred help logout` lists its options\n",
        },
        Row {
            situation: "such a short option",
            prepare: complete,
            args: &["status", "-f", "json"],
            status: 2,
            stderr: "spotinst-cred: -f cannot be used with `status`\n\
                     hint: `spotinst-cred help status` lists its options\n",
        },
        Row {
            situation: "an option of the list, for a profile that is chosen",
            prepare: complete,
            args: &["profiles", "--json", "use", "work"],
            status: 2,
            stderr: "spotinst-cred: --json cannot be used with `use`\n\
                     hint: `spotinst-cred help profiles` lists its options\n",
        },
        Row {
            situation: "a mistyped option of a command",
            prepare: complete,
            args: &["status", "--jsno"],
            status: 2,
            stderr: "spotinst-cred: unexpected argument '--jsno' found\n\
                     hint: did you mean --json?\n",
        },
        Row {
            situation: "an option without its value",
            prepare: complete,
            args: &["--profile"],
            status: 2,
            stderr: "spotinst-cred: a value is required for '--profile <NAME>' but none was supplied\n\
                     hint: `spotinst-cred --help` lists the options\n",
        },
        Row {
            situation: "an empty path",
            prepare: complete,
            args: &["--cache-dir", ""],
            status: 2,
            stderr: "spotinst-cred: a value is required for '--cache-dir <DIR>' but none was supplied\n\
                     hint: `spotinst-cred --help` lists the options\n",
        },
        Row {
            situation: "an option given twice",
            prepare: complete,
            args: &["-p", "work", "-p", "home"],
            status: 2,
            stderr: "spotinst-cred: the argument '--profile <NAME>' cannot be used multiple times\n\
                     hint: `spotinst-cred --help` lists the options\n",
        },
        Row {
            situation: "a logout without the cache",
            prepare: complete,
            args: &["logout", "--no-cache"],
            status: 2,
            stderr: "spotinst-cred: --no-cache cannot be used with `logout`\n\
                     hint: `spotinst-cred help logout` lists its options\n",
        },
        Row {
            situation: "an unknown format",
            prepare: complete,
            args: &["-f", "xml"],
            status: 2,
            stderr: "spotinst-cred: invalid value 'xml' for '--format <FORMAT>'\n\
                     hint: expected one of token, json, header, sh, dotenv, fish, powershell, github, ini, yaml, kubernetes, terraform\n",
        },
        Row {
            situation: "no newline after a document",
            prepare: complete,
            args: &["-n", "-f", "json"],
            status: 2,
            stderr: "spotinst-cred: --no-newline is only for the token format, but --format selects another\n\
                     hint: leave out one of the two\n",
        },
        Row {
            situation: "no newline after a document that the environment asks for",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CRED_FORMAT", "kubernetes");
            },
            args: &["-n"],
            status: 2,
            stderr: "spotinst-cred: --no-newline is only for the token format, but SPOTINST_CRED_FORMAT selects another\n\
                     hint: leave out one of the two\n",
        },
        Row {
            situation: "an invalid time limit",
            prepare: complete,
            args: &["--timeout", "soon"],
            status: 2,
            stderr: "spotinst-cred: the time limit from --timeout is not a duration: \"soon\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
        Row {
            situation: "a time limit without a unit",
            prepare: complete,
            args: &["--timeout", "8"],
            status: 2,
            stderr: "spotinst-cred: the time limit from --timeout is not a duration: \"8\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
        Row {
            situation: "a time limit of zero",
            prepare: complete,
            args: &["--timeout", "0s"],
            status: 2,
            stderr: "spotinst-cred: the time limit from --timeout must be greater than zero\n\
                     hint: write a duration such as 8s\n",
        },
        Row {
            situation: "a --min-ttl of centuries",
            prepare: complete,
            args: &["--min-ttl", "500years"],
            status: 2,
            stderr: "spotinst-cred: the minimum lifetime from --min-ttl is longer than ten years: \"500years\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
        Row {
            situation: "an invalid --min-ttl",
            prepare: complete,
            args: &["--min-ttl", "an hour\nor two"],
            status: 2,
            stderr: "spotinst-cred: the minimum lifetime from --min-ttl is not a duration: \"an hour or two\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
    ]);
}

#[test]
fn missing_settings() {
    check(&[
        Row {
            situation: "a new user",
            prepare: nothing,
            args: &[],
            status: 3,
            stderr: "spotinst-cred: not logged in: no credentials found\n\
                     hint: run `spotinst-cred login`; for CI and permanent tokens see `spotinst-cred help login`\n",
        },
        Row {
            situation: "only the user name is missing",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.unset("SPOTINST_USERNAME");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: missing user name\n\
                     hint: user name: SPOTINST_USERNAME, SPOTINST_EMAIL, SPOTINST_USER or `username`; \
                     keys go into [profiles.NAME] of $FILE\n",
        },
        Row {
            situation: "a CI job without access to its secret",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_PASSWORD", "");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: missing password (set, but empty: SPOTINST_PASSWORD)\n\
                     hint: password: SPOTINST_PASSWORD, SPOTINST_PASSWORD_FILE or `password`, `password_file`, \
                     `password_command`; keys go into [profiles.NAME] of $FILE\n",
        },
        Row {
            situation: "a broker's client without its secret",
            prepare: |sandbox| {
                sandbox.set("SPOTINST_CRED_GRANT", "client_credentials").set("SPOTINST_CLIENT_ID", "client-1");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: missing client secret\n\
                     hint: client secret: SPOTINST_CLIENT_SECRET, SPOTINST_CLIENT_SECRET_FILE or `client_secret`, \
                     `client_secret_file`, `client_secret_command`; keys go into [profiles.NAME] of $FILE\n",
        },
        Row {
            situation: "a profile without a client id",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nusername = 'ada'\npassword = 'hunter2'\nclient_secret = 'hunter2'\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: missing client id\n\
                     hint: client id: SPOTINST_CLIENT_ID or `client_id`; keys go into [profiles.work] of $FILE\n",
        },
        Row {
            situation: "half of the settings in the environment, and no profile selected",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\n[profiles.home]\n");
                sandbox.set("SPOTINST_USERNAME", "ada");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: missing password, client id, client secret\n\
                     hint: password: SPOTINST_PASSWORD, SPOTINST_PASSWORD_FILE or `password`, `password_file`, \
                     `password_command`; client id: SPOTINST_CLIENT_ID or `client_id`; client secret: \
                     SPOTINST_CLIENT_SECRET, SPOTINST_CLIENT_SECRET_FILE or `client_secret`, `client_secret_file`, \
                     `client_secret_command`; keys go into [profiles.NAME] of $FILE; it has home, work: choose one \
                     with --profile or default_profile\n",
        },
    ]);
}

#[test]
fn profile_errors() {
    const TWO: &str = "[profiles.work]\nusername = 'ada'\n[profiles.home]\n";
    check(&[
        Row {
            situation: "profiles, and none is selected",
            prepare: |sandbox| {
                sandbox.config(TWO);
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: no profile is chosen by --profile, SPOTINST_CRED_PROFILE or default_profile\n\
                     hint: run `spotinst-cred profiles use NAME` to choose one; $FILE has home, work\n",
        },
        Row {
            situation: "a mistyped profile",
            prepare: |sandbox| {
                sandbox.config(TWO);
            },
            args: &["--profile", "wrok"],
            status: 3,
            stderr: "spotinst-cred: there is no profile \"wrok\" (from --profile)\n\
                     hint: did you mean work? `spotinst-cred profiles` lists all profiles\n",
        },
        Row {
            situation: "an empty profile name",
            prepare: |sandbox| {
                sandbox.config(TWO);
            },
            args: &["--profile", ""],
            status: 3,
            stderr: "spotinst-cred: there is no profile \"\" (from --profile)\n\
                     hint: $FILE has home, work\n",
        },
        Row {
            situation: "an unknown profile in the environment",
            prepare: |sandbox| {
                sandbox.config(TWO);
                sandbox.set("SPOTINST_CRED_PROFILE", "prod");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: there is no profile \"prod\" (from SPOTINST_CRED_PROFILE)\n\
                     hint: $FILE has home, work\n",
        },
        Row {
            situation: "an unknown default profile",
            prepare: |sandbox| {
                sandbox.config("default_profile = 'prod'\n[profiles.work]\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: there is no profile \"prod\" (from $FILE:1)\n\
                     hint: $FILE has work\n",
        },
        Row {
            situation: "a profile, but no file",
            prepare: complete,
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: there is no profile \"work\" (from --profile)\n\
                     hint: run `spotinst-cred login --profile work` to set it up\n",
        },
        Row {
            situation: "both a permanent token and credentials",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken = 'hunter2'\nusername = 'ada'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the profile has both a permanent token ($FILE:2) and the credentials of a grant \
                     ($FILE:3)\n\
                     hint: keep one of the two, or move one to another profile\n",
        },
    ]);
}

#[test]
fn configuration_file_errors() {
    check(&[
        Row {
            situation: "a file that does not exist",
            prepare: complete,
            args: &["--config", "/nowhere/config.toml"],
            status: 3,
            stderr: "spotinst-cred: there is no configuration file /nowhere/config.toml (from --config)\n\
                     hint: check the path\n",
        },
        Row {
            situation: "the environment names a file that does not exist",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CRED_CONFIG", "/nowhere/config.toml");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: there is no configuration file /nowhere/config.toml (from SPOTINST_CRED_CONFIG)\n\
                     hint: check the path\n",
        },
        Row {
            situation: "a path with control characters",
            prepare: complete,
            args: &["--config", "/no\nwhere\u{1b}[31m"],
            status: 3,
            stderr: "spotinst-cred: there is no configuration file /no\u{fffd}where\u{fffd}[31m (from --config)\n\
                     hint: check the path\n",
        },
        Row {
            situation: "a directory",
            prepare: |sandbox| fs::create_dir_all(sandbox.config_path()).unwrap(),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the configuration $FILE cannot be read: Is a directory (os error 21)\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "a file in another encoding",
            prepare: |sandbox| {
                sandbox.config("");
                fs::write(sandbox.config_path(), b"[profiles.default]\nusername = 'Ren\xE9'\n").unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the configuration $FILE is not valid UTF-8\n\
                     hint: save it in UTF-8\n",
        },
        Row {
            situation: "a file that is not TOML",
            prepare: |sandbox| {
                sandbox.config(&"# a long log\n".repeat(100_000));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the configuration $FILE is longer than 1 MiB\n\
                     hint: is this the right file?\n",
        },
        Row {
            situation: "text without quotes",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\npassword = hunter2\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2 is not valid TOML: string values must be quoted\n\
                     hint: put text in quotes, and the name of a table in brackets: [profiles.work]\n",
        },
        Row {
            situation: "an unterminated string",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\npassword = \"hunter2\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2 is not valid TOML: invalid basic string\n\
                     hint: put text in quotes, and the name of a table in brackets: [profiles.work]\n",
        },
        Row {
            situation: "a key given twice",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\npassword = 'hunter2'\npassword = 'hunter2'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:3 is not valid TOML: duplicate key\n\
                     hint: put text in quotes, and the name of a table in brackets: [profiles.work]\n",
        },
        Row {
            situation: "the format of the SDK's file",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken=1234abcd-hunter2\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2 is not valid TOML: invalid float\n\
                     hint: put text in quotes, and the name of a table in brackets: [profiles.work]\n",
        },
        Row {
            situation: "an unknown table",
            prepare: |sandbox| {
                sandbox.config("\n[work]\nusername = 'ada'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: unknown key `work`\n\
                     hint: did you mean [profiles.work]?\n",
        },
        Row {
            situation: "a mistyped key",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\n# who\nuser_name = 'ada'\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:3: unknown key `user_name`\n\
                     hint: did you mean `username`?\n",
        },
        Row {
            situation: "a path as a secret store",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\nsecret_store = '../docker-credential-pass'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `secret_store` is not the name of a secret store\n\
                     hint: secret_store = \"pass\" is for the program docker-credential-pass\n",
        },
        Row {
            situation: "a secret both in the file and in a store",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken = 'hunter2'\ntoken_store = 'pass'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:3: `token_store` is a second source of the token; the first is $FILE:2\n\
                     hint: keep one of them\n",
        },
        Row {
            situation: "a store that is not installed",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken_store = 'no-store'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the secret store \"no-store\" did not return the token: docker-credential-no-store \
                     cannot be started: No such file or directory (os error 2)\n\
                     hint: install docker-credential-no-store, or check the PATH; `spotinst-cred login --secret-store \
                     NAME` chooses another store\n",
        },
        Row {
            situation: "a key that is like none",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nx = 'ada'\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: unknown key `x`\n\
                     hint: the keys are token, username, password, client_id, client_secret, grant, organization_id, \
                     saml_assertion, saml_url, token_url, refresh_url, account, api_url, command_timeout, \
                     store_refresh_token, secret_store, ca_file, login; a secret can also end with _file, _command or _store\n",
        },
        Row {
            situation: "a mistyped table",
            prepare: |sandbox| {
                sandbox.config("[profile.work]\nusername = 'ada'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:1: unknown key `profile`\n\
                     hint: did you mean `profiles`?\n",
        },
        Row {
            situation: "a secret that everybody can read, behind a mistake",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\naccont = 1\npassword = 'hunter2'\n");
                fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o644)).unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE can be read by others, and it holds a secret ($FILE:3)\n\
                     hint: chmod 600 $FILE\n",
        },
        Row {
            situation: "a key with control characters",
            prepare: |sandbox| {
                sandbox.config("\"a\\nb\\u001b[31m\" = 1\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:1: unknown key `a b [31m`\n\
                     hint: put the keys of a profile below its name in brackets: [profiles.NAME]\n",
        },
        Row {
            situation: "a number instead of text",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nusername = 5\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `username` must be text\n\
                     hint: username = \"…\"\n",
        },
        Row {
            situation: "a secret in brackets",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword = ['hunter2']\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `password` must be text\n\
                     hint: password = \"…\"\n",
        },
        Row {
            situation: "an empty value",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nusername = ''\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `username` is empty\n\
                     hint: give it a value or remove the line\n",
        },
        Row {
            situation: "profiles that are not tables",
            prepare: |sandbox| {
                sandbox.config("profiles = 'work'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:1: `profiles` must be a table\n\
                     hint: write [profiles.NAME] above the profile's keys\n",
        },
        Row {
            situation: "a profile without a name",
            prepare: |sandbox| {
                sandbox.config("[profiles]\nusername = 'ada'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `profiles.username` must be a table\n\
                     hint: write [profiles.NAME] above the profile's keys\n",
        },
        Row {
            situation: "a default profile that is not a name",
            prepare: |sandbox| {
                sandbox.config("default_profile = true\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE:1: `default_profile` must be text\n\
                     hint: default_profile = \"…\"\n",
        },
        Row {
            situation: "a command that is a number",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword_command = 5\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `password_command` must be a command\n\
                     hint: password_command = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`\n",
        },
        Row {
            situation: "an empty command",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nclient_secret_command = []\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `client_secret_command` must be a command\n\
                     hint: client_secret_command = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`\n",
        },
        Row {
            situation: "a command of blanks",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\ntoken_command = '  '\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `token_command` must be a command\n\
                     hint: token_command = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`\n",
        },
        Row {
            situation: "a command with an argument that is not text",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword_command = ['head', 5]\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:2: `password_command` must be a command\n\
                     hint: password_command = [\"pass\", \"show\", \"spotinst\"], or one string for `sh -c`\n",
        },
        Row {
            situation: "two sources of one secret",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword = 'hunter2'\npassword_file = 'secret'\n");
            },
            args: &["-p", "work"],
            status: 3,
            stderr: "spotinst-cred: $FILE:3: `password_file` is a second source of the password; the first is $FILE:2\n\
                     hint: keep one of them\n",
        },
        Row {
            situation: "a secret that everybody can read",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword = 'hunter2'\n");
                fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o644)).unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE can be read by others, and it holds a secret ($FILE:2)\n\
                     hint: chmod 600 $FILE\n",
        },
        Row {
            situation: "a configuration in a directory that everybody can write",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\npassword = 'hunter2'\n");
                let dir = sandbox.config_path().parent().unwrap().to_owned();
                fs::set_permissions(dir, Permissions::from_mode(0o777)).unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the configuration $FILE is in a world-writable directory, and its commands run as you\n\
                     hint: check its content, then chmod o-w $HOME/.config/spotinst-cred\n",
        },
        Row {
            situation: "a secret that the group can read",
            prepare: |sandbox| {
                sandbox.config("[profiles.work]\nclient_id = 'client-1'\nclient_secret = 'hunter2'\n");
                fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o640)).unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: $FILE can be read by others, and it holds a secret ($FILE:3)\n\
                     hint: chmod 600 $FILE\n",
        },
    ]);
}

#[test]
fn invalid_values() {
    check(&[
        Row {
            situation: "an invalid URL",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_TOKEN_URL", "https://exa mple/hunter2");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token URL from SPOTINST_TOKEN_URL is not a URL\n\
                     hint: it looks like https://oauth.spotinst.io/token\n",
        },
        Row {
            situation: "a path instead of a URL",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_TOKEN_URL", "/token");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token URL from SPOTINST_TOKEN_URL is not an absolute URL\n\
                     hint: it looks like https://oauth.spotinst.io/token\n",
        },
        Row {
            situation: "an http URL",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_REFRESH_URL", "http://broker.example/token");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the refresh URL from SPOTINST_REFRESH_URL is not https: http is only allowed to loopback addresses, as it sends secrets unencrypted\n\
                     hint: it looks like https://api.spotinst.io/token\n",
        },
        Row {
            situation: "another scheme, in the configuration",
            prepare: |sandbox| {
                sandbox.config(&profile("token_url = 'ftp://broker.example/token'\n"));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token URL from $FILE:6 is not https\n\
                     hint: it looks like https://oauth.spotinst.io/token\n",
        },
        Row {
            situation: "a URL with a password in it",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_TOKEN_URL", "https://ada:hunter2@broker.example/token");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token URL from SPOTINST_TOKEN_URL must not contain a user name or password\n\
                     hint: it looks like https://oauth.spotinst.io/token\n",
        },
        Row {
            situation: "a URL with a fragment",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_TOKEN_URL", "https://broker.example/token#hunter2");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token URL from SPOTINST_TOKEN_URL must not contain a fragment (#…)\n\
                     hint: it looks like https://oauth.spotinst.io/token\n",
        },
        Row {
            situation: "an unknown grant",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CRED_GRANT", "device_code");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the grant from SPOTINST_CRED_GRANT is unknown: \"device_code\"\n\
                     hint: expected one of password, saml, client_credentials and command\n",
        },
        Row {
            situation: "an unknown grant in the file",
            prepare: |sandbox| {
                sandbox.config(&profile("grant = 'Password'\n"));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the grant from $FILE:6 is unknown: \"Password\"\n\
                     hint: expected one of password, saml, client_credentials and command\n",
        },
        Row {
            situation: "an unknown format in the environment",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CRED_FORMAT", "xml");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the format from SPOTINST_CRED_FORMAT is unknown: \"xml\"\n\
                     hint: expected one of token, json, header, sh, dotenv, fish, powershell, github, ini, yaml, kubernetes, terraform\n",
        },
        Row {
            situation: "a time limit in the environment",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CRED_TIMEOUT", "8 parsecs");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the time limit from SPOTINST_CRED_TIMEOUT is not a duration: \"8 parsecs\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
        Row {
            situation: "a time limit for commands",
            prepare: |sandbox| {
                sandbox.config(&profile("command_timeout = 'a minute'\n"));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the command limit from $FILE:6 is not a duration: \"a minute\"\n\
                     hint: write a number with its unit, such as 30s, 15m or 1h\n",
        },
        Row {
            situation: "an account's name instead of its id",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_ACCOUNT", "my account");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the account from SPOTINST_ACCOUNT is not an account id: \"my account\"\n\
                     hint: it looks like act-12345678: letters, digits, `.`, `_` and `-` only\n",
        },
        Row {
            situation: "an account with characters that need quoting",
            prepare: |sandbox| {
                sandbox.config(&profile("account = \"act-1\\\"\\n[other]\"\n"));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the account from $FILE:6 is not an account id: \"act-1\" [other]\"\n\
                     hint: it looks like act-12345678: letters, digits, `.`, `_` and `-` only\n",
        },
        Row {
            situation: "a variable in another encoding",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_USERNAME", OsString::from_vec(b"Ren\xE9".to_vec()));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: SPOTINST_USERNAME is not valid UTF-8\n\
                     hint: set it again, in UTF-8\n",
        },
        Row {
            situation: "a secret by value and by file",
            prepare: |sandbox| {
                complete(sandbox);
                sandbox.set("SPOTINST_CLIENT_SECRET_FILE", "/run/secrets/spotinst");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: SPOTINST_CLIENT_SECRET and SPOTINST_CLIENT_SECRET_FILE are both set\n\
                     hint: unset one of them\n",
        },
    ]);
}

#[test]
fn secret_source_errors() {
    check(&[
        Row {
            situation: "a secret's file that does not exist",
            prepare: |sandbox| by_file(sandbox, "/nowhere/password"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password file /nowhere/password (from SPOTINST_PASSWORD_FILE) cannot be read: \
                     No such file or directory (os error 2)\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "an empty file",
            prepare: |sandbox| {
                let path = sandbox.write("password", "");
                by_file(sandbox, path);
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password file $HOME/password (from SPOTINST_PASSWORD_FILE) holds nothing\n\
                     hint: it must be the secret, which may end with one newline\n",
        },
        Row {
            situation: "a file of one newline, named in the configuration",
            prepare: |sandbox| {
                sandbox.write("password", "\r\n");
                sandbox.config("[profiles.default]\nusername = 'ada'\npassword_file = '~/password'\n");
                sandbox.set("SPOTINST_CLIENT_ID", "client-1").set("SPOTINST_CLIENT_SECRET", SECRET);
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password file $HOME/password (from $FILE:3) holds nothing\n\
                     hint: it must be the secret, which may end with one newline\n",
        },
        Row {
            situation: "a file that is not text",
            prepare: |sandbox| {
                let path = sandbox.write("password", "");
                fs::write(&path, b"hunter2\xFF\n").unwrap();
                by_file(sandbox, path);
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password file $HOME/password (from SPOTINST_PASSWORD_FILE) holds invalid UTF-8\n\
                     hint: it must be the secret alone, as text\n",
        },
        Row {
            situation: "an endless device",
            prepare: |sandbox| by_file(sandbox, "/dev/zero"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password file /dev/zero (from SPOTINST_PASSWORD_FILE) holds more than 64 KiB\n\
                     hint: it must be the secret alone\n",
        },
        Row {
            situation: "a program that does not exist",
            prepare: |sandbox| by_command(sandbox, "['no-such-program']"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password command from $FILE:2 cannot be started: No such file or directory \
                     (os error 2)\n\
                     hint: check the program's name, the PATH and the limits in `ulimit -a`\n",
        },
        Row {
            situation: "a command that fails, and says why itself",
            prepare: |sandbox| by_command(sandbox, "'echo hunter2; echo the vault is locked >&2; exit 3'"),
            args: &[],
            status: 3,
            stderr: "the vault is locked\n\
                     spotinst-cred: the password command from $FILE:2 failed: exit status: 3\n\
                     hint: run it by hand to see why\n",
        },
        Row {
            situation: "a file that is not executable",
            prepare: |sandbox| {
                sandbox.write("program", "hunter2\n");
                by_command(sandbox, "['~/program']");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password command from $FILE:2 cannot be started: Permission denied (os error \
                     13)\n\
                     hint: check the program's name, the PATH and the limits in `ulimit -a`\n",
        },
        Row {
            situation: "a command that is killed",
            prepare: |sandbox| by_command(sandbox, "'kill -9 $$'"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password command from $FILE:2 failed: signal: 9 (SIGKILL)\n\
                     hint: run it by hand to see why\n",
        },
        Row {
            situation: "a command that prints nothing",
            prepare: |sandbox| by_command(sandbox, "['true']"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password command from $FILE:2 printed nothing\n\
                     hint: it must be the secret, which may end with one newline\n",
        },
        Row {
            situation: "a command with endless output",
            prepare: |sandbox| by_command(sandbox, "['yes', 'hunter2']"),
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the password command from $FILE:2 printed more than 64 KiB\n\
                     hint: it must be the secret alone\n",
        },
        Row {
            situation: "a command that times out",
            prepare: |sandbox| by_command(sandbox, "['sleep', '100']\ncommand_timeout = '50ms'"),
            args: &[],
            status: 5,
            stderr: "spotinst-cred: the password command from $FILE:2 timed out\n\
                     hint: if the command prompts for input, set `command_timeout` in the profile, for example \"60s\"\n",
        },
        Row {
            situation: "an invalid permanent token",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken = 'hunter2 hunter2'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token from $FILE:2 has characters that RFC 6750 does not allow in a token\n\
                     hint: it must be the token alone: letters, digits and -._~+/=\n",
        },
        Row {
            situation: "a permanent token's file that does not exist",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken_file = 'token'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token file $HOME/.config/spotinst-cred/token (from $FILE:2) cannot be read: \
                     No such file or directory (os error 2)\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "the SDK's file is not where a variable says",
            prepare: |sandbox| {
                sandbox.set("SPOTINST_CREDENTIALS_FILE", "/nowhere/credentials");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file /nowhere/credentials (from SPOTINST_CREDENTIALS_FILE) cannot \
                     be read: No such file or directory (os error 2)\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "the SDK's file has no such profile",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "[default]\ntoken = hunter2\n");
                sandbox.set("SPOTINST_CREDENTIALS_PROFILE", "prod");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials has no token in [prod] (from \
                     SPOTINST_CREDENTIALS_PROFILE)\n\
                     hint: it has tokens in default: choose one with --profile\n",
        },
        Row {
            situation: "a file that is not the SDK's",
            prepare: |sandbox| {
                let path = sandbox.write("notes", "hunter2\n");
                sandbox.set("SPOTINST_CREDENTIALS_FILE", path);
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/notes (from SPOTINST_CREDENTIALS_FILE) has no token in \
                     [default]\n\
                     hint: write `token = …` below a line [default], or move the file away and run `spotinst-cred \
                     login`\n",
        },
        Row {
            situation: "the SDK's file is one that the program wrote",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken = 'hunter2'\naccount = 'a'\n");
                let file = sandbox.home().join(".spotinst/credentials");
                sandbox.run(["-f", "ini", "-o", file.to_str().unwrap()]).prints("");
                std::fs::remove_file(sandbox.config_path()).unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: not logged in: the credentials file $HOME/.spotinst/credentials holds only a token \
                     that spotinst-cred wrote there\n\
                     hint: run `spotinst-cred login`\n",
        },
        Row {
            situation: "the SDK's file is one that the program wrote, and was edited",
            prepare: |sandbox| {
                let mark = "# Written by spotinst-cred, which replaces it if unchanged; digest 0123456789abcdef";
                sandbox.write(".spotinst/credentials", &format!("{mark}\n[default]\ntoken = hunter2\naccount = a\n"));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: not logged in: the credentials file $HOME/.spotinst/credentials was written by \
                     spotinst-cred, and then edited\n\
                     hint: to use its token, delete its first line\n",
        },
        Row {
            situation: "an output file with something else in it",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\ntoken = 'cafe'\n");
                fs::write(sandbox.path().join("out"), "SPOTINST_TOKEN=hunter2\n").unwrap();
            },
            args: &["-f", "dotenv", "-o", "out"],
            status: 1,
            stderr: "spotinst-cred: cannot write out: it holds data that would be lost\n\
                     hint: write to another file, or move this one away\n",
        },
        Row {
            situation: "the SDK's file with something else in it as an output file",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "[default]\ntoken = hunter2\naccount = act-1\n");
                fs::write(sandbox.path().join("out"), "[default]\ntoken = hunter2\naccount = act-1\n").unwrap();
            },
            args: &["-f", "yaml", "-o", "out"],
            status: 1,
            stderr: "spotinst-cred: cannot write out: it holds data that would be lost\n\
                     hint: write to another file, and name it with SPOTINST_CREDENTIALS_FILE or \
                     SPOTINST_SHARED_CREDENTIALS_FILE, or move this one away\n",
        },
        Row {
            situation: "a section in another format",
            prepare: nothing,
            args: &["--section", "hunter2"],
            status: 2,
            stderr: "spotinst-cred: --section is only for the formats ini and yaml\n\
                     hint: for example: --format yaml --section staging\n",
        },
        Row {
            situation: "a section that is no name",
            prepare: nothing,
            args: &["-f", "ini", "--section", "[hunter2]"],
            status: 2,
            stderr: "spotinst-cred: --section is not a name of letters, digits, `.`, `_` and `-`\n\
                     hint: for example: --format yaml --section staging\n",
        },
        Row {
            situation: "the SDK's file is empty",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials has no token in [default]\n\
                     hint: write `token = …` below a line [default], or move the file away and run `spotinst-cred \
                     login`\n",
        },
        Row {
            situation: "the SDK's file is too long",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", &"#".repeat(1024 * 1024 + 1));
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials cannot be read: it is longer than \
                     1 MiB\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "the SDK's file is a directory",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials/default", "");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials cannot be read: Is a directory (os \
                     error 21)\n\
                     hint: check the path and its permissions\n",
        },
        Row {
            situation: "the SDK's file is broken YAML",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "default:\n\ttoken: hunter2\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials is not valid YAML (line 2)\n\
                     hint: write a line [default], and below it `token = …` and `account = …`\n",
        },
        Row {
            situation: "the SDK's file is broken JSON",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "{\"token\": \"hunter2}\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials is not valid JSON (line 1)\n\
                     hint: write a line [default], and below it `token = …` and `account = …`\n",
        },
        Row {
            situation: "the SDK's file has an alias",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "a: &a {token: hunter2}\ndefault: *a\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials has a YAML alias, which is not \
                     supported (line 2)\n\
                     hint: write a line [default], and below it `token = …` and `account = …`\n",
        },
        Row {
            situation: "the variables of two SDKs differ",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "[default]\ntoken = hunter2\n");
                sandbox.set("SPOTINST_CREDENTIALS_PROFILE", "prod").set("SPOTINST_PROFILE", "test");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: SPOTINST_CREDENTIALS_PROFILE and SPOTINST_PROFILE set the SDK profile to different values\n\
                     hint: unset one of them\n",
        },
        Row {
            situation: "the SDK's file is not text",
            prepare: |sandbox| {
                let path = sandbox.write(".spotinst/credentials", "");
                fs::write(path, b"[default]\ntoken = hunter2\xFF\n").unwrap();
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the credentials file $HOME/.spotinst/credentials is not valid UTF-8\n\
                     hint: save it in UTF-8\n",
        },
        Row {
            situation: "the SDK's file has an invalid token",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "[default]\ntoken = <hunter2>\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the token from $HOME/.spotinst/credentials:2 has characters that RFC 6750 does not \
                     allow in a token\n\
                     hint: it must be the token alone: letters, digits and -._~+/=\n",
        },
        Row {
            situation: "the SDK's file has an invalid account",
            prepare: |sandbox| {
                sandbox.write(".spotinst/credentials", "[default]\ntoken = hunter2\naccount = act 1\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: the account from $HOME/.spotinst/credentials:3 is not an account id: \"act 1\"\n\
                     hint: it looks like act-12345678: letters, digits, `.`, `_` and `-` only\n",
        },
    ]);
}

#[test]
fn tls_and_proxy_errors() {
    check(&[
        Row {
            situation: "a CA file that does not exist",
            prepare: |sandbox| {
                secure(sandbox);
                sandbox.config("[profiles.default]\nca_file = 'ca.pem'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: ca_file $HOME/.config/spotinst-cred/ca.pem (from $FILE:2) cannot be read: No \
                     such file or directory (os error 2)\n\
                     hint: it must be a PEM file with the root certificates to trust\n",
        },
        Row {
            situation: "a CA file without a certificate",
            prepare: |sandbox| {
                secure(sandbox);
                sandbox.config("[profiles.default]\nca_file = 'config.toml'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: ca_file $FILE (from $FILE:2) has no certificate\n\
                     hint: it must be a PEM file with the root certificates to trust\n",
        },
        Row {
            situation: "a truncated certificate",
            prepare: |sandbox| {
                secure(sandbox);
                sandbox.write("ca.pem", "-----BEGIN CERTIFICATE-----\nhunter2!\n");
                sandbox.config("[profiles.default]\nca_file = '~/ca.pem'\n");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: ca_file $HOME/ca.pem (from $FILE:2) is not valid PEM\n\
                     hint: it must be a PEM file with the root certificates to trust\n",
        },
        Row {
            situation: "a variable that names no roots",
            prepare: |sandbox| {
                secure(sandbox);
                sandbox.set("SSL_CERT_FILE", "/nowhere/roots.pem");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: /nowhere/roots.pem (from SSL_CERT_FILE) cannot be read: No such file or \
                     directory (os error 2)\n\
                     hint: correct SSL_CERT_FILE, or unset it to trust the system's roots\n",
        },
        Row {
            situation: "an invalid proxy URL",
            prepare: |sandbox| {
                secure(sandbox);
                sandbox.set("HTTPS_PROXY", "gopher://ada:hunter2@proxy.example");
            },
            args: &[],
            status: 3,
            stderr: "spotinst-cred: HTTPS_PROXY is not the URL of an http or https proxy\n\
                     hint: set it to a URL such as http://proxy.example:3128, or unset HTTPS_PROXY\n",
        },
    ]);
}

#[test]
fn host_errors() {
    const ARGS: &[&str] = &["-f", "kubernetes"];
    check(&[
        Row {
            situation: "an unsupported version",
            prepare: |sandbox| {
                asked(sandbox, r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#)
            },
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: KUBERNETES_EXEC_INFO asks for an unsupported response: kind \
                     \"ExecCredential\", apiVersion \"client.authentication.k8s.io/v1alpha1\"\n\
                     hint: set apiVersion in the kubeconfig's `exec` to client.authentication.k8s.io/v1\n",
        },
        Row {
            situation: "an empty request",
            prepare: |sandbox| asked(sandbox, "{}"),
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: KUBERNETES_EXEC_INFO asks for an unsupported response: kind \"\", \
                     apiVersion \"\"\n\
                     hint: set apiVersion in the kubeconfig's `exec` to client.authentication.k8s.io/v1\n",
        },
        Row {
            situation: "another kind of request",
            prepare: |sandbox| asked(sandbox, r#"{"kind":"Pod\n","apiVersion":"client.authentication.k8s.io/v1"}"#),
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: KUBERNETES_EXEC_INFO asks for an unsupported response: kind \"Pod \", \
                     apiVersion \"client.authentication.k8s.io/v1\"\n\
                     hint: set apiVersion in the kubeconfig's `exec` to client.authentication.k8s.io/v1\n",
        },
        Row {
            situation: "a request that is not JSON",
            prepare: |sandbox| asked(sandbox, "v1, please: hunter2"),
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: KUBERNETES_EXEC_INFO is not valid JSON\n\
                     hint: kubectl sets it; unset it to test by hand\n",
        },
    ]);
}

/// The lifetime that the server grants is known from its last response, so there is no further request.
#[test]
fn login_errors() {
    const ARGS: &[&str] = &["login", "--with-token"];
    check(&[
        Row {
            situation: "no token on stdin",
            prepare: nothing,
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: there is no token: the input is empty\n\
                     hint: it must be the token alone: letters, digits and -._~+/=\n",
        },
        Row {
            situation: "a profile with credentials",
            prepare: |sandbox| {
                sandbox.config("[profiles.default]\npassword = \"hunter2\"\n");
            },
            args: ARGS,
            status: 3,
            stderr: "spotinst-cred: profile \"default\" already has another source of tokens ($FILE:2)\n\
                     hint: name another profile with --profile; it is created if it does not exist\n",
        },
    ]);
}

#[test]
fn stdout_errors() {
    let mut sandbox = Sandbox::new();
    complete(&mut sandbox);
    let open = "run it with a stdout that is open for writing; `>/dev/null` discards the output";
    for (redirection, problem, hint) in [
        (">&-", "it is closed", open),
        ("1</dev/null", "it is not open for writing", open),
        (">/dev/full", "No space left on device (os error 28)", "check where stdout goes: its disk may be full"),
    ] {
        let outcome = sandbox.shell("sh", &format!("exec {PROGRAM} --version {redirection}"));
        outcome.fails(1, &format!("spotinst-cred: cannot write to stdout: {problem}\nhint: {hint}\n"));
    }
}

#[test]
fn a_min_ttl_that_no_token_meets() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    for _ in 0..2 {
        let stderr = "spotinst-cred: --min-ttl 3h cannot be met: the server grants tokens of 2h\n\
                      hint: ask for 1h 59m at most\n";
        sandbox.run(["--min-ttl", "3h"]).fails(3, stderr);
    }
    assert_eq!(stand_in.grants(), ["password"]);
}

/// An argument that is not UTF-8 cannot be written in the table.
#[test]
fn an_argument_that_is_not_utf8() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(PROGRAM);
    command.arg("-p").arg(OsString::from_vec(b"Ren\xE9".to_vec()));

    let stderr = "spotinst-cred: invalid UTF-8 was detected in one or more arguments\n\
                  hint: `spotinst-cred --help` lists the options\n";
    Running::start(&mut command).end().fails(2, stderr);
}

/// A file that is not TOML: the secret may be anywhere in it.
#[test]
fn a_secret_in_a_broken_file_is_not_shown() {
    const BROKEN: &[&str] = &[
        "hunter2",
        "password = hunter2",
        "password = \"hunter2",
        "password = 'hunter2",
        "password = \"\"\"hunter2",
        "password = \"\\hunter2\"",
        "password = \"a\" hunter2",
        "password = 1hunter2",
        "password = 1979-05-27Thunter2",
        "password = [hunter2]",
        "password = {hunter2}",
        "password 'hunter2'",
        "[hunter2",
        "[profiles.hunter2]]",
        "hunter2 = 1\nhunter2.a = 2",
        "hunter2 = { a = 1 }\n[hunter2.b]",
        "a = 'b'\na.hunter2 = 'c'",
        "password = 'hunter2\u{7}'",
    ];
    for text in BROKEN {
        let sandbox = Sandbox::new();
        sandbox.config(text);
        let outcome = sandbox.run([]);
        assert_eq!(outcome.status, Some(3), "{text}: {outcome:?}");
        assert!(!outcome.stderr.contains(SECRET), "{text}: {outcome:?}");
        assert!(outcome.stderr.contains(" is not valid TOML: "), "{text}: {outcome:?}");
    }
}

/// Checks all rows and prints all that differ.
#[track_caller]
fn check(rows: &[Row]) {
    let mut differ = 0;
    for row in rows {
        let mut sandbox = Sandbox::new();
        (row.prepare)(&mut sandbox);
        let expected = Outcome { stdout: String::new(), stderr: spelled_out(row, &sandbox), status: Some(row.status) };
        let outcome = Running::start(sandbox.command(PROGRAM).args(row.args)).end();
        let fault = flaw(&outcome.stderr).unwrap_or("differs");
        if outcome != expected || fault != "differs" {
            eprintln!("{}: {fault}\nexpected: {expected:?}\nactual:   {outcome:?}\n", row.situation);
            differ += 1;
        }
    }
    assert_eq!(differ, 0, "of {} rows", rows.len());
}

fn spelled_out(row: &Row, sandbox: &Sandbox) -> String {
    let (file, home) = (sandbox.config_path(), sandbox.home());
    row.stderr.replace("$FILE", file.to_str().unwrap()).replace("$HOME", home.to_str().unwrap())
}

/// Returns what is wrong with the style of a message.
fn flaw(stderr: &str) -> Option<&'static str> {
    let ours = stderr.find("spotinst-cred: ").map_or("", |start| &stderr[start..]);
    let lines: Vec<_> = ours.lines().collect();
    match lines[..] {
        _ if stderr.contains(SECRET) => Some("shows a secret"),
        [line, hint] if line.starts_with("spotinst-cred: ") && hint.starts_with("hint: ") => {
            lines.iter().any(|line| line.ends_with('.')).then_some("ends with a full stop")
        }
        _ => Some("is not one line and a hint"),
    }
}

fn nothing(_: &mut Sandbox) {}

/// All settings, with an endpoint that nobody listens on: a request would be another error.
fn complete(sandbox: &mut Sandbox) {
    sandbox.set("SPOTINST_TOKEN_URL", "http://127.0.0.1:1/token");
    sandbox.set("SPOTINST_USERNAME", "ada").set("SPOTINST_PASSWORD", SECRET);
    sandbox.set("SPOTINST_CLIENT_ID", "client-1").set("SPOTINST_CLIENT_SECRET", SECRET);
}

/// The same with a TLS endpoint.
fn secure(sandbox: &mut Sandbox) {
    complete(sandbox);
    sandbox.set("SPOTINST_TOKEN_URL", "https://127.0.0.1:1/token");
}

/// A profile of five lines with all settings, and more lines.
fn profile(more: &str) -> String {
    let secrets = "password = 'hunter2'\nclient_id = 'client-1'\nclient_secret = 'hunter2'\n";
    format!("[profiles.default]\nusername = 'ada'\n{secrets}{more}")
}

/// All settings, the password from a file.
fn by_file(sandbox: &mut Sandbox, path: impl Into<OsString>) {
    complete(sandbox);
    sandbox.unset("SPOTINST_PASSWORD").set("SPOTINST_PASSWORD_FILE", path);
}

/// All settings, the password from a command of the default profile.
fn by_command(sandbox: &mut Sandbox, command: &str) {
    complete(sandbox);
    sandbox.unset("SPOTINST_PASSWORD");
    sandbox.config(&format!("[profiles.default]\npassword_command = {command}\n"));
}

/// All settings, as called by kubectl.
fn asked(sandbox: &mut Sandbox, question: &str) {
    complete(sandbox);
    sandbox.set("KUBERNETES_EXEC_INFO", question);
}
