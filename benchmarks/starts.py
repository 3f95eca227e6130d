"""What does it cost to start a service again that was killed: how much of a processor, and how long is it waited for?

    python -m benchmarks.starts [rounds]

The whole system on this machine, with nothing else to do. Each service is killed in turn, `kill -9`. Counted are the
processor time of the process that takes its place until it says that it is fit, all its threads together, which is what
it waits for under load; and the time from the death until then. Services are forked from a process that has loaded
their code; held against the same ones where each begins as an interpreter of its own.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from sigdep.services.distributed.process import GATEWAY, NAMES

ROUNDS: Final = 5
REST_SECONDS: Final = 1.5
"""Between two deaths: with nine services each has run long enough to be started again at once."""

LOOK_SECONDS: Final = 0.01
READY_SECONDS_MAX: Final = 60.0
TICKS: Final = os.sysconf("SC_CLK_TCK")

Fit = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Again:
    """A service is fit again."""

    processor_seconds: float
    seconds: float


async def measure(rounds: int, *, forked: bool) -> Mapping[str, Sequence[Again]]:
    """By the names of services."""
    found = {name: list[Again]() for name in NAMES}
    with temporary_folder() as folder:
        plan = Plan(data=folder / "data", port=free_port(), forked=forked)
        async with running_cluster(plan, lambda _line: None) as cluster:
            for name in NAMES * rounds:
                await asyncio.sleep(REST_SECONDS)
                begun = time.monotonic()
                found[name].append(Again(await _started_again(cluster, name), time.monotonic() - begun))
    return found


def figures_of(forks: Mapping[str, Sequence[Again]], rivals: Mapping[str, Sequence[Again]]) -> list[Figure]:
    against = "of an interpreter of its own"
    figures = [
        Figure(
            name=name,
            value=1_000 * median(one.processor_seconds for one in forks[name]),
            unit="ms of CPU",
            against=against,
            other=1_000 * median(one.processor_seconds for one in rivals[name]),
        )
        for name in NAMES
    ]
    seconds = [median(one.seconds for name in NAMES for one in found[name]) for found in (forks, rivals)]
    return [*figures, Figure(name="fit again", value=seconds[0], unit="s", against=against, other=seconds[1])]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sigdep-bench-") as name:
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        yield Path(name)


async def _started_again(cluster: Cluster, name: str) -> float:
    """Kill it. Gives the processor seconds of the next one when it is fit."""
    program = cluster.programs[name]
    died = program.process_id
    assert died is not None
    os.kill(died, signal.SIGKILL)
    is_fit = _gateway_is_fit(cluster.url) if name == GATEWAY else _service_is_fit(cluster.address(name))
    async with asyncio.timeout(READY_SECONDS_MAX):
        while program.process_id in (None, died) or not await is_fit():  # noqa: ASYNC110  Other processes tell nobody.
            await asyncio.sleep(LOOK_SECONDS)
    assert program.process_id is not None
    return processor_seconds(program.process_id)


def processor_seconds(process_id: int) -> float:
    """Of all its threads, also those that have ended."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _service_is_fit(address: str) -> Fit:
    async def ask() -> bool:
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            try:
                said = await stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=1)
            except grpc.aio.AioRpcError:
                return False
            return bool(said.status == health_pb2.HealthCheckResponse.SERVING)

    return ask


def _gateway_is_fit(url: str) -> Fit:
    async def ask() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                return (await client.get(f"{url}/health/ready", timeout=1)).status_code == 200
            except httpx.TransportError:
                return False

    return ask


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    title = "starts"  # Not by uvloop: it starts no process as another user, and PostgreSQL may have to be one.
    figures = figures_of(*(asyncio.run(measure(rounds, forked=forked)) for forked in (True, False)))
    print_figures(f"{title}: processor time of a service that is started again", figures)
    print(f"  kept in {keep_figures(title, figures)}")


if __name__ == "__main__":
    main()
