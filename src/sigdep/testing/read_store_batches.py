"""Contract of the read store, writing: batches with their checkpoint, and builds side by side."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    Changes,
    CheckpointMoved,
    Compare,
    Contains,
    Matches,
    ModelGone,
    ModelId,
    Order,
    ReadStore,
    Select,
)
from sigdep.testing.read_store_samples import (
    EPOCH,
    ITEMS,
    NOTHING,
    TABLES,
    at,
    fill,
    identity,
    item,
    new_model,
    putting,
)
from sigdep.testing.read_store_setup import ALL, ReadStoreSetup, everything, numbers


class BatchesContract(ReadStoreSetup):
    async def test_rows_and_checkpoint_move_together(self, store: ReadStore, model: ModelId) -> None:
        assert await store.checkpoint(model) == {}
        await store.commit(model, putting(item(1)), before=at(0), after=at(7))
        assert await store.checkpoint(model) == at(7)
        assert await numbers(store, model, ALL) == [1]

    async def test_a_batch_that_fails_leaves_nothing_behind(self, store: ReadStore, model: ModelId) -> None:
        before = [item(1, title="apples", labels=frozenset({"x"})), item(2, size=1)]
        await fill(store, model, before)
        misfit: Any = "no number"
        failing = Changes(
            [(ITEMS, Compare("size", "=", 1))],
            [(ITEMS, (identity(1),))],
            [(ITEMS, item(3, title="pears")), (ITEMS, item(4, size=misfit))],
        )
        with pytest.raises(Invalid):
            await store.commit(model, failing, before=at(0), after=at(1))
        assert await everything(store, model) == before
        assert await store.checkpoint(model) == {}
        assert await numbers(store, model, Matches("apples")) == [1]
        assert await numbers(store, model, Matches("pears")) == []
        assert await numbers(store, model, Contains("labels", "x")) == [1]

    @pytest.mark.parametrize(
        "misfit",
        [
            {"size": 2**63}, {"size": 1.0}, {"size": True}, {"status": 1}, {"done": 1}, {"due_at": EPOCH.date()},
            {"due_at": EPOCH.replace(tzinfo=None)}, {"due_on": EPOCH}, {"id": None}, {"labels": None},
            {"labels": ["a"]},
            {"labels": frozenset({"\0"})}, {"weight": float("nan")}, {"weight": "1"}, {"document": "text"},
            {"status": "\ud800"}, {"workspace": str(identity(1))},
        ],
        ids=str,
    )  # fmt: skip
    async def test_a_value_that_does_not_fit_is_invalid(
        self, store: ReadStore, model: ModelId, misfit: dict[str, Any]
    ) -> None:
        with pytest.raises(Invalid):
            await fill(store, model, [item(1) | misfit])  # type: ignore[operator]
        assert await everything(store, model) == []

    async def test_a_projector_that_comes_late_writes_nothing(self, store: ReadStore, model: ModelId) -> None:
        await store.commit(model, putting(item(1, size=1)), before=at(0), after=at(1))
        for before in (at(0), at(2)):
            with pytest.raises(CheckpointMoved):
                await store.commit(model, putting(item(1, size=2)), before=before, after=at(3))
        assert await store.get(model, ITEMS, (identity(1),)) == item(1, size=1)
        assert await store.checkpoint(model) == at(1)

    async def test_wide_deletes_come_first_then_deletes_then_puts(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1, size=1), item(2, size=1), item(3, size=2), item(4, size=3)])
        changes = Changes(
            [(ITEMS, Compare("size", "=", 1))],
            [(ITEMS, (identity(3),)), (ITEMS, (identity(5),))],
            [(ITEMS, item(2, size=1)), (ITEMS, item(5, size=9))],
        )
        await store.commit(model, changes, before={}, after={})
        assert await numbers(store, model, ALL) == [2, 4, 5]

    async def test_no_question_sees_half_a_batch(self, store: ReadStore, model: ModelId) -> None:
        keys = [(identity(number),) for number in range(1, 301)]
        await fill(store, model, [item(key[0].int, size=0, status="a") for key in keys])
        written = asyncio.Event()

        async def write() -> None:
            for size in range(1, 16):
                await fill(store, model, [item(key[0].int, size=size, status="ab"[size % 2]) for key in keys])
            written.set()

        writing = asyncio.create_task(write())
        while not written.is_set():
            many = await store.get_many(model, ITEMS, keys, ("size",))
            whole = await store.select(model, Select(table=ITEMS, limit=PAGE_ROWS_MAX, order=(Order("status"),)))
            for found in (many.values(), whole.rows):
                sizes = {int(str(row["size"])) for row in found}
                assert (len(found), len(sizes)) == (300, 1)
            assert await store.count(model, ITEMS, Compare("status", "=", "a")) in (0, 300)
            await asyncio.sleep(0)
        await writing

    async def test_the_last_of_two_rows_with_one_key_stays(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1, size=1), item(1, size=2)])
        await fill(store, model, [item(1, size=3), item(2, size=1), item(1, size=4)])
        assert await everything(store, model) == [item(1, size=4), item(2, size=1)]

    async def test_a_batch_larger_than_one_statement(self, store: ReadStore, model: ModelId) -> None:
        wide = [item(n, title=f"word{n}", labels=frozenset({f"l{n}"})) for n in range(1, 2_501)]
        await fill(store, model, wide)
        await fill(store, model, [row | {"size": 1, "title": "moved"} for row in wide[:2_000]])  # type: ignore[operator]
        assert await store.count(model, ITEMS, Matches("moved")) == 2_000
        assert await numbers(store, model, Matches("word2500")) == [2_500]
        keys = [(ITEMS, (identity(n),)) for n in range(1, 2_500)]
        await store.commit(model, Changes((), keys, ()), before={}, after={})
        assert await numbers(store, model, ALL) == [2_500]


class BuildsContract(ReadStoreSetup):
    async def test_a_read_model_is_live_once_it_has_been_switched_to(self, store: ReadStore) -> None:
        assert await store.live("tasks", TABLES, "f") is None
        model = await store.prepare("tasks", TABLES, "f")
        assert await store.live("tasks", TABLES, "f") is None
        await store.switch(model, TABLES)
        assert await store.live("tasks", TABLES, "f") == model
        assert await store.live("tasks", TABLES) == model
        assert await store.live("tasks", TABLES, "other code") is None
        assert await store.live("tasks", (ITEMS,)) is None
        assert await store.live("projects", TABLES) is None

    async def test_a_mixed_build_is_live_and_of_no_fingerprint(self, store: ReadStore, model: ModelId) -> None:
        await store.commit(model, putting(item(1)), before=at(0), after=at(5))
        for _ in range(2):
            await store.mark_mixed(model)
            assert await store.live("tasks", TABLES) == model
            assert await store.live("tasks", TABLES, "f") is None
        await store.commit(model, putting(item(2)), before=at(5), after=at(6))
        assert await numbers(store, model, ALL) == [1, 2]
        beside = await store.prepare("tasks", TABLES, "f")
        assert beside != model
        await store.switch(beside, TABLES)
        assert await store.live("tasks", TABLES, "f") == beside
        await store.sweep("tasks")
        with pytest.raises(ModelGone):
            await store.mark_mixed(model)

    async def test_rows_with_other_documents_are_not_ours(self, store: ReadStore, model: ModelId) -> None:
        others = [structs.replace(table, documents="item-2") for table in TABLES]
        assert await store.live("tasks", TABLES) == model
        assert await store.live("tasks", others) is None

    async def test_two_builds_live_side_by_side(self, store: ReadStore, model: ModelId) -> None:
        await store.commit(model, putting(item(1, title="old")), before=at(0), after=at(5))
        beside = await store.prepare("tasks", TABLES, "f")
        assert beside != model
        await store.commit(beside, putting(item(1, title="new"), item(2)), before=at(0), after=at(2))
        assert await store.live("tasks", TABLES, "f") == model
        assert await numbers(store, model, Matches("old")) == [1]
        assert await numbers(store, beside, Matches("new")) == [1]
        assert (await store.checkpoint(model), await store.checkpoint(beside)) == (at(5), at(2))
        await store.switch(beside, TABLES)
        assert await store.live("tasks", TABLES, "f") == beside
        assert await numbers(store, beside, Matches("new")) == [1]

    async def test_a_build_that_was_begun_is_taken_up_again(self, store: ReadStore) -> None:
        begun = await store.prepare("tasks", TABLES, "f")
        await store.commit(begun, putting(item(1)), before=at(0), after=at(3))
        assert await store.prepare("tasks", TABLES, "f") == begun
        assert await store.prepare("tasks", TABLES, "other code") != begun
        assert await store.prepare("tasks", (ITEMS,), "f") != begun
        assert await store.checkpoint(begun) == at(3)

    async def test_a_build_that_is_indexed_is_read_from_and_filled_before_it_is_live(
        self, store: ReadStore, model: ModelId
    ) -> None:
        begun = await store.prepare("tasks", TABLES, "newer")
        await store.commit(begun, putting(item(1, title="early")), before=at(0), after=at(3))
        assert await store.indexed("tasks", TABLES, "newer") is None
        assert await numbers(store, begun, Matches("early")) == [1]
        for _ in range(2):
            await store.index(begun, TABLES)
            assert await store.indexed("tasks", TABLES, "newer") == begun
        assert await store.indexed("tasks", TABLES, "f") is None
        assert await store.indexed("tasks", (ITEMS,), "newer") is None
        assert await store.indexed("projects", TABLES, "newer") is None
        assert await store.live("tasks", TABLES) == model
        assert await store.prepare("tasks", TABLES, "newer") == begun
        labels = frozenset({"x"})
        await store.commit(begun, putting(item(2, title="later", labels=labels)), before=at(3), after=at(4))
        await store.switch(begun, TABLES)
        assert await store.live("tasks", TABLES, "newer") == begun
        assert await store.indexed("tasks", TABLES, "newer") is None
        for where, shown in ((Matches("early"), 1), (Matches("later"), 2), (Contains("labels", "x"), 2)):
            assert await numbers(store, begun, where) == [shown]
        await store.sweep("tasks")
        with pytest.raises(ModelGone):
            await store.index(model, TABLES)

    async def test_what_has_been_begun_is_told_from_what_was_live(self, store: ReadStore, model: ModelId) -> None:
        assert list(await store.begun("tasks")) == []
        begun = {await store.prepare("tasks", TABLES, fingerprint) for fingerprint in ("second", "third")}
        assert set(await store.begun("tasks")) == begun
        await store.prepare("task", TABLES, "second")
        assert set(await store.begun("tasks")) == begun
        switched = begun.pop()
        await store.switch(switched, TABLES)
        assert set(await store.begun("tasks")) == begun
        await store.sweep("tasks", keep=begun)
        assert set(await store.begun("tasks")) == begun

    async def test_whatever_is_live_is_found_without_its_tables(self, store: ReadStore, model: ModelId) -> None:
        assert await store.live("tasks", None) == model
        assert await store.live("tasks", None, "f") == model
        assert await store.live("tasks", None, "other code") is None
        assert await store.live("projects", None) is None

    async def test_a_build_that_is_filled_with_large_batches(self, store: ReadStore) -> None:
        """As a rebuild does: rows come again in the same batch and in later ones, and sets hold whatever text."""
        begun = await store.prepare("tasks", TABLES, "f")
        odd = {"labels": frozenset({'a "b"', "c\\d", "naïve, 📎"}), "people": frozenset({"p"})}
        rows = [item(n, title=f"word{n}", labels=frozenset({"x", f"l{n}"})) for n in range(1, 1_201)]
        await fill(store, begun, [*rows, *(row | {"size": 1} for row in rows[::7]), item(2, size=2, **odd)])  # type: ignore[operator]
        await fill(store, begun, [item(n, size=3, title="again") for n in range(1_101, 1_651)])
        await store.switch(begun, TABLES)
        assert await store.count(begun, ITEMS, ALL) == 1_650
        again = [n for n in range(1, 1_101) if n % 7 == 1 and n != 2]
        assert await numbers(store, begun, Compare("size", "=", 1)) == again
        assert await store.count(begun, ITEMS, Matches("again")) == 550
        assert await store.count(begun, ITEMS, Contains("labels", "x")) == 1_099
        assert await numbers(store, begun, Contains("labels", "l1100")) == [1_100]
        assert await numbers(store, begun, Contains("labels", "l1101")) == []
        for label in ('a "b"', "c\\d", "naïve, 📎"):
            assert await numbers(store, begun, Contains("labels", label)) == [2]
        assert await numbers(store, begun, Contains("people", "p")) == [2]
        assert await numbers(store, begun, Contains("labels", "p")) == []

    async def test_the_former_build_answers_until_it_is_swept_away(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1)])
        begun = await store.prepare("tasks", TABLES, "third")
        beside = await store.prepare("tasks", TABLES, "second")
        await store.switch(beside, TABLES)
        assert await numbers(store, model, ALL) == [1]
        await store.sweep("tasks", keep=[begun])
        for refused in (
            store.get(model, ITEMS, (identity(1),)),
            store.get_many(model, ITEMS, [(identity(1),)]),
            store.select(model, Select(table=ITEMS)),
            store.count(model, ITEMS, ALL),
            store.checkpoint(model),
            store.commit(model, NOTHING, before={}, after={}),
            store.switch(model, TABLES),
        ):
            with pytest.raises(ModelGone):
                await refused
        assert await store.live("tasks", TABLES) == beside
        assert await store.checkpoint(begun) == {}

    async def test_sweeping_touches_no_other_read_model(self, store: ReadStore, model: ModelId) -> None:
        other = await new_model(store, "task", live=False)
        await store.sweep("tasks")
        assert await store.checkpoint(other) == {}
        assert await store.checkpoint(model) == {}
