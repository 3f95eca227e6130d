"""What a reminder decides: it is fired once for each time that it is due, and says why where it is not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Invalid
from sigdep.notifications.commands.reminders import FireReminder, ScheduleReminder, SnoozeReminder, SuppressReminder
from sigdep.notifications.domain.reminder import reminder_id
from sigdep.notifications.domain.reminder_decisions import REMINDER, NothingToSnooze, ReminderNotFound
from sigdep.notifications.events.inbox import NotificationId, Thing
from sigdep.notifications.events.reminders import (
    ReminderFired,
    ReminderRescheduled,
    ReminderScheduled,
    ReminderSnoozed,
    ReminderSuppressed,
)
from sigdep.testing.given import Given

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADA, EVE, HOME = UserId(UUID(int=1)), UserId(UUID(int=2)), WorkspaceId(UUID(int=64))
TASK = Thing(kind="task", id=UUID(int=7))
ID = reminder_id(TASK, "PT10M", ADA)
TOLD = NotificationId(UUID(int=9))
DONE = "sigdep.tasks.TaskCompleted"

given = Given(REMINDER)


def schedule(**fields: Any) -> ScheduleReminder:
    return ScheduleReminder(**{**_scheduled, "at": NOON, **fields})


def fire(at: datetime) -> FireReminder:
    return FireReminder(reminder_id=ID, notification_id=TOLD, confirmed=True, at=at)


def snooze(until: datetime, by: UserId = ADA) -> SnoozeReminder:
    return SnoozeReminder(reminder_id=ID, until=until, by=by, at=DUE + 2 * MINUTE)


DUE = NOON + 10 * MINUTE
_scheduled: dict[str, Any] = {
    "reminder_id": ID,
    "workspace_id": HOME,
    "thing": TASK,
    "reminder": "PT10M",
    "user_id": ADA,
    "due_at": DUE,
    "starts_at": DUE + 10 * MINUTE,
    "because": "sigdep.tasks.TaskCreated",
}
scheduled = ReminderScheduled(**_scheduled, at=NOON)
fired = ReminderFired(reminder_id=ID, notification_id=TOLD, late_seconds=0.0, at=DUE)
done = ReminderSuppressed(reminder_id=ID, why="done", because=DONE, at=NOON)


def test_it_is_fired_once() -> None:
    given().when(schedule()).then(scheduled).when(fire(DUE)).then(fired).when(fire(DUE + MINUTE)).then()


def test_it_says_by_how_much_it_was_late() -> None:
    late = ReminderFired(reminder_id=ID, notification_id=TOLD, late_seconds=90.0, at=DUE + timedelta(seconds=90))
    given(scheduled).when(fire(late.at)).then(late)


def test_it_is_not_fired_before_its_time() -> None:
    given(scheduled).when(fire(DUE - timedelta(microseconds=1))).then()


def test_what_is_moved_is_due_at_the_new_time_alone() -> None:
    later = DUE + 30 * MINUTE
    moved = ReminderRescheduled(
        reminder_id=ID, due_at=later, starts_at=later + 10 * MINUTE, because="sigdep.tasks.TaskEdited", at=NOON
    )
    past = given(scheduled).when(schedule(due_at=later, starts_at=moved.starts_at, because="sigdep.tasks.TaskEdited"))
    past.then(moved).when(fire(DUE)).then()


def test_scheduling_it_again_for_the_same_time_changes_nothing_whether_or_not_it_has_been_fired() -> None:
    given(scheduled).when(schedule(at=NOON + MINUTE)).then()
    given(scheduled, fired).when(schedule(at=DUE + MINUTE)).then()


def test_what_has_been_fired_is_scheduled_again_for_another_time() -> None:
    tomorrow = {"due_at": DUE + timedelta(days=1), "starts_at": DUE + timedelta(days=1)}
    again = ReminderScheduled(**{**_scheduled, **tomorrow, "at": DUE + MINUTE})
    given(scheduled, fired).when(schedule(**tomorrow, at=DUE + MINUTE)).then(again)


def test_what_is_done_is_not_fired_and_what_is_opened_again_is() -> None:
    suppress = SuppressReminder(reminder_id=ID, why="done", because=DONE, at=NOON)
    past = given(scheduled).when(suppress).then(done)
    past.when(fire(DUE)).then()
    past.when(schedule()).then(scheduled).when(fire(DUE)).then(fired)


def test_what_has_been_fired_is_not_suppressed() -> None:
    given(scheduled, fired).when(SuppressReminder(reminder_id=ID, why="done", because=DONE, at=DUE)).then()


def test_what_was_told_in_a_summary_is_not_told_again() -> None:
    missed = ReminderSuppressed(
        reminder_id=ID, why="missed", because="late", at=DUE + timedelta(days=2), notification_id=TOLD
    )
    given(scheduled, missed).when(schedule(at=DUE + timedelta(days=2))).then()


def test_snoozed_it_is_fired_once_more_and_late_counts_from_then() -> None:
    until = DUE + 15 * MINUTE
    snoozed = ReminderSnoozed(reminder_id=ID, until=until, at=DUE + 2 * MINUTE)
    past = given(scheduled, fired).when(snooze(until)).then(snoozed)
    past.when(fire(until - MINUTE)).then()
    again = ReminderFired(reminder_id=ID, notification_id=TOLD, late_seconds=0.0, at=until)
    past.when(fire(until)).then(again).when(fire(until)).then()


def test_only_its_person_snoozes_it_and_only_what_they_have_been_reminded_of() -> None:
    given(scheduled, fired).when(snooze(DUE + 15 * MINUTE, by=EVE)).refused(ReminderNotFound)
    given().when(snooze(DUE + 15 * MINUTE)).refused(ReminderNotFound)
    given(scheduled).when(snooze(DUE + 15 * MINUTE)).refused(NothingToSnooze)
    given(scheduled, fired).when(snooze(DUE)).refused(Invalid)
    given(scheduled, fired).when(snooze(DUE + timedelta(days=400))).refused(Invalid)
