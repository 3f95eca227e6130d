"""What every part of the read store's contract suite stands on: a store, a read model in it, and short questions."""

from collections.abc import Sequence
from typing import Final

import pytest

from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Condition,
    ModelId,
    Order,
    ReadStore,
    Row,
    Select,
    Table,
)
from sigdep.testing.read_store_samples import (
    ITEMS,
    new_model,
)

ALL: Final = All(())


async def everything(
    store: ReadStore, model: ModelId, table: Table = ITEMS, where: Condition = ALL, order: Sequence[Order] = ()
) -> Sequence[Row]:
    found = await store.select(model, Select(table=table, where=where, order=tuple(order), limit=PAGE_ROWS_MAX))
    return found.rows


async def numbers(store: ReadStore, model: ModelId, where: Condition, *order: Order) -> list[int]:
    """The ids of the items found, as `item` numbers them."""
    return [row["id"].int for row in await everything(store, model, ITEMS, where, order)]  # type: ignore[union-attr]


class ReadStoreSetup:
    """Fixtures of the suite. A subclass gives `store`."""

    @pytest.fixture
    def store(self) -> ReadStore:
        raise NotImplementedError("The subclass says how its store is opened.")

    @pytest.fixture
    async def model(self, store: ReadStore) -> ModelId:
        return await new_model(store, "tasks")
