"""What conditions, orders and pages mean: the definition that every read store is held to, held to examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigdep.kernel.conditions import compare_places, full_order, holds, page, sort_values
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    All,
    Any,
    Compare,
    Condition,
    Contains,
    IsNull,
    Matches,
    Not,
    OneOf,
    Order,
    Row,
    Select,
)
from sigdep.testing.read_store_samples import (
    ITEMS,
    PLACES,
    identity,
    item,
    key_of,
    orders,
    place,
    questions,
    rows,
    tables_of_rows,
)

ROW = item(1, size=5, status="b", labels=frozenset({"x"}), title="Café Straße", notes="the end")


@pytest.mark.parametrize(
    "condition, expected",
    [
        (Compare("size", "=", 5), True),
        (Compare("size", "!=", 5), False),
        (Compare("size", "<", 6), True),
        (Compare("size", ">=", 6), False),
        (Compare("status", ">", "B"), True),
        (Compare("weight", "=", 0.0), False),
        (Compare("weight", "!=", 0.0), False),
        (Not(Compare("weight", "!=", 0.0)), True),
        (IsNull("weight"), True),
        (IsNull("labels"), False),
        (IsNull("people"), False),
        (OneOf("size", (4, 5)), True),
        (OneOf("size", ()), False),
        (OneOf("weight", (0.0,)), False),
        (Contains("labels", "x"), True),
        (Contains("labels", "y"), False),
        (Contains("labels", None), True),
        (Contains("people", None), False),
        (Matches("cafe"), True),
        (Matches("CAF stras TH"), True),
        (Matches("afe"), False),
        (Matches("cafe absent"), False),
        (Matches("café end"), True),
        (Matches("..."), False),
        (Not(Matches("...")), True),
        (All(()), True),
        (Any(()), False),
        (All((IsNull("weight"), IsNull("size"))), False),
        (Any((IsNull("weight"), IsNull("size"))), True),
        (Not(Not(IsNull("size"))), False),
    ],
    ids=str,
)  # fmt: skip
def test_a_condition_holds(condition: Condition, expected: bool) -> None:
    assert holds(condition, ROW, ITEMS) is expected


@given(questions, rows)
def test_not_is_the_opposite_whatever_is_null(condition: Condition, row: Row) -> None:
    assert holds(Not(condition), row, ITEMS) is not holds(condition, row, ITEMS)


def test_the_key_is_the_last_to_sort_by_in_the_direction_of_what_comes_before() -> None:
    assert full_order(PLACES, ()) == (Order("street"), Order("number"))
    assert full_order(PLACES, [Order("colour", True)]) == (
        Order("colour", True), Order("street", True), Order("number", True),
    )  # fmt: skip
    assert full_order(PLACES, [Order("number", True), Order("colour")]) == (
        Order("number", True), Order("colour"), Order("street"),
    )  # fmt: skip
    assert full_order(PLACES, [Order("street"), Order("street", True)]) == (Order("street"), Order("number"))


@given(orders, rows, rows, rows)
def test_an_order_is_total(order: tuple[Order, ...], first: Row, second: Row, third: Row) -> None:
    full = full_order(ITEMS, order)
    one, two, three = (sort_values(row, full) for row in (first, second, third))
    assert compare_places(one, two, full) == -compare_places(two, one, full)
    assert (compare_places(one, two, full) == 0) == (key_of(first) == key_of(second) and one == two)
    if compare_places(one, two, full) <= 0 and compare_places(two, three, full) <= 0:
        assert compare_places(one, three, full) <= 0


@given(tables_of_rows, questions, orders, st.integers(1, 4))
def test_pages_walked_to_the_end_are_the_whole(
    table: list[Row], where: Condition, order: tuple[Order, ...], limit: int
) -> None:
    whole = page(Select(table=ITEMS, where=where, order=order, limit=1_000), table)
    assert whole.next is None
    assert sorted(map(key_of, whole.rows)) == sorted(key_of(row) for row in table if holds(where, row, ITEMS))
    walked: list[Row] = []
    select = Select(table=ITEMS, where=where, order=order, limit=limit)
    while True:
        found = page(select, table)
        walked += found.rows
        if found.next is None:
            break
        assert len(found.rows) == limit
        select = Select(table=ITEMS, where=where, order=order, limit=limit, after=found.next)
    assert walked == whole.rows


def test_nulls_come_last_in_both_directions() -> None:
    table = [place("a", 1), place("a", 2, "red"), place("a", 3, "blue")]
    for descending, expected in ((False, [3, 2, 1]), (True, [2, 3, 1])):
        found = page(Select(table=PLACES, order=(Order("colour", descending),)), table)
        assert [row["number"] for row in found.rows] == expected


def test_a_page_holds_the_columns_asked_for() -> None:
    found = page(Select(table=ITEMS, columns=("size",), limit=1), [ROW, item(2)])
    assert found.rows == [{"size": 5}]
    assert found.next == (identity(1),)


@pytest.mark.parametrize("sentence, select", [
    ("items has no column 'absent'", Select(table=ITEMS, where=Compare("absent", "=", 1))),
    ("it holds values of the kind integer", Select(table=ITEMS, where=Compare("size", "=", "5"))),
    ("ask what it contains", Select(table=ITEMS, where=OneOf("labels", ("x",)))),
    ("compare it instead", Select(table=ITEMS, where=Contains("status", "x"))),
    ("has no full-text search", Select(table=PLACES, where=Matches("x"))),
    ("cannot be sorted by labels", Select(table=ITEMS, order=(Order("labels"),))),
    ("another order", Select(table=ITEMS, after=(identity(1), identity(1)))),
    ("1 to 1000 rows", Select(table=ITEMS, limit=0)),
])  # fmt: skip
def test_a_refusal_says_what_is_wrong(sentence: str, select: Select) -> None:
    with pytest.raises(Invalid, match=sentence):
        page(select, [])


def test_a_deep_condition_is_refused_before_it_is_too_deep_for_python() -> None:
    condition: Condition = All(())
    for _ in range(5_000):
        condition = Not(condition)
    with pytest.raises(Invalid, match="too large"):
        page(Select(table=ITEMS, where=condition), [])
