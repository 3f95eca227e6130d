"""What is known of a thing's reminders: what its owner has said, how far ahead, and what was scheduled for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.notifications.commands.reminders import NoteSchedule
from sigdep.notifications.events.inbox import Thing
from sigdep.notifications.events.reminders import ReminderId, ScheduleChanged

CATEGORY: Final = "schedule"
SCHEMA: Final = "schedule-1"


class Schedule(State):
    """Of one thing, with all of its occurrences and people."""

    workspace_id: WorkspaceId
    thing: Thing
    title: str
    times: Mapping[ReminderId, datetime]
    """When each is due that has been scheduled and may not be over."""
    known_until: datetime
    continues: bool
    zones: str
    version: int
    """0: it has never had reminders."""


ABSENT: Final = Schedule(
    workspace_id=WorkspaceId(UUID(int=0)),
    thing=Thing(kind="task", id=UUID(int=0)),
    title="",
    times={},
    known_until=datetime(1970, 1, 1, tzinfo=UTC),
    continues=False,
    zones="",
    version=0,
)


def decide(command: NoteSchedule, schedule: Schedule) -> list[ScheduleChanged]:
    """Nothing is noted twice."""
    same = (
        schedule.version > 0
        and not command.planned
        and not command.dropped
        and schedule.title == command.title
        and schedule.continues == command.continues
        and schedule.zones == command.zones
        and (schedule.known_until == command.known_until or not command.continues)
    )
    if same:
        return []
    return [
        ScheduleChanged(
            workspace_id=command.workspace_id,
            thing=command.thing,
            title=command.title,
            known_until=command.known_until,
            continues=command.continues,
            zones=command.zones,
            because=command.because,
            at=command.at,
            planned=command.planned,
            dropped=command.dropped,
        )
    ]


def evolve(schedule: Schedule, event: ScheduleChanged) -> Schedule:
    """The schedule after the event. Never raises: what is in the log has happened."""
    gone = frozenset(event.dropped)
    times = {reminder_id: due_at for reminder_id, due_at in schedule.times.items() if reminder_id not in gone}
    times |= {planned.reminder_id: planned.due_at for planned in event.planned}
    return replace(
        schedule,
        workspace_id=event.workspace_id,
        thing=event.thing,
        title=event.title,
        times=times,
        known_until=event.known_until,
        continues=event.continues,
        zones=event.zones,
        version=schedule.version + 1,
    )


SCHEDULE: Final = Decider[Any, Schedule](category=CATEGORY, initial=ABSENT, decide=decide, evolve=evolve, schema=SCHEMA)
