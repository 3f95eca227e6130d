"""What figures and traces cost: processor time of the server for each POST, by turns in one run.

python -m benchmarks.observing
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from benchmarks.embedded import WARM_UP_SECONDS, Client, creating, sign_in
from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.http_load import measure_apart
from sigdep.testing.otlp_sink import otlp_sink
from sigdep.testing.running_server import RunningServer, running_server

ROUNDS: Final = 12
LOAD_SECONDS: Final = 0.7
CONNECTIONS: Final = 8
"""Enough that appends share commits, few enough that how many do does not decide what a request costs."""

NOTHING: Final = "neither figures nor traces"
FIGURES: Final = "figures"
RATIOS: Final = {"traces 0 %": 0.0, "traces 1 %": 0.01, "traces 10 %": 0.1, "traces 100 %": 1.0}


@contextmanager
def servers() -> Iterator[dict[str, tuple[RunningServer, Client]]]:
    """One of each kind, all running: a turn of one is soon followed by the turns of the others."""
    with ExitStack() as stack:
        sink = stack.enter_context(otlp_sink())
        bare = (sys.executable, "-m", "benchmarks.unobserved")
        running = {
            NOTHING: stack.enter_context(running_server(log_level="warning", program=bare)),
            FIGURES: stack.enter_context(running_server(log_level="warning")),
        }
        for name, ratio in RATIOS.items():
            settings = {"otlp_endpoint": sink.url, "trace_ratio": ratio}
            running[name] = stack.enter_context(running_server(log_level="warning", **settings))
        yield {name: (server, sign_in(server)) for name, server in running.items()}


def cpu_us(server: RunningServer, client: Client) -> float:
    """Of the server's process for each request."""
    before = server.cpu_seconds
    measured = measure_apart(client.load(CONNECTIONS, LOAD_SECONDS), creating(client)[1])
    if measured.errors or set(measured.statuses) != {"201"}:
        raise RuntimeError(f"Not every answer was 201: {measured.statuses}, {measured.errors}")
    # Those of the warming up, which are not counted, have cost as much.
    answered = measured.requests * (LOAD_SECONDS + WARM_UP_SECONDS) / LOAD_SECONDS
    return (server.cpu_seconds - before) / answered * 1e6


def run() -> list[Figure]:
    rounds: list[dict[str, float]] = []
    with servers() as running:
        for turn in range(ROUNDS):
            names = list(running)
            names = names[turn % len(names) :] + names[: turn % len(names)]  # Nobody always comes first.
            rounds.append({name: cpu_us(*running[name]) for name in names})
    figures = []
    for name in rounds[0]:
        against = NOTHING if name == FIGURES else FIGURES
        # Where others on the machine disturbed least: what they do costs us our caches too.
        mine, other = (min(one[kind] for one in rounds) for kind in (name, against))
        if name == NOTHING:
            figures.append(Figure(name=name, value=mine, unit="us/POST"))
        else:
            figures.append(Figure(name=name, value=mine, unit="us/POST", against=against, other=other))
    return figures


def main() -> None:
    figures = run()
    print_figures("What figures and traces cost", figures)
    print(f"\nKept in {keep_figures('observing', figures)}")


if __name__ == "__main__":
    main()
