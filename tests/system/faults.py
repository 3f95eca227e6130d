"""A cluster whose parts die, stop and forget, and whether it answers again."""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx

from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from tests.conftest import missing_servers_skip
from tests.system.installations import need_broker
from tests.system.person import Person

READY_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.02

STEADY_SECONDS: Final = 0.7
STEADY_LOOKS_MAX: Final = 10

PREFERENCES: Final = "/api/notification-preferences"

Fault = Callable[[Cluster], Awaitable[None]]


def seed_of_this_run() -> int:
    """By which a run can be repeated: SIGDEP_SEED, or another one each time."""
    return int(os.environ.get("SIGDEP_SEED", random.SystemRandom().randrange(2**32)))


@asynccontextmanager
async def chaos_cluster(**plan: object) -> AsyncIterator[Cluster]:
    """
    Args:
        plan: what is to be otherwise than usual, see Plan.
    """
    with tempfile.TemporaryDirectory(prefix="sigdep-chaos-") as name:
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        usual = Plan(data=Path(name) / "data", port=free_port(), settings={"SIGDEP_LIMITS": "false"})
        planned = replace(usual, **plan)  # type: ignore[arg-type]
        need_broker(planned.broker)
        with missing_servers_skip():
            async with running_cluster(planned, lambda _line: None) as cluster:
                yield cluster


async def process_of(cluster: Cluster, name: str) -> int:
    """Of one that may just be started again."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while (process_id := cluster.programs[name].process_id) is None:
            await asyncio.sleep(LOOK_SECONDS)
    return process_id


def kill(name: str) -> Fault:
    async def fault(cluster: Cluster) -> None:
        os.kill(await process_of(cluster, name), signal.SIGKILL)

    return fault


def stop(name: str, seconds: float) -> Fault:
    """It sleeps for so long, and wakes without knowing."""

    async def fault(cluster: Cluster) -> None:
        process_id = await process_of(cluster, name)
        os.kill(process_id, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(process_id, signal.SIGCONT)

    return fault


Question = Callable[[Person, int], Awaitable[bool]]
"""Whether a part of the system answers; the number is another one each time."""


async def until_answered(person: Person) -> float:
    """Seconds until something new can be written and read in every context.

    Each is asked by itself: how long many questions take one after the other says more of the load than of an outage.
    """
    begun = time.monotonic()
    await asyncio.gather(*(_until_answered(question, person, name) for name, question in QUESTIONS.items()))
    return time.monotonic() - begun


async def until_steady(person: Person) -> None:
    """Return once everything is answered as soon as under this load alone; after so many looks, in any case."""
    for _ in range(STEADY_LOOKS_MAX):
        if await until_answered(person) < STEADY_SECONDS:
            return


async def _until_answered(question: Question, person: Person, name: str) -> None:
    begun = time.monotonic()
    while not await _is_answered(question, person):
        assert time.monotonic() - begun < READY_SECONDS_MAX, f"Not ready again: {name}."
        await asyncio.sleep(LOOK_SECONDS)


async def is_answered(person: Person) -> bool:
    """Whether every context is, at once."""
    return all(await asyncio.gather(*(_is_answered(question, person) for question in QUESTIONS.values())))


async def _is_answered(question: Question, person: Person) -> bool:
    try:
        return await question(person, time.monotonic_ns())
    except httpx.TransportError:
        return False


async def _label(person: Person, stamp: int) -> bool:
    return await _is_written_and_read(person, "POST", "/api/labels", {"name": f"l{stamp}"}, "/api/labels?limit=1")


async def _name(person: Person, stamp: int) -> bool:
    return await _is_written_and_read(person, "PATCH", "/api/users/me", {"name": f"A {stamp}"}, "/api/users/me")


async def _calendar(person: Person, stamp: int) -> bool:
    return await _is_written_and_read(person, "POST", "/api/calendars", {"name": f"c{stamp}"}, "/api/calendars?limit=1")


async def _preferences(person: Person, stamp: int) -> bool:
    body = {"time_zone": f"Etc/GMT-{stamp % 14}"}
    return await _is_written_and_read(person, "PATCH", PREFERENCES, body, PREFERENCES)


async def _feed(person: Person, _stamp: int) -> bool:
    return (await person.client.get("/api/feed?limit=1")).status_code == 200


QUESTIONS: Final[Mapping[str, Question]] = {
    "tasks": _label,
    "users": _name,
    "calendar": _calendar,
    "notifications": _preferences,
    "feed": _feed,
}
"""Each is something that only the services of that context can answer now: what was written is read by its position."""


async def _is_written_and_read(person: Person, method: str, path: str, body: object, reading: str) -> bool:
    made = await person.client.request(method, path, json=body)
    if made.status_code not in (200, 201):
        return False
    read = await person.client.get(reading, headers={"Sigdep-Min-Position": made.headers["Sigdep-Position"]})
    return read.status_code == 200


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
