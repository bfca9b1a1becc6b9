"""Wall time by hyperfine, instructions by callgrind, system calls by strace."""

import json
import re
import shlex
import subprocess

# A machine's speed drifts, so all take turns, in rounds.
ROUNDS = 8
RUNS = 100
RUNS_OF_SLOW = 3
SLOW = 0.1


def wall_times(commands, directory):
    """The wall time in seconds of each command (arguments and environment), by its name."""
    slow = {name: seconds(command, RUNS_OF_SLOW, directory) for name, command in commands.items()}
    times = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            if min(slow[name]) < SLOW:
                times[name] += seconds(command, RUNS, directory)
    return {name: undisturbed(times[name] or slow[name]) for name in commands}


def undisturbed(times):
    """A tenth of the runs are faster than this. What else the machine does makes a run slower and never faster, so
    the fast ones say most about the program."""
    return sorted(times)[len(times) // 10]


def seconds(command, runs, directory):
    """The wall times of one command."""
    arguments, environment = command
    report = directory / "hyperfine.json"
    hyperfine = ["hyperfine", "-N", "--style", "none", "--warmup", "3", "--runs", str(runs)]
    subprocess.run(
        [*hyperfine, "--export-json", report, shlex.join(str(word) for word in arguments)],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(report.read_text())["results"][0]["times"]


def instructions(program, environment):
    """Instructions that one call takes in user space."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program]
    text = subprocess.run(valgrind, env=environment, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", text)[1])


def system_calls(program, environment):
    """System calls of one call, its start and end included."""
    text = subprocess.run(["strace", "-f", program], env=environment, check=True, capture_output=True, text=True).stderr
    return sum(1 for line in text.splitlines() if re.match(r"\w+\(", line))
