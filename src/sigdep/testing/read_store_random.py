"""Contract of the read store: exactly what the definition says, for random rows, questions, orders and pages."""

import os
from collections.abc import Mapping
from itertools import count
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sigdep.kernel.conditions import page
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    Changes,
    Key,
    ModelId,
    Not,
    ReadStore,
    Row,
    Select,
)
from sigdep.testing.read_store_samples import (
    ITEMS,
    TABLES,
    fill,
    identity,
    key_of,
    new_model,
    orders,
    questions,
    rows,
    tables_of_rows,
)
from sigdep.testing.read_store_setup import ReadStoreSetup, everything

LONG: Final = os.environ.get("SIGDEP_LONG") == "1"

_random = settings(
    max_examples=1_000 if LONG else 40,
    deadline=None,
    # To find the smallest failure takes minutes, and is worth them only to somebody who waits.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if LONG else [])],
    # Every example takes a read model of its own; and every adapter runs these tests, each in a class of its own.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)
_names = (f"random{number}" for number in count())


class RandomQuestionsContract(ReadStoreSetup):
    """Every adapter gives exactly what the plain Python definition gives."""

    @_random
    @given(st.data())
    async def test_every_page_is_what_the_definition_says(self, store: ReadStore, data: st.DataObject) -> None:
        model = await new_model(store, next(_names), live=False)
        present = {key_of(row): row for row in data.draw(tables_of_rows)}
        await fill(store, model, present.values())
        await self._ask(store, model, present, data)
        await store.switch(model, TABLES)
        await self._ask(store, model, present, data)
        changed = {key_of(row): row for row in data.draw(tables_of_rows)}
        gone = [key for key in present if data.draw(st.booleans())]
        await store.commit(
            model,
            Changes((), [(ITEMS, key) for key in gone], [(ITEMS, row) for row in changed.values()]),
            before={},
            after={},
        )
        await self._ask(store, model, {k: r for k, r in present.items() if k not in gone} | changed, data)
        await self._drop(store, model)

    async def _ask(self, store: ReadStore, model: ModelId, present: Mapping[Key, Row], data: st.DataObject) -> None:
        select = Select(table=ITEMS, where=data.draw(questions), order=data.draw(orders), limit=data.draw(_limits))
        for _ in range(len(present) + 1):
            expected = page(select, present.values())
            assert await store.select(model, select) == expected
            if expected.next is None:
                break
            select = Select(
                table=ITEMS, where=select.where, order=select.order, limit=select.limit, after=expected.next
            )
        all_of_it = Select(table=ITEMS, where=select.where, limit=PAGE_ROWS_MAX)
        assert await store.count(model, ITEMS, select.where) == len(page(all_of_it, present.values()).rows)

    @_random
    @given(st.data())
    async def test_deleting_by_condition_deletes_what_the_definition_says(
        self, store: ReadStore, data: st.DataObject
    ) -> None:
        model = await new_model(store, next(_names), live=data.draw(st.booleans()))
        present = {key_of(row): row for row in data.draw(tables_of_rows)}
        await fill(store, model, present.values())
        where = data.draw(questions)
        await store.commit(model, Changes([(ITEMS, where)], (), ()), before={}, after={})
        kept = page(Select(table=ITEMS, where=Not(where), limit=PAGE_ROWS_MAX), present.values())
        assert await everything(store, model) == kept.rows
        await self._drop(store, model)

    @_random
    @given(st.data())
    async def test_pages_hold_while_rows_change(self, store: ReadStore, data: st.DataObject) -> None:
        """Nothing twice and nothing that stayed is skipped, whatever else comes, goes or moves between two pages."""
        model = await new_model(store, next(_names))
        first = {key_of(row): row for row in data.draw(tables_of_rows)}
        await fill(store, model, first.values())
        select = Select(table=ITEMS, where=data.draw(questions), order=data.draw(orders), limit=data.draw(_limits))
        seen: list[Key] = []
        touched: set[Key] = set()
        for _ in range(60):
            found = await store.select(model, select)
            seen += [key_of(row) for row in found.rows]
            if found.next is None:
                break
            new = data.draw(st.lists(rows, max_size=3))
            gone = [identity(number) for number in data.draw(st.lists(st.integers(1, 40), max_size=2))]
            touched |= {key_of(row) for row in new} | {(one,) for one in gone}
            await store.commit(
                model,
                Changes((), [(ITEMS, (one,)) for one in gone], [(ITEMS, row) for row in new]),
                before={},
                after={},
            )
            select = Select(table=ITEMS, where=select.where, order=select.order, limit=select.limit, after=found.next)
        stayed = [key for key in seen if key not in touched]
        wanted = Select(table=ITEMS, where=select.where, order=select.order, limit=PAGE_ROWS_MAX)
        expected = [key for row in page(wanted, first.values()).rows if (key := key_of(row)) not in touched]
        assert stayed == expected
        await self._drop(store, model)

    async def _drop(self, store: ReadStore, model: ModelId) -> None:
        await store.switch(await store.prepare(model.name, (), "nothing"), ())
        await store.sweep(model.name)


_limits = st.integers(1, 5)
