"""What follows when an occurrence of a task that recurs is done or skipped: when it is, and what it is like."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from sigdep.contracts.ids import TaskId, UserId
from sigdep.recurrence.budget import RuleTooCostly
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.occurrences import Occurrence, next_after
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import When
from sigdep.recurrence.zones import shift, to_instant, to_wall
from sigdep.tasks.domain.schedule import UTC_NAME, date_of, moment, series_of, zone_of
from sigdep.tasks.domain.task import EDITED_FIELDS, Task
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited, TaskReminder, TaskSchedule

YEAR_MAX: Final = 2200
"""A series ends with the last year that the API takes."""

_NOW: Final = timedelta(microseconds=1)
_WITHIN_DAYS: Final = ("SECONDLY", "MINUTELY", "HOURLY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The way from one occurrence to the next, which all that has a date goes along."""

    starts: datetime | date
    """The next one's time (UTC) or date."""
    schedule: TaskSchedule
    by: timedelta
    """On the wall."""
    zone: ZoneInfo

    def instant(self, at: datetime | None) -> datetime | None:
        return None if at is None else to_instant(shift(to_wall(at, self.zone), self.by), self.zone)

    def day(self, on: date | None) -> date | None:
        return None if on is None else shift(midnight(on), timedelta(days=self._days)).date()

    def reminders(self, reminders: tuple[TaskReminder, ...]) -> tuple[TaskReminder, ...]:
        return tuple([one if one.at is None else replace(one, at=self.instant(one.at)) for one in reminders])

    @property
    def _days(self) -> int:
        """By the calendar, also where a rule goes by hours."""
        before = midnight(moment(self.schedule.original)) - self.by
        return (midnight(moment(self.schedule.original)).date() - before.date()).days


def step_from(task: Task, at: datetime) -> Step | None:
    """The way from an occurrence that is done or skipped at an instant. None: its series has ended.

    By schedule it is the next time or date of the rule after this one, however this one was moved; of those that were
    missed none is made up for: the next is not before now, or today. By completion the rule is counted from the day
    (where it goes by hours, from the moment) of the completion.
    """
    assert task.recurrence is not None
    assert task.schedule is not None
    rule = parse(task.recurrence.rule)
    find = _by_schedule if task.recurrence.anchor == "schedule" else _by_completion
    try:
        found = find(task, task.schedule, rule, at)
    except RuleTooCostly:
        return None  # It was followed once when it was set: it goes on next to never.
    if found is None or found.starts_at.year > YEAR_MAX:
        return None
    original = found.original
    return Step(
        starts=found.starts_at if isinstance(original, datetime) else original,
        schedule=replace(task.schedule, original=original.isoformat()),
        by=midnight(original) - midnight(moment(task.schedule.original)),
        zone=zone_of(task),
    )


def _by_schedule(task: Task, schedule: TaskSchedule, rule: Rule, at: datetime) -> Occurrence | None:
    zone, original = zone_of(task), moment(schedule.original)
    passed = _instant(original, zone)
    present = date_of(task, task.time_zone)
    if present is not None:
        passed = max(passed, _instant(present, zone))
    timed = isinstance(original, datetime)
    now = at if timed else _instant(to_wall(at, zone).date(), zone)
    series = series_of(rule, moment(schedule.start), task.time_zone)
    return next_after(series, max(passed, now - _NOW), task.time_zone or UTC_NAME)


def _by_completion(task: Task, schedule: TaskSchedule, rule: Rule, at: datetime) -> Occurrence | None:
    if rule.count is not None and (task.occurrence or 1) + 1 - schedule.since >= rule.count:
        return None
    zone, original = zone_of(task), moment(schedule.original)
    done = to_wall(at, zone).replace(microsecond=0)
    start: When = done
    if not isinstance(original, datetime):
        start, at = done.date(), _instant(done.date(), zone)
    elif rule.frequency not in _WITHIN_DAYS:
        start = datetime.combine(done.date(), original.time())
    endless = replace(rule, count=None, until=None)
    if not (rule.by_month_day or rule.by_year_day or rule.rscale):
        # A month from the 31st is the last day of the next month: nobody has chosen that day.
        endless = replace(endless, rscale="GREGORIAN", skip="BACKWARD")
    found = next_after(
        series_of(endless, start, task.time_zone), max(_instant(start, zone), at), task.time_zone or UTC_NAME
    )
    return None if found is None or _is_after(found, rule.until) else found


def _is_after(found: Occurrence, until: When | None) -> bool:
    if until is None:
        return False
    return found.starts_at > until if isinstance(until, datetime) else midnight(found.original).date() > until


def _instant(when: When, zone: ZoneInfo) -> datetime:
    return to_instant(midnight(when), zone)


def next_of(
    task: Task, step: Step, next_id: TaskId, copies: Mapping[TaskId, TaskId], by: UserId, at: datetime
) -> TaskCreated:
    """The next occurrence as it is made. It takes the place of this one among its neighbours.

    Args:
        copies: the ids of the tasks below that are made anew with it, by those of the originals.
    """
    dates: dict[str, Any] = {"scheduled_at": step.instant(task.scheduled_at), "due_at": None, "due_on": None}
    dates["due_on" if task.due_on else "due_at" if task.due_at else "scheduled_at"] = step.starts
    return replace(
        _copy(task, step, next_id, copies, by, at),
        project_id=task.project_id,
        parent_id=task.parent_id,
        schedule=step.schedule,
        series_id=task.series_id,
        occurrence=(task.occurrence or 1) + 1,
        previous_id=task.id,
        **dates,
    )


def copy_of(
    subtask: Task, step: Step, copies: Mapping[TaskId, TaskId], parent: Task, by: UserId, at: datetime
) -> TaskCreated:
    """One of the tasks below, for the next occurrence: open, with its dates as much later. What recurs by itself
    begins a series of its own.
    """
    copy = _copy(subtask, step, copies[subtask.id], copies, by, at)
    schedule = None
    if subtask.recurrence is not None and (first := date_of(copy, subtask.time_zone)) is not None:
        schedule = TaskSchedule(start=first.isoformat(), original=first.isoformat())
    return replace(
        copy,
        project_id=parent.project_id,
        parent_id=parent.id,
        recurrence=None if schedule is None else subtask.recurrence,
        schedule=schedule,
    )


def _copy(
    task: Task, step: Step, copy_id: TaskId, copies: Mapping[TaskId, TaskId], by: UserId, at: datetime
) -> TaskCreated:
    return TaskCreated(
        task_id=copy_id,
        workspace_id=task.workspace_id,
        title=task.title,
        rank=task.rank,
        by=by,
        at=at,
        description=task.description,
        priority=task.priority,
        labels=task.labels,
        assignee_ids=task.assignee_ids,
        scheduled_at=step.instant(task.scheduled_at),
        due_at=step.instant(task.due_at),
        due_on=step.day(task.due_on),
        estimate=task.estimate,
        blocked_by=tuple([copies.get(blocker, blocker) for blocker in task.blocked_by]),
        custom=task.custom,
        recurrence=task.recurrence,
        time_zone=task.time_zone,
        reminders=step.reminders(task.reminders),
    )


def made_anew(task: Task, fresh: TaskCreated) -> list[TaskEdited]:
    """What an occurrence that comes back from the trash needs, to be as it would be made now. Those that it waits for
    stay: they may have come to wait for it since."""
    edited = {
        name: value
        for name in EDITED_FIELDS
        if name != "blocked_by" and (value := getattr(fresh, name)) != getattr(task, name)
    }
    if task.custom != fresh.custom:
        edited["custom"] = dict.fromkeys(task.custom) | fresh.custom
    return [TaskEdited(task_id=task.id, by=fresh.by, at=fresh.at, **edited)] if edited else []
