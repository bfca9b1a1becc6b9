//! What fuzzing calls: each target takes any bytes and panics where something is wrong. `contrib/fuzz` explores them,
//! guided by coverage; here they replay the corpus that it keeps.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a target fails by panicking")]

mod input;
mod login;
mod parsers;
mod redaction;

pub use login::login;
pub use parsers::{config, entry, get, response, sdk_file};
pub use redaction::redaction;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use toml_edit::{DocumentMut, Item};

    type Target = fn(&[u8]);

    /// Every file of the corpus, in its target; a file that fails is named.
    #[test]
    fn the_corpus_of_fuzzing_passes() {
        let targets: [(&str, Target); 7] = [
            ("config", super::config),
            ("entry", super::entry),
            ("get", super::get),
            ("login", super::login),
            ("redaction", super::redaction),
            ("response", super::response),
            ("sdk_file", super::sdk_file),
        ];
        for (name, target) in targets {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/fuzz/corpus").join(name);
            let files: Vec<_> = fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path()).collect();
            assert!(files.len() > 5, "{}", corpus.display());
            for file in files {
                let input = fs::read(&file).unwrap();
                let passed = std::panic::catch_unwind(|| target(&input));
                assert!(passed.is_ok(), "{name}: {}", file.display());
            }
        }
    }

    /// The package of fuzzing builds the program's source, and so needs what the program needs.
    #[test]
    fn fuzzing_has_the_dependencies_of_the_program() {
        let dependencies = |path: &str| {
            let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
            let manifest = manifest.parse::<DocumentMut>().unwrap();
            let all = manifest["dependencies"].as_table_like().unwrap().iter();
            let without_comment =
                |item: &Item| item.to_string().split('#').next().unwrap_or_default().trim().to_owned();
            all.map(|(name, item)| (name.to_owned(), without_comment(item))).collect::<BTreeSet<_>>()
        };
        let (program, fuzzing) = (dependencies("Cargo.toml"), dependencies("contrib/fuzz/Cargo.toml"));
        let missing: Vec<_> = program.difference(&fuzzing).collect();
        assert!(missing.is_empty(), "to be written into contrib/fuzz/Cargo.toml: {missing:?}");
    }
}
