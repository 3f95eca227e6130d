"""Every type of event that was ever stored."""

from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentJoined,
    AppointmentRestored,
    AppointmentScheduled,
    AppointmentTrashed,
    InvitationAnswered,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    SeriesEnded,
    SeriesResumed,
)
from sigdep.calendar.events.calendars import (
    CalendarArchived,
    CalendarCreated,
    CalendarEdited,
    CalendarRestored,
    CalendarTrashed,
    CalendarUnarchived,
)
from sigdep.calendar.events.feeds import FeedClosed, FeedOpened, MemberLeft
from sigdep.calendar.events.oblivion import WorkspaceForgotten
from sigdep.calendar.events.uids import EntryImported, UidChosen
from sigdep.kernel.messages import Event

EVENTS: tuple[type[Event], ...] = (
    CalendarCreated,
    CalendarEdited,
    CalendarArchived,
    CalendarUnarchived,
    CalendarTrashed,
    CalendarRestored,
    FeedOpened,
    FeedClosed,
    AppointmentScheduled,
    AppointmentEdited,
    OccurrenceEdited,
    OccurrenceCancelled,
    OccurrenceRestored,
    SeriesEnded,
    SeriesResumed,
    AppointmentJoined,
    InvitationAnswered,
    AppointmentTrashed,
    AppointmentRestored,
    WorkspaceForgotten,
    MemberLeft,
    UidChosen,
    EntryImported,
)
"""Every type that was ever stored."""
