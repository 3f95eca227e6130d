"""How SQLite goes about the questions that people ask most: through an index, and no further than the page needs."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from sigdep.adapters.sqlite import read_store as module
from sigdep.adapters.sqlite.read_questions import Questions
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.adapters.sqlite.read_tables import StoredTable
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.read_store import (
    All,
    Compare,
    Condition,
    Contains,
    Matches,
    ModelId,
    Not,
    OneOf,
    Order,
    Row,
    Select,
)
from sigdep.testing.read_store_samples import EPOCH, ITEMS, TABLES, fill, identity, item

ROWS: Final = 100_000

MINE: Final = Compare("workspace", "=", identity(0))
OPEN: Final = OneOf("status", ("in_progress", "open"))
THIS_WEEK: Final = Compare("due_at", "<", EPOCH + timedelta(days=7))
BY_DUE: Final = (Order("due_at"),)


def a_row(number: int) -> Row:
    """Four in five are done, and were due in the years before; few are due this week."""
    done = number % 5 != 0
    return item(
        number,
        status="done" if done else ("open", "in_progress", "waiting")[number % 3],
        rank=f"{number * 7919 % ROWS:06}",
        due_at=None if number % 7 == 0 else EPOCH + timedelta(minutes=(number * 7919) % ROWS * (-30 if done else 30)),
        title=f"common {'seldom ' * (number % 1_000 == 0)}n{number}",
        labels=frozenset({"everywhere", *(["few"] if number % 2_000 == 0 else [])}),
        size=number % 3,
        document=b"x" * 500,
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "views.db"

    async def make() -> None:
        store = await SqliteReadStore.open(path)
        model = await store.prepare("tasks", TABLES, "f")
        for start in range(0, ROWS, 20_000):
            await fill(store, model, map(a_row, range(start, start + 20_000)))
        await store.switch(model, TABLES)
        await store.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def filled(file: Path) -> AsyncIterator[tuple[SqliteReadStore, ModelId, Path]]:
    store = await SqliteReadStore.open(file)
    model = await store.live("tasks", TABLES)
    assert model is not None
    yield store, model, file
    await store.close()


def plan(filled: tuple[SqliteReadStore, ModelId, Path], select: Select) -> str:
    """What SQLite says that it will do."""
    _, model, path = filled
    connection = sqlite3.connect(path)
    try:
        statement = Questions().page(connection, StoredTable(model, select.table), True, select)
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters)
        return "\n".join(step[3] for step in steps)
    finally:
        connection.close()


def listing(*where: Condition, order: tuple[Order, ...] = BY_DUE) -> Select:
    return Select(table=ITEMS, where=All((MINE, *where)), order=order, limit=50)


WALKS: Final = {
    "open and due this week": listing(OPEN, THIS_WEEK),
    "open by due date, those without one at the end": listing(OPEN),
    "open by due date, backwards": listing(OPEN, order=(Order("due_at", descending=True),)),
    "of one status": listing(Compare("status", "=", "open"), THIS_WEEK),
    "all by rank": listing(order=(Order("rank"),)),
    "all by due date": listing(),
}


@pytest.mark.parametrize("name", WALKS)
async def test_a_list_walks_an_index_in_order(filled: tuple[SqliteReadStore, ModelId, Path], name: str) -> None:
    steps = plan(filled, WALKS[name]).split("\n")
    for step, before in zip(steps, ["", *steps], strict=False):
        assert not step.startswith("SCAN tasks")
        if step.startswith("SEARCH tasks"):
            assert "USING INDEX" in step
        if "TEMP B-TREE" in step:
            assert before == "SCAN branches"  # A page of each branch is sorted once more, and nothing else is.


SLOWER: Final = {
    "a common word": listing(Matches("common"), order=(Order("rank"),)),
    "a rare word": listing(Matches("seldom")),
    "a common and a rare word": listing(Matches("common seldom")),
    "a word that is nowhere": listing(Matches("absent")),
    "one letter": listing(Matches("c")),
    "a rare label": listing(Contains("labels", "few"), OPEN),
    "a label that all have": listing(Contains("labels", "everywhere"), OPEN),
}


@pytest.mark.parametrize("name", [*WALKS, *SLOWER])
async def test_a_page_among_a_hundred_thousand_rows_is_found_at_once(
    filled: tuple[SqliteReadStore, ModelId, Path], name: str
) -> None:
    store, model, _ = filled
    select = (WALKS | SLOWER)[name]
    follows = select
    for _ in range(3):
        page = await store.select(model, follows)
        if page.next is None:
            break
        follows = Select(table=ITEMS, where=select.where, order=select.order, limit=50, after=page.next)
    for one in (select, follows):
        with instructions(store) as executed:
            await store.select(model, one)
        # Of SQLite's virtual machine, which says on every machine alike what a question costs; some 30 ns each.
        assert executed() < 30_000


@contextmanager
def instructions(store: SqliteReadStore) -> Iterator[Callable[[], int]]:
    """Counts in thousands while it lasts, on all of the store's connections."""
    step, counted = 1_000, 0

    def count_up() -> int:
        nonlocal counted
        counted += step
        return 0

    hurried = module._hurried

    @contextmanager
    def counting(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        connection.set_progress_handler(count_up, step)
        try:
            yield connection
        finally:
            connection.set_progress_handler(None, 0)

    module._hurried = counting
    try:
        yield lambda: counted
    finally:
        module._hurried = hurried


async def test_a_row_by_its_key_takes_microseconds(filled: tuple[SqliteReadStore, ModelId, Path]) -> None:
    store, model, _ = filled
    seconds = []
    for number in range(0, ROWS, 97):
        began = time.perf_counter()
        row = await store.get(model, ITEMS, (identity(number),), ("document", "workspace"))
        seconds.append(time.perf_counter() - began)
        assert row is not None
    assert median(seconds) < 0.000_2  # Some 10 µs; the rest is for a machine with other things to do.


async def test_a_question_that_would_take_too_long_is_given_up(
    filled: tuple[SqliteReadStore, ModelId, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, model, _ = filled
    monkeypatch.setattr(module, "QUESTION_SECONDS_MAX", 0.02)
    costly = All(tuple(Not(Matches(f"absent{n} either")) for n in range(200)))
    with pytest.raises(Unavailable, match="took longer"):
        await store.count(model, ITEMS, costly)
    assert await store.count(model, ITEMS, Compare("id", "=", identity(1))) == 1
