"""Would a view kept in Redis pay? "My open tasks due this week", from PostgreSQL and from sorted sets in Redis.

    python -m benchmarks.hot_views [tasks]

Both hold the same tasks of one workspace and give the same documents. What PostgreSQL is asked is what `tasks.read`
asks it, what Redis is asked is the page of the hot view. The last lines are whole answers of `tasks.read`, which that
question is a part of: without Redis, with it, and with it where a date bounds the list, so that every row is looked at.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvloop
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.growth import append_all
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.adapters.redis.aid import RedisAid
from sigdep.adapters.redis.hot_views import RedisHotViews
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.contracts.ids import TaskId, UserId
from sigdep.http.stamps import new_id
from sigdep.kernel.codec import Codec
from sigdep.kernel.hot_views import Range, View
from sigdep.kernel.ids import (
    NO_STREAM,
    CommandId,
    Partition,
    Position,
    Positions,
    SubjectId,
    WorkspaceId,
    partition_of,
    stream_id,
)
from sigdep.kernel.read_store import All, Compare, ModelId, Order, Select
from sigdep.kernel.store import Append, Metadata, StreamWrite
from sigdep.rpc.call import Call, Principal, Service
from sigdep.services.collector import calm_collector
from sigdep.services.rebuilding import rebuild
from sigdep.tasks import context as tasks
from sigdep.tasks.events.tasks import TaskCreated
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS
from sigdep.testing.broker_servers import running
from sigdep.testing.redis_server import RedisServer
from sigdep.testing.servers import postgresql

MANY_TASKS: Final = 20_000
PEOPLE: Final = 200
PAGE: Final = 50
SECONDS: Final = 2.0
ROUNDS: Final = 3
IN_FLIGHT: Final = (1, 32)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)

Ask = Callable[[], Awaitable[int]]
"""One question. Returns how many tasks came."""


class Still:
    """A Progress of a read model that nothing is added to."""

    def __init__(self, model: ModelId, positions: Positions) -> None:
        self.model_id = model
        self.positions = positions

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float = 0.0) -> None:
        return


def _appends(count: int, workspace: WorkspaceId, people: Sequence[UserId]) -> Any:
    for number in range(count):
        task, due = TaskId(uuid7()), START + timedelta(minutes=number)
        created = TaskCreated(
            task_id=task, workspace_id=workspace, title=f"Prepare part {number} of the yearly report",
            rank=f"m{number:07d}", by=people[0], at=START, due_at=due, assignee_ids=(people[number % len(people)],),
        )  # fmt: skip
        write = StreamWrite(
            stream=stream_id("task", task),
            subject=SubjectId(workspace),
            expected_version=NO_STREAM,
            events=(created,),
        )
        yield Append(workspace=workspace, command_id=CommandId(uuid7()), writes=(write,), metadata=Metadata())


async def _per_second(ask: Ask, in_flight: int) -> tuple[float, float]:
    """Answers a second, and the median of one in milliseconds."""
    took: list[float] = []
    end = time.perf_counter() + SECONDS

    async def go_on() -> None:
        while (begun := time.perf_counter()) < end:
            assert await ask() == PAGE
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(go_on() for _ in range(in_flight)))
    return len(took) / SECONDS, sorted(took)[len(took) // 2] * 1_000


async def _compare(asks: dict[str, Ask]) -> list[Figure]:
    figures: list[Figure] = []
    for in_flight in IN_FLIGHT:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in asks}
        for _ in range(ROUNDS):
            for name, ask in asks.items():
                found[name].append(await _per_second(ask, in_flight))
        first: float | None = None
        for name, rounds in found.items():
            per_second, milliseconds = max(rounds)
            against = next(iter(asks)) if first else ""
            label = f"{name}, {in_flight} in flight"
            figures.append(Figure(name=label, value=per_second, unit="/s", against=against, other=first))
            figures.append(Figure(name="  p50", value=milliseconds, unit="ms"))
            first = first or per_second
    return figures


async def run(count: int = MANY_TASKS) -> list[Figure]:
    workspace, people = WorkspaceId(uuid7()), [UserId(uuid7()) for _ in range(PEOPLE)]
    me, until = people[0], START + timedelta(minutes=count)
    with tempfile.TemporaryDirectory() as name, postgresql(18) as server, running(RedisServer) as redis_server:
        log = await SqliteEventStore.open(Path(name) / "log.db", Codec(tasks.EVENTS, MemoryKeyRing()))
        await append_all(log, _appends(count, workspace, people))
        views = await PostgresReadStore.open(server.dsn(server.create_database()), schema="views")
        model = await rebuild(log, views, tasks.read_model())
        aid = RedisAid(redis_server.url, "benchmark", answer_seconds=1.0)
        hot = RedisHotViews(aid)
        lists = tasks.open_hot_lists(hot, views)
        view = View(model, workspace, me)
        assert await lists.fill(view)
        position = (await views.checkpoint(model))[partition_of(workspace)]
        still = Still(model, await views.checkpoint(model))
        plain = tasks.open_read(log=log, views=views, progress=still)
        warm = tasks.open_read(log=log, views=views, progress=still, hot=lists)
        principal = Principal(user_id=me, personal_workspace_id=workspace, roles={workspace: "owner"})
        mine = (
            Compare("assignee_id", "=", me),
            Compare("workspace_id", "=", workspace),
            Compare("trashed", "=", False),
            Compare("open", "=", True),
        )
        select = Select(table=ASSIGNMENTS, where=All(mine), order=(Order("due"),), limit=PAGE, columns=("id",))

        async def ask_postgresql() -> int:
            page = await views.select(model, select)
            return len(await views.get_many(model, TASKS, [(row["id"],) for row in page.rows], ("document",)))

        async def ask_redis() -> int:
            return len(await hot.page(view, position, Range(limit=PAGE)) or ())

        def asking(service: Service, due_before: str | None = None) -> Ask:
            query = ListTasks(assignee_id=("me",), open=True, due_before=due_before, limit=PAGE)

            async def ask() -> int:
                call = Call(asked_at=START, command_id=CommandId(new_id()), principal=principal)
                return (await service.ask(query, call)).value.json.count(b'"title":')

            return ask

        figures = await _compare({"PostgreSQL": ask_postgresql, "Redis": ask_redis})
        figures += await _compare(
            {
                "tasks.read without Redis": asking(plain),
                "tasks.read with Redis": asking(warm),
                "the same, due before a date": asking(warm, until.isoformat()),
            }
        )
        assert lists.outcomes["given"] == lists.outcomes.total()
        await aid.close()
        await views.close()
        await log.close()
    return figures


def main() -> None:
    calm_collector()
    figures = uvloop.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else MANY_TASKS))
    print_figures("Hot views", figures)
    print(f"\nKept in {keep_figures('hot views', figures)}")


if __name__ == "__main__":
    main()
