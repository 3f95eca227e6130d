"""Parts of the distributed system die, stop and forget under load: what was acknowledged stays, once, and is read."""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from sigdep.services.distributed.cluster import Cluster, Plan, running_cluster
from sigdep.services.distributed.engines.processes import EngineMissing, free_port
from tests.system.conftest import LONG, Say
from tests.system.ledger import Write, Writer, all_writes
from tests.system.person import Person, signed_up
from tests.system.test_killed_server import Memory, compare, compare_with_list

ROUNDS: Final = 5 if LONG else 1
"""Of every fault."""

CLIENTS: Final = 20 if LONG else 8
PAUSE_SECONDS: Final = 0.2
"""Of each client between two writes: some 50 to 100 commands a second of all of them."""

STOPPED_SECONDS: Final = 30.0 if LONG else 4.0
AWAY_SECONDS: Final = 20.0 if LONG else 3.0
READY_SECONDS_MAX: Final = 60.0
RETRY_SECONDS: Final = 0.05
TRIES_MAX: Final = 4_000

Fault = Callable[[Cluster], Awaitable[None]]


class Client(Writer):
    """Repeats what was not acknowledged, as a good client does, until it is."""

    def __init__(self, name: str, seed: int) -> None:
        super().__init__(name, seed)
        self.refusals: Counter[int] = Counter()

    async def write_until(self, person: Person, over: asyncio.Event) -> None:
        while not over.is_set():
            write = self._next()
            self.writes.append(write)
            await self._insist(write, person)
            if write.path == "/api/tasks":
                self._tasks.append(write.body["id"])
            await asyncio.sleep(PAUSE_SECONDS)

    async def _insist(self, write: Write, person: Person) -> None:
        for _ in range(TRIES_MAX):
            try:
                answer = await person.client.request(
                    write.method, write.path, json=write.body, headers={"Idempotency-Key": write.key}
                )
            except httpx.TransportError:  # The gateway itself has died.
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if answer.status_code in (200, 201):
                write.answer = answer
                return
            self.refusals[answer.status_code] += 1
            assert answer.status_code == 503, f"{write} → {answer.status_code}: {answer.text}"
            assert int(answer.headers["Retry-After"]) >= 1
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError(f"{write} was never acknowledged.")


def _kill(name: str) -> Fault:
    async def fault(cluster: Cluster) -> None:
        process_id = cluster.programs[name].process_id
        assert process_id is not None
        os.kill(process_id, signal.SIGKILL)

    return fault


def _stop(name: str) -> Fault:
    async def fault(cluster: Cluster) -> None:
        process_id = cluster.programs[name].process_id
        assert process_id is not None
        os.kill(process_id, signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        os.kill(process_id, signal.SIGCONT)

    return fault


async def _crash_postgresql(cluster: Cluster) -> None:
    server = cluster.postgresql
    process_id = int((server.folder / "postmaster.pid").read_text().split()[0])
    os.kill(process_id, signal.SIGQUIT)  # At once, without a checkpoint: it must recover.
    await server.start(())


async def _empty_broker(cluster: Cluster) -> None:
    """Gone, and back with nothing of what it held."""
    broker, process_id = cluster.broker, cluster.programs[BROKER].process_id
    assert broker is not None
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    await asyncio.sleep(AWAY_SECONDS)
    broker.folder.rename(broker.folder.with_name(f"before-{time.monotonic_ns()}"))
    os.kill(process_id, signal.SIGKILL)


BROKER: Final = os.environ.get("SIGDEP_BROKER", "nats")
KILLED: Final = ("gateway", "tasks.write", "tasks.read", "users.write", "users.read", BROKER)
STOPPED: Final = ("tasks.read", "tasks.write")
FAULTS: Final[Mapping[str, Fault]] = {
    **{f"kill -9 of {name}": _kill(name) for name in KILLED},
    **{f"{name} stopped for {STOPPED_SECONDS:g} s": _stop(name) for name in STOPPED},
    "crash of PostgreSQL": _crash_postgresql,
    f"broker away for {AWAY_SECONDS:g} s, and back empty": _empty_broker,
}


@asynccontextmanager
async def _cluster(say: Say) -> AsyncIterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="sigdep-chaos-") as name:
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        plan = Plan(data=Path(name) / "data", port=free_port(), broker=BROKER, settings={"SIGDEP_LIMITS": "false"})
        try:
            async with running_cluster(plan, lambda _line: None) as cluster:
                yield cluster
        except EngineMissing as missing:
            if os.environ.get("CI") == "true":
                pytest.fail(str(missing), pytrace=False)
            pytest.skip(str(missing))


@pytest.mark.timeout(120 + 90 * ROUNDS * len(FAULTS))
async def test_nothing_acknowledged_is_lost_or_doubled_whatever_dies(say: Say) -> None:
    seed = int(os.environ.get("SIGDEP_SEED", random.SystemRandom().randrange(2**32)))
    chance = random.Random(seed)
    clients = [Client(f"w{number}", chance.randrange(2**32)) for number in range(CLIENTS)]
    faults = [name for _ in range(ROUNDS) for name in FAULTS]
    chance.shuffle(faults)
    memory, over = Memory(), asyncio.Event()
    async with _cluster(say) as cluster, signed_up(cluster.url) as ada:
        writing = [asyncio.create_task(client.write_until(ada, over)) for client in clients]
        ready: list[float] = []
        for number, name in enumerate(faults, 1):
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            await FAULTS[name](cluster)
            ready.append(await _until_answered(ada))
            say(f"seed {seed}, {number}. {name}: ready again after {ready[-1]:.2f} s")
            _raise_what_failed(writing)
        over.set()
        await asyncio.gather(*writing)
        await memory.read_on(ada)
        compare(clients, memory, f"seed {seed}, at the end")
        await ada.read("/api/tasks", limit=1)
        await compare_with_list(ada, clients, memory)
        refusals = sum((client.refusals for client in clients), Counter[int]())
        count = sum(1 for _ in all_writes(clients))
        say(
            f"{count} writes acknowledged, refused meanwhile: {dict(refusals)}; ready again at worst {max(ready):.2f} s"
        )
        assert set(refusals) <= {503}


async def _until_answered(person: Person) -> float:
    """Seconds until something new can be written, and every reading side answers, this write included."""
    begun = time.monotonic()
    while not await _is_answered(person):
        assert time.monotonic() - begun < READY_SECONDS_MAX, "The system is not ready again."
        await asyncio.sleep(RETRY_SECONDS)
    return time.monotonic() - begun


async def _is_answered(person: Person) -> bool:
    try:
        made = await person.client.post("/api/labels", json={"name": f"l{time.monotonic_ns()}"})
        if made.status_code != 201:
            return False
        position = {"Sigdep-Min-Position": made.headers["Sigdep-Position"]}
        reads = [
            await person.client.get(path, headers=headers)
            for path, headers in (("/api/labels?limit=1", position), ("/api/workspaces", {}), ("/api/feed?limit=1", {}))
        ]
    except httpx.TransportError:
        return False
    return all(read.status_code == 200 for read in reads)


def _raise_what_failed(writing: list[asyncio.Task[None]]) -> None:
    for task in writing:
        if task.done():
            task.result()
