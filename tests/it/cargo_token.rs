//! cargo as a host that reads a bare token from a program's stdout: `cargo:token-from-stdout`. No crate registry
//! accepts a Spotinst token; the test represents any program with such an option.

use serde_json::json;

use crate::requirements;
use crate::sandbox::{PROGRAM, Running, Sandbox};
use stand_in::{Reply, StandIn};

#[test]
fn cargo_reads_the_token_from_stdout() {
    if !requirements::need(requirements::can_run(env!("CARGO"), &["--version"]), "cargo cannot be run") {
        return;
    }
    let (tokens, registry) = (StandIn::start(), StandIn::start());
    let base = registry.base();
    registry.handler(move |request| match request.target.as_str() {
        "/index/config.json" => Reply::json(200, &json!({"dl": base, "api": base})),
        _ => Reply::json(200, &json!({"users": [{"id": 1, "login": "ada", "name": null}]})),
    });
    let mut sandbox = Sandbox::of(&tokens);
    let config = format!(
        "[registries.it]\nindex = 'sparse+{}/index/'\ncredential-provider = ['cargo:token-from-stdout', '{PROGRAM}']\n",
        registry.base()
    );
    let file = sandbox.write(".cargo/config.toml", &config);
    sandbox.set("CARGO_HOME", file.parent().unwrap());

    let mut cargo = sandbox.command(env!("CARGO"));
    let outcome = Running::start(cargo.args(["owner", "--list", "hello", "--registry", "it"])).end();

    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "ada\n"), "{outcome:?}");
    let asked = registry.requests().into_iter().find(|request| request.target.ends_with("/owners")).unwrap();
    assert_eq!(asked.header("authorization"), Some(&*tokens.issued()[0]));
}
