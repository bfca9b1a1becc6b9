"""The credential helpers of other services, each with a cached token, so that they have a cache hit too."""

import os
import pathlib
import shutil
import subprocess

from measure import Command

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: bench
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
clusters: [{name: bench, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: bench, user: {}}]
"""
GKE_CACHE = '{"current_context":"bench","access_token":"bench","token_expiry":"2099-01-01T00:00:00Z","extra_args":""}'

COMMANDS = {
    "gke-gcloud-auth-plugin": ["gke-gcloud-auth-plugin"],
    "oidc-token": ["oidc-token", os.environ.get("OIDC_ACCOUNT", "bench")],
    "gcloud config config-helper": ["gcloud", "config", "config-helper", "--format=json"],
    "aws configure export-credentials": ["aws", "configure", "export-credentials"],
}


def ready(directory):
    """Returns the commands of the peers that can be measured here, by name, and for the others the reason why not."""
    environment = home(directory)
    found, missing = {}, {}
    for name, (program, *arguments) in COMMANDS.items():
        path = shutil.which(program)
        if not path:
            missing[name] = "not installed"
            continue
        # Without `resolved`, a launcher script would be measured too.
        command = [resolved(path), *arguments]
        outcome = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if outcome.returncode == 0:
            found[name] = Command(command, environment)
        else:
            missing[name] = "installed, but it has no token here: " + last_line(outcome.stderr)
    return found, missing


def home(directory):
    """Creates a home directory in which each peer finds a token. A running agent is used as is."""
    home = directory / "peers"
    (home / ".kube").mkdir(parents=True)
    (home / ".kube/config").write_text(KUBECONFIG)
    (home / ".kube/gke_gcloud_auth_plugin_cache").write_text(GKE_CACHE)
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text("[default]\naws_access_key_id = bench\naws_secret_access_key = bench\n")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "CLOUDSDK_AUTH_ACCESS_TOKEN": "bench"}
    return environment | {name: os.environ[name] for name in ("OIDC_SOCK",) if name in os.environ}


def resolved(path):
    """Returns the program itself if a version manager put a script in its place."""
    if pathlib.Path(path).parent.name == "shims" and shutil.which("pyenv"):
        return subprocess.check_output(["pyenv", "which", pathlib.Path(path).name], text=True).strip()
    return path


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:80] if lines else "no message"
