"""Wall time by hyperfine, instructions by callgrind, system calls by strace."""

import dataclasses
import json
import re
import shlex
import statistics
import subprocess

# A machine's speed drifts, so all take turns, in short rounds.
ROUNDS = 40
RUNS = 20
RUNS_OF_SLOW = 3
SLOW = 0.1


@dataclasses.dataclass
class Command:
    arguments: list
    environment: dict = dataclasses.field(default_factory=dict)
    before_each: list = dataclasses.field(default_factory=list)
    """What is run before each run, and not measured."""


def ratios(commands, directory):
    """The wall time of each command, by its name, as a multiple of the first one's: the median of the rounds, in each
    of which it is compared with the first one's of that round."""
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
    """The wall time of one command, the median of its runs."""
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
    """Instructions that one call takes in user space."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program]
    text = subprocess.run(valgrind, env=environment, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", text)[1])


def system_calls(program, environment):
    """System calls of one call, its start and end included."""
    text = subprocess.run(["strace", "-f", program], env=environment, check=True, capture_output=True, text=True).stderr
    return sum(1 for line in text.splitlines() if re.match(r"\w+\(", line))
