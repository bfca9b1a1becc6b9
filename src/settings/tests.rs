//! Every setting has one row, and no other place spells its option, variable or key.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn no_two_settings_share_an_option_a_variable_or_a_key() {
    let flags = SETTINGS.iter().filter_map(|setting| Some(setting.flag.as_ref()?.long.to_owned()));
    let variables = SETTINGS.iter().flat_map(|setting| setting.all_variables()).map(str::to_owned);
    let names: Vec<_> = flags.chain(variables).chain(SETTINGS.iter().flat_map(|setting| setting.keys())).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

/// The names that the code of a file contains: options and variables anywhere in string literals, keys in backticks
/// or as a whole literal. `oauth` names the parameters of RFC 6749, some of which are spelled like keys.
fn spellings(path: &Path, text: &str) -> Vec<String> {
    let is_oauth = path.components().any(|part| part.as_os_str() == "oauth");
    let mut found = Vec::new();
    for literal in literals(text) {
        for setting in SETTINGS {
            let flag = setting.flag.as_ref().map(|flag| flag.long);
            found
                .extend(setting.all_variables().chain(flag).filter(|name| has_word(&literal, name)).map(str::to_owned));
            let is_spelled = |key: &String| literal.contains(&format!("`{key}`")) || (!is_oauth && literal == *key);
            found.extend(setting.keys().into_iter().filter(is_spelled));
        }
    }
    found
}

/// Whether the text has the name, not as a part of a longer one.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-".contains(c);
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
}

/// The texts in the code: string literals, and what clap takes from comments for help.
fn literals(text: &str) -> Vec<String> {
    let is_help = |line: &&str| text.contains("clap::Parser") && line.trim_start().starts_with("/// ");
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n"));
    let code = code.collect::<String>().replace(r"'\''", "").replace("'\"'", "").replace(r#"\""#, "");
    let strings = code.split('"').skip(1).step_by(2).map(str::to_owned);
    text.lines().filter(is_help).map(str::to_owned).chain(strings).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Words that are spelled like a key but have another meaning.
const HOMONYMS: &[(&str, &str)] = &[
    ("cache/gc.rs", "token"),    // an ending of file names
    ("cli/options.rs", "login"), // a command
    ("config/edit.rs", "login"),
    ("config/grant.rs", "password"),        // the name of the grant
    ("commands/status/report.rs", "token"), // a member of the document
    ("src/sdk_file.rs", "token"),           // a key of the SDKs' own file
    ("src/sdk_file.rs", "account"),
];

#[test]
fn no_other_file_spells_an_option_a_variable_or_a_key() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &Path| {
        let names = ["tests.rs", "generated.rs", "strategies.rs", "secrets_in_debug.rs", "settings.rs"];
        names.iter().any(|name| path.ends_with(name))
    };
    let mut found = Vec::new();
    for path in files(&root).into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_homonym = |name: &String| HOMONYMS.iter().any(|(file, word)| path.ends_with(file) && word == name);
        let spelled = spellings(&path, text).into_iter().filter(|name| !is_homonym(name));
        found.extend(spelled.map(|name| format!("{}: {name}", path.strip_prefix(&root).unwrap().display())));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_spelling_elsewhere_is_found() {
    let path = Path::new("src/http/client.rs");
    assert_eq!(spellings(path, r#"let hint = "allow more with `--timeout`";"#), ["--timeout"]);
    assert_eq!(spellings(path, r#"env::var("SPOTINST_TOKEN_URL")"#), ["SPOTINST_TOKEN_URL"]);
    assert_eq!(spellings(path, r#"profile.get("client_secret_file")"#), ["client_secret_file"]);
    assert_eq!(spellings(path, "// set `ca_file`, or \"ca_file\"\nlet x = \"SPOTINST_TOKEN\";"), Vec::<String>::new());
}
