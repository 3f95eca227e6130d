"""The contract suite of hot views: every promise of `kernel/hot_views.py`, for every adapter."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from sigdep.kernel.hot_views import VIEW_ROWS_MAX, HotChanges, HotRow, HotViews, Placing, Range, View
from sigdep.kernel.ids import PARTITIONS, Position, WorkspaceId, partition_of
from sigdep.kernel.read_store import ModelId

NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL: Final = ModelId("tasks", 1)
HOME, NEIGHBOUR, ELSEWHERE = (WorkspaceId(UUID(int=number)) for number in (1, 1 + PARTITIONS, 2))
"""The first two in one partition."""
ADA, BOB = UUID(int=1_001), UUID(int=1_002)
MINE: Final = View(MODEL, HOME, ADA)
EVERYTHING: Final = Range(limit=VIEW_ROWS_MAX)
NOTHING: Final = HotChanges(placings=(), forgotten=frozenset())
TIMES: Final = (
    None,
    datetime.min.replace(tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    NOON,
    NOON + timedelta(microseconds=1),
    datetime.max.replace(tzinfo=UTC),
)


def row(number: int, time: datetime | None = NOON, text: str = "") -> HotRow:
    return HotRow(id=UUID(int=number), time=time, facts=b"f" * (number % 20), document=f"{number} {text}".encode())


def placed(one: HotRow, *people: UUID, others: Iterable[UUID] = (), workspace: WorkspaceId = HOME) -> Placing:
    return Placing(workspace=workspace, row=one, people=frozenset(people), others=frozenset(others))


def in_order(rows: Iterable[HotRow]) -> list[HotRow]:
    return sorted(rows, key=lambda one: (one.time is None, one.time or NOON, one.id))


async def batch(
    hot: HotViews, before: int, after: int, *placings: Placing, forgotten: Iterable[WorkspaceId] = ()
) -> None:
    partition = partition_of(HOME)
    turn = await hot.begin(MODEL, {partition: Position(before)}, {partition: Position(after)})
    await hot.finish(turn, HotChanges(placings=placings, forgotten=frozenset(forgotten)))


async def rows_of(hot: HotViews, position: int, view: View = MINE, part: Range = EVERYTHING) -> Sequence[HotRow] | None:
    return await hot.page(view, Position(position), part)


class HotViewsContract:
    """A subclass gives `hot`, which has nothing."""

    @pytest.fixture
    def hot(self) -> HotViews:
        raise NotImplementedError("The subclass says how its views are opened.")

    async def test_what_has_not_been_filled_is_unknown(self, hot: HotViews) -> None:
        assert await rows_of(hot, 0) is None
        await batch(hot, 0, 1, placed(row(1), ADA))
        assert await rows_of(hot, 1) is None

    async def test_an_empty_view_that_has_been_filled_is_known_to_be_empty(self, hot: HotViews) -> None:
        assert await hot.fill(MINE, Position(0), [])
        assert await rows_of(hot, 0) == []
        assert await rows_of(hot, 0, View(MODEL, HOME, BOB)) is None
        assert await rows_of(hot, 0, View(MODEL, NEIGHBOUR, ADA)) is None
        assert await rows_of(hot, 0, View(ModelId("tasks", 2), HOME, ADA)) is None

    async def test_rows_come_by_time_and_id_and_those_without_a_time_last(self, hot: HotViews) -> None:
        rows = [row(number, TIMES[number % len(TIMES)]) for number in range(1, 40)]
        random.Random(1).shuffle(rows)  # noqa: S311
        assert await hot.fill(MINE, Position(7), rows)
        assert await rows_of(hot, 7) == in_order(rows)

    async def test_parts_begin_after_a_place_and_lie_between_times(self, hot: HotViews) -> None:
        rows = in_order(row(number, TIMES[number % len(TIMES)]) for number in range(1, 40))
        assert await hot.fill(MINE, Position(7), rows)
        for place, one in enumerate(rows):
            part = Range(after=one.place, limit=5)
            assert await rows_of(hot, 7, part=part) == rows[place + 1 : place + 6]
        for since in TIMES:
            for until in TIMES:
                for after in (None, *(one.place for one in rows[::6])):
                    start = 0 if after is None else [one.place for one in rows].index(after) + 1
                    expected = [one for one in rows[start:] if _lies_in(one, since, until)]
                    part = Range(after=after, since=since, until=until, limit=VIEW_ROWS_MAX)
                    assert await rows_of(hot, 7, part=part) == expected

    async def test_a_page_is_given_at_its_very_position_alone(self, hot: HotViews) -> None:
        assert await hot.fill(MINE, Position(7), [row(1)])
        assert [await rows_of(hot, position) for position in (6, 7, 8)] == [None, [row(1)], None]

    async def test_a_batch_places_its_rows_and_moves_the_position_with_them(self, hot: HotViews) -> None:
        bobs = View(MODEL, HOME, BOB)
        await hot.fill(MINE, Position(7), [row(1), row(2)])
        await hot.fill(bobs, Position(7), [row(1)])
        changed, added, late = row(1, None, "now"), row(3, NOON - timedelta(days=1)), row(4)
        await batch(
            hot, 7, 9, placed(changed, ADA, others=[BOB]), placed(added, ADA, BOB), placed(late, others=[ADA, BOB])
        )
        assert await rows_of(hot, 7) is None
        assert await rows_of(hot, 9) == [added, row(2), changed]
        assert await rows_of(hot, 9, bobs) == [added]
        await batch(hot, 9, 10, placed(row(2), others=[ADA]), placed(changed, BOB, others=[ADA]))
        assert await rows_of(hot, 10) == [added]
        assert await rows_of(hot, 10, bobs) == [added, changed]

    async def test_between_begin_and_finish_nothing_is_given(self, hot: HotViews) -> None:
        partition = partition_of(HOME)
        await hot.fill(MINE, Position(7), [row(1)])
        await hot.fill(View(MODEL, ELSEWHERE, ADA), Position(3), [row(2)])
        turn = await hot.begin(MODEL, {partition: Position(7)}, {partition: Position(8)})
        assert [await rows_of(hot, position) for position in (7, 8)] == [None, None]
        assert await rows_of(hot, 3, View(MODEL, ELSEWHERE, ADA)) == [row(2)]
        await hot.finish(turn, NOTHING)
        assert [await rows_of(hot, position) for position in (7, 8)] == [None, [row(1)]]

    async def test_one_batch_moves_several_partitions(self, hot: HotViews) -> None:
        other = View(MODEL, ELSEWHERE, ADA)
        await hot.fill(MINE, Position(7), [])
        await hot.fill(other, Position(3), [])
        here, there = partition_of(HOME), partition_of(ELSEWHERE)
        turn = await hot.begin(MODEL, {here: Position(7), there: Position(3)}, {here: Position(8), there: Position(5)})
        placings = (placed(row(1), ADA), placed(row(2), ADA, workspace=ELSEWHERE))
        await hot.finish(turn, HotChanges(placings=placings, forgotten=frozenset()))
        assert await rows_of(hot, 8) == [row(1)]
        assert await rows_of(hot, 5, other) == [row(2)]

    async def test_after_a_batch_that_was_missed_views_are_unknown(self, hot: HotViews) -> None:
        await hot.fill(MINE, Position(7), [row(1)])
        await batch(hot, 8, 9)
        assert await rows_of(hot, 9) is None
        await batch(hot, 9, 10, placed(row(2), ADA))
        assert await rows_of(hot, 10) is None
        assert await hot.fill(MINE, Position(10), [row(2)])
        await batch(hot, 10, 11, placed(row(3), ADA))
        assert await rows_of(hot, 11) == [row(2), row(3)]

    async def test_a_batch_that_never_finished_leaves_nothing_known(self, hot: HotViews) -> None:
        partition = partition_of(HOME)
        await hot.fill(MINE, Position(7), [row(1)])
        lost = await hot.begin(MODEL, {partition: Position(7)}, {partition: Position(8)})
        await batch(hot, 8, 9)
        assert await rows_of(hot, 9) is None
        await hot.finish(lost, HotChanges(placings=[placed(row(2), ADA)], forgotten=frozenset()))
        assert [await rows_of(hot, position) for position in (7, 8, 9)] == [None, None, None]

    async def test_a_batch_that_is_begun_again_leaves_nothing_known(self, hot: HotViews) -> None:
        """Whoever begins it again does not know how far it had come."""
        partition = partition_of(HOME)
        await hot.fill(MINE, Position(7), [row(1)])
        await hot.begin(MODEL, {partition: Position(7)}, {partition: Position(8)})
        await batch(hot, 7, 8, placed(row(2), ADA))
        assert await rows_of(hot, 8) is None

    async def test_rows_of_a_position_that_has_been_passed_are_not_taken(self, hot: HotViews) -> None:
        await batch(hot, 0, 9)
        assert not await hot.fill(MINE, Position(8), [row(1)])
        assert [await rows_of(hot, position) for position in (8, 9)] == [None, None]
        partition = partition_of(HOME)
        turn = await hot.begin(MODEL, {partition: Position(9)}, {partition: Position(10)})
        assert not await hot.fill(MINE, Position(9), [row(1)])
        await hot.finish(turn, NOTHING)
        assert await rows_of(hot, 10) is None

    async def test_rows_that_are_further_on_begin_anew(self, hot: HotViews) -> None:
        """A batch whose projector has died, or that never came, is not waited for."""
        bobs, partition = View(MODEL, HOME, BOB), partition_of(HOME)
        await hot.fill(bobs, Position(7), [row(1)])
        turn = await hot.begin(MODEL, {partition: Position(7)}, {partition: Position(9)})
        assert await hot.fill(MINE, Position(9), [row(2)])
        assert await rows_of(hot, 9) == [row(2)]
        assert await rows_of(hot, 9, bobs) is None
        await hot.finish(turn, HotChanges(placings=[placed(row(3), ADA, BOB)], forgotten=frozenset()))
        assert await rows_of(hot, 9) == [row(2)]
        assert await hot.fill(bobs, Position(12), [row(4)])
        assert [await rows_of(hot, 12), await rows_of(hot, 12, bobs)] == [None, [row(4)]]

    async def test_a_workspace_is_forgotten_and_its_neighbour_is_not(self, hot: HotViews) -> None:
        near = View(MODEL, NEIGHBOUR, ADA)
        await hot.fill(MINE, Position(7), [row(1)])
        await hot.fill(near, Position(7), [row(2)])
        await batch(hot, 7, 8, forgotten=[HOME])
        assert await rows_of(hot, 8) is None
        assert await rows_of(hot, 8, near) == [row(2)]

    async def test_a_view_that_grows_too_long_is_unknown(self, hot: HotViews) -> None:
        await hot.fill(MINE, Position(7), [row(number) for number in range(1, VIEW_ROWS_MAX + 1)])
        await batch(hot, 7, 8, placed(row(1, text="again"), ADA))
        found = await rows_of(hot, 8)
        assert found is not None
        assert len(found) == VIEW_ROWS_MAX
        await batch(hot, 8, 9, placed(row(VIEW_ROWS_MAX + 1), ADA))
        assert await rows_of(hot, 9) is None

    @pytest.mark.parametrize("seed", range(8))
    async def test_whatever_happens_a_page_is_right_or_unknown(self, hot: HotViews, seed: int) -> None:
        """A store that fills, batches that get lost at each of their steps, and pages that are compared with it."""
        chance = random.Random(seed)  # noqa: S311
        partition, position, given = partition_of(HOME), 0, 0
        truth: dict[tuple[WorkspaceId, UUID], dict[UUID, HotRow]] = {
            (workspace, person): {} for workspace in (HOME, NEIGHBOUR) for person in (ADA, BOB)
        }
        for step in range(400):
            workspace, person = chance.choice(list(truth))
            view = View(MODEL, workspace, person)
            match chance.choice(("batch", "batch", "fill", "page", "page", "page")):
                case "batch":
                    before, after = {partition: Position(position)}, {partition: Position(position + 1)}
                    lost = chance.random()
                    turn = await hot.begin(MODEL, before, after) if lost > 0.1 else None
                    assert await rows_of(hot, position, view) is None or turn is None
                    changes = _random_changes(chance, truth, workspace, step)
                    position += 1
                    if turn is not None and lost > 0.2:
                        await hot.finish(turn, changes)
                case "fill":
                    await hot.fill(view, Position(position), list(truth[workspace, person].values()))
                case _:
                    found = await rows_of(hot, position, view)
                    assert found is None or found == in_order(truth[workspace, person].values())
                    given += found is not None
        assert given > 20


def _lies_in(one: HotRow, since: datetime | None, until: datetime | None) -> bool:
    if one.time is None:
        return since is None and until is None
    return (since is None or one.time >= since) and (until is None or one.time < until)


def _random_changes(
    chance: random.Random, truth: dict[tuple[WorkspaceId, UUID], dict[UUID, HotRow]], workspace: WorkspaceId, step: int
) -> HotChanges:
    if chance.random() < 0.05:
        for person in (ADA, BOB):
            truth[workspace, person].clear()
        return HotChanges(placings=(), forgotten=frozenset([workspace]))
    placings = []
    for number in {chance.randrange(1, 12) for _ in range(3)}:
        one = row(number + workspace.int * 1_000, chance.choice(TIMES), f"in step {step}")
        people = frozenset(person for person in (ADA, BOB) if chance.random() < 0.6)
        for person in (ADA, BOB):
            truth[workspace, person].pop(one.id, None)
            if person in people:
                truth[workspace, person][one.id] = one
        others = frozenset((ADA, BOB)) - people
        placings.append(Placing(workspace=workspace, row=one, people=people, others=others))
    return HotChanges(placings=placings, forgotten=frozenset())
