//! The table of `contrib/docs/integrations.md`: its commands work, and it lists every example.

use std::path::PathBuf;

use crate::examples::{ACCOUNT, examples, find, find_for_case, path, text};
use crate::fake_network::FakeNetwork;
use crate::sandbox::{Outcome, Running, Sandbox};
use stand_in::StandIn;

fn page() -> String {
    text("docs/integrations.md")
}

/// The command in the row whose first cell contains `row`.
#[track_caller]
fn line(host: &str) -> String {
    let page = page();
    let is_meant =
        |row: &&str| row.starts_with('|') && row[1..].split(" | ").next().is_some_and(|cell| cell.contains(host));
    let row = page.lines().find(is_meant).unwrap_or_else(|| panic!("no row for {host}"));
    let (_, line) = row.split_once(" | `").unwrap();
    line.split('`').next().unwrap().replace("\\|", "|")
}

/// Every example is in the table, and every link of the table has a file.
#[test]
fn every_example_has_a_table_row() {
    let page = page();
    let links = page.split("](../").skip(1).map(|rest| rest.split(')').next().unwrap());
    let links: Vec<PathBuf> = links.map(path).collect();
    for link in &links {
        assert!(link.is_file(), "{}", link.display());
    }
    for example in examples().iter().filter(|example| !example.starts_with(path("docs"))) {
        assert!(links.contains(example), "no row links to {}", example.display());
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

        let outcome = Sandbox::of(&stand_in).shell(shell, &format!("{}\nsh -c 'echo \"$SPOTINST_TOKEN\"'", line(row)));

        outcome.prints(&format!("{}\n", stand_in.issued()[0]));
    }
}

#[test]
fn the_curl_command_authenticates() {
    let Some(_) = find("curl") else { return };
    let network = FakeNetwork::start();

    let outcome = in_sh(&network.sandbox, &format!("{} --silent", line("[curl]")));

    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.contains(ACCOUNT), "{outcome:?}");
    assert_eq!(network.calls().len(), 1);
}

/// The user in the kubeconfig is that of the example.
#[test]
fn the_kubectl_command_creates_the_user() {
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
