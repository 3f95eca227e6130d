"""kill -9 of a process that rebuilds: the next one goes on, and what is switched to is whole."""

import asyncio
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import TaskId, UserId
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import NO_STREAM, CommandId, SubjectId, WorkspaceId, stream_id
from sigdep.kernel.read_store import All, ModelId
from sigdep.kernel.store import Append, StreamWrite
from sigdep.services.projecting import tables_of
from sigdep.services.rebuilding import begin
from sigdep.services.verifying import verify_read_model
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited
from sigdep.tasks.read_models.model import TasksReadModel
from sigdep.tasks.read_models.task_rows import TASKS

REBUILDER = Path(__file__).with_name("rebuilding_process.py")

TASKS_MADE = 6_000
EVENTS_A_TASK = 2
WORKSPACES = 10
KILLED_TIMES_MAX = 40
KILLED_TIMES_MIN = 2
PATIENCE_SECONDS = 0.04
"""How much longer each process may live than the one before it, so that on any machine one comes to the end."""

AUTHOR = UserId(UUID(int=1 << 80))
AT = datetime(2026, 11, 1, tzinfo=UTC)


def appending(number: int) -> Append:
    task, place = TaskId(UUID(int=(1 << 64) + number)), WorkspaceId(UUID(int=number % WORKSPACES))
    created = TaskCreated(
        task_id=task, workspace_id=place, title=f"Part {number}", rank=f"m{number:05d}", by=AUTHOR, at=AT,
        assignee_ids=(AUTHOR,),
    )  # fmt: skip
    edited = TaskEdited(task_id=task, by=AUTHOR, at=AT, due_at=AT)
    write = StreamWrite(
        stream=stream_id("task", task),
        subject=SubjectId(place),
        expected_version=NO_STREAM,
        events=(created, edited),
    )
    return Append(workspace=place, command_id=CommandId(task), writes=(write,))


async def make_log(log: Path, keys: Path) -> None:
    ring = await SqliteKeyRing.open(keys, b"k" * 32)
    store = await SqliteEventStore.open(log, Codec(EVENTS, ring))
    for first in range(0, TASKS_MADE, 500):
        await asyncio.gather(*(store.append(appending(number)) for number in range(first, first + 500)))
    await store.close()
    await ring.close()


def rebuild_and_be_killed(seconds: float, *paths: Path) -> bool:
    """True: it was killed in the middle of its work. False: it had been quicker."""
    process = subprocess.Popen([sys.executable, REBUILDER, *paths], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.readline()  # Wait until it is at work.
    assert said, "the rebuilding process has died by itself"
    time.sleep(random.uniform(0.0, seconds))
    process.kill()
    said += process.stdout.read()
    process.wait()
    process.stdout.close()
    return b"switched" not in said


async def test_a_rebuild_that_is_killed_again_and_again_is_never_torn(tmp_path: Path) -> None:
    log, keys, views = tmp_path / "log.db", tmp_path / "keys.db", tmp_path / "views.db"
    await make_log(log, keys)
    read_model, killed, reached = TasksReadModel(), 0, 0
    ring = await SqliteKeyRing.open(keys, b"k" * 32)
    store = await SqliteEventStore.open(log, Codec(EVENTS, ring), read_only=True)
    begun: set[ModelId] = set()
    while await asyncio.to_thread(rebuild_and_be_killed, (killed + 1) * PATIENCE_SECONDS, log, keys, views):
        killed += 1
        assert killed <= KILLED_TIMES_MAX
        read_store = await SqliteReadStore.open(views)
        if await read_store.live(read_model.name, tables_of(read_model)) is not None:
            await read_store.close()
            break  # Killed after the switch, before it could say so.
        build = await begin(store, read_store, read_model)
        begun.add(build.model)
        projected = sum(build.positions.values())
        assert projected >= reached  # It goes on from where the former one was.
        reached = projected
        # Rows and checkpoint are of the same moment: both events of a task stand side by side in the log.
        present = await read_store.count(build.model, TASKS, All(()))
        assert projected // EVENTS_A_TASK <= present <= projected // EVENTS_A_TASK + WORKSPACES
        await read_store.close()
    assert len(begun) == 1
    assert killed >= KILLED_TIMES_MIN
    read_store = await SqliteReadStore.open(views)
    assert await verify_read_model(store, read_store, read_model, scratch=MemoryReadStore()) == []
    live = await read_store.live(read_model.name, tables_of(read_model), read_model.fingerprint)
    assert live is not None
    assert await read_store.count(live, TASKS, All(())) == TASKS_MADE
    for one in (read_store, store, ring):
        await one.close()
