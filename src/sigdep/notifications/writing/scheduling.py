"""What a thing's owner says of its reminders becomes what each of them is: scheduled, moved or suppressed."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.reminding import DUE, DueReminder, ThingReminders
from sigdep.notifications.commands.reminders import NoteSchedule, ScheduleReminder, ScheduleThing, SuppressReminder
from sigdep.notifications.domain import reminder_decisions, schedule
from sigdep.notifications.domain.preferences import told_at
from sigdep.notifications.domain.reminder import reminder_id
from sigdep.notifications.domain.schedule import Schedule
from sigdep.notifications.events.reminders import ReminderId, ScheduledTime, Suppression
from sigdep.notifications.writing.attempt import Attempt
from sigdep.notifications.writing.owners import Owners, occurrence_of, people_of
from sigdep.rpc.call import WorkspacePosition

HORIZON: Final = timedelta(days=35)
"""How far ahead reminders are scheduled."""

CHANGES_MAX: Final = 400
"""Reminders that change in one append. What is left over follows in another one."""


class Wanted(NamedTuple):
    """One reminder of one person, as the owner says it is."""

    due: DueReminder
    user_id: UserId


class Difference(NamedTuple):
    """What the owner says now and is not recorded yet."""

    said: ThingReminders
    planned: tuple[tuple[ReminderId, Wanted], ...]
    dropped: tuple[ReminderId, ...]
    over: tuple[ReminderId, ...]
    version: int
    """Of what is known of the thing, with which this was compared: with another one it must be compared anew."""


async def schedule_thing(
    attempt: Attempt,
    owners: Owners,
    command: ScheduleThing,
    why: Suppression,
    position: WorkspacePosition | None,
    zones: str,
    *,
    is_new: bool,
    rest: Difference | None,
) -> Difference | None:
    """Record the difference between what is known of a thing and what its owner says now.

    Args:
        why: those that it has no more are suppressed.
        position: of the owner's log, which the answer must reflect.
        zones: the edition of the time-zone data.
        is_new: the thing has reminders now, and may not have had any. Else one of which nothing is known has none.
        rest: what the append before this one has left over.

    Returns:
        What one append does not take: then do the same again, with it.

    Raises:
        Unavailable: the owner is away.
    """
    known = await attempt.unit.load(attempt.around.schedules, command.thing.id)
    if known.version == 0 and not is_new:
        return None
    # Compared once, and not for each append: a thing with very many reminders would take the square of the time.
    whole = rest if rest is not None and rest.version == known.version else None
    if whole is None:
        whole = await _difference(attempt, owners, command, position, known)
    if whole is None:
        return None
    return await _record(attempt, command, why, zones, known, whole)


async def _difference(
    attempt: Attempt, owners: Owners, command: ScheduleThing, position: WorkspacePosition | None, known: Schedule
) -> Difference | None:
    """None: nothing is known, and there is nothing to know.

    What is known was read before: what is stored rests on an answer that is younger than what it replaces.
    """
    over, active = await _past(attempt, known, command.since)
    since = min((command.since, *active.values(), *((known.known_until,) if known.continues else ())))
    until = command.at + HORIZON
    said = await owners.find(command.thing, since, until, position)
    if said is None and known.version == 0:
        return None
    if said is None:
        said = _nothing(command.workspace_id, known.title, until)
    said = replace(said, due=tuple([one async for one in _for_each(attempt, command, known, said)]))
    wanted = dict(_wanted(command, known, said))
    differing = [one for one in wanted.items() if known.times.get(one[0]) != one[1].due.due_at]
    gone = [
        one for one, due_at in known.times.items()
        if one not in wanted and one not in over and since <= due_at < said.complete_until
    ]  # fmt: skip
    return Difference(said, tuple(differing), tuple(gone), over, known.version)


async def _record(
    attempt: Attempt, command: ScheduleThing, why: Suppression, zones: str, known: Schedule, whole: Difference
) -> Difference | None:
    """As much of it as one append takes. What is left over, against what is known then."""
    said = whole.said
    planned = whole.planned[:CHANGES_MAX]
    dropped = whole.dropped[: CHANGES_MAX - len(planned)]
    left = whole._replace(
        planned=whole.planned[len(planned) :], dropped=whole.dropped[len(dropped) :], over=(), version=known.version + 1
    )
    is_all = not left.planned and not left.dropped
    for one, what in planned:
        await _schedule(attempt, command, one, what, is_new=one not in known.times)
    for one in dropped:
        await _suppress(attempt, command, one, why)
    note = NoteSchedule(
        workspace_id=command.workspace_id,
        thing=command.thing,
        title=said.title,
        known_until=said.complete_until if is_all else known.known_until,
        continues=said.continues or not is_all,
        zones=zones,
        because=command.because,
        at=command.at,
        planned=tuple(ScheduledTime(reminder_id=one, due_at=what.due.due_at) for one, what in planned),
        dropped=(*dropped, *whole.over),
    )
    attempt.record(attempt.around.schedules, command.thing.id, schedule.decide(note, known))
    return None if is_all else left


async def _past(
    attempt: Attempt, known: Schedule, since: datetime
) -> tuple[tuple[ReminderId, ...], Mapping[ReminderId, datetime]]:
    """Of what was due before: what is over, and what still waits to be fired, as it was snoozed or has been missed."""
    over, active = list[ReminderId](), dict[ReminderId, datetime]()
    for one, due_at in known.times.items():
        if due_at >= since:
            continue
        reminder = await attempt.unit.load(attempt.around.reminders, one)
        if reminder.state == "scheduled":
            active[one] = due_at
        elif len(over) < CHANGES_MAX:
            over.append(one)
    return tuple(over), active


async def _for_each(
    attempt: Attempt, command: ScheduleThing, known: Schedule, said: ThingReminders
) -> AsyncIterator[DueReminder]:
    """The same, where each person is told as long before a task is due as they want."""
    for due in said.due:
        if due.reminder != DUE:
            yield due
            continue
        for user_id in people_of(due):
            at = told_at(await attempt.around.wishes_of(user_id), due.due_at)
            before = known.times.get(reminder_id(occurrence_of(command.thing, due), DUE, user_id))
            if at < command.since and before is not None:
                at = min(before, due.due_at)  # Too late for what they want now: as it was, and not when it is over.
            yield replace(due, due_at=at, recipients=(user_id,))


def _wanted(command: ScheduleThing, known: Schedule, said: ThingReminders) -> Iterator[tuple[ReminderId, Wanted]]:
    """What was over when it was asked for is not scheduled: unless it is known, or nobody has looked so far ahead."""
    seen_until = known.known_until if known.version > 0 and known.continues else command.since
    for due in said.due:
        for user_id in people_of(due):
            one = reminder_id(occurrence_of(command.thing, due), due.reminder, user_id)
            if one in known.times or due.due_at >= min(command.since, seen_until):
                yield one, Wanted(due, user_id)


async def _schedule(attempt: Attempt, command: ScheduleThing, one: ReminderId, what: Wanted, *, is_new: bool) -> None:
    reminders = attempt.around.reminders
    # Most that are not known are new. Where one is not, appending to it fails, and the next attempt has read it.
    reminder = attempt.unit.begin(reminders, one) if is_new else await attempt.unit.load(reminders, one)
    scheduled = ScheduleReminder(
        reminder_id=one,
        workspace_id=command.workspace_id,
        thing=occurrence_of(command.thing, what.due),
        reminder=what.due.reminder,
        user_id=what.user_id,
        due_at=what.due.due_at,
        starts_at=what.due.starts_at,
        because=command.because,
        at=command.at,
    )
    attempt.record(reminders, one, reminder_decisions.decide(scheduled, reminder))


async def _suppress(attempt: Attempt, command: ScheduleThing, one: ReminderId, why: Suppression) -> None:
    reminders = attempt.around.reminders
    reminder = await attempt.unit.load(reminders, one)
    suppressed = SuppressReminder(reminder_id=one, why=why, because=command.because, at=command.at)
    attempt.record(reminders, one, reminder_decisions.decide(suppressed, reminder))


def _nothing(workspace: WorkspaceId, title: str, until: datetime) -> ThingReminders:
    """Of a thing that is gone."""
    return ThingReminders(workspace_id=workspace, title=title, due=(), complete_until=until, continues=False)
