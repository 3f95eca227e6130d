"""Parts of the distributed system die, stop and forget under load: what was acknowledged stays, once, and is read.

Rounds, and how long something is away, are few and short in `make test`; `make chaos` runs all of them. Either prints
the seed by which it can be repeated.
"""

import asyncio
import os
import random
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

import nats
import pytest
import redis.asyncio as redis

from sigdep.services.distributed.cluster import Cluster
from sigdep.services.distributed.process import NAMES
from sigdep.services.distributed.roles import ROLES
from tests.system.chaos_load import Load
from tests.system.cluster_proof import (
    each_erased_workspace_is_forgotten_once,
    parked,
    poison,
    rows_are_what_a_replay_gives,
)
from tests.system.conftest import LONG, Say
from tests.system.faults import (
    Fault,
    chaos_cluster,
    kill,
    percentile,
    process_of,
    seed_of_this_run,
    stop,
    until_answered,
    until_steady,
)
from tests.system.installations import BROKER
from tests.system.person import signed_up
from tests.system.reminder_sink import reminder_sink

ROUNDS: Final = int(os.environ.get("SIGDEP_ROUNDS", "50" if LONG else "1"))
"""Of kill -9 of each service."""
OTHER_ROUNDS: Final = min(ROUNDS, 10)
"""Of what takes longer: a database that recovers, half a minute of sleep."""
AWAY_ROUNDS: Final = min(ROUNDS, 2)
"""Of a broker that is away for a minute."""

PEOPLE: Final = 4 if LONG else 2
CLIENTS_OF_EACH: Final = 5 if LONG else 2

STOPPED_SECONDS: Final = 30.0 if LONG else 3.0
"""Once each; then for less, but for longer than a lease lasts: that nobody else came, or who, is seen by then."""
STOPPED_SOON_SECONDS: Final = 5.0
AWAY_SECONDS: Final = 60.0 if LONG else 3.0
RATE_MIN: Final = 50.0
"""Acknowledged writes a second, outages included, where all rounds are run."""

READY_SECONDS: Final = 3.0
"""p99 after kill -9, where all rounds are run."""


SLEEPS: Final = min(ROUNDS, 3)
"""Of each role: its process sleeps through the end of its leases, and wakes without knowing. All but the first are
short."""

REPEATED_MESSAGES: Final = 200
FAULT_SECONDS_MAX: Final = 90.0


async def _crash_postgresql(cluster: Cluster) -> None:
    server = cluster.postgresql
    process_id = int((server.folder / "postmaster.pid").read_text().split()[0])
    os.kill(process_id, signal.SIGQUIT)  # At once, without a checkpoint: it must recover.
    await server.start(())


async def _empty_broker(cluster: Cluster) -> None:
    """Gone, and back with nothing of what it held."""
    broker = cluster.broker
    assert broker is not None
    process_id = await process_of(cluster, broker.name)
    os.kill(process_id, signal.SIGSTOP)
    await asyncio.sleep(AWAY_SECONDS)
    broker.folder.rename(broker.folder.with_name(f"before-{time.monotonic_ns()}"))
    os.kill(process_id, signal.SIGKILL)


async def _flush_redis(cluster: Cluster) -> None:
    """Everything in it is gone, while it goes on: what it is the broker of, or only helps with."""
    assert cluster.redis is not None
    async with redis.from_url(cluster.redis.url) as client:
        await client.flushall()


async def _repeat_and_shuffle(cluster: Cluster) -> None:
    """Somebody tells the broker again what it has told before, in any order."""
    assert cluster.broker is not None
    dice = random.Random(REPEATED_MESSAGES)
    client = await nats.connect(cluster.broker.url)
    try:
        stream = client.jetstream()
        for topic in ("tasks", "calendar", "notifications", "users"):
            state = (await stream.stream_info(f"sigdep_{topic}")).state
            first = max(state.first_seq, state.last_seq - REPEATED_MESSAGES)
            numbers = range(first, state.last_seq + 1)
            told = await asyncio.gather(*(stream.get_msg(f"sigdep_{topic}", number) for number in numbers))
            for message in dice.sample(told, len(told)):
                own = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
                assert message.subject is not None
                await client.publish(message.subject, message.data or b"", headers=own)
        await client.flush()
    finally:
        await client.close()


def _faults(broker: str) -> Mapping[str, tuple[int, Fault]]:
    """How often each: all of them with BROKER, and those that a broker can have with another one."""
    of_broker: dict[str, tuple[int, Fault]] = {
        f"kill -9 of {broker}": (OTHER_ROUNDS, kill(broker)),
        f"{broker} away for {AWAY_SECONDS:g} s, and back empty": (AWAY_ROUNDS, _empty_broker),
        "kill -9 of tasks.write": (OTHER_ROUNDS, kill("tasks.write")),
    }
    redis_helps = broker != "redis" and shutil.which("redis-server") is not None
    if redis_helps or broker == "redis":
        of_broker["redis flushed"] = (OTHER_ROUNDS, _flush_redis)
    if redis_helps:
        of_broker["kill -9 of redis"] = (OTHER_ROUNDS, kill("redis"))
        of_broker[f"redis asleep for {AWAY_SECONDS:g} s"] = (1, stop("redis", AWAY_SECONDS))
    if broker == "nats":
        of_broker["deliveries repeated and shuffled"] = (OTHER_ROUNDS, _repeat_and_shuffle)
    if broker != BROKER:
        return of_broker
    return {
        **of_broker,
        **{f"kill -9 of {name}": (ROUNDS, kill(name)) for name in (*NAMES, broker)},
        **{f"{name} asleep for {STOPPED_SECONDS:g} s": (1, stop(name, STOPPED_SECONDS)) for name in ROLES},
        **{
            f"{name} asleep for {STOPPED_SOON_SECONDS:g} s": (SLEEPS - 1, stop(name, STOPPED_SOON_SECONDS))
            for name in ROLES
        },
        "crash of PostgreSQL": (OTHER_ROUNDS, _crash_postgresql),
    }


@pytest.mark.parametrize("broker", dict.fromkeys((BROKER, "redis")))
@pytest.mark.timeout(240 + FAULT_SECONDS_MAX * 8 * ROUNDS)
async def test_nothing_acknowledged_is_lost_or_doubled_whatever_dies(broker: str, tmp_path: Path, say: Say) -> None:
    seed = seed_of_this_run()
    faults = _faults(broker)
    order = [(name, fault) for name, (rounds, fault) in faults.items() for _ in range(rounds)]
    random.Random(seed).shuffle(order)
    ready, rate = await _bear(order, seed, tmp_path, say, broker=broker)
    killed = [one for name, seconds in ready.items() if name.startswith("kill") for one in seconds]
    worst = percentile(killed, 99)
    say(f"after {len(killed)} times kill -9: ready again p50 {median(killed):.2f} s, p99 {worst:.2f} s")
    if LONG:
        assert worst < READY_SECONDS
        assert rate >= RATE_MIN


@pytest.mark.timeout(240 + FAULT_SECONDS_MAX * len(ROLES))
async def test_nothing_is_lost_or_doubled_where_another_takes_over(tmp_path: Path, say: Say) -> None:
    """Two of every service: while the one sleeps, its leases end and the other has them; then the other sleeps."""
    seed = seed_of_this_run()
    order = [(f"{role} and its other asleep, one after the other", _both_asleep(role)) for role in ROLES]
    random.Random(seed).shuffle(order)
    await _bear(order[: None if LONG else 2], seed, tmp_path, say, replicas=dict.fromkeys(ROLES, 2))


def _both_asleep(role: str) -> Fault:
    async def fault(cluster: Cluster) -> None:
        await stop(role, STOPPED_SECONDS)(cluster)
        await stop(f"{role}.2", min(STOPPED_SECONDS, STOPPED_SOON_SECONDS))(cluster)

    return fault


async def _bear(
    order: Sequence[tuple[str, Fault]], seed: int, tmp_path: Path, say: Say, **plan: object
) -> tuple[Mapping[str, Sequence[float]], float]:
    """Bring about one fault after the other under load, and look in the end whether all holds.

    Returns: of each, after how many seconds everything answered again; and how many writes a second were acknowledged.
    """
    chance = random.Random(seed)
    ready = dict[str, list[float]]()
    async with AsyncExitStack() as stack:
        sink, sending = await stack.enter_async_context(reminder_sink(tmp_path))
        settings = {f"SIGDEP_{name.upper()}": value for name, value in sending.items()}
        settings |= {"SIGDEP_LIMITS": "false", "SIGDEP_ERASE_GRACE_DAYS": "0"}
        cluster = await stack.enter_async_context(chaos_cluster(settings=settings, **plan))
        load = Load(chance, sink, CLIENTS_OF_EACH)
        people = [await stack.enter_async_context(signed_up(cluster.url, f"P{number}")) for number in range(PEOPLE)]
        await load.begin(people)
        aside = await poison(cluster, people[0])
        for number, (name, fault) in enumerate(order, 1):
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            await until_steady(people[0])  # Who is started takes what two cores have: what is measured is one fault.
            written, begun = load.written, time.monotonic()
            await fault(cluster)
            ready.setdefault(name, []).append(await until_answered(people[0]))
            rate = (load.written - written) / (time.monotonic() - begun)
            told = f"ready again after {ready[name][-1]:.2f} s, {rate:.0f} writes a second meanwhile"
            say(f"seed {seed}, {number} of {len(order)}: {name}: {told}")
            load.raise_what_failed()
        rate = await load.end(say)
        for name, seconds in ready.items():
            say(f"{name}: ready again p50 {median(seconds):.2f} s, p99 {percentile(seconds, 99):.2f} s")
        say(await load.check_reminders(f"seed {seed}, at the end"))
        await load.check(f"seed {seed}, at the end")
        await each_erased_workspace_is_forgotten_once(cluster, load.eraser.erased)
        assert await parked(cluster) == {aside}, "The poisoned stream is set aside, and no other."
        await rows_are_what_a_replay_gives(cluster, aside={aside})
    return ready, rate
