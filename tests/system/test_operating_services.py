"""`sigdep verify` and `sigdep rebuild` beside the services of a cluster: what they find, and who notices."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.ids import Partition, partition_of
from sigdep.services.distributed.places import read_places
from sigdep.services.distributed.roles import ROLES
from sigdep.testing.running_server import RunningServer
from tests.system.person import Person, signed_up

READ_MODELS: Final = ("tasks.read", "calendar.read", "notifications.read", "users.read", "users.write")
LOGS: Final = tuple(role for role in ROLES if role.endswith(".write"))

COMMAND_SECONDS_MAX: Final = 120.0


async def test_the_services_hold_while_people_go_on_writing(cluster: RunningServer) -> None:
    async with signed_up(cluster.url) as ada, writing(ada) as written:
        found = await asyncio.to_thread(cluster.run, "verify", "--cluster")
    assert found.returncode == 0, found.stdout + found.stderr
    lines = found.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("✓") and "hash chain" in line] == list(LOGS)
    assert sorted(line.split()[1] for line in lines if line.startswith("✓") and "replay" in line) == sorted(READ_MODELS)
    assert len(written) > 1, "Nothing was written meanwhile."


async def test_a_row_that_was_changed_is_named_and_a_rebuild_mends_it(cluster: RunningServer) -> None:
    async with signed_up(cluster.url) as ada:
        task = await ada.add_task("Buy milk")
        await ada.items("/api/tasks", after=ada.position)
        async with connected(cluster, "tasks.read") as database:
            table = await database.fetchval(
                "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables"
                " WHERE table_schema = 'views' AND table_name LIKE 'tasks@%/tasks'"
            )
            done = await database.execute(f"UPDATE {table} SET title = 'Buy silk' WHERE id = $1::uuid", task["id"])
            assert done == "UPDATE 1"
        found = await asyncio.to_thread(cluster.run, "verify", "--cluster")
        assert found.returncode == 1, found.stdout + found.stderr
        [fault] = [line for line in found.stdout.splitlines() if line.startswith("✗")]
        assert fault.startswith("✗ tasks.read read model, tasks (")
        assert task["id"] in fault
        assert fault.endswith("differs in title")
        assert "silk" not in found.stdout

        async with reading(ada, f"/api/tasks/{task['id']}") as statuses, writing(ada) as written:
            rebuilt = await asyncio.to_thread(cluster.run, "rebuild", "tasks", "--cluster")
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        assert rebuilt.stdout.startswith("tasks.read: made anew from ")
        assert set(statuses) == {200}
        titles = {one["title"] for one in await ada.items("/api/tasks", after=ada.position)}
        assert titles == {"Buy milk", *written}
        found = as_in_its_container(cluster, "tasks.read", "verify")
        assert found.returncode == 0, found.stdout + found.stderr


async def test_the_place_where_the_past_was_changed_is_named_by_whoever_keeps_the_log(cluster: RunningServer) -> None:
    async with signed_up(cluster.url) as ada:
        await ada.add_task("Buy milk")
        await ada.items("/api/tasks", after=ada.position)
        partition = partition_of(WorkspaceId(UUID(ada.workspace)))
        async with tampered(cluster, partition) as position:
            found = as_in_its_container(cluster, "tasks.write", "verify")
            replayed = as_in_its_container(cluster, "tasks.read", "verify")
        assert found.returncode == 1, found.stdout + found.stderr
        [fault] = [line for line in found.stdout.splitlines() if line.startswith("✗")]
        first, last = map(int, fault.split("positions ")[1].split(":")[0].split("-"))
        assert fault.startswith(f"✗ tasks.write log, partition {partition}, ")
        assert first <= position <= last
        assert replayed.returncode == 1, replayed.stdout + replayed.stderr
        assert replayed.stdout.startswith("✗ tasks.read read model: it cannot be replayed. ")
        assert as_in_its_container(cluster, "tasks.write", "verify").returncode == 0


async def test_the_database_of_another_service_is_left_as_it_is(cluster: RunningServer) -> None:
    for role in ("tasks.write", "users.write"):
        refused = as_in_its_container(cluster, role, "verify", settings_of="tasks.read")
        assert refused.returncode == 1
        assert "SIGDEP_DATABASE_URL names the database of another service" in refused.stderr
    async with connected(cluster, "tasks.read") as database:
        assert await database.fetchval("SELECT to_regnamespace('log')") is None


def test_whoever_has_no_such_read_model_says_so(cluster: RunningServer) -> None:
    refused = as_in_its_container(cluster, "tasks.write", "rebuild", "tasks")
    assert refused.returncode == 1
    assert refused.stderr.strip() == "sigdep: tasks.write keeps no read model tasks."


# ── what happens meanwhile ───────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def writing(person: Person) -> AsyncIterator[list[str]]:
    """One task after the other, until the end of the block: their titles."""
    titles: list[str] = []

    async def write() -> None:
        titles.append(f"Meanwhile {len(titles)}")
        await person.add_task(titles[-1])

    async with repeated(write):
        yield titles


@asynccontextmanager
async def reading(person: Person, path: str) -> AsyncIterator[list[int]]:
    """One read after the other, until the end of the block: their statuses."""
    statuses: list[int] = []

    async def read() -> None:
        statuses.append((await person.client.get(path)).status_code)

    async with repeated(read):
        yield statuses


@asynccontextmanager
async def repeated(step: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    ended = asyncio.Event()

    async def repeat() -> None:
        while not ended.is_set():
            await step()

    repeating = asyncio.create_task(repeat())
    try:
        yield
    finally:
        ended.set()
        await repeating


# ── behind their backs ───────────────────────────────────────────────────────────────────────────────────


def as_in_its_container(
    cluster: RunningServer, role: str, *arguments: str, settings_of: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command for one service, with variables and nothing else.

    Args:
        settings_of: the service whose variables there are, where it is another one.
    """
    place = read_places(cluster.data)[settings_of or role]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SIGDEP_")}
    return subprocess.run(
        [sys.executable, "-m", "sigdep.cli", *arguments, "--service", role],
        env=variables | dict(place.variables(role)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


@asynccontextmanager
async def connected(cluster: RunningServer, role: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(read_places(cluster.data)[role].database_url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def tampered(cluster: RunningServer, partition: Partition) -> AsyncIterator[int]:
    """One bit of the last event of tasks there is another until the end of the block: its position."""
    flip = (
        "UPDATE log.event SET payload = set_byte(payload, 40, get_byte(payload, 40) # 1)"
        " WHERE partition = $1 AND position = $2"
    )
    async with connected(cluster, "tasks.write") as database:
        position: int = await database.fetchval("SELECT head FROM log.partition WHERE partition = $1", partition)
        await database.execute("ALTER TABLE log.event DISABLE TRIGGER append_only")
        try:
            assert await database.execute(flip, partition, position) == "UPDATE 1"
            yield position
        finally:
            await database.execute(flip, partition, position)
            await database.execute("ALTER TABLE log.event ENABLE TRIGGER append_only")
