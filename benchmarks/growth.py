"""How the embedded store grows: appending, rebuilding and asking, from a thousand events to a million.

python -m benchmarks.growth [events at most]
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import uvloop
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import TaskId, UserId
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import NO_STREAM, CommandId, SubjectId, WorkspaceId, stream_id
from sigdep.kernel.read_store import All, Compare, Order, Select
from sigdep.kernel.store import Append, Metadata, StreamWrite
from sigdep.services.collector import calm_collector
from sigdep.services.rebuilding import Progress, rebuild
from sigdep.tasks import context as tasks
from sigdep.tasks.events.tasks import TaskCompleted, TaskCreated, TaskEdited
from sigdep.tasks.read_models.task_rows import TASKS

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
EVENTS_A_TASK: Final = 3
WORKSPACES: Final = 100
IN_FLIGHT: Final = 256
ASKED: Final = 200
REBUILD_TARGET: Final = 40_000

REBUILD: Final = "rebuild"
PROCESSOR: Final = "processor time of an event in a rebuild"
EVENT_LOOP: Final = "of it the event loop's"
ASK: Final = "ask for 50 of a workspace's open tasks"
UNITS: Final = {PROCESSOR: "µs", EVENT_LOOP: "µs", ASK: "ms"}
"""Of what is no rate. Processor time says what the code costs, also on a machine that others use."""


def _appends(first: int, last: int, places: list[WorkspaceId], author: UserId) -> Iterator[Append]:
    """Tasks as they are made in life: created, given a date, and two in three completed."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(first, last, EVENTS_A_TASK):
        place, task, at = places[number % len(places)], TaskId(uuid7()), start + timedelta(seconds=number)
        created = TaskCreated(
            task_id=task, workspace_id=place, title=f"Prepare part {number} of the yearly report",
            rank=f"m{number:07d}", by=author, at=at, priority="high", assignee_ids=(author,),
        )  # fmt: skip
        edited = TaskEdited(task_id=task, by=author, at=at, due_at=at + timedelta(days=number % 365), estimate="PT2H")
        ended = TaskCompleted(task_id=task, by=author, at=at + timedelta(hours=1))
        write = StreamWrite(
            stream=stream_id("task", task),
            subject=SubjectId(place),
            expected_version=NO_STREAM,
            events=(created, edited, ended) if number % 2 else (created, edited),
        )
        yield Append(workspace=place, command_id=CommandId(uuid7()), writes=(write,), metadata=Metadata(actor=author))


async def append_all(store: SqliteEventStore, appends: Iterator[Append]) -> int:
    """So many at a time as clients of a busy server. Returns the number of events."""
    events = 0

    async def write() -> None:
        nonlocal events
        for append in appends:
            await store.append(append)
            events += sum(len(one.events) for one in append.writes)

    await asyncio.gather(*(write() for _ in range(IN_FLIGHT)))
    return events


async def run(events_max: int = SIZES[-1]) -> list[Figure]:
    figures: list[Figure] = []
    keys, author = MemoryKeyRing(), UserId(uuid7())
    places = [WorkspaceId(uuid7()) for _ in range(WORKSPACES)]
    with tempfile.TemporaryDirectory(prefix="sigdep-bench-") as name:
        folder = Path(name)
        store = await SqliteEventStore.open(folder / "log.db", Codec(tasks.EVENTS, keys))
        smallest: dict[str, float] = {}
        reached = 0
        for size in (size for size in SIZES if size <= events_max):
            started = time.perf_counter()
            events = await append_all(store, _appends(reached, size, places, author))
            rates = {"append": events / (time.perf_counter() - started)}
            reached = size
            rates |= await _read_models(store, folder / f"{size}.views.db", places[0])
            for what, rate in rates.items():
                unit = UNITS.get(what, "events/s")
                against, other = (f"{SIZES[0]:,} events", smallest.get(what)) if smallest else ("", None)
                figures.append(
                    Figure(name=f"{what}, {size:,} events", value=rate, unit=unit, against=against, other=other)
                )
            smallest = smallest or rates
        await store.close()
    last = next(figure for figure in reversed(figures) if figure.name.startswith(f"{REBUILD},"))
    figures.append(Figure(name=last.name, value=last.value, unit=last.unit, against="the target", other=REBUILD_TARGET))
    return figures


async def _read_models(store: SqliteEventStore, path: Path, workspace: WorkspaceId) -> dict[str, float]:
    """Make the read model of tasks from the log, and ask it for the first page of open tasks by due date."""
    views, read_model = await SqliteReadStore.open(path), tasks.read_model()
    last = Progress(0, 0, 0.0)

    def note(progress: Progress) -> None:
        nonlocal last
        last = progress

    started, worked, worked_here = time.perf_counter(), time.process_time(), time.thread_time()
    model = await rebuild(store, views, read_model, note)
    seconds = time.perf_counter() - started
    processor = (time.process_time() - worked) / last.done * 1_000_000
    event_loop = (time.thread_time() - worked_here) / last.done * 1_000_000
    where = All((Compare("workspace_id", "=", workspace), Compare("trashed", "=", False), Compare("open", "=", True)))
    select = Select(table=TASKS, where=where, order=(Order("due"),), limit=50)
    took = []
    for _ in range(ASKED):
        asked = time.perf_counter()
        await views.select(model, select)
        took.append((time.perf_counter() - asked) * 1_000)
    await views.close()
    return {REBUILD: last.done / seconds, PROCESSOR: processor, EVENT_LOOP: event_loop, ASK: median(took)}


def main() -> None:
    calm_collector()  # As in every process of ours.
    figures = uvloop.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1]))
    print_figures("Growth", figures)
    print(f"\nKept in {keep_figures('growth', figures)}")


if __name__ == "__main__":
    main()
