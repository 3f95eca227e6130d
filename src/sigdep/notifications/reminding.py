"""What a change to a task or an appointment does to its reminders: its owner is asked what is due now."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from sigdep.contracts.cloud_event import CloudEvent, place_of, value_of
from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.kernel.ids import CommandId
from sigdep.notifications.commands.reminders import ScheduleThing
from sigdep.notifications.events.inbox import Thing, ThingKind
from sigdep.notifications.events.reminders import Suppression
from sigdep.notifications.writing.nearing import NEAR
from sigdep.notifications.writing.reminding import Reminding
from sigdep.rpc.call import WorkspacePosition

TASKS: Final = "sigdep.tasks."
CALENDAR: Final = "sigdep.calendar."

WHY: Final[Mapping[str, Suppression]] = {
    TASKS + "TaskCreated": "changed",
    TASKS + "TaskEdited": "changed",
    TASKS + "TaskMoved": "changed",
    TASKS + "TaskStarted": "changed",
    TASKS + "TaskCompleted": "done",
    TASKS + "TaskCancelled": "cancelled",
    TASKS + "TaskSkipped": "cancelled",
    TASKS + "TaskRepeated": "changed",
    TASKS + "TaskRepetitionWithdrawn": "removed",
    TASKS + "TaskReopened": "changed",
    TASKS + "TaskSnoozed": "changed",
    TASKS + "TaskTrashed": "removed",
    TASKS + "TaskRestored": "changed",
    CALENDAR + "AppointmentScheduled": "changed",
    CALENDAR + "AppointmentEdited": "changed",
    CALENDAR + "OccurrenceEdited": "changed",
    CALENDAR + "OccurrenceCancelled": "cancelled",
    CALENDAR + "OccurrenceRestored": "changed",
    CALENDAR + "SeriesEnded": "cancelled",
    CALENDAR + "SeriesResumed": "changed",
    CALENDAR + "AppointmentJoined": "removed",
    CALENDAR + "InvitationAnswered": "declined",
    CALENDAR + "AppointmentTrashed": "removed",
    CALENDAR + "AppointmentRestored": "changed",
}
"""The events that reminders hang on, and why those are suppressed that a thing has no more after one.

What happens to a whole project or calendar is not among them: when something in it is due, its owner denies that.
"""

FIRST: Final = frozenset((TASKS + "TaskCreated", CALENDAR + "AppointmentScheduled"))
"""Before these nothing is known of a thing. Most things remind nobody, and are not asked about."""

ALWAYS: Final = frozenset(kind for kind in WHY if kind.startswith(CALENDAR) and kind not in FIRST)
"""An occurrence may have reminders that its series has not: events of these types are not looked into."""

BACK: Final = frozenset((TASKS + "TaskReopened", TASKS + "TaskRestored"))
"""After these a task may be due soon of which nothing is known, as it was not to be done when it came near."""

FIELDS: Final = ("reminders", "changed_occurrences")
"""Of events, by which somebody is to be reminded."""

DUE_FIELDS: Final = (("due_at", datetime | None), ("due_on", date | None))
"""Of events, by which a task is due."""

KINDS: Final[Mapping[str, ThingKind]] = {"task": "task", "appointment": "appointment"}
"""Of things, by the category of their streams."""

HEARD_FOR: Final = timedelta(days=7)
"""What was due longer ago than this, and is heard of only now, is never told."""

_COMMANDS: Final = UUID("c5b3f7d2-0a1e-5e44-8a0c-6b2f9d3e4c17")
"""Namespace (RFC 9562 §5.5) of the ids of commands that follow from events."""


class ReminderReactions:
    """To what the owners of things publish. Safe to repeat: what has been scheduled is not scheduled again."""

    def __init__(self, prefix: str, reminding: Reminding, clock: Clock) -> None:
        """
        Args:
            prefix: of the types of one context's events, TASKS or CALENDAR.
        """
        self.types: Final = frozenset(kind for kind in WHY if kind.startswith(prefix))
        self._reminding = reminding
        self._clock = clock

    async def react(self, event: CloudEvent) -> None:
        category, _, identity = (event.subject or "").partition("-")
        if category not in KINDS or event.workspaceid is None:
            return
        reminds = _reminds(event) or _comes_near(event)
        if not reminds and event.type in FIRST:
            return
        now = await self._clock.now()
        command = ScheduleThing(
            workspace_id=event.workspaceid,
            thing=Thing(kind=KINDS[category], id=UUID(identity)),
            because=event.type,
            since=max(event.time, now - HEARD_FOR),
            at=now,
        )
        call = replace(
            internal_call(),
            asked_at=now,
            command_id=CommandId(uuid5(_COMMANDS, f"{event.source}#{event.id}")),
            traceparent=event.traceparent,
        )
        await self._reminding.schedule(command, call, why=WHY[event.type], position=_position(event), is_new=reminds)


def _reminds(event: CloudEvent) -> bool:
    """Whether the event itself says when somebody is to be reminded: not only when the thing is."""
    if event.type in ALWAYS or event.type in BACK:
        return True
    return any(value_of(event, name) for name in FIELDS)


def _comes_near(event: CloudEvent) -> bool:
    """Whether it says that a task is due by a time so near that people are told of it before `Nearing` comes by."""
    at, on = (msgspec.convert(value_of(event, name), kind) for name, kind in DUE_FIELDS)
    until = event.time + NEAR
    return (at is not None and event.time <= at < until) or (on is not None and event.time.date() <= on <= until.date())


def _position(event: CloudEvent) -> WorkspacePosition:
    """Of the event in its owner's log, as the envelope's id says."""
    return WorkspacePosition(event.source.rpartition("/")[2], *place_of(event))
