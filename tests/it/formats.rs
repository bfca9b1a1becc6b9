//! The exact output of every format, and the programs that read it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixtures::{ACCOUNT, DOCUMENT, EXPIRY, TOKEN, with_document, with_permanent_token};
use crate::requirements::{
    can_run, has_python_module_for_case, is_installed, is_installed_for_case, is_unix, is_unix_for_case, need_optional,
    need_optional_for_case, not_installed,
};
use crate::sandbox::{Outcome, Running, Sandbox};
use crate::system_errors;
use stand_in::{Reply, StandIn};

#[test]
fn each_format_with_an_account_and_an_expiry() {
    let sandbox = with_document(DOCUMENT);
    for (format, bytes) in [
        ("token", format!("{TOKEN}\n")),
        ("header", format!("Authorization: Bearer {TOKEN}\n")),
        (
            "sh",
            format!(
                "export SPOTINST_TOKEN='{TOKEN}'\nexport SPOTINST_ACCOUNT='{ACCOUNT}'\nexport SPOTINST_ACCOUNT_ID='{ACCOUNT}'\n"
            ),
        ),
        ("dotenv", format!("SPOTINST_TOKEN={TOKEN}\nSPOTINST_ACCOUNT={ACCOUNT}\nSPOTINST_ACCOUNT_ID={ACCOUNT}\n")),
        (
            "fish",
            format!(
                "set -gx SPOTINST_TOKEN '{TOKEN}';\nset -gx SPOTINST_ACCOUNT '{ACCOUNT}';\nset -gx SPOTINST_ACCOUNT_ID '{ACCOUNT}';\n"
            ),
        ),
        (
            "powershell",
            format!(
                "$Env:SPOTINST_TOKEN='{TOKEN}'\n$Env:SPOTINST_ACCOUNT='{ACCOUNT}'\n$Env:SPOTINST_ACCOUNT_ID='{ACCOUNT}'\n"
            ),
        ),
        ("ini", format!("[default]\ntoken = {TOKEN}\naccount = {ACCOUNT}\n")),
        ("yaml", format!("default:\n  token: {TOKEN}\n  account: {ACCOUNT}\n")),
        (
            "kubernetes",
            format!(
                "{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{TOKEN}\",\"expirationTimestamp\":\"{EXPIRY}\"}}}}\n"
            ),
        ),
        (
            "terraform",
            format!(
                "{{\"token\":\"{TOKEN}\",\"account\":\"{ACCOUNT}\",\"expiry\":\"{EXPIRY}\",\"expires_at\":\"{EXPIRY}\"}}\n"
            ),
        ),
    ] {
        sandbox.run(["-f", format]).prints(&bytes);
        sandbox.run(["--format", format]).prints(&bytes);
    }
}

#[test]
fn json_has_the_remaining_lifetime() {
    let outcome = with_document(DOCUMENT).run(["-f", "json"]);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let left = document["expires_in"].as_u64().unwrap();
    outcome.prints(&format!(
        "{{\"version\":1,\"access_token\":\"{TOKEN}\",\"token_type\":\"Bearer\",\"expires_in\":{left},\"expiry\":\"{EXPIRY}\",\"account\":\"{ACCOUNT}\"}}\n"
    ));
}

#[test]
fn unknown_fields_are_left_out() {
    let sandbox = with_permanent_token("abc123", "");
    for (format, bytes) in [
        ("token", "abc123\n"),
        ("json", "{\"version\":1,\"access_token\":\"abc123\",\"token_type\":\"Bearer\"}\n"),
        ("header", "Authorization: Bearer abc123\n"),
        ("sh", "export SPOTINST_TOKEN='abc123'\n"),
        ("dotenv", "SPOTINST_TOKEN=abc123\n"),
        ("fish", "set -gx SPOTINST_TOKEN 'abc123';\n"),
        ("powershell", "$Env:SPOTINST_TOKEN='abc123'\n"),
        (
            "kubernetes",
            "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"abc123\"}}\n",
        ),
        ("terraform", "{\"token\":\"abc123\"}\n"),
    ] {
        sandbox.run(["-f", format]).prints(bytes);
    }
}

#[test]
fn formats_that_require_an_account_fail_without_one_before_any_request() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let file = sandbox.config_path();
    let hint = format!(
        "hint: account: SPOTINST_ACCOUNT, SPOTINST_ACCOUNT_ID or `account`; keys go into [profiles.NAME] of {}\n",
        file.display()
    );
    for format in ["ini", "yaml"] {
        let problem = format!("missing account: the {format} format requires one");
        sandbox.run(["-f", format]).fails(3, &format!("spotinst-cred: {problem}\n{hint}"));
    }
    sandbox.set("SPOTINST_ACCOUNT_ID", "");
    let problem = "missing account (set, but empty: SPOTINST_ACCOUNT_ID): the ini format requires one";
    sandbox.run(["-f", "ini"]).fails(3, &format!("spotinst-cred: {problem}\n{hint}"));
    assert_eq!(stand_in.connections(), 0);

    sandbox.set("SPOTINST_ACCOUNT_ID", "act-7");
    let outcome = sandbox.run(["-f", "ini"]);
    outcome.prints(&format!("[default]\ntoken = {}\naccount = act-7\n", stand_in.issued()[0]));
}

#[test]
fn one_token_has_one_expiry_in_every_format() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let json = |format: &str| -> Value { serde_json::from_str(&sandbox.run(["-f", format]).stdout).unwrap() };

    let reported = json("json")["expiry"].clone();
    assert!(reported.is_string());
    assert_eq!(json("kubernetes")["status"]["expirationTimestamp"], reported);
    assert_eq!(json("terraform")["expires_at"], reported);
    assert_eq!(stand_in.grants(), ["password"]);
}

#[test]
fn an_unknown_format_is_an_error_that_lists_the_known_ones() {
    let mut sandbox = with_permanent_token("abc123", "");
    sandbox.set("SPOTINST_CRED_FORMAT", "xml");
    sandbox.run([]).fails(
        3,
        "spotinst-cred: the format from SPOTINST_CRED_FORMAT is unknown: \"xml\"\n\
         hint: expected one of token, json, header, sh, dotenv, fish, powershell, github, ini, yaml, kubernetes, terraform\n",
    );
}

#[test]
fn shells_evaluate_their_format_and_export_it() {
    if !is_unix("shell scripts") {
        return;
    }
    let sandbox = with_document(DOCUMENT);
    let expected = format!("{TOKEN} {ACCOUNT} {ACCOUNT}\n");
    // A child prints the variables: it gets only exported ones.
    let child = "sh -c 'echo \"$SPOTINST_TOKEN $SPOTINST_ACCOUNT $SPOTINST_ACCOUNT_ID\"'";
    for shell in ["sh", "bash", "dash", "zsh", "ksh"] {
        if is_installed_for_case(shell, &["-c", ":"]) {
            let script = format!("eval \"$(spotinst-cred -f sh)\"\n{child}");
            sandbox.shell(shell, &script).prints(&expected);
        }
    }
    if is_installed_for_case("fish", &["-c", "true"]) {
        sandbox.shell("fish", &format!("spotinst-cred -f fish | source\n{child}")).prints(&expected);
        sandbox.shell("fish", &format!("eval (spotinst-cred -f fish)\n{child}")).prints(&expected);
    }
    let has_pwsh = can_run("pwsh", &["-NoProfile", "-Command", "exit 0"]);
    if need_optional_for_case(has_pwsh, &not_installed("pwsh")) {
        let script = format!("spotinst-cred -f powershell | Invoke-Expression\n{child}");
        sandbox.shell("pwsh", &script).prints(&expected);
    }
}

#[test]
fn an_environment_file_means_the_same_to_all_its_readers() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join(".env");
    sandbox.run(["-f", "dotenv", "-o", file.to_str().unwrap()]).prints("");
    // Docker and systemd take the rest of the line after `=`, quotes included; a shell parses it.
    let text = fs::read_to_string(&file).unwrap();
    let pairs: Vec<_> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(pairs, [("SPOTINST_TOKEN", TOKEN), ("SPOTINST_ACCOUNT", ACCOUNT), ("SPOTINST_ACCOUNT_ID", ACCOUNT)]);
    if !is_unix_for_case("shell scripts") {
        return;
    }
    let expected = format!("{TOKEN} {ACCOUNT}\n");
    sandbox.shell("sh", ". ~/.env; echo \"$SPOTINST_TOKEN $SPOTINST_ACCOUNT\"").prints(&expected);
    let has_node = can_run("node", &["--env-file=/dev/null", "-e", ""]);
    if need_optional_for_case(has_node, "node is not installed, or does not know --env-file") {
        let script =
            "node --env-file=$HOME/.env -e 'console.log(process.env.SPOTINST_TOKEN, process.env.SPOTINST_ACCOUNT)'";
        sandbox.shell("sh", script).prints(&expected);
    }
}

#[test]
fn docker_reads_the_environment_file() {
    if !is_unix("shell scripts") || !need_optional(can_run("docker", &["--version"]), &not_installed("docker")) {
        return;
    }
    // An engine that refuses to create the container after it has received the environment.
    let engine = StandIn::start();
    engine.handler(|request| match request.target.as_str() {
        "/_ping" => Reply::new(200, "OK").with_header("Api-Version", "1.44"),
        _ => Reply::json(400, &json!({"message": "enough"})),
    });
    let mut sandbox = with_document(DOCUMENT);
    sandbox.set("DOCKER_HOST", format!("tcp://{}", engine.addr()));
    sandbox.run(["-f", "dotenv", "-o", "env"]).prints("");
    assert_eq!(sandbox.shell("sh", "docker create --pull never --env-file env image").status, Some(1));
    let create = engine.requests().into_iter().find(|request| request.target.contains("/containers/create")).unwrap();
    let body: Value = serde_json::from_slice(&create.body).unwrap();
    assert_eq!(
        body["Env"],
        json!([
            format!("SPOTINST_TOKEN={TOKEN}"),
            format!("SPOTINST_ACCOUNT={ACCOUNT}"),
            format!("SPOTINST_ACCOUNT_ID={ACCOUNT}")
        ])
    );
}

#[test]
fn the_sdks_parsers_read_their_credentials_files() {
    let sandbox = with_document(DOCUMENT);
    let expected = format!("{TOKEN} {ACCOUNT}\n");
    if is_installed_for_case("python3", &["-c", "import configparser"]) {
        let script = "import configparser, sys; p = configparser.ConfigParser(); p.read_file(sys.stdin); \
            d = p['default']; print(d['token'], d['account'])";
        assert_eq!(python(script, &sandbox.run(["-f", "ini"]).stdout), expected);
    }
    if has_python_module_for_case("yaml") {
        let script = "import yaml, sys; d = yaml.safe_load(sys.stdin)['default']; print(d['token'], d['account'])";
        assert_eq!(python(script, &sandbox.run(["-f", "yaml"]).stdout), expected);
    }
}

#[test]
fn a_token_that_looks_like_a_number_is_a_string_in_yaml() {
    let numbers = ["1234567890", "12e45", "1.5", "0x1F", "0o17", "+7", "-1", "2026-11-23", "1_000"];
    let words = ["null", "Yes", "no", "TRUE", "~", ".inf", "-"];
    let mut stream = String::new();
    for token in numbers.into_iter().chain(words) {
        let yaml = with_permanent_token(token, "account = \"12345678\"").run(["-f", "yaml"]);
        yaml.prints(&format!("default:\n  token: '{token}'\n  account: '12345678'\n"));
        stream.push_str(&format!("---\n{}", yaml.stdout));
    }
    if has_python_module_for_case("yaml") {
        let script = "import yaml, sys; d = yaml.safe_load_all(sys.stdin); print(*(x['default']['token'] + x['default']['account'] for x in d))";
        let expected: Vec<_> = numbers.into_iter().chain(words).map(|token| format!("{token}12345678")).collect();
        assert_eq!(python(script, &stream), format!("{}\n", expected.join(" ")));
    }
    // Usual values are plain: hexadecimal, a JWT, an account.
    for token in ["3f2a9c", "0ab4", "1e2f", "eyJ0.eyJp.x-_", "a"] {
        let yaml = with_permanent_token(token, "account = \"act-1\"").run(["-f", "yaml"]);
        yaml.prints(&format!("default:\n  token: {token}\n  account: act-1\n"));
    }
}

#[test]
fn curl_sends_the_header_from_its_stdin() {
    if !is_unix("shell scripts") || !is_installed("curl", &["--version"]) {
        return;
    }
    let server = StandIn::start();
    let script = format!("spotinst-cred -f header | curl -s -o /dev/null -H @- {}", server.base());
    with_document(DOCUMENT).shell("sh", &script).prints("");
    assert_eq!(server.requests()[0].bearer(), Some(TOKEN));
}

#[test]
fn terraform_gets_an_object_of_strings_without_its_query_being_read() {
    let sandbox = with_document(DOCUMENT);
    let mut command = sandbox.program(["-f", "terraform"]);
    // A pipe that is never written or closed: reading it would hang.
    let (reader, _writer) = std::io::pipe().unwrap();
    command.stdin(reader);
    let outcome = Running::start(&mut command).end();
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(document.as_object().unwrap().values().all(Value::is_string));
    outcome.prints(&format!(
        "{{\"token\":\"{TOKEN}\",\"account\":\"{ACCOUNT}\",\"expiry\":\"{EXPIRY}\",\"expires_at\":\"{EXPIRY}\"}}\n"
    ));
}

#[test]
fn github_gets_a_mask_on_stdout_and_lines_in_its_file() {
    let mut sandbox = with_document(DOCUMENT);
    let file = sandbox.write("github_env", "A=1");
    sandbox.set("GITHUB_ENV", &file);
    sandbox.run(["-f", "github"]).prints(&format!("::add-mask::{TOKEN}\n"));
    // If the last line has no newline, one is added.
    let ours = format!("SPOTINST_TOKEN={TOKEN}\nSPOTINST_ACCOUNT={ACCOUNT}\nSPOTINST_ACCOUNT_ID={ACCOUNT}\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("A=1\n{ours}"));
    sandbox.run(["-f", "github"]).prints(&format!("::add-mask::{TOKEN}\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("A=1\n{ours}{ours}"));
}

#[test]
fn github_without_its_file_is_an_error_before_any_request() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.run(["-f", "github"]).fails(
        3,
        "spotinst-cred: GITHUB_ENV is not set, and the github format appends to the file it names\n\
         hint: GitHub Actions sets it in each step; elsewhere choose another format, such as sh or dotenv\n",
    );
    let home = sandbox.home();
    sandbox.set("GITHUB_ENV", &home);
    sandbox.run(["-f", "github"]).fails(
        3,
        &format!(
            "spotinst-cred: cannot write {} (from GITHUB_ENV): {}\n\
             hint: check the path and its permissions\n",
            home.display(),
            system_errors::append_to_directory()
        ),
    );
    assert_eq!(stand_in.connections(), 0);
}

#[test]
fn github_output_that_cannot_be_written_is_an_error() {
    if !is_unix("a file size limit") {
        return;
    }
    let mut sandbox = with_document(DOCUMENT);
    let file = sandbox.write("github_env", "A=1\n");
    sandbox.set("GITHUB_ENV", &file);
    let full = sandbox.full_disk(&["-f", "github"]);
    let stderr = format!(
        "spotinst-cred: cannot write {}: File too large (os error 27)\n\
         hint: check the room on the disk; no later step has the token\n",
        file.display()
    );
    // A mask without a token does no harm.
    assert_eq!(full, Outcome { stdout: format!("::add-mask::{TOKEN}\n"), stderr, status: Some(1) });
    assert_eq!(fs::read_to_string(&file).unwrap(), "A=1\n");

    let mut command = sandbox.program(["-f", "github"]);
    command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    Running::start(&mut command).end().fails(
        1,
        "spotinst-cred: cannot write to stdout: No space left on device (os error 28)\n\
         hint: check where stdout goes: its disk may be full\n",
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "A=1\n");
}

/// The runner's end of the pipe is full, then closed. Meanwhile another program appends to the same file.
#[test]
fn github_keeps_the_lines_of_others_if_the_mask_cannot_be_printed() {
    if !is_unix("a pipe of a known size") {
        return;
    }
    let mut sandbox = with_permanent_token("abc", "");
    let file = sandbox.write("github_env", "A=1\n");
    sandbox.set("GITHUB_ENV", &file);
    let (reader, mut writer) = std::io::pipe().unwrap();
    // The capacity of a pipe on Linux.
    writer.write_all(&[b'\n'; 64 * 1024]).unwrap();
    let running = Running::start(sandbox.program(["-f", "github"]).stdout(writer));
    // It sleeps only to wait for the pipe.
    let state = || fs::read_to_string(format!("/proc/{}/stat", running.id())).unwrap();
    while !state().contains(" S ") {
        std::thread::yield_now();
    }

    fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"OTHER=1\n").unwrap();
    drop(reader);

    running.end().has_failed(1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "A=1\nOTHER=1\n");
}

/// Runs a Python script with this stdin and returns its stdout.
fn python(script: &str, input: &str) -> String {
    let mut command = Command::new("python3");
    let mut child = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
