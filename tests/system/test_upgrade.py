"""A release that changes a read model: what is answered and said while it is made anew, and what a kill leaves."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import msgspec
import pytest

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.services.distributed.cluster import TARGETS, Cluster
from sigdep.tasks import context as tasks_context
from sigdep.testing.running_server import RunningServer, running_server
from tests.system.cluster_proof import key_ring, rows_are_what_a_replay_gives
from tests.system.faults import chaos_cluster, kill, process_of
from tests.system.older_release import EVENTS_EACH, fill, fill_folder, make_older, make_older_in_postgresql
from tests.system.person import JSON, Person, signed_up

TASKS: Final = 10_000
"""Enough for a rebuild that a few requests come in between on any machine: each waits its turn with every batch."""

TASKS_OF_CLUSTER: Final = 10_000

WAIT_SECONDS: Final = 120.0

TOO_QUICK: Final = "The rebuild was over before anything could be asked."

pytestmark = pytest.mark.timeout(300)


@asynccontextmanager
async def upgraded(**changed: str) -> AsyncIterator[tuple[RunningServer, Person]]:
    """A server with many tasks whose read model other code has made. It is stopped."""
    with running_server() as server:
        async with signed_up(server.url) as ada:
            await ada.add_task("Before")
            assert server.stop() == 0
            await fill_folder(server.data, TASKS)
            finished = server.run("rebuild", "tasks")
            assert finished.returncode == 0, finished.stderr
            make_older(server.data, **changed)
            yield server, ada


async def views_said(url: str) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS, trust_env=False) as client:
        answer = await client.get("/health/ready")
        parts: dict[str, str] = answer.json()["parts"]
        return answer.status_code, parts["tasks.views"]


async def figures(url: str) -> dict[str, float]:
    """Of rebuilds of the read model of tasks."""
    async with httpx.AsyncClient(timeout=WAIT_SECONDS, trust_env=False) as client:
        page = (await client.get(f"{url}/metrics")).text
    found = re.findall(r'^sigdep_rebuild_(\w+)\{read_model="tasks"\} (\S+)$', page, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def write_and_read(ada: Person, title: str) -> None:
    """At the position of the write, as a client does that reads its own writes."""
    await ada.add_task(title)
    assert title in {task["title"] for task in await ada.items("/api/tasks")}


def logged(server: RunningServer, event: str) -> list[JSON]:
    lines = [line for line in server.printed.splitlines() if line.startswith("{")]
    return [line for line in map(msgspec.json.decode, lines) if line.get("event") == event]


async def until_made(url: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (await views_said(url))[1] != "ok":
            await asyncio.sleep(0.1)


async def test_a_changed_read_model_is_made_anew_while_its_former_rows_are_read_and_followed() -> None:
    async with upgraded(fingerprint="older") as (server, ada):
        await asyncio.to_thread(server.start)
        during = 0
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                await write_and_read(ada, f"During {during}")
                status, said = await views_said(server.url)
                assert status == 200
                if said == "ok" and during:
                    break
                during += said.startswith("ok: The former one answers")
        assert during, TOO_QUICK
        await write_and_read(ada, "After")
        titles = {task["title"] for task in await ada.items("/api/tasks")}
        assert {"Before", "After", *(f"During {number}" for number in range(during))} <= titles
        [made] = logged(server, "a read model has been made anew")
        assert made["events"] >= TASKS * EVENTS_EACH
        verified = server.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_a_kill_in_the_middle_leaves_both_builds_where_they_were() -> None:
    async with upgraded(fingerprint="older") as (server, ada):
        await asyncio.to_thread(server.start)
        await write_and_read(ada, "Before the kill")
        async with asyncio.timeout(WAIT_SECONDS):
            while not (shown := await figures(server.url))["done_events"]:
                await asyncio.sleep(0.01)
        assert shown["all_events"] > TASKS * EVENTS_EACH
        assert shown["events_per_second"] > 0
        server.kill()
        await asyncio.to_thread(server.start)
        await write_and_read(ada, "After the kill")
        assert "Before the kill" in {task["title"] for task in await ada.items("/api/tasks")}
        await until_made(server.url)
        assert len(logged(server, "an older build is followed until another is made")) == 2
        [made] = logged(server, "a read model has been made anew")
        assert made["events"] < TASKS * EVENTS_EACH, "It was begun again from nothing."
        verified = server.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


HELD: Final = """\
import asyncio, sys
from pathlib import Path
from sigdep.cli import main
from sigdep.services import rebuilding, renewing, starting

read, go_on = rebuilding._read, Path(sys.argv.pop(1))

async def held(*arguments):
    while not go_on.exists():
        await asyncio.sleep(0.02)
    return await read(*arguments)

rebuilding._read, renewing.BATCH_EVENTS = held, 1_000
starting.SILENT_SECONDS = starting.SAID_EVERY_SECONDS = 0.1
sys.exit(main(sys.argv[1:]))
"""
"""`sigdep`, but after its first batch a rebuild waits until there is a certain file."""


async def test_where_former_rows_cannot_be_read_the_server_says_how_far_the_new_ones_are(tmp_path: Path) -> None:
    async with upgraded(shape="other", fingerprint="older") as (server, ada):
        go_on = tmp_path / "go on"
        server.program = (sys.executable, "-c", HELD, str(go_on))
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        try:
            status, said = await _first_words(server, starting)
            assert status == 503
            assert re.fullmatch(r"It is rebuilding: 1,000 of [\d,]+ events, [\d,]+ a second\.", said)
            assert (await ada.client.get("/api/tasks")).status_code == 503
            assert (await ada.client.post("/api/tasks", json={"title": "Written all the same"})).status_code == 201
        finally:
            go_on.touch()
        await starting
        assert "SigDep is not ready yet: tasks is rebuilding: 1,000 of " in server.printed
        assert {"Before", "Written all the same"} <= {task["title"] for task in await ada.items("/api/tasks")}


async def _first_words(server: RunningServer, starting: asyncio.Task[None]) -> tuple[int, str]:
    """What health says once the terminal has said how far it is."""
    async with asyncio.timeout(WAIT_SECONDS):
        while "tasks is rebuilding: 1,000 of " not in server.printed:
            assert not starting.done(), "It was ready although nothing could be read."
            await asyncio.sleep(0.05)
    return await views_said(server.url)


async def _tasks_read_figures(cluster: Cluster) -> dict[str, float]:
    targets = msgspec.json.decode((cluster.postgresql.folder.parent / TARGETS).read_bytes())
    [address] = [one["targets"][0] for one in targets if one["labels"]["process"] == "tasks.read"]
    return await figures(f"http://{address}")


async def test_the_cluster_reads_its_own_writes_while_a_read_model_is_made_anew_and_its_maker_is_killed() -> None:
    async with chaos_cluster() as cluster, signed_up(cluster.url) as ada:
        await ada.add_task("Before")
        async with key_ring(cluster) as keys:
            url = cluster.postgresql.url("tasks_write")
            log = await PostgresEventStore.open(url, Codec(tasks_context.EVENTS, keys), schema="log")
            await fill(log, TASKS_OF_CLUSTER)
            await log.close()
        async with asyncio.timeout(WAIT_SECONDS):
            while not await _has_followed(ada):
                await asyncio.sleep(0.1)
        former = await make_older_in_postgresql(cluster.postgresql.url("tasks_read"))
        async with asyncio.timeout(WAIT_SECONDS):
            while not (await _tasks_read_figures(cluster))["done_events"]:
                await asyncio.sleep(0.01)
        await write_and_read(ada, "While it is made")
        assert (await _tasks_read_figures(cluster))["done_events"], (
            "The rebuild was over before anything could be asked."
        )
        killed = await process_of(cluster, "tasks.read")
        await kill("tasks.read")(cluster)
        async with asyncio.timeout(WAIT_SECONDS):
            while await process_of(cluster, "tasks.read") == killed or not await _has_followed(ada):
                await asyncio.sleep(0.1)
            await write_and_read(ada, "After the kill")
            while await _live_build(cluster) == former:
                await write_and_read(ada, f"Still {time.monotonic_ns()}")
        await write_and_read(ada, "After all")
        await rows_are_what_a_replay_gives(cluster)


async def _live_build(cluster: Cluster) -> int:
    connection = await asyncpg.connect(cluster.postgresql.url("tasks_read"))
    build: int = await connection.fetchval("SELECT build FROM views.build WHERE name = 'tasks' AND state = 'live'")
    await connection.close()
    return build


async def _has_followed(ada: Person) -> bool:
    try:
        await ada.client.post("/api/tasks", json={"title": "Is it there?"})
        return (await ada.client.get("/api/tasks", headers={"Sigdep-Min-Position": ada.position})).status_code == 200
    except httpx.TransportError:
        return False
