"""Single things: also occurrences, and what has happened to them."""

from typing import Final

import msgspec

from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import OccurrenceNotFound
from sigdep.calendar.domain.series import original_of
from sigdep.calendar.queries import GetHistory, GetOccurrence, History, Occurrence
from sigdep.calendar.read_service.expanding import ready
from sigdep.calendar.read_service.histories import history_of
from sigdep.calendar.read_service.things import APPOINTMENT, THINGS
from sigdep.kernel.cursors import Paging
from sigdep.reading.histories import page_of
from sigdep.reading.single import SingleThings
from sigdep.rpc.call import Answer, Call

_decode: Final = msgspec.json.Decoder(Appointment).decode


class Single(SingleThings):
    """Answers about one thing."""

    async def get_occurrence(self, query: GetOccurrence, call: Call) -> Answer[Occurrence]:
        """
        Raises:
            NotFound: there is none that starts then, or it was cancelled.
        """
        zone = fields.time_zone(call.caller.time_zone if query.time_zone is None else query.time_zone, "time_zone")
        answer = await self.get(APPOINTMENT, query.appointment_id, query.at, call)
        appointment = _decode(answer.value.json)
        original = original_of(query.occurrence, appointment)
        found = None if original is None else ready(appointment).single(original, zone)
        if found is None:
            raise OccurrenceNotFound(query.occurrence)
        return Answer(value=found.shown(), position=answer.position, version=answer.version)

    async def get_history(self, query: GetHistory, call: Call) -> Answer[History]:
        thing = THINGS[query.thing]
        events = await self._sources.events(thing, query.id, call)
        workspace = events[0].workspace
        entries, following = page_of(history_of(thing, events), query, Paging(query, workspace))
        return Answer(
            value=History(workspace_id=workspace, entries=entries, next_cursor=following),
            position=self.position(events),
        )
