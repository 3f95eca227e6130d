"""Calendars as iCalendar text: for whoever may read them, and for whoever has the secret of a feed."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.domain.departure import DEPARTURE, departure_of, ends
from sigdep.calendar.domain.feed import FEED, OpenedFeed, opens
from sigdep.calendar.interchange.outgoing import calendar_of, entry_of
from sigdep.calendar.queries import CalendarText, ExportCalendar, Feed, GetFeed, ReadFeed
from sigdep.calendar.read_models.appointment_rows import APPOINTMENTS
from sigdep.calendar.read_service.things import CALENDAR, CONTEXT
from sigdep.contracts.ids import CalendarId, WorkspaceId
from sigdep.ical.model import Entry
from sigdep.ical.writing import write
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.ids import Position, partition_of
from sigdep.kernel.read_store import All, Compare, Order, Select
from sigdep.reading.pages import document_of
from sigdep.reading.sources import Sources, not_found
from sigdep.rpc.call import Answer, Call, WorkspacePosition

PAGE: Final = 200
"""Appointments are read so many at a time."""
APPOINTMENTS_MAX: Final = 20_000
KEPT_OCTETS_MAX: Final = 33_554_432
"""Of texts that are kept in memory, for subscribers who ask again and again."""

_decode: Final = msgspec.json.Decoder(Appointment).decode
_decode_calendar: Final = msgspec.json.Decoder(Calendar).decode


class TooLarge(Refused):
    """More than anybody would want in one text."""


class Texts:
    """Writes them, and keeps the last ones as long as nothing has happened in their workspace."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._kept: OrderedDict[CalendarId, tuple[Position, CalendarText]] = OrderedDict()

    async def export(self, query: ExportCalendar, call: Call) -> Answer[CalendarText]:
        workspace = await self._sources.workspace_of(CALENDAR, query.calendar_id, call)
        return await self._text(query.calendar_id, workspace, call)

    async def feed(self, query: GetFeed, call: Call) -> Answer[Feed]:
        await self._sources.workspace_of(CALENDAR, query.calendar_id, call)
        feed = await self._opened(query.calendar_id)
        opened = feed.sha256 is not None
        shown = Feed(calendar_id=query.calendar_id, open=opened, opened_at=feed.opened_at, opened_by=feed.opened_by)
        return Answer(value=shown)

    async def read_feed(self, query: ReadFeed, call: Call) -> Answer[CalendarText]:
        """
        Raises:
            NotFound: there is no such calendar, it is in the trash, or this is not its secret: all the same.
        """
        feed = await self._opened(query.calendar_id)
        if not opens(feed, query.token) or feed.workspace_id is None:
            raise NotFound("There is no such feed. Whoever gave you its address can give you a new one.")
        return await self._text(query.calendar_id, feed.workspace_id, call)

    async def _opened(self, calendar_id: CalendarId) -> OpenedFeed:
        """From the log itself: what was closed a moment ago opens nothing, nor what somebody opened who has left."""
        events = (await self._sources.log.read(FEED.stream(calendar_id))).events
        feed = FEED.fold(FEED.initial, (recorded.event for recorded in events))
        if feed.workspace_id is None or feed.opened_by is None:
            return feed
        stream = DEPARTURE.stream(departure_of(feed.workspace_id, feed.opened_by))
        left = (await self._sources.log.read(stream)).events
        departure = DEPARTURE.fold(DEPARTURE.initial, (recorded.event for recorded in left))
        return OpenedFeed(workspace_id=feed.workspace_id) if ends(departure, feed) else feed

    async def _text(self, calendar_id: CalendarId, workspace: WorkspaceId, call: Call) -> Answer[CalendarText]:
        """
        Raises:
            NotFound: the calendar is in the trash.
            TooLarge: it has more than APPOINTMENTS_MAX appointments.
        """
        partition = partition_of(workspace)
        position = self._sources.progress.positions.get(partition, Position(0))
        kept = self._kept.get(calendar_id)
        if kept is not None and kept[0] == position:
            self._kept.move_to_end(calendar_id)
            text = kept[1]
        else:
            content, name = await self._write(calendar_id)
            same = kept is not None and kept[1].content == content
            modified_at = kept[1].modified_at if kept is not None and same else call.asked_at
            text = CalendarText(content=content, name=name, modified_at=modified_at)
            self._keep(calendar_id, position, text)
        return Answer(value=text, position=WorkspacePosition(CONTEXT, partition, position))

    async def _write(self, calendar_id: CalendarId) -> tuple[bytes, str]:
        calendar = await self._calendar(calendar_id)
        entries: list[Entry] = []
        async for documents in self._documents(calendar_id):
            entries += await asyncio.to_thread(_entries, documents)
            if len(entries) > APPOINTMENTS_MAX:
                raise TooLarge(f"A calendar of more than {APPOINTMENTS_MAX:,} events is not written as one text.")
        content = await asyncio.to_thread(write, calendar_of(calendar, tuple(entries)))
        return content, calendar.name

    async def _calendar(self, calendar_id: CalendarId) -> Calendar:
        row = await self._sources.store.get(
            self._sources.progress.model_id, CALENDAR.table, (calendar_id,), ("document",)
        )
        if row is None:
            events = (await self._sources.log.read(CALENDAR.stream(calendar_id))).events
            state = CALENDAR.fold(events)
        else:
            assert isinstance(row["document"], bytes)
            state = _decode_calendar(row["document"])
        if not isinstance(state, Calendar) or state.trashed_at is not None:
            raise not_found(CALENDAR)
        return state

    async def _documents(self, calendar_id: CalendarId) -> AsyncIterator[list[bytes]]:
        select = Select(
            table=APPOINTMENTS,
            where=All((Compare("calendar_id", "=", calendar_id), Compare("trashed", "=", False))),
            order=(Order("created_at"),),
            limit=PAGE,
            columns=("document",),
        )
        while True:
            page = await self._sources.store.select(self._sources.progress.model_id, select)
            yield list(map(document_of, page.rows))
            if page.next is None:
                return
            select = msgspec.structs.replace(select, after=page.next)

    def _keep(self, calendar_id: CalendarId, position: Position, text: CalendarText) -> None:
        self._kept[calendar_id] = (position, text)
        self._kept.move_to_end(calendar_id)
        while len(self._kept) > 1 and sum(len(one.content) for _, one in self._kept.values()) > KEPT_OCTETS_MAX:
            self._kept.popitem(last=False)


def _entries(documents: list[bytes]) -> list[Entry]:
    """In a thread: the largest series keeps one busy for a while."""
    return [entry_of(_decode(document)) for document in documents]
