"""Conditions on instants and dates: what it means that a task is due within a span of time."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sigdep.kernel.read_store import All, Any, Compare, Condition, IsNull, Not
from sigdep.tasks.filter.dates import EARLIEST, LATEST, Clock, Span
from sigdep.tasks.filter.syntax import Operator

ZONES_APART_MAX: Final = timedelta(hours=24)
"""No two clocks in the world differ by more than this from UTC, today or in history."""

TIME_COLUMNS: Final = {
    "due": "due",
    "scheduled": "scheduled_at",
    "created": "created_at",
    "updated": "updated_at",
    "completed": "completed_at",
}


def compared(operator: Operator, span: Span) -> Span:
    """All the time that is before, in or after a span."""
    match operator:
        case "<":
            return Span(EARLIEST, span.start)
        case "<=":
            return Span(EARLIEST, span.end)
        case ">":
            return Span(span.end, LATEST)
        case ">=":
            return Span(span.start, LATEST)
        case "=" | "!=":
            return span


def within(field: str, span: Span, clock: Clock) -> Condition:
    """The field has a value, which lies in the span."""
    if field != "due":
        return _all(TIME_COLUMNS[field], _between(TIME_COLUMNS[field], span.start, span.end))
    return _all(
        "due",
        [
            # What the index can use: the column `due` holds the end of a date in UTC, which is near enough.
            *_between("due", _shift(span.start, -ZONES_APART_MAX), _shift(span.end, ZONES_APART_MAX)),
            # What is meant: a date is over when it is over for the one who asks. Each task has one of the two columns.
            *_due_within(span, clock),
        ],
    )


def _all(column: str, bounds: Sequence[Condition]) -> Condition:
    return All(tuple(bounds or [Not(IsNull(column))]))


def _between(column: str, start: datetime, end: datetime) -> list[Condition]:
    """From `start` on and before `end`, where there is such a bound."""
    bounds: list[Condition] = []
    if start > EARLIEST:
        bounds.append(Compare(column, ">=", start))
    if end < LATEST:
        bounds.append(Compare(column, "<", end))
    return bounds


def _due_within(span: Span, clock: Clock) -> Iterator[Condition]:
    """The last microsecond of a date lies between two instants when the date lies between their days."""
    if span.start > EARLIEST:
        yield Any((Compare("due_at", ">=", span.start), Compare("due_on", ">=", clock.day_at(span.start))))
    if span.end < LATEST:
        yield Any((Compare("due_at", "<", span.end), Compare("due_on", "<", clock.day_at(span.end))))


def _shift(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant + by
    except OverflowError:
        return EARLIEST if by < timedelta(0) else LATEST
