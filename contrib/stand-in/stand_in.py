"""The stand-in for scripts that measure: started, ended, and with a home directory that is set up for it."""

import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

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


class StandIn:
    """The token endpoint, and a home directory below `directory` that is set up for it.

    It takes `answer` seconds for an answer, and speaks https if there is a directory for the root to trust.
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

    @property
    def cache(self):
        return self.home / ".cache"

    def forget(self):
        """Makes the next call a cold one."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def requests(self):
        return len(self.log.read_text().splitlines())
