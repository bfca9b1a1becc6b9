//! The completions load in real shells and complete the names of configured profiles.

use crate::requirements::{is_installed, is_unix};
use crate::sandbox::Sandbox;

const CONFIG: &str =
    "[profiles.staging]\ntoken = \"a\"\n[profiles.production]\ntoken = \"b\"\n[profiles.stage2]\ntoken = \"c\"\n";

#[test]
fn the_profiles_are_listed() {
    let sandbox = Sandbox::new();
    sandbox.run(["profiles", "--names"]).prints("");
    sandbox.config(CONFIG);
    sandbox.run(["profiles", "--names"]).prints("production\nstage2\nstaging\n");
    sandbox.run(["profiles"]).prints("production\nstage2\nstaging\n");
    sandbox.config(&format!("default_profile = 'stage2'\n{CONFIG}"));
    sandbox.run(["profiles"]).prints("production\nstage2 (default)\nstaging\n");
    sandbox.run(["profiles", "--names"]).prints("production\nstage2\nstaging\n");
    sandbox.config("no TOML at all");
    sandbox.run(["profiles", "--names"]).prints("");
    let expected = format!("spotinst-cred: {}:1 is not valid TOML: ", sandbox.config_path().display());
    let outcome = sandbox.run(["profiles"]);
    assert_eq!(outcome.status, Some(3));
    assert!(outcome.stderr.starts_with(&expected), "{outcome:?}");
}

#[test]
fn each_shells_script_is_printed() {
    let sandbox = Sandbox::new();
    for (shell, file) in [
        ("bash", include_str!("../../contrib/completions/spotinst-cred.bash")),
        ("elvish", include_str!("../../contrib/completions/spotinst-cred.elv")),
        ("fish", include_str!("../../contrib/completions/spotinst-cred.fish")),
        ("powershell", include_str!("../../contrib/completions/_spotinst-cred.ps1")),
        ("zsh", include_str!("../../contrib/completions/_spotinst-cred")),
    ] {
        sandbox.run(["completions", shell]).prints(file);
    }
}

#[test]
fn bash_completes_commands_and_profiles() {
    if !is_unix("shell scripts") || !is_installed("bash", &["-c", "exit"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.config(CONFIG);
    let complete = |line: &str| {
        let script = format!(
            "source <(spotinst-cred completions bash); COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _spotinst__cred spotinst-cred \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        sandbox.shell("bash", &script)
    };
    complete("spotinst-cred --profile sta").prints("stage2\nstaging\n");
    complete("spotinst-cred status -p ''").prints("production\nstage2\nstaging\n");
    complete("spotinst-cred status --js").prints("--json\n");
    complete("spotinst-cred sta").prints("status\n");
}

#[test]
fn zsh_completes_profiles() {
    if !is_unix("shell scripts") || !is_installed("zsh", &["-c", "exit"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.config(CONFIG);
    // `compadd` exists only in the line editor: this one prints its input.
    let script = "autoload -U compinit; compinit -D -u; source <(spotinst-cred completions zsh); \
                  compadd() { print -l -- $names }; _spotinst-cred_profiles";
    sandbox.shell("zsh", script).prints("production\nstage2\nstaging\n");
}

#[test]
fn fish_completes_profiles() {
    if !is_unix("shell scripts") || !is_installed("fish", &["-c", "exit"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.config(CONFIG);
    for line in ["spotinst-cred --profile sta", "spotinst-cred status -p sta"] {
        let script = format!("spotinst-cred completions fish | source; complete -C '{line}'");
        sandbox.shell("fish", &script).prints(
            "stage2\tProfile to use [SPOTINST_CRED_PROFILE]\nstaging\tProfile to use [SPOTINST_CRED_PROFILE]\n",
        );
    }
}
