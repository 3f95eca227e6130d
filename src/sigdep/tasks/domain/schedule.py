"""The rule of a task that recurs: checked, and set upon the date that it is counted from."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from sigdep.kernel.errors import Invalid, Refused
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.occurrences import next_after
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Series, When
from sigdep.recurrence.zones import to_instant, to_wall, zone_named
from sigdep.tasks.commands.tasks import EditTask
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.tasks import TaskRecurrence, TaskSchedule

RULE_LENGTH_MAX: Final = 1_000
UTC_NAME: Final = "UTC"

_NO_DATE: Final = "What recurs needs a date to count from: give the task due_at, due_on or scheduled_at."


class NoDate(Refused):
    """A task that recurs is left without any date."""

    def __init__(self) -> None:
        super().__init__("This task recurs, and needs a date. To have it recur no more, send recurrence: null along.")


def recurrence(asked: TaskRecurrence | None) -> TaskRecurrence | None:
    """The same, with its rule in one way of writing.

    Raises:
        Invalid: the rule is none.
    """
    if asked is None:
        return None
    if len(asked.rule) > RULE_LENGTH_MAX:
        raise Invalid.at("/recurrence/rule", f"A rule may have {RULE_LENGTH_MAX:,} characters at most.")
    with _pointing_at("/recurrence/rule"):
        return replace(asked, rule=format_rule(parse(asked.rule)))


def time_zone(name: str | None) -> str | None:
    """
    Raises:
        Invalid: there is none of this name.
    """
    if name is not None:
        with _pointing_at("/time_zone"):
            zone_named(name)
    return name


def zone_of(task: Task) -> ZoneInfo:
    return zone_named(task.time_zone or UTC_NAME)


def date_of(fields: Any, zone: str | None) -> When | None:
    """What a task is counted by: the date that it is due on, else the time that it is due or scheduled at, on the wall.

    Args:
        fields: anything with `due_at`, `due_on` and `scheduled_at`.
    """
    on: date | None = fields.due_on
    if on is not None:
        return on
    at: datetime | None = fields.due_at or fields.scheduled_at
    return None if at is None else to_wall(at, zone_named(zone or UTC_NAME)).replace(microsecond=0)


def begun(recurs: TaskRecurrence, first: When | None, zone: str | None, since: int = 1) -> TaskSchedule:
    """Where the rule stands when the occurrence on this date is its first.

    Raises:
        Invalid: there is no date, or the rule does not go with it, never happens again, or is too costly to follow.
    """
    if first is None:
        raise Invalid.at("/recurrence", _NO_DATE)
    with _pointing_at("/recurrence/rule"):
        rule = parse(recurs.rule)
        series = series_of(rule, first, zone)
        following = next_after(series, to_instant(midnight(first), zone_named(zone or UTC_NAME)), zone or UTC_NAME)
    if following is None and rule.count is None and rule.until is None:
        raise Invalid.at("/recurrence/rule", "By this rule the task never happens again.")
    return TaskSchedule(start=first.isoformat(), original=first.isoformat(), since=since)


def rescheduled(command: EditTask, edited: dict[str, Any], task: Task) -> dict[str, Any]:
    """The field `schedule`, where an edit changes it.

    The rule is counted anew from the date that the task has then: with another rule, where dates take the place of
    times or the other way round, and where both the rule and another date were named. A date alone that changes has
    only this occurrence moved.

    Raises:
        Invalid: the rule does not go with the date.
        NoDate: the task recurs, and its last date was taken away.
    """
    after: Task = replace(task, **{name: edited[name] for name in _RULING if name in edited})
    if after.recurrence is None:
        return {} if task.schedule is None else {"schedule": None}
    date_before, date_after = date_of(task, task.time_zone), date_of(after, after.time_zone)
    if date_after is None and command.recurrence is UNSET:
        raise NoDate
    anew = "recurrence" in edited or (command.recurrence is not UNSET and date_after != date_before)
    if task.schedule is not None and not anew and _is_time(date_after) == _is_time(moment(task.schedule.start)):
        return {}
    schedule = begun(after.recurrence, date_after, after.time_zone, after.occurrence or 1)
    return {} if schedule == task.schedule else {"schedule": schedule}


def _is_time(when: When | None) -> bool:
    return isinstance(when, datetime)


_RULING: Final = ("recurrence", "time_zone", "due_at", "due_on", "scheduled_at")


def series_of(rule: Rule, start: When, zone: str | None) -> Series:
    timed = isinstance(start, datetime)
    return Series(start=start, zone=(zone or UTC_NAME) if timed else None, rules=(rule,))


def moment(text: str) -> When:
    """A time or date of a schedule."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


@contextmanager
def _pointing_at(pointer: str) -> Iterator[None]:
    """What is wrong with a rule or a zone is wrong with the field that it came from."""
    try:
        yield
    except Invalid as error:
        raise Invalid.at(pointer, error.detail) from None
