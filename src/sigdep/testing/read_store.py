"""The contract suite of the read store: what every adapter must do."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sigdep.kernel.conditions import CONDITION_PARTS_MAX, ONE_OF_VALUES_MAX, page
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Changes,
    CheckpointMoved,
    Column,
    Compare,
    Condition,
    Contains,
    IsNull,
    Key,
    Matches,
    ModelGone,
    ModelId,
    Not,
    OneOf,
    Order,
    ReadStore,
    Row,
    Select,
    Table,
)
from sigdep.testing.read_store_samples import (
    EPOCH,
    ITEMS,
    NOTHING,
    PLACES,
    TABLES,
    at,
    fill,
    identity,
    item,
    key_of,
    new_model,
    orders,
    place,
    putting,
    questions,
    rows,
    tables_of_rows,
)

ALL: Final = All(())

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


class QuestionsContract(ReadStoreSetup):
    async def test_rows_come_back_as_they_were_put(self, store: ReadStore, model: ModelId) -> None:
        row = item(
            1,
            document=b'{"a": 1}\0\xff',
            status="Ünï'\"\0\x01\U0001f600",
            size=-(2**63),
            weight=0.1,
            done=False,
            due_at=EPOCH.replace(microsecond=999_999),
            due_on=EPOCH.date(),
            labels=frozenset({"b", "a", "", "'", '"', "{,}", "\\", "NULL"}),
            title="a\0b",
        )
        await fill(store, model, [row, item(2)])
        assert await store.get(model, ITEMS, (identity(1),)) == row
        assert await store.get(model, ITEMS, (identity(2),)) == item(2)
        assert await everything(store, model) == [row, item(2)]

    async def test_a_row_that_is_not_there_is_none(self, store: ReadStore, model: ModelId) -> None:
        assert await store.get(model, ITEMS, (identity(1),)) is None
        assert await store.get_many(model, ITEMS, [(identity(1),)]) == {}

    async def test_a_few_columns_of_a_row(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1, status="a", size=2)])
        assert await store.get(model, ITEMS, (identity(1),), ("size",)) == {"size": 2}
        many = await store.get_many(model, ITEMS, [(identity(1),)], ("size", "status"))
        assert many == {(identity(1),): {"size": 2, "status": "a"}}
        found = await store.select(model, Select(table=ITEMS, order=(Order("status"),), columns=("size",)))
        assert found.rows == [{"size": 2}]

    async def test_many_rows_by_key_and_those_that_are_there(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(number, size=number) for number in range(1, 1_201)])
        found = await store.get_many(model, ITEMS, [(identity(number),) for number in range(1, 2_001)], ("size",))
        assert found == {(identity(number),): {"size": number} for number in range(1, 1_201)}

    async def test_keys_of_several_columns(self, store: ReadStore, model: ModelId) -> None:
        streets = [place("a", 2), place("a", 10, "red"), place("b", 1, "red"), place("A", 2)]
        await fill(store, model, streets, PLACES)
        await fill(store, model, [place("a", 2, "blue")], PLACES)
        assert await store.get(model, PLACES, ("a", 2)) == place("a", 2, "blue")
        many = await store.get_many(model, PLACES, [("a", 10), ("b", 1), ("b", 2)])
        assert many == {("a", 10): place("a", 10, "red"), ("b", 1): place("b", 1, "red")}
        assert [key_of(row, PLACES) for row in await everything(store, model, PLACES)] == [
            ("A", 2), ("a", 2), ("a", 10), ("b", 1),
        ]  # fmt: skip
        await store.commit(model, Changes((), [(PLACES, ("a", 10))], ()), before={}, after={})
        assert await store.get(model, PLACES, ("a", 10)) is None
        red = await everything(store, model, PLACES, Compare("colour", "=", "red"))
        assert red == [place("b", 1, "red")]

    async def test_a_key_may_hold_bytes(self, store: ReadStore) -> None:
        packed = Table(name="packed", columns=(Column("pair", "bytes"), Column("size", "integer")), key=("pair",))
        model = await store.prepare("packed", [packed], "f")
        await store.switch(model, [packed])
        await fill(store, model, [{"pair": b"\0a", "size": 1}, {"pair": b"\0b", "size": 2}], packed)
        await fill(store, model, [{"pair": b"\0a", "size": 3}], packed)
        await store.commit(model, Changes((), [(packed, (b"\0b",))], ()), before={}, after={})
        assert await everything(store, model, packed) == [{"pair": b"\0a", "size": 3}]

    async def test_nulls_come_last_in_both_directions(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1), item(2, size=1), item(3, size=2), item(4)])
        assert await numbers(store, model, ALL, Order("size")) == [2, 3, 1, 4]
        assert await numbers(store, model, ALL, Order("size", descending=True)) == [3, 2, 4, 1]

    async def test_a_comparison_with_null_is_false_and_its_not_is_true(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1), item(2, size=1), item(3, size=2)])
        for op, found in {"=": [2], "!=": [3], "<": [], "<=": [2], ">": [3], ">=": [2, 3]}.items():
            comparison = Compare("size", op, 1)  # type: ignore[arg-type]
            assert await numbers(store, model, comparison) == found
            assert await numbers(store, model, Not(comparison)) == [n for n in (1, 2, 3) if n not in found]
            assert await numbers(store, model, Not(Not(comparison))) == found
        assert await numbers(store, model, Not(OneOf("size", (1,)))) == [1, 3]
        assert await numbers(store, model, Not(IsNull("size"))) == [2, 3]

    async def test_a_value_that_is_named_twice_finds_its_rows_once(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1, status="a", due_at=EPOCH), item(2, status="b"), item(3, status="a")])
        where = All((Compare("workspace", "=", identity(0)), OneOf("status", ("a", "b", "a"))))
        assert await numbers(store, model, where, Order("due_at")) == [1, 2, 3]

    async def test_sets_are_asked_what_they_contain(self, store: ReadStore, model: ModelId) -> None:
        await fill(
            store,
            model,
            [item(1, labels=frozenset({"x", "y"})), item(2, labels=frozenset({"y"}), people=frozenset({"x"})), item(3)],
        )
        assert await numbers(store, model, Contains("labels", "x")) == [1]
        assert await numbers(store, model, Contains("labels", "y")) == [1, 2]
        assert await numbers(store, model, Contains("people", None)) == [2]
        assert await numbers(store, model, Not(Contains("labels", None))) == [3]
        await fill(store, model, [item(1, labels=frozenset({"y", "z"}))])
        assert await numbers(store, model, Contains("labels", "x")) == []
        assert await numbers(store, model, Contains("labels", "z")) == [1]
        await store.commit(model, Changes((), [(ITEMS, (identity(1),))], ()), before={}, after={})
        assert await numbers(store, model, Contains("labels", "z")) == []

    @pytest.mark.parametrize(
        "question",
        [
            Select(table=ITEMS, where=Compare("absent", "=", 1)),
            Select(table=ITEMS, where=Compare("size", "=", "1")),
            Select(table=ITEMS, where=Compare("size", "=", 2**63)),
            Select(table=ITEMS, where=Compare("size", "=", True)),
            Select(table=ITEMS, where=Compare("size", "=", None)),
            Select(table=ITEMS, where=Compare("weight", "=", float("nan"))),
            Select(table=ITEMS, where=Compare("due_at", "=", EPOCH.replace(tzinfo=None))),
            Select(table=ITEMS, where=Compare("due_on", "=", EPOCH)),
            Select(table=ITEMS, where=Compare("status", "=", "\ud800")),
            Select(table=ITEMS, where=Compare("labels", "=", frozenset())),
            Select(table=ITEMS, where=OneOf("size", (1, None))),
            Select(table=ITEMS, where=OneOf("size", tuple(range(ONE_OF_VALUES_MAX + 1)))),
            Select(table=ITEMS, where=Contains("size", "a")),
            Select(table=PLACES, where=Matches("a")),
            Select(table=ITEMS, where=All((All(()),) * CONDITION_PARTS_MAX)),
            Select(table=ITEMS, order=(Order("absent"),)),
            Select(table=ITEMS, order=(Order("labels"),)),
            Select(table=ITEMS, columns=("absent",)),
            Select(table=ITEMS, limit=0),
            Select(table=ITEMS, limit=PAGE_ROWS_MAX + 1),
            Select(table=ITEMS, order=(Order("size"),), after=(1,)),
            Select(table=ITEMS, order=(Order("size"),), after=("1", identity(1))),
            Select(table=ITEMS, order=(Order("size"),), after=(1, None)),
        ],
        ids=lambda select: str(select)[-60:].replace("[", "(").replace("]", ")"),
    )
    async def test_a_question_that_makes_no_sense_is_invalid(
        self, store: ReadStore, model: ModelId, question: Select
    ) -> None:
        with pytest.raises(Invalid):
            await store.select(model, question)
        if question.where != All(()):
            with pytest.raises(Invalid):
                await store.count(model, question.table, question.where)


class SearchContract(ReadStoreSetup):
    async def test_every_word_must_begin_a_word_whatever_its_case_and_accents(
        self, store: ReadStore, model: ModelId
    ) -> None:
        await fill(
            store,
            model,
            [
                item(1, title="Buy CAFÉ filters"),
                item(2, title="The café", notes="Straße"),
                item(3, notes="decaf 日本語"),
            ],
        )
        for text, found in {
            "cafe": [1, 2],
            "CAF fil": [1],
            "caf stras": [2],
            "STRASSE": [2],
            "caf absent": [],
            "af": [],
            "本": [3],
            "日語": [3],
            "": [],
            "...": [],
        }.items():
            assert await numbers(store, model, Matches(text)) == found, text
            assert await numbers(store, model, Not(Matches(text))) == [n for n in (1, 2, 3) if n not in found], text

    @pytest.mark.parametrize(
        "text",
        [
            '"', "'", "cafe\"", "cafe' OR 1=1 --", "cafe AND", "NOT cafe", "cafe*", "^cafe", "title:cafe",
            "{title}:cafe",
            "NEAR(cafe filters)", "(cafe", "cafe)", "cafe & | ! <->", ":*", "cafe:*", "\\", "😀", "\0", "cafe\0filters",
            "\ud800", "cafe " * 2_000, "c" * 10_000, "é" * 10_000, " ".join(map(str, range(5_000))),
            "%", "cafe_filters",
        ],
        ids=lambda text: repr(text[:20]),
    )  # fmt: skip
    async def test_hostile_text_is_only_text(self, store: ReadStore, model: ModelId, text: str) -> None:
        written = [item(1, title="cafe filters"), item(2, title="title near or and not 😀"), item(3, title="\0")]
        written.append(item(4, title=text.replace("\ud800", ""), notes="'" * 9))
        await fill(store, model, written)
        expected = page(Select(table=ITEMS, where=Matches(text), limit=PAGE_ROWS_MAX), written).rows
        assert await everything(store, model, ITEMS, Matches(text)) == expected

    async def test_search_follows_changes_and_forgets_deleted_rows(self, store: ReadStore, model: ModelId) -> None:
        await fill(store, model, [item(1, title="apples", notes="fresh"), item(2, title="apples")])
        await fill(store, model, [item(1, title="pears", notes="fresh")])
        assert await numbers(store, model, Matches("apples")) == [2]
        assert await numbers(store, model, Matches("pears fresh")) == [1]
        await store.commit(model, Changes((), [(ITEMS, (identity(1),))], ()), before={}, after={})
        await store.commit(model, Changes([(ITEMS, Matches("apples"))], (), ()), before={}, after={})
        assert await numbers(store, model, Matches("pears")) == []
        assert await everything(store, model) == []

    async def test_words_in_more_rows_than_can_be_sorted_are_still_found_in_order(
        self, store: ReadStore, model: ModelId
    ) -> None:
        common = frozenset({"everywhere"})
        await fill(
            store,
            model,
            [item(n, title=f"common {'rare' * (n == 1_400)}", size=-n, labels=common) for n in range(1, 1_501)],
        )
        for where in (Matches("comm"), Contains("labels", "everywhere"), Matches("comm c")):
            select = Select(table=ITEMS, where=where, order=(Order("size"),), limit=3, columns=("size",))
            assert (await store.select(model, select)).rows == [{"size": -1_500}, {"size": -1_499}, {"size": -1_498}]
        assert await numbers(store, model, Matches("common rare"), Order("size")) == [1_400]


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


class ReadStoreContract(RandomQuestionsContract, QuestionsContract, SearchContract, BatchesContract, BuildsContract):
    """All of it."""
