"""The query service of the context: who may ask, and which part of it answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sigdep.calendar.queries import (
    ExportCalendar,
    FindBusyTimes,
    GetAppointment,
    GetCalendar,
    GetFeed,
    GetHistory,
    GetOccurrence,
    ListAppointments,
    ListCalendars,
    ListOccurrences,
    ReadFeed,
)
from sigdep.calendar.read_models.model import CalendarReadModel
from sigdep.calendar.read_service.agenda import Agenda
from sigdep.calendar.read_service.busy_times import BusyPeople
from sigdep.calendar.read_service.expanding import Expansions
from sigdep.calendar.read_service.lists import Lists
from sigdep.calendar.read_service.occurrence_lists import OccurrenceLists
from sigdep.calendar.read_service.reminding import Reminding
from sigdep.calendar.read_service.single import Single
from sigdep.calendar.read_service.texts import Texts
from sigdep.calendar.read_service.things import APPOINTMENT, CALENDAR, CONTEXT
from sigdep.contracts.agenda import FindAgenda
from sigdep.contracts.reminding import FindReminders
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ModelGone, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.reading.progress import Progress
from sigdep.reading.sources import Sources
from sigdep.rpc.call import Answer, Call

Handler = Callable[[Any, Call], Awaitable[Answer[Any]]]


class CalendarRead:
    """A Service (`rpc/call.py`) of every query in `queries.py`, and of what others ask every context (`contracts`)."""

    def __init__(self, store: ReadStore, log: EventLog, progress: Progress) -> None:
        """
        Args:
            store: where the read model `calendar` is kept.
            log: the context's log, for histories, for the past, and for what the read model has not seen yet.
            progress: of the projector of the read model `calendar`.
        """
        sources = Sources(store, log, progress, context=CONTEXT, read_model=CalendarReadModel, things="events")
        expansions = Expansions()
        single, lists, occurrences = Single(sources), Lists(sources), OccurrenceLists(sources, expansions)
        texts = Texts(sources)
        self._progress: Final = progress
        self._handlers: Final[Mapping[type, Handler]] = {
            ListOccurrences: occurrences.list_occurrences,
            GetAppointment: lambda query, call: single.get(APPOINTMENT, query.appointment_id, query.at, call),
            GetOccurrence: single.get_occurrence,
            GetCalendar: lambda query, call: single.get(CALENDAR, query.calendar_id, query.at, call),
            GetHistory: single.get_history,
            ListCalendars: lists.list_calendars,
            ListAppointments: lists.list_appointments,
            FindBusyTimes: BusyPeople(sources, expansions).find,
            ExportCalendar: texts.export,
            ReadFeed: texts.read_feed,
            GetFeed: texts.feed,
            FindReminders: Reminding(sources, single).find,
            FindAgenda: Agenda(sources, occurrences).find,
        }

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        handler = self._handlers.get(type(message))
        if handler is None:
            raise TypeError(f"calendar.read does not answer {type(message).__name__}.")
        least = call.least(CONTEXT)
        if least is not None:
            await self._progress.wait_for(least.partition, least.position)
        try:
            return await handler(message, call)
        except ModelGone:
            return await handler(message, call)  # A rebuild has been switched to meanwhile; its rows are live now.
