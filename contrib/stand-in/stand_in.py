"""Starts and stops the stand-in for the benchmark and the release, with a home directory that is set up for it."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

# A configuration of realistic size, as every cache hit reads it.
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


class StandIn:
    """The token endpoint, and a home directory below `directory` that is set up for it.

    It waits `answer` seconds before each reply. With `tls_directory` it serves https and writes the root certificate
    there.
    """

    def __init__(self, program, directory, answer=0, tls_directory=None):
        self.program, self.answer, self.tls_directory = program, answer, tls_directory
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="home-", dir=directory))
        self.log = self.home / "requests"

    def __enter__(self):
        arguments = ["--until-eof", "--answer-after", str(int(self.answer * 1000)), "--expires-in", "864000"]
        if self.tls_directory:
            arguments += ["--tls-dir", self.tls_directory]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        variables = {}
        while "SPOTINST_CLIENT_SECRET" not in variables:
            (_, assignment) = shlex.split(self.process.stdout.readline())
            name, _, value = assignment.partition("=")
            variables[name] = value
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        # All settings in variables, with a home that has no configuration file.
        self.variables = {**self.environment, **variables, "HOME": str(self.home / "bare")}
        self.set_up(variables)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def set_up(self, variables):
        config = self.home / ".config/spotinst-cred/config.toml"
        config.parent.mkdir(parents=True)
        (self.home / "bare").mkdir()
        config.write_text(CONFIG.format(**variables))
        (self.home / "password").write_text(variables["SPOTINST_PASSWORD"])
        (self.home / "client-secret").write_text(variables["SPOTINST_CLIENT_SECRET"])

    def warm(self, program):
        """Makes every later call a cache hit, with the configuration file and with variables."""
        for environment in (self.environment, self.variables):
            subprocess.run([program], env=environment, stdout=subprocess.PIPE, check=True)

    @property
    def cache(self):
        return self.home / ".cache"

    def forget(self):
        """Empties the cache, so that the next call needs a new token."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def requests(self):
        return len(self.log.read_text().splitlines())
