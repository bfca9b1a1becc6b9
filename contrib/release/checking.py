"""What the checks of a release share: the user who installs it, what must be there and be gone, and a server."""

import contextlib
import filecmp
import functools
import gzip
import http.server
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIST = ROOT / "target/dist"
ASSETS = DIST / "assets"
DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


class User:
    """A user: an account, a directory, the URL of the published release, and a processor.

    `emulator` is the start of a command that runs its programs here.
    """

    def __init__(self, directory, service, version, url, arch=platform.machine(), emulator=()):
        self.directory, self.service, self.version, self.url = directory, service, version, url
        self.arch, self.emulator, self.program = arch, emulator, DIST / arch / "spotinst-cred"

    def place(self, name):
        place = self.directory / name
        place.mkdir()
        return place

    def uses(self, program):
        """The program is the one that was built, it runs, and it gets a token."""
        expect(filecmp.cmp(program, self.program, shallow=False), f"{program} is another program")
        self.calls([*self.emulator, program])

    def calls(self, command):
        """The same of a command that starts it."""
        printed = run([*command, "--version"]).strip()
        expect(printed == f"spotinst-cred {self.version}", f"--version prints {printed}")
        before = self.service.requests()
        token = run(command, **self.service.variables, SPOTINST_CRED_CACHE_DIR=tempfile.mkdtemp(dir=self.directory))
        expect(token.count(".") == 2, f"the token is {token!r}")
        expect(self.service.requests() == before + 1, "the token does not come from the service")


def has_pages(prefix, zsh="site-functions"):
    """A man page, compressed or not, and completions."""
    page = prefix / "share/man/man1/spotinst-cred.1"
    compressed = page.with_name(f"{page.name}.gz")
    text = gzip.decompress(compressed.read_bytes()) if compressed.exists() else page.read_bytes()
    expect(text == (ROOT / "contrib/man/spotinst-cred.1").read_bytes(), "the man page is another one")
    completions = ROOT / "contrib/completions"
    same(prefix / "share/bash-completion/completions/spotinst-cred", completions / "spotinst-cred.bash")
    same(prefix / "share/fish/vendor_completions.d/spotinst-cred.fish", completions / "spotinst-cred.fish")
    same(prefix / f"share/zsh/{zsh}/_spotinst-cred", completions / "_spotinst-cred")


def has_documents(directory):
    same(directory / "README.md", ROOT / "README.md")
    has_licenses(directory)


def has_licenses(directory):
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        same(directory / name, ROOT / name)
    same(directory / "THIRD-PARTY-LICENSES", ASSETS / "THIRD-PARTY-LICENSES")


def same(file, source):
    expect(filecmp.cmp(file, source, shallow=False), f"{file} is not {source}")


def tree(directory):
    return {path.relative_to(directory) for path in directory.rglob("*")}


def leaves_nothing(before, directory, *except_below):
    """Nothing new is in a directory; a package manager's own files, below those paths, do not count."""
    left = {path for path in tree(directory) - before if not any(path.is_relative_to(own) for own in except_below)}
    expect(not left, f"left behind: {sorted(map(str, left))}")


def leaves_no_files(before, directory, *except_below):
    """The same, where a package manager keeps the directories that it made."""
    leaves_nothing(before | {path for path in tree(directory) if (directory / path).is_dir()}, directory, *except_below)


def expect(condition, why):
    if not condition:
        sys.exit(f"release: {sys._getframe(1).f_code.co_name}: {why}")


def run(command, input=None, cwd=None, **environment):
    environment = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    ended = subprocess.run(command, env=environment, input=input, cwd=cwd, text=True, capture_output=True)
    if ended.returncode != 0:
        line = " ".join(map(str, command))
        sys.exit(f"release: exit status {ended.returncode} of {line}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def as_root():
    return [] if os.geteuid() == 0 else ["sudo"]


def manifest():
    """The program's Cargo.toml, as Cargo reads it."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps"]
    packages = json.loads(subprocess.check_output(command, cwd=ROOT))["packages"]
    return next(package for package in packages if package["name"] == "spotinst-cred")


def index(directory):
    """A directory to publish: the release, and an index for pip."""
    published = directory / "published"
    (published / "simple/spotinst-cred").mkdir(parents=True)
    (published / "assets").symlink_to(ASSETS)
    for file in ASSETS.glob("*.whl"):
        (published / "simple/spotinst-cred" / file.name).symlink_to(file)
    return published


@contextlib.contextmanager
def serve(directory):
    handler = functools.partial(Quiet, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
