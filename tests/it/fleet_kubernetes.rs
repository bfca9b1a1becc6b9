//! `contrib/fleet/kubernetes`: the commands of its CronJob, run in order as far as they need no cluster.

use std::fs;

use serde_json::{Value, json};

use crate::requirements::{has_python_module, is_installed};
use crate::sandbox::{PROGRAM, Running, Sandbox};
use stand_in::{StandIn, spotinst};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/fleet/kubernetes");

/// The documents of a file, parsed by PyYAML; `None` if that is not installed.
fn documents(file: &str) -> Option<Vec<Value>> {
    has_python_module("yaml").then(|| {
        let script =
            "import json, sys, yaml; print(json.dumps([d for d in yaml.safe_load_all(open(sys.argv[1])) if d]))";
        let mut python = Sandbox::new().command("python3");
        let outcome = Running::start(python.current_dir(FOLDER).args(["-c", script, file])).end();
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{file}: {error}: {}", outcome.stderr))
    })
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> &'d Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_cron_job_makes_the_secret_with_the_keys_that_ocean_reads() {
    let Some(documents) = documents("cronjob.yaml") else { return };
    if !is_installed("kubectl", &["version", "--client"]) {
        return;
    }
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::new();
    let pod = &of_kind(&documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let volume = sandbox.path().join("token");
    fs::create_dir(&volume).unwrap();
    let here = |text: &str| {
        text.replace("/token", volume.to_str().unwrap()).replace("/login", sandbox.home().to_str().unwrap())
    };

    let obtain = &pod["initContainers"][0];
    let mut command = sandbox.command(PROGRAM);
    command
        .args(words(&obtain["command"])[1..].iter().map(|word| here(word)))
        .env("SPOTINST_TOKEN_URL", stand_in.url());
    for variable in obtain["env"].as_array().unwrap() {
        let value = match variable["valueFrom"]["secretKeyRef"]["key"].as_str() {
            Some("username") => spotinst::USERNAME.to_owned(),
            Some("client-id") => spotinst::CLIENT_ID.to_owned(),
            Some(unknown) => panic!("{unknown}"),
            None => here(variable["value"].as_str().unwrap()),
        };
        command.env(variable["name"].as_str().unwrap(), value);
    }
    sandbox.write("password", spotinst::PASSWORD);
    sandbox.write("client-secret", spotinst::CLIENT_SECRET);
    Running::start(&mut command).end().prints("");
    let token = stand_in.issued().remove(0);

    // The last step needs a cluster: here it only prints what it would apply.
    let publish = here(words(&pod["containers"][0]["command"]).last().unwrap());
    let script = format!("set -eu\nkubectl() {{ case $1 in apply) ;; *) command kubectl \"$@\" ;; esac; }}\n{publish}");
    sandbox.set("ACCOUNT", "act-1").set("HOME", volume.as_os_str());
    sandbox.shell("sh", &script).prints("");
    let secret = fs::read_to_string(volume.join("secret.yaml")).unwrap();
    let value = |text: &str| base64(&sandbox, text);
    assert!(secret.contains("kind: Secret\n") && secret.contains("\n  name: spotinst\n"), "{secret}");
    let data = format!("data:\n  account: {}\n  token: {}\nkind", value("act-1"), value(&token));
    assert!(secret.contains(&data), "{secret}");
}

fn base64(sandbox: &Sandbox, text: &str) -> String {
    sandbox.shell("sh", &format!("printf %s '{text}' | base64 -w0")).stdout
}

#[test]
fn write_access_is_limited_to_one_secret() {
    let Some(documents) = documents("cronjob.yaml") else { return };
    let secret = &of_kind(&documents, "Secret")["metadata"]["name"];
    let role = of_kind(&documents, "Role");
    let rules =
        json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get", "patch"]}]);
    assert_eq!(role["rules"], rules);
    let binding = of_kind(&documents, "RoleBinding");
    let account = &of_kind(&documents, "ServiceAccount")["metadata"]["name"];
    assert_eq!((&binding["roleRef"]["name"], &binding["subjects"][0]["name"]), (&role["metadata"]["name"], account));
    let pod = &of_kind(&documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], *account);
}

#[test]
fn the_other_manifests_use_the_secret_of_the_cron_job() {
    let Some(job) = documents("cronjob.yaml") else { return };
    let secret = &of_kind(&job, "Secret")["metadata"]["name"];
    let pod = &documents("pod.yaml").unwrap()[0]["spec"];
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], *secret);
    assert_eq!(pod["containers"][0]["volumeMounts"][0]["subPath"], Value::Null);
    let external = documents("external-secret.yaml").unwrap();
    let keys = of_kind(&external, "ExternalSecret")["spec"]["data"].as_array().unwrap();
    for (key, name) in keys.iter().zip(["token", "account"]) {
        assert_eq!((&key["secretKey"], &key["remoteRef"]["key"]), (&json!(name), secret));
    }
    assert_eq!(of_kind(&external, "Role")["rules"][0]["resourceNames"], json!([secret]));
}
