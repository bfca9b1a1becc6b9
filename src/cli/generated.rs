//! Generates the completions, the man page and the settings table of the docs from the command line and the table of
//! settings. The tests compare them with the files in the repository; `UPDATE_GENERATED=1 cargo test generated`
//! writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::{Generator, shells};
use clap_mangen::Man;

use super::Cli;
use crate::format::Format;
use crate::settings::{SETTINGS, Setting, ValueKind};

/// The command that completion scripts run to list the profiles.
const LIST: &str = "spotinst-cred profiles --names 2>/dev/null";

#[test]
fn the_bash_completions_match_the_command_line() {
    let files = r#"COMPREPLY=($(compgen -f "${cur}"))"#;
    let names = format!(r#"COMPREPLY=($(compgen -W "$({LIST})" -- "${{cur}}"))"#);
    // In one of two places, clap_complete takes the hyphen in the program's name for a subcommand separator.
    let mut script = patched(&generated(shells::Bash), "spotinst__subcmd__cred__", "spotinst__cred__");
    for option in ["--profile", "-p"] {
        let case = |action: &str| format!("{option})\n                    {action}\n");
        script = patched(&script, &case(files), &case(&names));
    }
    assert_generated("contrib/completions/spotinst-cred.bash", &script);
}

#[test]
fn the_zsh_completions_match_the_command_line() {
    let script = patched(&generated(shells::Zsh), ":NAME:_default'", ":NAME:_spotinst-cred_profiles'");
    let end = "if [ \"$funcstack[1]\" =";
    let function = format!(
        "(( $+functions[_spotinst-cred_profiles] )) ||\n_spotinst-cred_profiles() {{\n    local -a names\n    \
         names=(${{(f)\"$({LIST})\"}})\n    compadd -a names\n}}\n\n{end}"
    );
    assert_generated("contrib/completions/_spotinst-cred", &patched(&script, end, &function));
}

#[test]
fn the_fish_completions_match_the_command_line() {
    let option = "-s p -l profile -d 'Profile to use [SPOTINST_CRED_PROFILE]' -r";
    let script = patched(&generated(shells::Fish), option, &format!("{option} -f -a \"({LIST})\""));
    // While an option's value is being completed, no command has been typed yet.
    let script = patched(&script, "-- $cmd 2>/dev/null\n    or return\n", "-- $cmd 2>/dev/null\n    or return 0\n");
    assert_generated("contrib/completions/spotinst-cred.fish", &script);
}

#[test]
fn the_powershell_completions_match_the_command_line() {
    let start = "    $commandElements = $commandAst.CommandElements\n";
    let names = format!(
        r#"{start}    $previous = $commandElements | Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} | Select-Object -Last 1
    if ("$previous" -cin '-p', '--profile') {{
        spotinst-cred profiles --names 2>$null | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{
            [CompletionResult]::new($_, $_, [CompletionResultType]::ParameterValue, $_)
        }}
        return
    }}
"#
    );
    assert_generated("contrib/completions/_spotinst-cred.ps1", &patched(&generated(shells::PowerShell), start, &names));
}

#[test]
fn the_elvish_completions_match_the_command_line() {
    let end = "    $completions[$command]\n";
    let names = format!(
        "    if (has-value [-p --profile] $words[-2]) {{\n        {LIST} | each {{|name| edit:complex-candidate $name }}\n    \
         }} else {{\n        $completions[$command]\n    }}\n"
    );
    assert_generated("contrib/completions/spotinst-cred.elv", &patched(&generated(shells::Elvish), end, &names));
}

#[test]
fn the_man_page_matches_the_command_line() {
    let page = whole_page(&mut Cli::command());
    assert_generated("contrib/man/spotinst-cred.1", &page);
}

#[test]
fn the_settings_page_matches_the_table_of_settings() {
    let path = "contrib/docs/settings.md";
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (head, rest) = page.split_once("<!-- table -->\n").expect("a mark before the table");
    let (_, tail) = rest.split_once("<!-- end of table -->").expect("a mark behind the table");
    let table = settings_table();
    assert_generated(path, &format!("{head}<!-- table -->\n{table}<!-- end of table -->{tail}"));
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
fn the_help_lists_all_formats() {
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

/// Replaces text, and fails if it is missing: a new clap_complete must not silently drop the completion of profile
/// names.
fn patched(script: &str, from: &str, to: &str) -> String {
    assert!(script.contains(from), "{from:?} is not in the script:\n{script}");
    script.replace(from, to)
}

/// The whole man page, with a section for each command.
fn whole_page(program: &mut Command) -> String {
    program.build();
    let mut page = Vec::new();
    // No date: the footer has the version. The man page also lists the options that `-h` hides.
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
    // `.nf` keeps the columns and line breaks.
    let extra = String::from_utf8(extra).unwrap().replace(".SH EXTRA\n", ".SH \"EXAMPLES AND EXIT STATUS\"\n.nf\n");
    text + &extra + ".fi\n" + &environment() + &files()
}

/// The variables of all settings.
fn environment() -> String {
    let row = |setting: &&Setting| {
        let variables: Vec<_> = setting.all_variables().collect();
        let file = if setting.file_variable.is_some() { ", or the file that holds it" } else { "" };
        let help = setting.summary().replace('-', "\\-");
        (!variables.is_empty()).then(|| format!(".TP\n{}\n{help}{file}\n", variables.join(", ")))
    };
    format!(".SH ENVIRONMENT\n{}", SETTINGS.iter().filter_map(row).collect::<String>())
}

/// The default paths on Linux.
fn files() -> String {
    let row = |setting: &&Setting| {
        let path = setting.default.filter(|_| setting.kind == ValueKind::Path)?.replace('-', "\\-");
        Some(format!(".TP\n{path}\n{}\n", setting.help.replace("; ", ": ")))
    };
    format!(".SH FILES\n{}", SETTINGS.iter().filter_map(row).collect::<String>())
}

/// The table of settings for the docs.
fn settings_table() -> String {
    let code = |text: &str| format!("`{text}`");
    let row = |setting: &&Setting| {
        let flag = setting.flag.as_ref().map(|flag| code(flag.long)).unwrap_or_default();
        let variables: Vec<_> = setting.all_variables().map(code).collect();
        let keys: Vec<_> = setting.keys().iter().map(|key| code(key)).collect();
        let default = setting.default.map(code).unwrap_or_default();
        let cells = [setting.name, &flag, &variables.join(", "), &keys.join(", "), &default, setting.help];
        format!("| {} |\n", cells.join(" | "))
    };
    let head = "| setting | option | environment | profile key | default | what it is |\n|---|---|---|---|---|---|\n";
    head.to_owned() + &SETTINGS.iter().map(row).collect::<String>()
}

/// One command's section: its description and its own options.
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
fn assert_generated(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let is_same = fs::read_to_string(&path).is_ok_and(|shipped| shipped == expected);
    assert!(is_same, "{} is not what the program generates: UPDATE_GENERATED=1 cargo test generated", path.display());
}
