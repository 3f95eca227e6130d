"""Two replicas of every service: whoever holds a lease dies or sleeps, and nothing is lost, doubled or left behind."""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

import asyncpg
import pytest

from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.rpc.call import Encoded
from sigdep.services.distributed.cluster import Cluster
from sigdep.services.distributed.roles import ROLES
from sigdep.tasks.queries import GetTask
from tests.system.chaos_clients import Client
from tests.system.cluster_proof import rows_are_what_a_replay_gives
from tests.system.conftest import LONG, Say
from tests.system.faults import chaos_cluster, seed_of_this_run
from tests.system.one_replica import call_of, owner, position_of, replica_at
from tests.system.person import Person, signed_up
from tests.system.test_killed_server import Memory, compare

ROUNDS: Final = 5 if LONG else 1
CLIENTS: Final = 6
STOPPED_SECONDS: Final = 6.0
TAKEN_OVER_SECONDS_MAX: Final = 15.0
"""A lease lasts two seconds, and this machine may have much else to do."""

LEASES: Final = (
    ("tasks_read", "tasks projector"),
    ("tasks_write", "tasks relay"),
    ("users_write", "users projector"),
    ("users_read", "users reactions"),
)
"""One that somebody holds in each service, by its database."""


class Holder:
    """Who holds a lease, as the database says it."""

    def __init__(self, epoch: int, holder: str) -> None:
        self.epoch = epoch
        self.process_id = int(holder.split()[-2])


async def holder_of(cluster: Cluster, database: str, lease: str) -> Holder:
    connection = await asyncpg.connect(cluster.postgresql.url(database))
    try:
        found = await connection.fetchrow("SELECT epoch, holder FROM leases.lease WHERE name = $1", lease)
        assert found is not None
        return Holder(found["epoch"], found["holder"])
    finally:
        await connection.close()


async def taken_over(cluster: Cluster, database: str, lease: str, before: Holder) -> float:
    """Seconds until another process holds the lease."""
    begun = time.monotonic()
    while (await holder_of(cluster, database, lease)).process_id == before.process_id:
        assert time.monotonic() - begun < TAKEN_OVER_SECONDS_MAX, f"Nobody took {lease} over."
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


@pytest.mark.timeout(150 + 60 * ROUNDS)
async def test_two_replicas_of_everything_are_one_system_whoever_dies(say: Say) -> None:
    seed = seed_of_this_run()
    chance = random.Random(seed)
    clients = [Client(f"w{number}", chance.randrange(2**32)) for number in range(CLIENTS)]
    over = asyncio.Event()
    async with chaos_cluster(replicas=dict.fromkeys(ROLES, 2)) as cluster, signed_up(cluster.url) as ada:
        writing = [asyncio.create_task(client.work_until(ada, over)) for client in clients]
        for _ in range(ROUNDS):
            for database, lease in LEASES:
                await asyncio.sleep(chance.uniform(0.2, 0.6))
                before = await holder_of(cluster, database, lease)
                os.kill(before.process_id, signal.SIGKILL)
                say(f"seed {seed}: {lease} taken over after {await taken_over(cluster, database, lease, before):.2f} s")
            await _asleep(cluster, "tasks_read", "tasks projector")
        over.set()
        await asyncio.gather(*writing)
        await _compare(ada, clients, f"seed {seed}")
        await _each_replica_answers(cluster, ada)
        await rows_are_what_a_replay_gives(cluster)
        refusals = sum((client.refusals for client in clients), Counter[int]())
        say(f"{sum(len(client.acknowledged) for client in clients)} writes, refused meanwhile: {dict(refusals)}")


async def _asleep(cluster: Cluster, database: str, lease: str) -> None:
    """A holder stops for three leases, and wakes when another one has gone on."""
    sleeper = await holder_of(cluster, database, lease)
    os.kill(sleeper.process_id, signal.SIGSTOP)
    try:
        await taken_over(cluster, database, lease, sleeper)
        await asyncio.sleep(STOPPED_SECONDS)
        following = await holder_of(cluster, database, lease)
    finally:
        os.kill(sleeper.process_id, signal.SIGCONT)
    await asyncio.sleep(1.0)
    now = await holder_of(cluster, database, lease)
    assert now.epoch >= following.epoch > sleeper.epoch


async def _compare(ada: Person, clients: Sequence[Client], when: str) -> None:
    """Every write is in the log once, and the lists show what the log tells."""
    memory = Memory()
    await memory.read_on(ada)
    compare(clients, memory, when)
    await ada.add_task("The last")
    shown = {task["id"]: task for task in await ada.items("/api/tasks") if task["title"] != "The last"}
    created = {write.body["id"] for client in clients for write in client.writes if write.path == "/api/tasks"}
    assert shown.keys() == created


async def _each_replica_answers(cluster: Cluster, ada: Person) -> None:
    """What has just been written, also where another one projects it."""
    workspace = WorkspaceId(UUID(ada.workspace))
    principal = owner(ada)
    async with AsyncExitStack() as stack:
        replicas = [await replica_at(cluster, cluster.address(name), stack) for name in ("tasks.read", "tasks.read.2")]
        for number in range(10):
            task_id = TaskId(UUID((await ada.add_task(f"Number {number}"))["id"]))
            least = await position_of(cluster, workspace)
            for replica in replicas:
                answer = await replica.ask(GetTask(task_id=task_id), call_of(principal, least))
                assert isinstance(answer.value, Encoded)
                assert json.loads(answer.value.json)["title"] == f"Number {number}"
                assert answer.position is not None
                assert answer.position.position >= least.position
