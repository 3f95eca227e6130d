"""How PostgreSQL goes about the questions that people ask most."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import asyncpg
import pytest

from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.adapters.postgres.read_tables import PostgresDialect, StoredTable
from sigdep.adapters.sql.pages import choose_walk, page_statement
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.read_store import All, Compare, Condition, Contains, Matches, ModelId, OneOf, Order, Select
from sigdep.testing.read_store_samples import EPOCH, ITEMS, TABLES, fill, identity, item

ROWS: Final = 20_000

Filled = tuple[PostgresReadStore, ModelId, str, str]


@pytest.fixture(params=["live", "early"])
async def filled(request: pytest.FixtureRequest, postgresql_shared_dsn: str, schema: str) -> AsyncIterator[Filled]:
    """A build that is live, or will be."""
    store = await PostgresReadStore.open(postgresql_shared_dsn, schema=schema)
    model = await store.prepare("tasks", TABLES, "f")
    await fill(
        store,
        model,
        [
            item(
                number,
                status="done" if number % 5 else "open",
                due_at=EPOCH + timedelta(minutes=number) if number % 7 else None,
                title=f"common n{number}",
                labels=frozenset({"few"} if number % 1_000 == 0 else ()),
            )
            for number in range(ROWS)
        ],
    )
    await (store.switch(model, TABLES) if request.param == "live" else store.index(model, TABLES))
    yield store, model, postgresql_shared_dsn, schema
    await store.close()


QUESTIONS: Final = {
    "open and due this week": (OneOf("status", ("open", "in_progress")), Compare("due_at", "<", EPOCH)),
    "all by due date": (),
    "a rare word": (Matches("n777"),),
    "a rare label": (Contains("labels", "few"),),
}


async def plan_of(filled: Filled, *where: Condition) -> str:
    _, model, dsn, schema = filled
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        select = Select(
            table=ITEMS, where=All((Compare("workspace", "=", identity(0)), *where)), order=(Order("due_at"),)
        )
        relation = StoredTable(model, ITEMS).relation
        statement = page_statement(PostgresDialect(), relation, select, choose_walk(select))
        plan = await connection.fetch(f"EXPLAIN {statement.text}", *statement.parameters)
        return "\n".join(step[0] for step in plan)
    finally:
        await connection.close()


async def test_lists_go_through_an_index(filled: Filled) -> None:
    for name, where in QUESTIONS.items():
        plan = await plan_of(filled, *where)
        assert "Seq Scan" not in plan, f"{name}: {plan}"


async def test_words_of_rows_whose_keys_are_known_are_compared_row_by_row(filled: Filled) -> None:
    """As where a search index has named them: the index of words knows those of every workspace."""
    words = "words_idx"  # As PostgreSQL names the index of the column.
    assert words in await plan_of(filled, Matches("n777"))
    plan = await plan_of(filled, OneOf("id", tuple(identity(number) for number in range(20))), Matches("n777"))
    assert words not in plan
    assert "_pkey" in plan


async def test_a_server_that_goes_away_is_unavailable_and_comes_back(filled: Filled) -> None:
    store, model, dsn, _ = filled
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sigdep read store'"
    )
    await connection.close()
    answered = 0
    for _ in range(10):  # As many as there may be dead connections, and more.
        try:
            answered += await store.get(model, ITEMS, (identity(1),)) is not None
        except Unavailable:
            answered = 0
    assert answered > 0
    await store.close()
    with pytest.raises(Unavailable):
        await store.get(model, ITEMS, (identity(1),))
