#!/usr/bin/env python3
"""Records contrib/transcript/session.txt: a session at a terminal, in which this script types the answers of a user.

usage: record.py SPOTINST-CRED PROXY-URL CA-FILE

The proxy leads to a stand-in for Spotinst's hosts, with a certificate of that CA.

It prints the transcript. Parts that differ between runs (tokens, durations, names of cache files) are shortened or
replaced; everything else is the program's output. render.py draws a part of it.
"""

import os
import pty
import re
import select
import sys
import tempfile

LIMIT = 60  # seconds; no step takes that long
PROMPT = "$ "

# A command, and what to type when a text is shown.
SESSION = [
    ("spotinst-cred", []),
    (
        "spotinst-cred login",
        [
            ("User name: ", "ada@example.com"),
            ("Client id: ", "client-1"),
            ("Choose [1]: ", ""),
            ("Client secret (not shown): ", "s3cr3t/+=&"),
            ("Choose [1]: ", ""),
            ("Password (not shown): ", "correct horse & 100% + ="),
            ("Choose [none]: ", "1"),
        ],
    ),
    ("spotinst-cred", []),
    ("spotinst-cred exec -- env | grep -E '^SPOTINST_(ACCOUNT|TOKEN)=' | sort", []),
    ("cat ~/.config/spotinst-cred/config.toml | sed 's/^client_secret = .*/client_secret = \"…\"/'", []),
    ("spotinst-cred status --check", []),
    ("spotinst-cred --force-refresh | spotinst-cred invalidate -v", []),
    ("spotinst-cred logout", []),
    ("spotinst-cred", []),
]


def run(command, answers, environment):
    """Runs one command at its own terminal. Returns its output."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("sh", ["sh", "-c", command], environment)
    shown, read, left = b"", 0, list(answers)
    while select.select([terminal], [], [], LIMIT)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux reports the end of a terminal as an error.
            break
        if not data:
            break
        shown += data
        while left and left[0][0].encode() in shown[read:]:
            question, answer = left.pop(0)
            read = shown.index(question.encode(), read) + len(question.encode())
            os.write(terminal, answer.encode() + b"\n")
    else:
        sys.exit(f"record.py: no end of {command}: {shown!r}")
    os.waitpid(child, 0)
    if left:
        sys.exit(f"record.py: {command} never asked {left[0][0]!r}: {shown!r}")
    return shown.decode().replace("\r", "")


def steady(text, home):
    """Returns the text without the parts that differ between runs."""
    text = text.replace(home, "/home/ada")
    text = re.sub(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9…", text)
    text = re.sub(r"\b[0-9a-f]{32}\.", "665997d7….", text)
    # On a machine under load, the program may report that it waits.
    text = re.sub(r"^spotinst-cred: waiting for .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"(fresh), [0-9].* left", r"\1, 1h 59m left", text)
    return re.sub(r"(alive), [0-9].* left", r"\1, 13days 23h left", text)


def main():
    program, proxy, ca_file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "HOME": home,
            "PATH": os.path.dirname(os.path.abspath(program)) + ":" + os.environ["PATH"],
            "NO_COLOR": "1",
            "HTTPS_PROXY": proxy,
            "SSL_CERT_FILE": ca_file,
        }
        parts = [f"{PROMPT}{command}\n{run(command, answers, environment)}" for command, answers in SESSION]
        sys.stdout.write(steady("\n".join(parts), home))


main()
