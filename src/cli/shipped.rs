//! What is shipped beside the program and made of its command line: completions and man page. The test compares them
//! with what is in the repository; `UPDATE_SHIPPED=1 cargo test shipped` writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::{Generator, shells};
use clap_mangen::Man;

use super::Cli;
use crate::format::Format;
use crate::sys::env;

/// How the scripts learn the profiles' names.
const LIST: &str = "spotinst-cred status --profiles 2>/dev/null";

#[test]
fn the_bash_completions_are_those_of_the_command_line() {
    let files = r#"COMPREPLY=($(compgen -f "${cur}"))"#;
    let names = format!(r#"COMPREPLY=($(compgen -W "$({LIST})" -- "${{cur}}"))"#);
    // The generator takes the hyphen of the program's name for the end of a command's in one of two places.
    let mut script = patched(&generated(shells::Bash), "spotinst__subcmd__cred__", "spotinst__cred__");
    for option in ["--profile", "-p"] {
        let case = |action: &str| format!("{option})\n                    {action}\n");
        script = patched(&script, &case(files), &case(&names));
    }
    is_shipped("contrib/completions/spotinst-cred.bash", &script);
}

#[test]
fn the_zsh_completions_are_those_of_the_command_line() {
    let script = patched(&generated(shells::Zsh), ":NAME:_default'", ":NAME:_spotinst-cred_profiles'");
    let end = "if [ \"$funcstack[1]\" =";
    let function = format!(
        "(( $+functions[_spotinst-cred_profiles] )) ||\n_spotinst-cred_profiles() {{\n    local -a names\n    \
         names=(${{(f)\"$({LIST})\"}})\n    compadd -a names\n}}\n\n{end}"
    );
    is_shipped("contrib/completions/_spotinst-cred", &patched(&script, end, &function));
}

#[test]
fn the_fish_completions_are_those_of_the_command_line() {
    let option = "-s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r";
    let script = patched(&generated(shells::Fish), option, &format!("{option} -f -a \"({LIST})\""));
    // Where an option still lacks the value that is being completed, no command has been named either.
    let script = patched(&script, "-- $cmd 2>/dev/null\n    or return\n", "-- $cmd 2>/dev/null\n    or return 0\n");
    is_shipped("contrib/completions/spotinst-cred.fish", &script);
}

#[test]
fn the_powershell_completions_are_those_of_the_command_line() {
    let start = "    $commandElements = $commandAst.CommandElements\n";
    let names = format!(
        r#"{start}    $previous = $commandElements | Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} | Select-Object -Last 1
    if ("$previous" -cin '-p', '--profile') {{
        spotinst-cred status --profiles 2>$null | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{
            [CompletionResult]::new($_, $_, [CompletionResultType]::ParameterValue, $_)
        }}
        return
    }}
"#
    );
    is_shipped("contrib/completions/_spotinst-cred.ps1", &patched(&generated(shells::PowerShell), start, &names));
}

#[test]
fn the_elvish_completions_are_those_of_the_command_line() {
    let end = "    $completions[$command]\n";
    let names = format!(
        "    if (has-value [-p --profile] $words[-2]) {{\n        {LIST} | each {{|name| edit:complex-candidate $name }}\n    \
         }} else {{\n        $completions[$command]\n    }}\n"
    );
    is_shipped("contrib/completions/spotinst-cred.elv", &patched(&generated(shells::Elvish), end, &names));
}

#[test]
fn the_man_page_is_that_of_the_command_line() {
    let page = whole_page(&mut Cli::command());
    is_shipped("contrib/man/spotinst-cred.1", &page);
}

#[test]
fn the_short_help_fits_a_screen() {
    let help = Cli::command().render_help().to_string();
    let lines: Vec<_> = help.lines().collect();
    assert!(lines.len() < 24, "one line is the shell's:\n{help}");
    for line in lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_help_knows_all_formats() {
    let help = Cli::command().render_long_help().to_string();
    for format in Format::value_variants() {
        let name = format.to_possible_value().unwrap().get_name().to_owned();
        assert!(help.contains(&format!("\n  {name} ")), "{name} is missing in:\n{help}");
    }
}

fn generated(shell: impl Generator) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "spotinst-cred", &mut script);
    String::from_utf8(script).unwrap()
}

/// Replaces what must be there: a generator that changes its output must not silently lose the profiles' names.
fn patched(script: &str, from: &str, to: &str) -> String {
    assert!(script.contains(from), "{from:?} is not in the script:\n{script}");
    script.replace(from, to)
}

/// The program's page, with its commands' sections in it.
fn whole_page(program: &mut Command) -> String {
    program.build();
    let mut page = Vec::new();
    // No date: the page is as old as the version in its footer.
    // What the short help leaves out belongs here.
    let man = Man::new(program.clone().mut_args(|one| one.hide_short_help(false))).date("");
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    let mut text = String::from_utf8(page).unwrap();
    text.push_str(".SH COMMANDS\n");
    for command in program.get_subcommands() {
        text.push_str(&section(command, program));
    }
    let mut extra = Vec::new();
    man.render_extra_section(&mut extra).unwrap();
    // Its columns and line ends mean something.
    let extra = String::from_utf8(extra).unwrap().replace(".SH EXTRA\n", ".SH \"EXAMPLES AND EXIT STATUS\"\n.nf\n");
    text + &extra + ".fi\n" + &environment() + FILES
}

/// The variables that are read, as the program's own list has them.
fn environment() -> String {
    let text = [
        (env::USERNAME, "user name"),
        (&[env::PASSWORD, env::PASSWORD_FILE], "password, or the file that holds it"),
        (env::CLIENT_ID, "client id"),
        (&[env::CLIENT_SECRET, env::CLIENT_SECRET_FILE], "client secret, or the file that holds it"),
        (env::ACCOUNT, "account"),
        (env::GRANT, "grant"),
        (env::TOKEN_URL, "URL of the token endpoint"),
        (env::REFRESH_URL, "URL of the refresh grant"),
        (env::API_URL, "base of the API"),
        (env::PROFILE, "profile"),
        (&[env::CONFIG], "configuration file"),
        (&[env::CACHE_DIR], "directory of the cache"),
        (env::FORMAT, "format"),
        (env::TIMEOUT, "time limit"),
        (&[env::SDK_FILE], "the SDK's own file, which is read where nothing else is configured"),
        (env::SDK_PROFILE, "its profile"),
    ];
    let line = |(names, what): &(&[&str], &str)| format!(".TP\n{}\n{what}\n", names.join(", "));
    format!(".SH ENVIRONMENT\n{}", text.iter().map(line).collect::<String>())
}

/// Where things are where nobody says otherwise, on Linux.
const FILES: &str = "\
.SH FILES
.TP
~/.config/spotinst\\-cred/config.toml
the configuration: profiles, one [profiles.NAME] each
.TP
~/.cache/spotinst\\-cred/
the cache: one file an identity, and its lock
";

/// A command's section: what it does, and the options that it has beside the program's.
fn section(command: &Command, program: &Command) -> String {
    let is_own = |id: &clap::Id| program.get_arguments().all(|other| other.get_id() != id) && *id != "help";
    let own: Vec<_> = command.get_arguments().filter(|one| is_own(one.get_id())).cloned().collect();
    let name = command.get_name().to_owned();
    let about = command.get_long_about().or(command.get_about()).cloned().unwrap_or_default();
    let alone = Command::new("command").about(about).args(&own).disable_help_flag(true);
    let man = Man::new(alone);
    let mut text = Vec::new();
    man.render_description_section(&mut text).unwrap();
    if !own.is_empty() {
        man.render_options_section(&mut text).unwrap();
    }
    let text = String::from_utf8(text).unwrap();
    text.replace(".SH DESCRIPTION", &format!(".SS \"{name}\"")).replace(".SH OPTIONS\n", "")
}

/// Compares with the repository's file, or writes it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a test that is told to write reads its own environment")]
fn is_shipped(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_SHIPPED").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let is_same = fs::read_to_string(&path).is_ok_and(|shipped| shipped == expected);
    assert!(is_same, "{} is not of this command line: UPDATE_SHIPPED=1 cargo test shipped", path.display());
}
