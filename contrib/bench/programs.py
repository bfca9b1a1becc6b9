"""What is measured, built; and the stand-in that it asks."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATIC_TARGET = "x86_64-unknown-linux-gnu"

# The size of a file that two people might share: every hit reads it.
CONFIG = """\
default_profile = "production"

[profiles.production]
username = "{SPOTINST_USERNAME}"
password_file = "~/password"
client_id = "{SPOTINST_CLIENT_ID}"
client_secret_file = "~/client-secret"
account = "act-12345678"
token_url = "{SPOTINST_TOKEN_URL}"

[profiles.staging]
username = "staging@example.com"
password_command = ["pass", "show", "spotinst/staging"]
client_id = "client-2"
client_secret_file = "~/staging-client-secret"
account = "act-87654321"
"""


def cargo(*arguments):
    subprocess.run(["cargo", *arguments], cwd=ROOT, check=True)


def build(directory):
    """Builds everything; the paths by what they are."""
    cargo("build", "--release")
    cargo("build", "--release", "--config", "contrib/release/static.toml")
    cargo("build", "--example", "stand-in")
    target = pathlib.Path(metadata()["target_directory"])
    return {
        "dynamic": target / "release/spotinst-cred",
        "static": target / STATIC_TARGET / "release/spotinst-cred",
        "stand-in": target / "debug/examples/stand-in",
        "empty": empty_program(directory),
    }


def empty_program(directory):
    """`fn main() {}` with our own release profile."""
    manifest = (ROOT / "Cargo.toml").read_text()
    profile = manifest[manifest.index("[profile.release]") :]
    (directory / "empty/src").mkdir(parents=True)
    package = '[package]\nname = "empty"\nedition = "2024"\n\n[workspace]\n\n'
    (directory / "empty/Cargo.toml").write_text(package + profile)
    (directory / "empty/src/main.rs").write_text("fn main() {}\n")
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=directory / "empty", check=True)
    return directory / "empty/target/release/empty"


def metadata():
    text = subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, text=True)
    return json.loads(text)


def crates():
    """How many crates the program is made of on this platform, those that only build it included."""
    tree = ["cargo", "tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"]
    lines = subprocess.check_output(tree, cwd=ROOT, text=True).splitlines()
    return len({" ".join(line.split()[:2]) for line in lines if line}) - 1


class StandIn:
    """The token endpoint, and a home directory that is set up for it. It takes `answer` seconds for an answer."""

    def __init__(self, program, directory, answer):
        self.program, self.answer, self.home = program, answer, directory / f"home-{answer}"
        self.log = directory / f"requests-{answer}"

    def __enter__(self):
        arguments = ["--until-eof", "--answer-after", str(int(self.answer * 1000)), "--expires-in", "864000"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        given = {}
        while "SPOTINST_CLIENT_SECRET" not in given:
            (_, assignment) = shlex.split(self.process.stdout.readline())
            name, _, value = assignment.partition("=")
            given[name] = value
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        # Settings by variables, in a home of their own without a configuration file.
        self.variables = {**self.environment, **given, "HOME": str(self.home / "bare")}
        self.set_up(given)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def set_up(self, given):
        config = self.home / ".config/spotinst-cred/config.toml"
        config.parent.mkdir(parents=True)
        (self.home / "bare").mkdir()
        config.write_text(CONFIG.format(**given))
        (self.home / "password").write_text(given["SPOTINST_PASSWORD"])
        (self.home / "client-secret").write_text(given["SPOTINST_CLIENT_SECRET"])

    def warm(self, program):
        """Makes every later call a hit, by file and by variables."""
        for environment in (self.environment, self.variables):
            subprocess.run([program], env=environment, stdout=subprocess.DEVNULL, check=True)

    def forget(self):
        """Makes the next call a cold one."""
        shutil.rmtree(self.home / ".cache", ignore_errors=True)

    def requests(self):
        return len(self.log.read_text().splitlines())
