"""The rows of reminders, by what a scheduler and their people ask for, and of the things that they belong to."""

from typing import Final

from sigdep.kernel.document_model import DocumentModel, document_table
from sigdep.kernel.read_store import Column, Index, Row
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.domain.reminder_decisions import REMINDER
from sigdep.notifications.domain.schedule import SCHEDULE, Schedule

REMINDERS: Final = document_table(
    "reminders",
    REMINDER.schema,
    [
        Column("user_id", "uuid"),
        Column("thing_id", "uuid"),
        Column("state", "text"),
        Column("fires_at", "instant"),
    ],
    indexes=[
        Index(("state", "fires_at")),
        Index(("user_id", "fires_at")),
        Index(("user_id", "state", "fires_at")),
        Index(("user_id", "thing_id", "fires_at")),
    ],
)

SCHEDULES: Final = document_table(
    "schedules",
    SCHEDULE.schema,
    [
        Column("title", "text"),
        Column("continues", "boolean"),
        Column("known_until", "instant"),
        Column("last_due_at", "instant"),
        Column("zones", "text"),
    ],
    indexes=[Index(("continues", "known_until")), Index(("last_due_at",))],
)
"""`id` is the thing's."""


def reminder_columns(reminder: Reminder) -> Row:
    return {
        "user_id": reminder.user_id,
        "thing_id": reminder.thing.id,
        "state": reminder.state,
        "fires_at": reminder.fires_at,
    }


def schedule_columns(schedule: Schedule) -> Row:
    return {
        "title": schedule.title,
        "continues": schedule.continues,
        "known_until": schedule.known_until,
        "last_due_at": max(schedule.times.values(), default=None),
        "zones": schedule.zones,
    }


def reminder_model() -> DocumentModel[Reminder]:
    return DocumentModel("reminders", REMINDERS, REMINDER, reminder_columns)


def schedule_model() -> DocumentModel[Schedule]:
    return DocumentModel("schedules", SCHEDULES, SCHEDULE, schedule_columns)
