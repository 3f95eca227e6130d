"""Installations with logs of sample events, in a folder and in a database, to be copied from one to the other."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sigdep.adapters.postgres.event_copying import PostgresLogCopy
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_copying import PostgresKeyCopy
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.adapters.sqlite.event_copying import SqliteLogCopy
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_copying import SqliteKeyCopy
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import SubjectId, WorkspaceId
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.log_copy import KeySource, KeyTarget, LogSource, LogTarget
from sigdep.kernel.store import EventStore
from sigdep.services.copy_proof import Progress
from sigdep.services.migrating import Migrated, Source, Target, migrate
from sigdep.testing.log_copying import held, pages
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteFiled,
    NoteWritten,
    answering,
    appending,
    new_stream,
    new_workspace,
    write,
    writing,
)

LOGS = ("first", "second")
WRAPPING_KEY = bytes(range(32))


@dataclass
class Open:
    """What a server has open."""

    keys: KeyRing
    logs: Mapping[str, EventStore]


class Installation(Protocol):
    """A place. The same data each time that something is opened there."""

    async def open_ring(self, wrapping_key: bytes = WRAPPING_KEY) -> KeyRing: ...

    async def open_store(self, name: str, codec: Codec) -> EventStore: ...

    async def open_log_source(self, name: str) -> LogSource: ...

    async def open_log_target(self, name: str) -> LogTarget: ...

    async def open_key_source(self) -> KeySource: ...

    async def open_key_target(self) -> KeyTarget: ...


NewPlace = Callable[[str], Installation]
"""Gives an empty place of a kind: `folder` or `database`."""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    async def open_ring(self, wrapping_key: bytes = WRAPPING_KEY) -> KeyRing:
        return await SqliteKeyRing.open(self.path / "keys.db", wrapping_key)

    async def open_store(self, name: str, codec: Codec) -> EventStore:
        return await SqliteEventStore.open(self.path / f"{name}.db", codec)

    async def open_log_source(self, name: str) -> LogSource:
        return await SqliteLogCopy.open_source(self.path / f"{name}.db")

    async def open_log_target(self, name: str) -> LogTarget:
        return await SqliteLogCopy.open_target(self.path / f"{name}.db")

    async def open_key_source(self) -> KeySource:
        return await SqliteKeyCopy.open_source(self.path / "keys.db")

    async def open_key_target(self) -> KeyTarget:
        return await SqliteKeyCopy.open_target(self.path / "keys.db")


class Database:
    def __init__(self, dsn: str, prefix: str) -> None:
        self.dsn, self.prefix = dsn, prefix

    async def open_ring(self, wrapping_key: bytes = WRAPPING_KEY) -> KeyRing:
        return await PostgresKeyRing.open(self.dsn, wrapping_key, schema=f"{self.prefix}_keys")

    async def open_store(self, name: str, codec: Codec) -> EventStore:
        return await PostgresEventStore.open(self.dsn, codec, schema=f"{self.prefix}_{name}")

    async def open_log_source(self, name: str) -> LogSource:
        return await PostgresLogCopy.open_source(self.dsn, f"{self.prefix}_{name}")

    async def open_log_target(self, name: str) -> LogTarget:
        return await PostgresLogCopy.open_target(self.dsn, f"{self.prefix}_{name}")

    async def open_key_source(self) -> KeySource:
        return await PostgresKeyCopy.open_source(self.dsn, f"{self.prefix}_keys")

    async def open_key_target(self) -> KeyTarget:
        return await PostgresKeyCopy.open_target(self.dsn, f"{self.prefix}_keys")


@asynccontextmanager
async def running(place: Installation) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:
        keys = await place.open_ring()
        stack.push_async_callback(keys.close)
        logs = {name: await place.open_store(name, Codec(SAMPLE_EVENTS, keys)) for name in LOGS}
        for log in logs.values():
            stack.push_async_callback(log.close)
        yield Open(keys, logs)


@asynccontextmanager
async def source_at(place: Installation) -> AsyncIterator[Source]:
    async with AsyncExitStack() as stack:
        keys = await place.open_key_source()
        stack.push_async_callback(keys.close)
        logs = {name: await place.open_log_source(name) for name in LOGS}
        for log in logs.values():
            stack.push_async_callback(log.close)
        yield Source(logs=logs, keys=keys, still_held=always)


@asynccontextmanager
async def target_at(place: Installation) -> AsyncIterator[Target]:
    async with AsyncExitStack() as stack:
        keys = await place.open_key_target()
        stack.push_async_callback(keys.close)
        logs = {name: await place.open_log_target(name) for name in LOGS}
        for log in logs.values():
            stack.push_async_callback(log.close)
        yield Target(logs=logs, keys=keys, still_held=always)


async def move(origin: Installation, place: Installation) -> Migrated:
    async with source_at(origin) as source, target_at(place) as target:
        return await migrate(source, target, unseen)


async def lived_in(place: Installation) -> WorkspaceId:
    """Fill the place. Returns a workspace that has been erased."""
    erased = new_workspace()
    async with running(place) as server:
        for log in server.logs.values():
            for workspace in (erased, *(new_workspace() for _ in range(3))):
                filed = write(workspace, new_stream(), NoteFiled(text="a"), NoteWritten(text="b"))
                await log.append(appending(workspace, filed, answer=answering(workspace)))
                await log.append(writing(workspace, new_stream(), "c", "d", "e"))
        await server.keys.destroy(SubjectId(erased))
    return erased


async def all_of(place: Installation) -> dict[str, Any]:
    """Everything that an installation has stored."""
    async with source_at(place) as source:
        found: dict[str, Any] = {name: await held(log) for name, log in source.logs.items()}
        keys = sorted(await pages(source.keys.keys()), key=lambda key: key.subject)
        return found | {"keys": keys, "proof": await source.keys.proof()}


async def always() -> None:
    """Nobody else knows the place."""


def unseen(progress: Progress) -> None:
    """Nobody watches."""
