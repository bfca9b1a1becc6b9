"""Measures wall time with hyperfine, instructions with callgrind, and system calls with strace."""

import dataclasses
import json
import re
import shlex
import statistics
import subprocess

# The speed of a machine drifts, so all commands take turns in short rounds.
ROUNDS = 40
RUNS = 20
RUNS_OF_SLOW = 3
SLOW = 0.1


@dataclasses.dataclass
class Command:
    arguments: list
    environment: dict = dataclasses.field(default_factory=dict)
    before_each: list = dataclasses.field(default_factory=list)
    """A command that runs before each run and is not measured."""


def ratios(commands, directory):
    """Returns the wall time of each command by name, as a multiple of the first command's: the median of the rounds,
    each compared with the first command's time in the same round."""
    once = {name: seconds(command, RUNS_OF_SLOW, directory) for name, command in commands.items()}
    first, *_ = commands
    found = {name: [] for name in commands}
    for _ in range(ROUNDS):
        times = {
            name: seconds(command, RUNS, directory) if once[name] < SLOW else once[name]
            for name, command in commands.items()
        }
        for name, time in times.items():
            found[name].append(time / times[first])
    return {name: statistics.median(ratios) for name, ratios in found.items()}


def seconds(command, runs, directory):
    """Returns the wall time of one command: the median of its runs."""
    report = directory / "hyperfine.json"
    hyperfine = ["hyperfine", "-N", "--style", "none", "--warmup", "3", "--runs", str(runs)]
    if command.before_each:
        hyperfine += ["--prepare", line(command.before_each)]
    subprocess.run(
        [*hyperfine, "--export-json", report, line(command.arguments)],
        env=command.environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(report.read_text())["results"][0]["median"]


def line(words):
    return shlex.join(str(word) for word in words)


def instructions(program, environment):
    """Returns the user-space instructions of one call."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program]
    text = subprocess.run(valgrind, env=environment, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", text)[1])


def system_calls(program, environment):
    """Returns the number of system calls of one call, including its start and end."""
    text = subprocess.run(["strace", "-f", program], env=environment, check=True, capture_output=True, text=True).stderr
    return sum(1 for line in text.splitlines() if re.match(r"\w+\(", line))
