"""Where events stand in an agenda: with each occurrence that is on, by its start."""

from typing import Final

import msgspec

from sigdep.calendar.domain import fields
from sigdep.calendar.queries import ListOccurrences
from sigdep.calendar.read_service.expanding import Found, Place
from sigdep.calendar.read_service.occurrence_lists import OccurrenceLists, span_of
from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call

_encode: Final = msgspec.json.Encoder().encode


class Agenda:
    """Answers FindAgenda with what lists of occurrences show."""

    def __init__(self, sources: Sources, lists: OccurrenceLists) -> None:
        self._sources = sources
        self._lists = lists

    async def find(self, query: FindAgenda, call: Call) -> Answer[AgendaPart]:
        """
        Raises:
            NotFound: the caller is no member of the workspace.
            Invalid: there is no such time zone, or the question is about too much.
        """
        workspace = self._sources.workspace(query.workspace_id, call)
        zone = fields.time_zone(query.time_zone, "time_zone")
        span = span_of(query.since, query.until, call.asked_at)
        view = await self._sources.view(workspace, None, call)
        position = view.position(workspace)
        after: Place | None = None
        if query.after is not None:
            after = (query.after.starts_at, query.after.thing_id, query.after.occurrence)
        question = ListOccurrences(workspace_id=workspace, limit=query.limit)
        found = await self._lists.find(question, workspace, view, zone, span, after)
        part = AgendaPart(entries=tuple(map(_entry, found[: query.limit])), more=len(found) > query.limit)
        return Answer(value=part, position=position)


def _entry(found: Found) -> AgendaEntry:
    starts_at, thing_id, occurrence = found.place
    shown = found.shown()
    return AgendaEntry(
        place=AgendaPlace(starts_at=starts_at, thing_id=thing_id, occurrence=occurrence),
        ends_at=shown.ends_at,
        all_day=shown.all_day,
        document=_encode(shown),
    )
