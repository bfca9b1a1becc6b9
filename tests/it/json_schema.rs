//! The schema of the `json` document, by a validator that is not ours.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::host::{DOCUMENT, permanent, telling};
use crate::sandbox::Sandbox;
use crate::surroundings::is_installed;
use stand_in::StandIn;

/// Says of each document on stdin, one a line, whether the schema admits it.
const VALIDATE: &str = "
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(*(validator.is_valid(json.loads(line)) for line in open(sys.argv[2])))
";

#[test]
fn what_is_printed_is_what_the_schema_says() {
    if !is_installed("python3", &["-c", "import jsonschema"]) {
        return;
    }
    let stand_in = StandIn::start();
    let mut cold = Sandbox::of(&stand_in);
    cold.set("SPOTINST_ACCOUNT", "act-1");
    let documents =
        [cold, telling(DOCUMENT), permanent("abc", "")].map(|sandbox| sandbox.run(["-f", "json"]).stdout).concat();
    assert_eq!(validate(&documents), "True True True\n");
}

#[test]
fn the_schema_admits_what_a_token_command_may_print_and_nothing_else() {
    if !is_installed("python3", &["-c", "import jsonschema"]) {
        return;
    }
    // Each is taken by the program as it is by the schema.
    let documents = [
        (r#"{"version":1,"access_token":"abc"}"#, true),
        (r#"{"version":1,"access_token":"abc","token_type":"bearer","expires_in":12.5,"new":{}}"#, true),
        (r#"{"version":1,"access_token":"abc","expiry":"2099-01-01T00:00:00.25Z"}"#, true),
        (r#"{"version":2,"access_token":"abc"}"#, false),
        (r#"{"access_token":"abc"}"#, false),
        (r#"{"version":1}"#, false),
        (r#"{"version":1,"access_token":""}"#, false),
        (r#"{"version":1,"access_token":"a b"}"#, false),
        (r#"{"version":1,"access_token":"=abc"}"#, false),
        (r#"{"version":1,"access_token":"abc","token_type":"mac"}"#, false),
        (r#"{"version":1,"access_token":"abc","expires_in":"7200"}"#, false),
        (r#"{"version":1,"access_token":"abc","expiry":"2099-01-01 00:00:00"}"#, false),
        (r#"{"version":1,"access_token":"abc","expiry":4070908800}"#, false),
        (r#"{"version":1,"access_token":"abc","account":"act 1"}"#, false),
    ];
    let lines: String = documents.iter().map(|(document, _)| format!("{document}\n")).collect();
    let verdicts: Vec<_> = validate(&lines).split_whitespace().map(|verdict| verdict == "True").collect();
    assert_eq!(verdicts, documents.map(|(_, is_sound)| is_sound));
    for (document, is_sound) in documents {
        let status = telling(document).run([]).status;
        assert_eq!(status, Some(if is_sound { 0 } else { 5 }), "{document}");
    }
}

fn validate(documents: &str) -> String {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/json-schema/token.schema.json");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), documents).unwrap();
    let mut command = Command::new("python3");
    let output = command.args(["-c", VALIDATE]).arg(schema).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
