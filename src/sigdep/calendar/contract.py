"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.calendar.commands import (
    AnswerInvitation,
    ArchiveCalendar,
    CreateCalendar,
    EditAppointment,
    EditCalendar,
    ForgetWorkspace,
    RemoveAppointment,
    RestoreAppointment,
    RestoreCalendar,
    ScheduleAppointment,
    TrashCalendar,
    UnarchiveCalendar,
    UndoEdit,
)
from sigdep.calendar.queries import (
    BusyAnswer,
    FindBusyTimes,
    GetAppointment,
    GetCalendar,
    GetHistory,
    GetOccurrence,
    History,
    ListAppointments,
    ListCalendars,
    ListOccurrences,
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
    ),
    values={FindThing: ThingThen},
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
    ),
    values={GetHistory: History, FindBusyTimes: BusyAnswer, FindReminders: ThingReminders, FindAgenda: AgendaPart},
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
