//! The page about integrations: it lists every example, it names the versions that CI installs, and its lines follow
//! its own rules.

use std::fs;
use std::path::{Path, PathBuf};

use crate::examples::{ACCOUNT, examples, find, find_for_case, path};
use crate::fake_network::FakeNetwork;
use crate::sandbox::{Outcome, Running, Sandbox, path_with_program};
use stand_in::StandIn;

/// A row: its cells, without the bars in code spans.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(path("docs/integrations.md")).unwrap();
    let (tables, _) = page.split_once("\n## What the tests run\n").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| I use "));
    rows.map(|row| {
        let cells = row.trim_matches('|').replace("\\|", "\u{0}");
        cells.split(" | ").map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    })
    .collect()
}

/// The line to paste, in the first code span.
fn line(row: &[String]) -> &str {
    row[1].split('`').nth(1).unwrap()
}

#[track_caller]
fn line_of(host: &str) -> String {
    let rows = rows();
    let row = rows.iter().find(|row| row[0].contains(host)).unwrap_or_else(|| panic!("no row for {host}"));
    line(row).to_owned()
}

#[test]
fn every_example_has_a_row() {
    let links: Vec<PathBuf> = rows()
        .iter()
        .flat_map(|row| {
            row[0].split("](../").skip(1).map(|rest| path(rest.split(')').next().unwrap())).collect::<Vec<_>>()
        })
        .collect();
    for link in &links {
        assert!(link.is_file(), "{}", link.display());
    }
    let docs = path("docs");
    for example in examples().into_iter().filter(|example| !example.starts_with(&docs)) {
        assert!(links.contains(&example), "no row links to {}", example.display());
    }
}

#[test]
fn every_row_names_the_tested_version_and_the_way_of_the_token() {
    for row in rows() {
        assert_eq!(row.len(), 4, "{row:?}");
        assert!(!row[2].is_empty(), "{row:?}");
    }
}

/// Debian's programs are left out: their versions depend on the machine.
#[test]
fn the_page_names_the_versions_that_ci_installs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = [".ci/hosts", ".ci/kube-rs/Cargo.toml"].map(|file| fs::read_to_string(root.join(file)).unwrap());
    let installed = installed.concat();
    let mut versions = 0;
    for row in rows().iter().filter(|row| !row[2].contains("Debian")) {
        let words = row[2].split([' ', ',', ';']).filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        for version in words.filter(|word| word.matches('.').count() == 2) {
            assert!(installed.contains(version), "{version} of {row:?} is not in .ci/hosts");
            versions += 1;
        }
    }
    assert!(versions > 15, "{versions}");
}

/// A program that gets the token once, and keeps it, needs `--min-ttl`.
#[test]
fn lines_that_hand_over_the_token_set_min_ttl() {
    for row in rows() {
        let line = line(&row);
        let hands_over = ["exec", "-o ", "-f github", "dotenv"].iter().any(|word| line.contains(word));
        let is_host = line.contains("set-credentials");
        assert!(!hands_over || is_host || line.contains("min-ttl"), "{line}");
        // If a line has two calls, both set it.
        assert_eq!(line.contains("&& spotinst-cred"), line.matches("--min-ttl").count() == 2, "{line}");
    }
}

/// In a shell, only a built-in command such as `printf` may have the token as an argument.
#[test]
fn no_program_gets_the_token_as_an_argument() {
    let files = examples().into_iter().map(|file| (file.display().to_string(), fs::read_to_string(file).unwrap()));
    let lines = rows().into_iter().map(|row| (row[0].clone(), line(&row).to_owned()));
    for (place, text) in files.chain(lines) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            for (at, _) in line.match_indices("$(spotinst-cred") {
                assert!(line[..at].ends_with('='), "{place}: {line}");
            }
            let token = ["$SPOTINST_TOKEN", "${SPOTINST_TOKEN", "$token", "$header"];
            let is_sh = !place.ends_with(".nu") && !place.ends_with(".elv") && line != "Bearer $token";
            for part in line.split('|').filter(|part| is_sh && token.iter().any(|token| part.contains(token))) {
                assert!(part.trim_start().starts_with("printf "), "{place}: {line}");
            }
        }
    }
}

#[test]
fn the_lines_of_other_shells_set_the_token() {
    let nushell = "node/node_modules/@nushell/linux-x64/bin/nu";
    for (shell, host) in
        [("ksh", "[sh, "), ("mksh", "[sh, "), ("yash", "[sh, "), (nushell, "[Nushell]"), ("elvish", "[elvish]")]
    {
        let Some(shell) = find_for_case(shell) else { continue };
        let stand_in = StandIn::start();
        let sandbox = Sandbox::of(&stand_in);

        let script = format!("{}\nsh -c 'echo \"[$SPOTINST_TOKEN]\"'", line_of(host));
        let mut command = sandbox.command(shell);
        let outcome = Running::start(command.args(["-c", &script]).env("PATH", path_with_program())).end();

        outcome.prints(&format!("[{}]\n", stand_in.issued()[0]));
    }
}

#[test]
fn the_shell_commands_set_the_token() {
    for (shell, row) in
        [("sh", "[sh, dash"), ("dash", "[sh, dash"), ("bash", "[bash]"), ("zsh", "[zsh]"), ("fish", "[fish]")]
    {
        if find_for_case(shell).is_none() {
            continue;
        }
        let stand_in = StandIn::start();

        let outcome =
            Sandbox::of(&stand_in).shell(shell, &format!("{}\nsh -c 'echo \"$SPOTINST_TOKEN\"'", line_of(row)));

        outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    }
}

#[test]
fn the_curl_command_authenticates() {
    let Some(_) = find("curl") else { return };
    let network = FakeNetwork::start();

    let outcome = in_sh(&network.sandbox, &format!("{} --silent", line_of("[curl]")));

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
}

/// The command creates the same user as the example's kubeconfig.
#[test]
fn the_kubectl_command_creates_the_user() {
    let Some(_) = find("kubectl") else { return };
    let sandbox = Sandbox::new();

    let made = in_sh(&sandbox, &line_of("[kubectl"));
    let look =
        "{.users[0].name} {.users[0].user.exec.command} {.users[0].user.exec.args} {.users[0].user.exec.apiVersion}";
    let user = in_sh(&sandbox, &format!("kubectl config view -o jsonpath='{look}'"));

    made.prints("User \"spotinst\" set.\n");
    user.prints("spotinst spotinst-cred [\"-f\",\"kubernetes\"] client.authentication.k8s.io/v1");
}

fn in_sh(sandbox: &Sandbox, line: &str) -> Outcome {
    Running::start(sandbox.command("sh").args(["-c", line])).end()
}
