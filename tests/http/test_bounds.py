"""What is in bounds, wherever it stands."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec import Struct

from sigdep.http.bounds import bounds_of
from sigdep.kernel.errors import Fault


class Leaf(Struct):
    text: str
    flag: bool = False


class Tree(Struct):
    on: date | None = None
    children: tuple["Tree", ...] = ()
    by_name: dict[str, "Tree"] = {}
    count: int = 0
    free: Any = None


OLD = date(1800, 1, 1)


@pytest.mark.parametrize(
    "value, pointers",
    [
        (Tree(on=OLD), ["/on"]),
        (Tree(children=(Tree(), Tree(on=OLD))), ["/children/1/on"]),
        (Tree(by_name={"a/b": Tree(children=(Tree(on=OLD),))}), ["/by_name/a~1b/children/0/on"]),
        (Tree(count=2**63), ["/count"]),
        (Tree(children=(Tree(count=-(2**63) - 1),)), ["/children/0/count"]),
        (Tree(free={"deep": [1, {"x": 2**70}]}), ["/free/deep/1/x"]),
        (Tree(on=date(1900, 1, 1), count=2**63 - 1, free=[-(2**63), "text", None, 1.5, True]), []),
    ],
)
def test_what_is_out_of_bounds_is_found_however_deep_it_stands(value: Tree, pointers: list[str]) -> None:
    check = bounds_of(Tree, numbers=True)
    assert check is not None
    assert [fault.pointer for fault in check(value)] == pointers


def test_a_type_without_dates_and_numbers_needs_no_look() -> None:
    assert bounds_of(Leaf, numbers=True) is None
    assert bounds_of(dict[str, Any], numbers=False) is None
    assert bounds_of(dict[str, Any], numbers=True) is not None


def test_an_instant_is_judged_by_its_year() -> None:
    check = bounds_of(datetime, numbers=False)
    assert check is not None
    assert check(datetime(2200, 12, 31, tzinfo=UTC)) == []
    assert check(datetime(2201, 1, 1, tzinfo=UTC)) == [Fault("", "The year must be between 1900 and 2200.")]
