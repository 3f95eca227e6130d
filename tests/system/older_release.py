"""What a release before this one has left behind: many tasks, and a read model of them that other code has made."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from sigdep.contracts.ids import TaskId, UserId
from sigdep.kernel.ids import NO_STREAM, CommandId, SubjectId, WorkspaceId, stream_id
from sigdep.kernel.store import Append, EventStore, StreamWrite
from sigdep.services.data_folder import DataFolder
from sigdep.services.wiring import open_embedded
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited

EVENTS_EACH: Final = 2
WORKSPACES: Final = 10
AT_ONCE: Final = 500

AT: Final = datetime(2026, 11, 1, tzinfo=UTC)


async def fill_folder(data: Path, tasks: int) -> None:
    """While no server runs."""
    async with open_embedded(DataFolder(data)) as stores:
        await fill(stores.contexts["tasks"].log, tasks)


async def fill(log: EventStore, tasks: int) -> None:
    """Of people whom nobody knows."""
    places = [WorkspaceId(uuid4()) for _ in range(WORKSPACES)]
    for first in range(0, tasks, AT_ONCE):
        await asyncio.gather(
            *(log.append(_task(places[number % WORKSPACES])) for number in range(first, first + AT_ONCE))
        )


def _task(place: WorkspaceId) -> Append:
    task, author = TaskId(uuid4()), UserId(UUID(int=1))
    created = TaskCreated(task_id=task, workspace_id=place, title="One of many", rank="m", by=author, at=AT)
    edited = TaskEdited(task_id=task, by=author, at=AT, due_at=AT)
    write = StreamWrite(
        stream=stream_id("task", task),
        subject=SubjectId(place),
        expected_version=NO_STREAM,
        events=(created, edited),
    )
    return Append(workspace=place, command_id=CommandId(uuid4()), writes=(write,))


def make_older(data: Path, **changed: str) -> None:
    """
    Let the read model of tasks be one that other code has made, while no server runs.

    Args:
        changed: what is otherwise in that code: its `fingerprint`, or the `shape` of its tables too.
    """
    connection = sqlite3.connect(DataFolder(data).views("tasks"))
    with connection:
        for column, value in changed.items():
            connection.execute(f"UPDATE builds SET {column} = ? WHERE name = 'tasks' AND state = 'live'", (value,))
    connection.close()


async def make_older_in_postgresql(url: str) -> int:
    """The same of the database of `tasks.read`. Returns the number of the build."""
    connection = await asyncpg.connect(url)
    build: int = await connection.fetchval(
        "UPDATE views.build SET fingerprint = 'older' WHERE name = 'tasks' AND state = 'live' RETURNING build"
    )
    await connection.close()
    return build
