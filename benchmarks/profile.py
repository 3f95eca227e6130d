"""Where the time of a request goes: a sampling profile of the embedded server under load, summed up by part.

python -m benchmarks.profile

Shares are of the samples of the event loop's thread, which is what a request waits for; the last lines are what the
other threads did beside it.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.embedded import Client, creating, fill, getting, sign_in, wait_for
from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.http_load import Requests, measure_apart
from sigdep.testing.running_server import RunningServer, running_server

SECONDS: Final = 10
SAMPLES_A_SECOND: Final = 400
TASKS: Final = 2_000

PARTS: Final = (
    ("event store: insert and commit", ("EventWriter.", "Transaction.", "EventMemory.", "write_rows ")),
    ("event store: seal, hash", ("Codec.seal", "AesGcmKey.seal", "digest ")),
    ("projection", ("Projector.", "Build.", "TableWriter.", "ReadWriter.")),
    ("decide: the command and its unit of work", ("TasksWrite.", "TaskWrites.")),
    ("ask: the query and its rows", ("TasksRead.", "TaskReads.")),
    ("answer: encode and send", ("TypedEndpoint._reply", "send_reply ")),
    ("body: read and check", ("TypedEndpoint._prepare",)),
    ("identity and roles", ("Identified._identify", "UsersIdentities.")),
    ("edge: exchange, route, deadline, metrics, typed layer", ("Edge.", "TypedEndpoint.")),
    ("HTTP: uvicorn, httptools", ("HttpToolsProtocol.", "GatewayProtocol.", "RequestResponseCycle.")),
)
"""Each part with the frames that mark it. A sample belongs to the innermost frame that marks any."""

OTHER: Final = "event loop and the rest"
IDLE: Final = "_worker "
"""A thread of a pool that waits for work."""


def parts_of(profile: str) -> tuple[Counter[str], Counter[str]]:
    """Samples by part: of the event loop's thread, and of all others.

    `profile`: lines of `frame;frame;… count`, the outermost frame first.
    """
    loop: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for line in profile.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if frames[-1].startswith(IDLE):
            continue
        samples = loop if any(frame.startswith("Runner.run ") for frame in frames) else others
        samples[_part(frames)] += int(count)
    return loop, others


def _part(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        for part, marks in PARTS:
            if frame.startswith(marks):
                return part
    return OTHER


def profile(server: RunningServer, load: tuple[Client, Requests]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "profile"
        command = [str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(server.process_id)]
        command += ["--rate", str(SAMPLES_A_SECOND), "--duration", str(SECONDS), "--format", "raw"]
        with subprocess.Popen([*command, "--output", str(output)], stdout=subprocess.DEVNULL) as recording:
            client, requests = load
            measure_apart(client.load(seconds=SECONDS), requests)
            if recording.wait() != 0:
                raise RuntimeError("py-spy could not look into the server; it may need to run as root.")
        return output.read_text()


def figures_of(title: str, found: str) -> list[Figure]:
    loop, others = parts_of(found)
    whole = loop.total()
    figures = [Figure(name=f"{title}: samples", value=whole, unit="")]
    figures += [Figure(name=f"  {part}", value=100 * count / whole, unit="%") for part, count in loop.most_common()]
    figures += [Figure(name=f"  beside: {part}", value=100 * n / whole, unit="%") for part, n in others.most_common(3)]
    return figures


def main() -> None:
    with running_server(log_level="warning") as server:
        client = sign_in(server)
        figures = figures_of("POST /api/tasks", profile(server, creating(client)))
        ids, position = fill(client, TASKS)
        wait_for(client, position)
        time.sleep(1)
        figures += figures_of("GET /api/tasks/{id}", profile(server, getting(client, ids)))
    print_figures("Where the time of a request goes", figures)
    print(f"\nKept in {keep_figures('profile', figures)}")


if __name__ == "__main__":
    main()
