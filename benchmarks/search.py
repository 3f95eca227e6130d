"""Lists by words: PostgreSQL alone, and with OpenSearch asked before it. The same questions by turns, one at a time.

python -m benchmarks.search [tasks of the workspace asked about] [tasks of other workspaces]

It takes what a client's question takes within `tasks.read`: condition, index, rows, and the page of 50 as JSON.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from statistics import median
from typing import Final
from uuid import UUID

import uvloop
from uuid_utils.compat import uuid7

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.contracts.ids import TaskId, UserId, WorkspaceId
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import NO_STREAM, CommandId, Partition, Position, Positions, SubjectId, stream_id
from sigdep.kernel.read_store import ModelId, ReadStore
from sigdep.kernel.store import Append, EventStore, Metadata, StreamWrite
from sigdep.rpc.call import Call, Principal
from sigdep.services.collector import calm_collector
from sigdep.services.indexed_views import IndexedViews
from sigdep.services.rebuilding import rebuild
from sigdep.tasks import context as tasks
from sigdep.tasks.events.tasks import TaskCompleted, TaskCreated
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_service import TasksRead
from sigdep.testing.broker_servers import running
from sigdep.testing.opensearch_server import OpenSearchServer
from sigdep.testing.servers import ServerNotProvided, postgresql

TASKS: Final = 20_000
OTHERS: Final = 80_000
OTHER_WORKSPACES: Final = 20
WORDS: Final = 8_000
DESCRIPTION_WORDS: Final = 30
POSTGRESQL_MAJOR: Final = 18
ASKED: Final = 60
WARM_UP: Final = 5

COMMON: Final = "quarterly"
"""In one of three tasks of every workspace."""
ELSEWHERE: Final = "quotation"
"""In one of three tasks of the others, and in twenty of ours."""
RARE: Final = "quince"
"""In twenty tasks of ours, and in none of the others."""

QUESTIONS: Final[Mapping[str, ListTasks]] = {
    "rare word (20 tasks)": ListTasks(q=RARE),
    "rare here, common elsewhere": ListTasks(q=ELSEWHERE),
    "common word": ListTasks(q=COMMON),
    "two words, one of them common": ListTasks(q=f"{COMMON} w12"),
    "beginning of a rare word": ListTasks(q="quin"),
    "beginning of many words": ListTasks(q="w1"),
    "rare word, open, by last change": ListTasks(q=RARE, open=True, sort="-updated_at"),
    "common word, open, by last change": ListTasks(q=COMMON, open=True, sort="-updated_at"),
}


class Reached:
    """The progress of what has been made and stands still."""

    def __init__(self, model: ModelId, positions: Positions) -> None:
        self.model_id = model
        self.positions = positions

    async def wait_for(self, partition: Partition, position: Position, timeout_seconds: float = 0.0) -> None:
        assert self.positions.get(partition, 0) >= position


def _texts(dice: Random) -> Iterator[str]:
    """Words as often as they come in languages: the second half as often as the first, and so on."""
    words = [f"w{number}" for number in range(WORDS)]
    weights = list(accumulate(1 / (number + 10) for number in range(WORDS)))
    while True:
        yield " ".join(dice.choices(words, cum_weights=weights, k=DESCRIPTION_WORDS))


def _appends(number: int, workspace: WorkspaceId, author: UserId, special: str, dice: Random) -> Iterator[Append]:
    texts, start = _texts(dice), datetime(2026, 1, 1, tzinfo=UTC)
    every = max(number // 20, 1)
    for place in range(number):
        task, at = TaskId(uuid7()), start + timedelta(seconds=place)
        marked = [special] if place % (3 if special == ELSEWHERE else every) == 0 else []
        marked += [ELSEWHERE] if special == RARE and place % every == 1 else []
        marked += [COMMON] if place % 3 == 2 else []
        created = TaskCreated(
            task_id=task, workspace_id=workspace, title=f"Prepare {' '.join(marked)} {place}", description=next(texts),
            rank=f"m{place:07d}", by=author, at=at, due_at=at + timedelta(days=place % 365),
        )  # fmt: skip
        ended = TaskCompleted(task_id=task, by=author, at=at + timedelta(hours=1))
        write = StreamWrite(
            stream=stream_id("task", task),
            subject=SubjectId(workspace),
            expected_version=NO_STREAM,
            events=(created, ended) if place % 2 else (created,),
        )
        yield Append(
            workspace=workspace, command_id=CommandId(uuid7()), writes=(write,), metadata=Metadata(actor=author)
        )


async def _log(ours: int, others: int, workspace: WorkspaceId, author: UserId) -> EventStore:
    log, dice = MemoryEventStore(Codec(tasks.EVENTS, MemoryKeyRing())), Random(11)
    for append in _appends(ours, workspace, author, RARE, dice):
        await log.append(append)
    for _ in range(OTHER_WORKSPACES):
        elsewhere = WorkspaceId(uuid7())
        for append in _appends(others // OTHER_WORKSPACES, elsewhere, author, ELSEWHERE, dice):
            await log.append(append)
    return log


async def run(ours: int = TASKS, others: int = OTHERS) -> list[Figure]:
    workspace, author = WorkspaceId(uuid7()), UserId(uuid7())
    log = await _log(ours, others, workspace, author)
    with postgresql(POSTGRESQL_MAJOR) as database, running(OpenSearchServer) as server:
        views = await PostgresReadStore.open(database.dsn(), schema="views")
        index = OpenSearchIndex(server.url)
        try:
            return await _measure(log, views, index, _call(workspace, author))
        finally:
            await index.close()
            await views.close()


async def _measure(log: EventStore, views: ReadStore, index: OpenSearchIndex, call: Call) -> list[Figure]:
    heads = await log.heads()
    started = time.perf_counter()
    progress = Reached(await rebuild(log, views, tasks.read_model()), heads)
    filled = time.perf_counter()
    texts = tasks.texts()
    (table,) = texts.tables
    indexed = Reached(await rebuild(log, IndexedViews(views, index, table), texts), heads)
    made = {"read model": filled - started, "index": time.perf_counter() - filled}
    events = sum(heads.values())
    figures = [Figure(name=f"make the {what}", value=events / took, unit="events/s") for what, took in made.items()]
    search = tasks.open_search(index, indexed)
    alone, both = TasksRead(views, log, progress), TasksRead(views, log, progress, search)
    for name, query in QUESTIONS.items():
        search.outcomes.clear()
        took = await _by_turns([alone, both], query, call)
        (outcome,) = search.outcomes
        figures.append(
            Figure(name=f"{name} ({outcome})", value=took[1], unit="ms", against="PostgreSQL alone", other=took[0])
        )
    return figures


async def _by_turns(services: Sequence[TasksRead], query: ListTasks, call: Call) -> list[float]:
    """Milliseconds, the median of each."""
    took: list[list[float]] = [[] for _ in services]
    answers = set()
    for turn in range(WARM_UP + ASKED):
        for service, times in zip(services, took, strict=True):
            started = time.perf_counter()
            answer = await service.ask(query, call)
            if turn >= WARM_UP:
                times.append((time.perf_counter() - started) * 1_000)
            answers.add(answer.value.json)
    assert len(answers) == 1, "They must find the same."
    return [median(times) for times in took]


def _call(workspace: WorkspaceId, user: UserId) -> Call:
    return Call(
        asked_at=datetime(2026, 6, 1, tzinfo=UTC),
        command_id=CommandId(UUID(int=1)),
        principal=Principal(
            user_id=user, personal_workspace_id=workspace, roles={workspace: "viewer"}, time_zone="UTC"
        ),
    )


def main() -> None:
    calm_collector()
    try:
        figures = uvloop.run(run(*map(int, sys.argv[1:])))
    except ServerNotProvided as missing:
        print(f"\nSearch is left out: {missing}.")
        return
    print_figures("Search", figures)
    print(f"\nKept in {keep_figures('search', figures)}")


if __name__ == "__main__":
    main()
