"""Runs many concurrent callers: cold, and as cache hits for comparison."""

import dataclasses
import os
import statistics
import time

ROUNDS = 3


@dataclasses.dataclass
class Herd:
    requests: int
    """The requests of all cold callers together."""
    ratio: float
    """Their time, relative to as many hits plus the server's response time."""
    spread: float
    """Seconds from the end of the first caller to the end of the last."""
    cpu: float
    """User and system time of one cold caller, in seconds: the median."""


def run(program, stand_in, callers, rounds=ROUNDS):
    """Returns the median of a few rounds."""
    herds = [one(program, stand_in, callers) for _ in range(rounds)]
    return sorted(herds, key=lambda herd: herd.ratio)[rounds // 2]


def one(program, stand_in, callers):
    stand_in.forget()
    before = stand_in.requests()
    cold = start_all(program, stand_in.environment, callers)
    requests = stand_in.requests() - before
    warm = start_all(program, stand_in.environment, callers)
    ends = [end for end, _ in cold.values()]
    return Herd(
        requests=requests,
        ratio=took(cold) / (took(warm) + stand_in.answer),
        spread=max(ends) - min(ends),
        cpu=statistics.median(cpu for _, cpu in cold.values()),
    )


def took(callers):
    return max(end for end, _ in callers.values())


def start_all(program, environment, callers):
    """Starts all callers as fast as possible. Returns, by process id, the end in seconds since the start and CPU time."""
    # Not one descriptor for both: a program whose stdout was closed has one that is open for reading, too.
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.monotonic()
    waited_for = {os.posix_spawn(program, [program], environment, file_actions=streams) for _ in range(callers)}
    ended = {}
    while waited_for:
        process, status, usage = os.wait3(0)
        if process in waited_for:
            if status != 0:
                raise SystemExit(f"a caller failed: wait status {status}")
            waited_for.remove(process)
            ended[process] = (time.monotonic() - begin, usage.ru_utime + usage.ru_stime)
    return ended
