"""`GET /api/agenda`: what is planned and what is on, asked of every context that has such things, and merged."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct, field

from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.contracts.ids import WorkspaceId
from sigdep.http.refusals import ScopeMissing
from sigdep.http.routes import PAGE_ITEMS, PAGE_ITEMS_MAX, Listing, Parameters, Route
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import Query
from sigdep.kernel.read_store import Column, Order, Table
from sigdep.rpc.call import Answer, Call, Service

SPAN_DAYS: Final = 31
"""From its start, where a question does not say how long."""
SPAN_DAYS_MAX: Final = 1_100
"""Three years."""

Kind = Literal["task", "event"]
"""What each context calls its things outside."""

SCOPES: Final[Mapping[Kind, str]] = {"task": "tasks:read", "event": "calendar:read"}

_ORDER: Final = (Order("starts_at"), Order("thing_id"), Order("occurrence"))
_PLACES: Final = Table(
    name="agenda",
    columns=(Column("starts_at", "instant"), Column("thing_id", "uuid"), Column("occurrence", "text")),
    key=("starts_at", "thing_id", "occurrence"),
)
"""Stored nowhere: cursors are places in it."""

Instant = Annotated[datetime, Meta(tz=True)]


class AgendaParameters(Parameters, frozen=True, kw_only=True):
    workspace_id: WorkspaceId | None = None
    """Left out: the personal one."""
    since: Instant | None = field(name="from", default=None)
    """Left out: now."""
    until: Instant | None = field(name="to", default=None)
    """Excluded. Left out: 31 days later."""
    time_zone: str | None = None
    """IANA name: where days begin. Left out: that of your profile."""
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before. All others as they were.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ITEMS_MAX, description="Items on one page.")] = PAGE_ITEMS


class AgendaItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task or an event, where it stands in time."""

    kind: Kind
    starts_at: datetime
    """An event's start. A task's `scheduled_at`, else `due_at`, else the beginning of `due_on`."""
    ends_at: datetime | None = None
    """Left out: it does not last."""
    all_day: bool = False
    task: Raw | None = None
    """As GET /api/tasks/{task_id} shows it."""
    event: Raw | None = None
    """The occurrence, as GET /api/events shows it."""


class _Asked(Query):
    """What a cursor belongs to."""

    workspace_id: WorkspaceId
    since: datetime | None
    until: datetime | None
    time_zone: str | None
    cursor: str | None = None
    limit: int = 0


class AgendaReads:
    """One question to several services."""

    def __init__(self, parts: Mapping[Kind, Service]) -> None:
        self._parts = parts

    async def find(self, call: Call, query: AgendaParameters) -> Answer[Listing[AgendaItem]]:
        """Tasks that are open and events, from `from` and before `to`, in the order of `starts_at`: each page by one
        question to tasks and one to the calendar. A token needs the scopes of both.
        """
        self._require_scopes(call)
        since, until = _span(query, call.asked_at)
        workspace = query.workspace_id or call.caller.personal_workspace_id
        paging = Paging(
            _Asked(workspace_id=workspace, since=query.since, until=query.until, time_zone=query.time_zone), workspace
        )
        after = None
        if query.cursor is not None:
            starts_at, thing_id, occurrence = paging.place(query.cursor, _PLACES, _ORDER)
            after = AgendaPlace(starts_at=starts_at, thing_id=thing_id, occurrence=occurrence)  # type: ignore[arg-type]  # As the table says.
        question = FindAgenda(
            workspace_id=workspace,
            since=since,
            until=until,
            time_zone=call.caller.time_zone if query.time_zone is None else query.time_zone,
            after=after,
            limit=query.limit,
        )
        parts = await self._ask(question, call)
        found = list(islice(merge(*map(_placed, parts.items()), key=lambda one: one[0].place), query.limit + 1))
        shown = found[: query.limit]
        more = len(found) > len(shown) or any(part.more for part in parts.values())
        last = shown[-1][0].place if more and shown else None
        following = paging.cursor(None if last is None else (last.starts_at, last.thing_id, last.occurrence))
        return Answer(value=Listing(items=[_item(kind, entry) for entry, kind in shown], next_cursor=following))

    def _require_scopes(self, call: Call) -> None:
        """
        Raises:
            ScopeMissing: the caller's token is not made for all that is shown.
        """
        scopes = call.caller.scopes
        for kind in self._parts:
            if scopes is not None and SCOPES[kind] not in scopes:
                raise ScopeMissing(SCOPES[kind])

    async def _ask(self, question: FindAgenda, call: Call) -> Mapping[Kind, AgendaPart]:
        answers = await asyncio.gather(*(service.ask(question, call) for service in self._parts.values()))
        return {kind: answer.value for kind, answer in zip(self._parts, answers, strict=True)}


def _span(query: AgendaParameters, now: datetime) -> tuple[datetime, datetime]:
    """
    Raises:
        Invalid: it ends before it begins, or is too long.
    """
    since = (query.since or now).astimezone(UTC)
    until = since + timedelta(days=SPAN_DAYS) if query.until is None else query.until.astimezone(UTC)
    if until <= since:
        raise Invalid.at("to", "to lies after from.")
    if until - since > timedelta(days=SPAN_DAYS_MAX):
        raise Invalid.at("to", f"At most {SPAN_DAYS_MAX:,} days can be asked for at once.")
    return since, until


def _placed(part: tuple[Kind, AgendaPart]) -> Sequence[tuple[AgendaEntry, Kind]]:
    kind, entries = part[0], part[1].entries
    return [(entry, kind) for entry in entries]


def _item(kind: Kind, entry: AgendaEntry) -> AgendaItem:
    document = Raw(entry.document)
    return AgendaItem(
        kind=kind,
        starts_at=entry.place.starts_at,
        ends_at=entry.ends_at,
        all_day=entry.all_day,
        task=document if kind == "task" else None,
        event=document if kind == "event" else None,
    )


def agenda_routes(parts: Mapping[Kind, Service]) -> Sequence[Route]:
    """
    Args:
        parts: the reading side of each context, by what its things are called.
    """
    return (
        Route(
            method="GET",
            path="/api/agenda",
            handle=AgendaReads(parts).find,
            summary="Show tasks and events together.",
            tag="agenda",
            scope="tasks:read",
        ),
    )
