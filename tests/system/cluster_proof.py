"""Looks into the databases of a cluster: whether they hold what they should, whatever the services say."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.calendar import context as calendar
from sigdep.contracts.ids import ProjectId, UserId, WorkspaceId
from sigdep.http.stamps import utc_now
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import NO_STREAM, CommandId, StreamId, SubjectId, stream_id
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.projection import PARKED
from sigdep.kernel.read_store import Select
from sigdep.kernel.store import Append, StreamWrite
from sigdep.notifications import context as notifications
from sigdep.services.distributed.cluster import Cluster
from sigdep.services.projecting import tables_of
from sigdep.services.server_secrets import load_key_encryption_key
from sigdep.services.verifying import Difference, verify_read_model
from sigdep.tasks import context as tasks
from sigdep.tasks.events.projects import ProjectCreated
from sigdep.users import context as users
from tests.system.person import Person

SETTLED_SECONDS_MAX: Final = 60.0
POISON_BYTES: Final = 20_000
"""A rank of that length is too long for an index of PostgreSQL. Nobody can ask for one; the log takes it."""


@asynccontextmanager
async def key_ring(cluster: Cluster) -> AsyncIterator[KeyRing]:
    secrets = cluster.postgresql.folder.parent / "secrets"
    keys = await PostgresKeyRing.open(cluster.postgresql.url("keys"), load_key_encryption_key(secrets))
    try:
        yield keys
    finally:
        await keys.close()


async def rows_are_what_a_replay_gives(cluster: Cluster, *, aside: Collection[StreamId] = ()) -> None:
    """In the read store of every service, but for the streams that are set aside: of those there is nothing."""
    async with key_ring(cluster) as keys, AsyncExitStack() as stack:
        for database, context, writer in (
            ("tasks_read", tasks, "tasks_write"),
            ("calendar_read", calendar, "calendar_write"),
            ("notifications_read", notifications, "notifications_write"),
            ("users_read", users, "users_write"),
            ("users_write", users, "users_write"),
        ):
            log = await PostgresEventStore.open(
                cluster.postgresql.url(writer), Codec(context.EVENTS, keys), schema="log"
            )
            stack.push_async_callback(log.close)
            views = await PostgresReadStore.open(cluster.postgresql.url(database), schema="views")
            stack.push_async_callback(views.close)
            differences = await verify_read_model(log, views, context.read_model(), scratch=MemoryReadStore())
            unexpected = [one for one in differences if not (one.detail == "is missing" and _stream_of(one) in aside)]
            assert not unexpected, f"{database}: {unexpected[:3]}"


def _stream_of(difference: Difference) -> str:
    return f"{difference.table.removesuffix('s')}-{difference.key[0]!s}"


async def poison(cluster: Cluster, person: Person) -> StreamId:
    """Store an event that no projector can apply. Returns its stream."""
    workspace, project = WorkspaceId(UUID(person.workspace)), ProjectId(uuid4())
    event = ProjectCreated(
        project_id=project,
        workspace_id=workspace,
        name="Poison",
        rank=secrets.token_urlsafe(POISON_BYTES),
        by=UserId(UUID(person.id)),
        at=utc_now(),
    )
    stream = stream_id("project", project)
    write = StreamWrite(stream=stream, subject=SubjectId(workspace), expected_version=NO_STREAM, events=(event,))
    async with key_ring(cluster) as keys:
        log = await PostgresEventStore.open(
            cluster.postgresql.url("tasks_write"), Codec(tasks.EVENTS, keys), schema="log"
        )
        await log.append(Append(workspace=workspace, command_id=CommandId(uuid4()), writes=(write,)))
        await log.close()
    return stream


async def parked(cluster: Cluster) -> set[str]:
    """The streams that projectors have set aside, in all services that read."""
    aside = set[str]()
    for database, context in (
        ("tasks_read", tasks),
        ("calendar_read", calendar),
        ("notifications_read", notifications),
        ("users_read", users),
    ):
        views = await PostgresReadStore.open(cluster.postgresql.url(database), schema="views")
        try:
            read_model = context.read_model()
            model = await views.live(read_model.name, tables_of(read_model))
            assert model is not None
            rows = (await views.select(model, Select(table=PARKED, limit=1_000))).rows
            aside |= {str(row["stream"]) for row in rows}
        finally:
            await views.close()
    return aside


async def each_erased_workspace_is_forgotten_once(cluster: Cluster, erased: Collection[str]) -> None:
    """By each context that heard of it from that of users: the effects of these reactions, in its log."""
    for database in ("tasks_write", "calendar_write", "notifications_write"):
        await _each_is_forgotten_once(cluster.postgresql.url(database), erased)


async def _each_is_forgotten_once(url: str, erased: Collection[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(SETTLED_SECONDS_MAX):
            while (told := await _forgotten(connection)).keys() != set(erased):
                assert told.keys() <= set(erased), "What nobody has erased was forgotten."
                await asyncio.sleep(0.2)
    finally:
        await connection.close()
    doubled = {workspace: times for workspace, times in told.items() if times > 1}
    assert not doubled, f"Forgotten more than once: {doubled}"


async def _forgotten(connection: "asyncpg.Connection[asyncpg.Record]") -> Counter[str]:
    rows = await connection.fetch("SELECT workspace FROM log.event WHERE type = 'WorkspaceForgotten'")
    return Counter(str(row["workspace"]) for row in rows)
