"""Where the distributed system's time goes, and what more replicas of a service bring: all on the same cores.

python -m benchmarks.scaling
"""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psutil

from benchmarks.embedded import WARM_UP_SECONDS, Client, creating, fill, getting, sign_in, wait_for
from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.http_load import Measured, Requests, measure_apart
from sigdep.testing.running_server import RunningServer, running_server

SECONDS: Final = 6.0
ROUNDS: Final = 2
TASKS: Final = 2_000

REPLICAS: Final[Mapping[str, tuple[str, ...]]] = {
    "one of each": (),
    "two of tasks.write": ("tasks.write=2",),
    "two of tasks.read": ("tasks.read=2",),
    "two of each": ("tasks.write=2", "tasks.read=2", "users.write=2", "users.read=2"),
}


def processor_seconds(server: RunningServer) -> dict[str, float]:
    """What each part of the cluster has worked so far; replicas of a role, and all processes of an engine, together."""
    seconds: dict[str, float] = defaultdict(float)
    for process in psutil.Process(server.process_id).children(recursive=True):
        with suppress(psutil.Error):
            command = process.cmdline()
            part = command[command.index("run") + 1] if "run" in command else process.name()
            seconds[part] += _worked(process)
    for process in psutil.process_iter():  # PostgreSQL makes itself independent.
        with suppress(psutil.Error):
            if process.name() == "postgres" and str(server.data) in " ".join(process.cmdline()):
                seconds["postgres"] += _worked(process)
                for child in process.children(recursive=True):
                    with suppress(psutil.Error):
                        seconds["postgres"] += _worked(child)
    return dict(seconds)


def _worked(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _load(server: RunningServer, load: tuple[Client, Requests], status: str) -> tuple[Measured, Mapping[str, float]]:
    """The quickest round, and microseconds of each part for each of its requests."""
    found: list[tuple[Measured, Mapping[str, float]]] = []
    client, requests = load
    for _ in range(ROUNDS):
        before = processor_seconds(server)
        measured = measure_apart(client.load(seconds=SECONDS), requests)
        if measured.errors or set(measured.statuses) != {status}:
            raise RuntimeError(f"Not every answer was {status}: {measured.statuses}, {measured.errors}")
        answered = measured.requests * (SECONDS + WARM_UP_SECONDS) / SECONDS
        after = processor_seconds(server)
        found.append((measured, {part: (now - before.get(part, 0.0)) / answered * 1e6 for part, now in after.items()}))
    return max(found, key=lambda one: one[0].per_second)


def _parts(parts: Mapping[str, float]) -> list[Figure]:
    whole = sum(parts.values())
    figures = [Figure(name="  processor time of all parts", value=whole, unit="us")]
    for part, worked in sorted(parts.items(), key=lambda one: -one[1]):
        if worked >= 1:
            figures.append(Figure(name=f"    {part}", value=worked, unit="us", against="all", other=whole))
    return figures


def measure(replicas: tuple[str, ...]) -> list[tuple[str, Measured, Mapping[str, float]]]:
    options = ("--no-limits", *(option for one in replicas for option in ("--replicas", one)))
    with running_server(mode="cluster", options=options, log_level="warning") as server:
        client = sign_in(server)
        post = _load(server, creating(client), "201")
        ids, position = fill(client, TASKS)
        wait_for(client, position)
        get = _load(server, getting(client, ids), "200")
    return [("POST /api/tasks", *post), ("GET /api/tasks/{id}", *get)]


def run() -> list[Figure]:
    figures: list[Figure] = []
    alone: dict[str, float] = {}
    for name, replicas in REPLICAS.items():
        for request, measured, parts in measure(replicas):
            figures.append(
                Figure(
                    name=f"{request}, {name}",
                    value=measured.per_second,
                    unit="/s",
                    against="one of each" if request in alone else "",
                    other=alone.get(request),
                )
            )
            alone.setdefault(request, measured.per_second)
            if not replicas:
                figures += _parts(parts)
    return figures


def main() -> None:
    figures = run()
    print_figures("Scaling", figures)
    print(f"\nKept in {keep_figures('scaling', figures)}")


if __name__ == "__main__":
    main()
