"""Where tasks stand in an agenda: when somebody means to do them, or else when they are due."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from heapq import merge
from itertools import islice
from typing import Final
from uuid import UUID

from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.kernel.read_store import All, Compare, Condition, IsNull, Key, Not, OneOf, Order, Row, Select
from sigdep.reading.pages import document_of
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call
from sigdep.tasks.filter.dates import Clock
from sigdep.tasks.read_models.task_rows import TASKS, end_of
from sigdep.tasks.read_service.listing import zone_of
from sigdep.tasks.read_service.names import hidden_projects
from sigdep.tasks.read_service.questions import batches_of

_SHOWN: Final = ("id", "scheduled_at", "due_at", "due_on", "document")
_LAST_ID: Final = UUID(int=2**128 - 1)
_MICROSECOND: Final = timedelta(microseconds=1)


class Agenda:
    """Answers FindAgenda with tasks that are open, and in no project that is archived or in the trash.

    A task that is due on a date, and scheduled at no time, is there all day.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def find(self, query: FindAgenda, call: Call) -> Answer[AgendaPart]:
        """
        Raises:
            NotFound: the caller is no member of the workspace.
            Invalid: there is no such time zone, or there are too many projects to leave out.
        """
        workspace = self._sources.workspace(query.workspace_id, call)
        view = self._sources.now()
        position = view.position(workspace)
        clock = Clock(call.asked_at, zone_of(query.time_zone))
        where: list[Condition] = [
            Compare("workspace_id", "=", workspace),
            Compare("trashed", "=", False),
            Compare("open", "=", True),
        ]
        hidden = await hidden_projects(view, workspace)
        where += [Not(OneOf("project_id", tuple(some))) for some in batches_of(hidden)]
        selects = (_scheduled(query, where), _due_at(query, where), _due_on(query, where, clock))
        pages = await asyncio.gather(*map(view.select, selects))
        parts = [[_entry(row, clock) for row in page.rows] for page in pages]
        found = list(islice(merge(*parts, key=lambda one: one.place), query.limit + 1))
        part = AgendaPart(entries=tuple(found[: query.limit]), more=len(found) > query.limit)
        return Answer(value=part, position=position)


def _scheduled(query: FindAgenda, where: Sequence[Condition]) -> Select:
    bounds = (Compare("scheduled_at", ">=", query.since), Compare("scheduled_at", "<", query.until))
    return _select(query, [*where, *bounds], "scheduled_at", _after(query))


def _due_at(query: FindAgenda, where: Sequence[Condition]) -> Select:
    bounds = (Compare("due", ">=", query.since), Compare("due", "<", query.until))
    unscheduled = (IsNull("scheduled_at"), IsNull("due_on"))
    return _select(query, [*where, *bounds, *unscheduled], "due", _after(query))


def _due_on(query: FindAgenda, where: Sequence[Condition], clock: Clock) -> Select:
    """The column `due` holds the end of a date in UTC, so that it has the order of the dates in every zone."""
    first, last = clock.day_at(query.since), clock.day_at(query.until - _MICROSECOND)
    bounds = (Compare("due", ">=", end_of(first)), Compare("due", "<=", end_of(last)))
    dated = (IsNull("scheduled_at"), Not(IsNull("due_on")))
    after: Key | None = None
    if query.after is not None:
        # All of a day stand where it begins: behind a later moment of it comes the next day.
        day = clock.day_at(query.after.starts_at)
        begun = clock.start_of(day) < query.after.starts_at
        after = (end_of(day), _LAST_ID if begun else query.after.thing_id)
    return _select(query, [*where, *bounds, *dated], "due", after)


def _after(query: FindAgenda) -> Key | None:
    return None if query.after is None else (query.after.starts_at, query.after.thing_id)


def _select(query: FindAgenda, where: Sequence[Condition], column: str, after: Key | None) -> Select:
    """One more than is asked for, to know whether there are more."""
    order = (Order(column),)
    return Select(table=TASKS, where=All(tuple(where)), order=order, after=after, limit=query.limit + 1, columns=_SHOWN)


def _entry(row: Row, clock: Clock) -> AgendaEntry:
    task, at, due_at, due_on = row["id"], row["scheduled_at"], row["due_at"], row["due_on"]
    assert isinstance(task, UUID)
    if at is None and isinstance(due_on, date):
        starts_at, ends_at = clock.start_of(due_on), clock.end_of(due_on)
        return AgendaEntry(
            place=AgendaPlace(starts_at=starts_at, thing_id=task),
            ends_at=ends_at,
            all_day=True,
            document=document_of(row),
        )
    starts_at = at or due_at  # type: ignore[assignment]  # An instant: the question was about those.
    return AgendaEntry(place=AgendaPlace(starts_at=starts_at, thing_id=task), document=document_of(row))
