"""Contract of the read store, reading: rows, conditions, sets, full text, and questions that make no sense."""

import pytest

from sigdep.kernel.conditions import CONDITION_PARTS_MAX, ONE_OF_VALUES_MAX, page
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Changes,
    Column,
    Compare,
    Contains,
    IsNull,
    Matches,
    ModelId,
    Not,
    OneOf,
    Order,
    ReadStore,
    Select,
    Table,
)
from sigdep.testing.read_store_samples import (
    EPOCH,
    ITEMS,
    PLACES,
    fill,
    identity,
    item,
    key_of,
    place,
)
from sigdep.testing.read_store_setup import ALL, ReadStoreSetup, everything, numbers


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
