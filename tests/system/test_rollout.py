"""A release with other tables is rolled out: its replica gets ready beside the former one, and takes over from it."""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import httpx
import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.postgres import read_store
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.kernel.codec import Codec
from sigdep.rpc.call import Encoded
from sigdep.services.distributed.cluster import Cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.verifying import verify_read_model
from sigdep.tasks import context as tasks
from sigdep.tasks.queries import GetTask
from tests.system import newer_release
from tests.system.cluster_proof import key_ring
from tests.system.faults import chaos_cluster, process_of
from tests.system.older_release import fill
from tests.system.one_replica import call_of, owner, position_of, replica_at
from tests.system.person import Person, signed_up

TASKS: Final = 10_000
"""Enough to kill the newcomer while it makes its rows."""

WAIT_SECONDS: Final = 120.0

pytestmark = pytest.mark.timeout(600)


class Newcomer:
    """A process of tasks.read, of the next release, as a rollout starts it beside that of this one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._port, self._figures_port = free_port(), free_port()
        self._log = cluster.data / "logs" / "newcomer.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environment = {
            **self._cluster.programs["tasks.read"].environment,
            "SIGDEP_INSTANCE": "newcomer",
            "SIGDEP_RPC_PORT": str(self._port),
            "SIGDEP_METRICS_PORT": str(self._figures_port),
        }
        program = (sys.executable, str(Path(newer_release.__file__)), "run", "tasks.read")
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*program, env=environment, stdout=log, stderr=log)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def figure(self, name: str) -> float:
        """0 too while nobody answers."""
        page = await self._page("/metrics")
        shown = f'{name}{{read_model="tasks"}} '
        lines = page.text.splitlines() if page is not None else []
        return next((float(line.removeprefix(shown)) for line in lines if line.startswith(shown)), 0.0)

    async def until_ready(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while (page := await self._page("/health/ready")) is None or page.status_code != 200:
                await asyncio.sleep(0.1)

    async def is_ready(self) -> bool:
        page = await self._page("/health/ready")
        return page is not None and page.status_code == 200

    async def _page(self, path: str) -> httpx.Response | None:
        async with httpx.AsyncClient(timeout=WAIT_SECONDS, trust_env=False) as client:
            try:
                return await client.get(f"http://127.0.0.1:{self._figures_port}{path}")
            except httpx.TransportError:
                return None

    async def answers(self, ada: Person, title: str) -> None:
        """What has just been written, at its position."""
        task_id = TaskId(UUID((await ada.add_task(title))["id"]))
        least = await position_of(self._cluster, WorkspaceId(UUID(ada.workspace)))
        async with AsyncExitStack() as stack:
            replica = await replica_at(self._cluster, f"127.0.0.1:{self._port}", stack)
            answer = await replica.ask(GetTask(task_id=task_id), call_of(owner(ada), least))
        assert isinstance(answer.value, Encoded)
        assert json.loads(answer.value.json)["title"] == title


async def former_answers(ada: Person, title: str) -> None:
    """The release that runs, through the gateway."""
    await ada.add_task(title)
    assert title in {task["title"] for task in await ada.items("/api/tasks")}


async def live_build(cluster: Cluster) -> int:
    connection = await asyncpg.connect(cluster.postgresql.url("tasks_read"))
    build: int = await connection.fetchval("SELECT build FROM views.build WHERE name = 'tasks' AND state = 'live'")
    await connection.close()
    return build


async def holder_of(cluster: Cluster) -> int:
    """The process that has the lease of the read model."""
    connection = await asyncpg.connect(cluster.postgresql.url("tasks_read"))
    holder: str = await connection.fetchval("SELECT holder FROM leases.lease WHERE name = 'tasks projector'")
    await connection.close()
    return int(holder.split()[-2])


async def fill_log(cluster: Cluster) -> None:
    async with key_ring(cluster) as keys:
        url = cluster.postgresql.url("tasks_write")
        log = await PostgresEventStore.open(url, Codec(tasks.EVENTS, keys), schema="log")
        await fill(log, TASKS)
        await log.close()


async def rows_are_what_a_replay_gives(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the next release."""
    monkeypatch.setattr(read_store, "shape_of", newer_release.shape_of)
    async with key_ring(cluster) as keys, AsyncExitStack() as stack:
        log = await PostgresEventStore.open(
            cluster.postgresql.url("tasks_write"), Codec(tasks.EVENTS, keys), schema="log"
        )
        stack.push_async_callback(log.close)
        views = await PostgresReadStore.open(cluster.postgresql.url("tasks_read"), schema="views")
        stack.push_async_callback(views.close)
        assert await verify_read_model(log, views, tasks.read_model(), scratch=MemoryReadStore()) == []


async def test_a_newcomer_with_other_tables_gets_ready_beside_the_former_release_and_takes_over_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with chaos_cluster() as cluster, signed_up(cluster.url) as ada, AsyncExitStack() as stack:
        await fill_log(cluster)
        await former_answers(ada, "Before")
        former, old = await live_build(cluster), await process_of(cluster, "tasks.read")
        newcomer = Newcomer(cluster)
        stack.push_async_callback(newcomer.kill)
        await newcomer.start()
        async with asyncio.timeout(WAIT_SECONDS):
            while not await newcomer.figure("sigdep_rebuild_done_events"):
                await asyncio.sleep(0.01)
        assert not await newcomer.is_ready(), "Its rows were made before it could be killed."
        await newcomer.kill()
        await former_answers(ada, "While there is no newcomer")
        await newcomer.start()
        await newcomer.until_ready()
        for number in range(5):
            await newcomer.answers(ada, f"Beside {number}")
            await former_answers(ada, f"Before its end {number}")
        await newcomer.kill()
        await former_answers(ada, "While it is away")
        await newcomer.start()
        await newcomer.until_ready()
        await newcomer.answers(ada, "Back")
        assert (await live_build(cluster), await holder_of(cluster)) == (former, old)
        await cluster.end("tasks.read")
        async with asyncio.timeout(WAIT_SECONDS):
            number = 0
            while await live_build(cluster) == former:
                await newcomer.answers(ada, f"Alone {(number := number + 1)}")
        await newcomer.answers(ada, "After all")
        assert await newcomer.is_ready()
        await rows_are_what_a_replay_gives(cluster, monkeypatch)
