"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.calendar.commands import (
    AnswerInvitation,
    ArchiveCalendar,
    CloseFeed,
    CreateCalendar,
    EditAppointment,
    EditCalendar,
    EndFeeds,
    ForgetWorkspace,
    ImportCalendar,
    OpenFeed,
    RemoveAppointment,
    RestoreAppointment,
    RestoreCalendar,
    ScheduleAppointment,
    TrashCalendar,
    UnarchiveCalendar,
    UndoEdit,
)
from sigdep.calendar.domain.feed import OpenedFeed
from sigdep.calendar.queries import (
    BusyAnswer,
    CalendarText,
    ExportCalendar,
    FindBusyTimes,
    GetAppointment,
    GetCalendar,
    GetFeed,
    GetHistory,
    GetOccurrence,
    History,
    Imported,
    ListAppointments,
    ListCalendars,
    ListOccurrences,
    ReadFeed,
)
from sigdep.contracts.agenda import AgendaPart, FindAgenda
from sigdep.contracts.reminding import FindReminders, ThingReminders
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.rpc.contract import ServiceContract

WRITE: Final = ServiceContract(
    name="calendar.write",
    messages=(
        ScheduleAppointment,
        EditAppointment,
        RemoveAppointment,
        RestoreAppointment,
        AnswerInvitation,
        UndoEdit,
        CreateCalendar,
        EditCalendar,
        ArchiveCalendar,
        UnarchiveCalendar,
        TrashCalendar,
        RestoreCalendar,
        ForgetWorkspace,
        FindThing,
        ImportCalendar,
        OpenFeed,
        CloseFeed,
        EndFeeds,
    ),
    values={FindThing: ThingThen, ImportCalendar: Imported, OpenFeed: OpenedFeed, CloseFeed: OpenedFeed},
)

READ: Final = ServiceContract(
    name="calendar.read",
    messages=(
        GetAppointment,
        GetOccurrence,
        ListOccurrences,
        ListAppointments,
        GetCalendar,
        ListCalendars,
        FindBusyTimes,
        GetHistory,
        FindReminders,
        FindAgenda,
        ExportCalendar,
        ReadFeed,
        GetFeed,
    ),
    values={
        GetHistory: History,
        FindBusyTimes: BusyAnswer,
        FindReminders: ThingReminders,
        FindAgenda: AgendaPart,
        ExportCalendar: CalendarText,
        ReadFeed: CalendarText,
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
