"""Ranks sort as they were asked to, never change others, and stay short."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigdep.tasks.domain.rank import DIGITS, RANK_LENGTH_MAX, NoRoom, between, is_rank, of_instant

LOW = of_instant(datetime(2026, 11, 22, tzinfo=UTC))
HIGH = of_instant(datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC))
NEXT = of_instant(datetime(2026, 11, 22, 0, 0, 0, 1, tzinfo=UTC))
"""Directly behind LOW: not even a number between."""

INSERTS = 10_000
SHORT = 24


@pytest.mark.parametrize("high", [HIGH, NEXT])
def test_ten_thousand_inserts_directly_after_the_same_one_stay_short(high: str) -> None:
    newest = high
    for _ in range(INSERTS):
        rank = between(LOW, newest)
        assert LOW < rank < newest
        newest = rank
    assert len(newest) <= SHORT


@pytest.mark.parametrize("high", [HIGH, NEXT])
def test_ten_thousand_inserts_directly_before_the_same_one_stay_short(high: str) -> None:
    newest = LOW
    for _ in range(INSERTS):
        rank = between(newest, high)
        assert newest < rank < high
        newest = rank
    assert len(newest) <= SHORT


def test_ten_thousand_at_either_end_stay_short() -> None:
    first = last = between(None, None)
    for _ in range(INSERTS):
        later, earlier = between(last, None), between(None, first)
        assert later > last
        assert earlier < first
        last, first = later, earlier
    assert max(len(first), len(last)) <= SHORT


def test_alternating_inserts_find_room_for_hundreds() -> None:
    low, high = LOW, NEXT
    for number in range(300):
        rank = between(low, high)
        assert low < rank < high
        low, high = (rank, high) if number % 2 else (low, rank)
    assert len(low) <= RANK_LENGTH_MAX


def test_a_gap_without_room_is_refused_instead_of_growing_for_ever() -> None:
    low, high = LOW, NEXT
    for number in range(10_000):
        try:
            rank = between(low, high)
        except NoRoom:
            return
        assert len(rank) <= RANK_LENGTH_MAX
        low, high = (rank, high) if number % 2 else (low, rank)
    pytest.fail("Ten thousand ranks found room between two that are neighbours.")


def test_equal_neighbours_get_one_directly_after_them() -> None:
    rank = between(LOW, LOW)
    assert LOW < rank < NEXT


def test_neighbours_in_the_wrong_order_get_one_directly_after_the_first() -> None:
    assert HIGH < between(HIGH, LOW) < between(HIGH, None)


def test_what_is_created_later_comes_later() -> None:
    instants = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=97.3) * n for n in range(1_000)]
    ranks = [of_instant(at, index) for at in instants for index in range(3)]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert max(map(len, ranks)) <= 11


@pytest.mark.parametrize("text", ["", " ", "é", "x", "xk", "W\n", "W W", "~", "W" * (RANK_LENGTH_MAX + 1), "z", "\x00"])
def test_what_is_no_rank_is_known(text: str) -> None:
    assert not is_rank(text)


places = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3)), max_size=60)


@given(places)
@settings(max_examples=200, deadline=None)
def test_any_list_can_be_arranged_in_any_way(moves: list[tuple[int, int]]) -> None:
    """Insert at any place again and again: the order by rank is the order in which the list was arranged."""
    arranged: list[str] = []
    for where, again in moves:
        for _ in range(again + 1):
            place = where % (len(arranged) + 1)
            before = arranged[place - 1] if place else None
            after = arranged[place] if place < len(arranged) else None
            arranged.insert(place, between(before, after))
    assert arranged == sorted(arranged)
    assert len(set(arranged)) == len(arranged)
    assert all(map(is_rank, arranged))


@given(st.text(alphabet=DIGITS, max_size=12), st.text(alphabet=DIGITS, max_size=12))
@settings(max_examples=500, deadline=None)
def test_any_two_ranks_that_a_client_can_send_have_one_between_them(one: str, other: str) -> None:
    low, high = sorted((one, other))
    if is_rank(low) and is_rank(high) and low != high:
        try:
            rank = between(low, high)
        except NoRoom:
            return  # A number that counts no further.
        assert low < rank < high
        assert is_rank(rank)
