"""Takes back that a series ended or was cut in two: it has the later occurrences again, as they are by now."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from sigdep.calendar.commands import UndoEdit
from sigdep.calendar.domain import appointment_content as content
from sigdep.calendar.domain.appointment import (
    EDITED_FIELDS,
    WHEN_FIELDS,
    Appointment,
    evolve,
)
from sigdep.calendar.domain.fields import attendee_key
from sigdep.calendar.domain.past_edits import ChangedSince, Edit, Past, Undone, expect_unchanged, fold
from sigdep.calendar.domain.series import renaming, series_of
from sigdep.calendar.domain.times import read_when
from sigdep.calendar.events.appointments import (
    AppointmentJoined,
    AppointmentScheduled,
    Attendee,
    ChangedOccurrence,
    SeriesEnded,
    SeriesResumed,
)
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.split import split


def resume(
    command: UndoEdit,
    edit: Edit,
    event: SeriesEnded,
    before: Appointment,
    after: Appointment,
    now: Appointment,
    later: Past,
) -> Undone:
    expect_unchanged(WHEN_FIELDS, after, now)
    returned = [one for one in before.changed_occurrences if one.occurrence in event.left]
    attendees: Any = UNSET
    joined = None
    if event.continued_by is not None:
        part = fold(one for _, one in later)
        first = later[0][1]
        assert isinstance(first, AppointmentScheduled)
        _expect_no_edits(first, part)
        returned = list(_back(event, before, part))
        answered = _answered_since(now.attendees, first.attendees, part.attendees)
        attendees = answered if answered != now.attendees else UNSET
        joined = AppointmentJoined(appointment_id=part.id, joined_to=now.id, by=command.by, at=command.at)
    recurrence = before.recurrence or event.recurrence
    resumed = SeriesResumed(
        appointment_id=now.id,
        recurrence=recurrence,
        by=command.by,
        at=command.at,
        undoes=edit.version,
        attendees=attendees,
        returned=tuple(returned),
    )
    content.check_recurring(evolve(now, resumed))
    return Undone([resumed], joined)


def _expect_no_edits(first: AppointmentScheduled, part: Appointment) -> None:
    """What people have done to single occurrences of the later part goes back with them; no edit of all of it could."""
    if part.continued_by is not None or part.trashed_at is not None:
        raise ChangedSince("The later part of this series was cut again or put into the trash. Undo that first.")
    try:
        expect_unchanged([name for name in EDITED_FIELDS if name != "sequence"], first, part)
    except ChangedSince as error:
        raise ChangedSince(f"In the later part of this series {error.detail}") from None


def _back(event: SeriesEnded, before: Appointment, part: Appointment) -> Iterator[ChangedOccurrence]:
    """The changed occurrences of the later part, under the identities that they have in the whole series."""
    whole = series_of(before)
    _, second = split(whole, read_when(event.occurrence, "occurrence"))
    known = {new: old for old, new in event.renamed.items()}
    names = renaming(
        series_of(part), whole, [one.occurrence for one in part.changed_occurrences], known, start=second.start
    )
    for one in part.changed_occurrences:
        yield replace(one, occurrence=names.get(one.occurrence, one.occurrence))


def _answered_since(
    people: tuple[Attendee, ...], then: tuple[Attendee, ...], part: tuple[Attendee, ...]
) -> tuple[Attendee, ...]:
    """With what was answered to the later part since the cut."""
    were = {attendee_key(one): one.answer for one in then}
    news = {attendee_key(one): one.answer for one in part if were.get(attendee_key(one)) != one.answer}
    return tuple(replace(one, answer=news.get(attendee_key(one), one.answer)) for one in people)
