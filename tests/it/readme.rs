//! The table of the README: its lines do what they say, and it leaves no example out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::example::{ACCOUNT, examples, find, path};
use crate::internet::Internet;
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::StandIn;

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The line to paste of the row whose first cell says this.
#[track_caller]
fn line(host: &str) -> String {
    let readme = readme();
    let is_meant =
        |row: &&str| row.starts_with('|') && row[1..].split(" | ").next().is_some_and(|cell| cell.contains(host));
    let row = readme.lines().find(is_meant).unwrap_or_else(|| panic!("no row for {host}"));
    let (_, line) = row.split_once(" | `").unwrap();
    line.split('`').next().unwrap().replace("\\|", "|")
}

/// Every example is in the table, and everything that the table links to is there.
#[test]
fn every_example_has_a_row() {
    let readme = readme();
    let links = readme.split("](contrib/").skip(1).map(|rest| rest.split(')').next().unwrap());
    let links: Vec<PathBuf> = links.map(path).collect();
    for link in &links {
        assert!(link.is_file(), "{}", link.display());
    }
    for example in examples() {
        assert!(links.contains(&example), "no row links to {}", example.display());
    }
}

#[test]
fn the_lines_for_shells_set_the_token() {
    for (shell, row) in
        [("sh", "[sh, dash"), ("dash", "[sh, dash"), ("bash", "[bash]"), ("zsh", "[zsh]"), ("fish", "[fish]")]
    {
        if find(shell).is_none() {
            continue;
        }
        let stand_in = StandIn::start();

        let outcome = Sandbox::of(&stand_in).shell(shell, &format!("{}\nsh -c 'echo \"$SPOTINST_TOKEN\"'", line(row)));

        outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    }
}

#[test]
fn the_line_for_curl_is_let_in() {
    let Some(_) = find("curl") else { return };
    let internet = Internet::start();

    let outcome = in_sh(&internet.sandbox, &format!("{} --silent", line("[curl]")));

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(internet.calls().len(), 1);
}

/// kubectl writes a user as the example has one.
#[test]
fn the_line_for_kubectl_makes_the_user() {
    let Some(_) = find("kubectl") else { return };
    let sandbox = Sandbox::new();

    let made = in_sh(&sandbox, &line("[kubectl"));
    let look =
        "{.users[0].name} {.users[0].user.exec.command} {.users[0].user.exec.args} {.users[0].user.exec.apiVersion}";
    let user = in_sh(&sandbox, &format!("kubectl config view -o jsonpath='{look}'"));

    made.prints("User \"spotinst\" set.\n");
    user.prints("spotinst spotinst-cred [\"-f\",\"kubernetes\"] client.authentication.k8s.io/v1");
}

fn in_sh(sandbox: &Sandbox, line: &str) -> Outcome {
    Running::start(sandbox.command("sh").args(["-c", line])).end()
}
