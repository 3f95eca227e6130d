"""Lists of occurrences: what is on in a span of time, in order, page by page."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Final

import msgspec

from sigdep.calendar.domain import fields
from sigdep.calendar.queries import ListOccurrences
from sigdep.calendar.read_models.appointment_rows import APPOINTMENTS
from sigdep.calendar.read_models.calendars import CALENDARS
from sigdep.calendar.read_models.reach import PLAIN_DAYS_MAX
from sigdep.calendar.read_service.expanding import Expansions, Found, Place, Ready
from sigdep.calendar.read_service.things import CALENDAR
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Any,
    Column,
    Compare,
    Condition,
    Matches,
    Not,
    OneOf,
    Order,
    Row,
    Select,
    Table,
    Value,
)
from sigdep.reading.pages import listing
from sigdep.reading.sources import Sources
from sigdep.reading.views import View
from sigdep.recurrence.budget import RuleTooCostly
from sigdep.recurrence.zones import shift
from sigdep.rpc.call import Answer, Call, Encoded

SPAN_DAYS: Final = 31
"""From its start, where a question does not say how long."""
SPAN_DAYS_MAX: Final = 1_100
"""Three years."""
SERIES_MAX: Final = 5_000
"""Series, days and long appointments that one question may be about."""
HIDDEN_MAX: Final = 1_000
"""Archived calendars of one workspace, and those in the trash."""
CALENDARS_MAX: Final = 100
"""Calendars that one question may name."""
AT_ONCE_MAX: Final = 100
"""So many series are expanded in the event loop, in some milliseconds; more in a thread beside it."""

_SHOWN: Final = ("id", "version", "document")
_ORDER: Final = (Order("starts_at"), Order("id"), Order("occurrence"))
_OCCURRENCES: Final = Table(
    name="occurrences",
    columns=(Column("starts_at", "instant"), Column("id", "uuid"), Column("occurrence", "text")),
    key=("starts_at", "id", "occurrence"),
)
"""Stored nowhere: cursors are places in it."""

_encode: Final = msgspec.json.Encoder().encode


class OccurrenceLists:
    """Answers with pages of occurrences."""

    def __init__(self, sources: Sources, expansions: Expansions) -> None:
        self._sources = sources
        self._expansions = expansions

    async def list_occurrences(self, query: ListOccurrences, call: Call) -> Answer[Encoded]:
        workspace = await self._workspace(query, call)
        zone = fields.time_zone(call.caller.time_zone if query.time_zone is None else query.time_zone, "time_zone")
        since, until = span_of(query.since, query.until, call.asked_at)
        view = await self._sources.view(workspace, query.at, call)
        position = view.position(workspace)
        paging = Paging(query, workspace)
        after: Place | None = None
        if query.cursor is not None:
            after = paging.place(query.cursor, _OCCURRENCES, _ORDER)  # type: ignore[assignment]  # As the table says.
        found = await self.find(query, workspace, view, zone, (since, until), after)
        shown = found[: query.limit]
        following = paging.cursor(shown[-1].place if len(found) > query.limit else None)
        return listing((_encode(one.shown()) for one in shown), following, position)

    async def find(
        self,
        query: ListOccurrences,
        workspace: WorkspaceId,
        view: View,
        zone: str,
        span: tuple[datetime, datetime],
        after: Place | None,
    ) -> Sequence[Found]:
        """A page of what is on in a span and stands behind a place, and one more, where there is one."""
        since, until = span
        where = await self._where(query, workspace, view)
        begin = since if after is None else max(since, after[0])
        several = await _several(view, where, begin, until)
        plain = await _plain(view, where, since, until, after, query.limit + 1)

        def find() -> Sequence[Found]:
            parts = [self._of_one(one, begin, until, zone, after) for one in self._ready(several)]
            once = (found for one in self._ready(plain) for found in self._of_one(one, since, until, zone, after))
            return list(islice(merge(*parts, once, key=lambda one: one.place), query.limit + 1))

        return find() if len(several) <= AT_ONCE_MAX else await asyncio.to_thread(find)

    async def _workspace(self, query: ListOccurrences, call: Call) -> WorkspaceId:
        if len(query.calendar_id) > CALENDARS_MAX:
            raise Invalid.at("calendar_id", f"At most {CALENDARS_MAX} calendars can be named.")
        if not query.calendar_id:
            return self._sources.workspace(query.workspace_id, call)
        workspace = await self._sources.workspace_of(CALENDAR, query.calendar_id[0], call)
        if query.workspace_id not in (None, workspace):
            raise Invalid.at("calendar_id", "This calendar is in another workspace than the one that is named.")
        return workspace

    async def _where(self, query: ListOccurrences, workspace: WorkspaceId, view: View) -> Sequence[Condition]:
        where: list[Condition] = [Compare("trashed", "=", False)]
        match query.calendar_id:
            case ():
                hidden = await _hidden_calendars(view, workspace)
                where.append(Compare("workspace_id", "=", workspace))
                if hidden:
                    where.append(Not(OneOf("calendar_id", tuple(hidden))))
            case (one,):
                where.append(Compare("calendar_id", "=", one))
            case several:  # Those of other workspaces have nothing in this one.
                where += [Compare("workspace_id", "=", workspace), OneOf("calendar_id", tuple(several))]
        if query.q is not None:
            where.append(Matches(query.q))
        return where

    def _of_one(self, one: Ready, begin: datetime, until: datetime, zone: str, after: Place | None) -> Iterator[Found]:
        """The occurrences of one appointment in the span and behind the place."""
        # What may be stored can be counted; should the world's zones make it otherwise, the others are still shown.
        with suppress(RuleTooCostly):
            for found in self._expansions.within(one, begin, until, zone):
                if after is None or found.place > after:
                    yield found

    def _ready(self, rows: Iterable[Row]) -> Iterator[Ready]:
        return (one for row in rows if (one := self._expansions.of(row)) is not None)


def span_of(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """
    Raises:
        Invalid: it ends before it begins, or is too long.
    """
    since = now if since is None else fields.instant(since, "from")
    until = shift(since, timedelta(days=SPAN_DAYS)) if until is None else fields.instant(until, "to")
    if until <= since:
        raise Invalid.at("to", "to lies after from.")
    if until - since > timedelta(days=SPAN_DAYS_MAX):
        raise Invalid.at("to", f"At most {SPAN_DAYS_MAX:,} days can be asked for at once.")
    return since, until


async def _several(view: View, where: Sequence[Condition], begin: datetime, until: datetime) -> Sequence[Row]:
    """Whatever needs more than a look at its row: series, days, and what lasts for long.

    Raises:
        Invalid: it is too much.
    """
    rows: list[Row] = []
    narrow = (*where, Compare("plain", "=", False), Compare("ends", ">=", begin), Compare("starts", "<", until))
    select = Select(table=APPOINTMENTS, where=All(narrow), order=(Order("ends"),), limit=PAGE_ROWS_MAX, columns=_SHOWN)
    while True:
        page = await view.select(select)
        rows += page.rows
        if page.next is None:
            return rows
        if len(rows) >= SERIES_MAX:
            detail = f"This is about more than {SERIES_MAX:,} series: name a calendar, or ask for a shorter time."
            raise Invalid.at("to", detail)
        select = msgspec.structs.replace(select, after=page.next)


async def _plain(
    view: View, where: Sequence[Condition], since: datetime, until: datetime, after: Place | None, limit: int
) -> Sequence[Row]:
    """What is on once, as many as the page needs."""
    earliest = shift(since, -timedelta(days=PLAIN_DAYS_MAX))
    narrow = (
        *where,
        Compare("plain", "=", True),
        Compare("starts", ">=", earliest),
        Compare("starts", "<", until),
        Any((Compare("ends", ">", since), Compare("starts", ">=", since))),
    )
    select = Select(
        table=APPOINTMENTS,
        where=All(narrow),
        order=(Order("starts"),),
        after=None if after is None else after[:2],
        limit=limit,
        columns=_SHOWN,
    )
    return (await view.select(select)).rows


async def _hidden_calendars(view: View, workspace: WorkspaceId) -> Sequence[Value]:
    """
    Raises:
        Invalid: there are too many to leave out.
    """
    where = All((Compare("workspace_id", "=", workspace), Compare("hidden", "=", True)))
    page = await view.select(Select(table=CALENDARS, where=where, limit=HIDDEN_MAX, columns=("id",)))
    if page.next is not None:
        detail = f"More than {HIDDEN_MAX:,} calendars of this workspace are archived: name those that you want."
        raise Invalid.at("calendar_id", detail)
    return [row["id"] for row in page.rows]
