"""The content of a task: what it is created with, and which of its fields an edit changes."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import LabelId, TaskId, UserId
from sigdep.kernel.errors import Invalid, Refused
from sigdep.kernel.json_values import differs
from sigdep.kernel.messages import UNSET
from sigdep.tasks.commands.tasks import CreateTask, EditTask
from sigdep.tasks.domain import fields, schedule
from sigdep.tasks.domain.rank import is_rank
from sigdep.tasks.domain.reminders import reminders
from sigdep.tasks.domain.task import Task, merged
from sigdep.tasks.events.tasks import TaskCreated


class DueTwice(Refused):
    """A task is due at an instant or on a day, and neither is wiped without being named."""


def created(command: CreateTask) -> TaskCreated:
    """
    Raises:
        Invalid: a field makes no sense.
    """
    assert command.task_id is not None
    assert command.workspace_id is not None
    assert command.rank is not None
    if command.due_at is not None and command.due_on is not None:
        raise Invalid.at("/due_on", "A task is due at an instant or on a day, not both.")
    created = TaskCreated(
        task_id=command.task_id,
        workspace_id=command.workspace_id,
        title=fields.title(command.title),
        rank=command.rank,
        by=command.by,
        at=command.at,
        project_id=command.project_id,
        parent_id=command.parent_id,
        description=fields.description(command.description),
        priority=command.priority,
        labels=_labels(command.labels),
        assignee_ids=_assignees(command.assignee_ids),
        scheduled_at=fields.instant(command.scheduled_at, "/scheduled_at"),
        due_at=fields.instant(command.due_at, "/due_at"),
        due_on=command.due_on,
        estimate=fields.estimate(command.estimate),
        blocked_by=_blockers(command.blocked_by, command.task_id),
        custom=fields.custom(merged({}, command.custom)),
        recurrence=schedule.recurrence(command.recurrence),
        time_zone=schedule.time_zone(command.time_zone),
        reminders=reminders(command.reminders),
    )
    if created.recurrence is None:
        return created
    first = schedule.date_of(created, created.time_zone)
    return replace(created, schedule=schedule.begun(created.recurrence, first, created.time_zone))


def edited_fields(command: EditTask, task: Task) -> dict[str, Any]:
    """The fields that the command changes, with their new values, as `TaskEdited` takes them.

    Raises:
        Invalid: a field makes no sense.
        DueTwice: it would have both kinds of due date.
        NoDate: it recurs, and would have no date any more.
    """
    edited: dict[str, Any] = {}
    for name, cleaned in _CLEANED.items():
        asked = getattr(command, name)
        if asked is not UNSET and (value := cleaned(asked)) != getattr(task, name):
            edited[name] = value
    if command.blocked_by is not UNSET:
        blockers = _blockers(command.blocked_by, task.id)
        if blockers != task.blocked_by:
            edited["blocked_by"] = blockers
    if command.custom is not UNSET and (changed := _changed_custom(command.custom, task.custom)):
        edited["custom"] = changed
    _due_once(command, edited, task)
    return edited | schedule.rescheduled(command, edited, task)


def _due_once(command: EditTask, edited: dict[str, Any], task: Task) -> None:
    due_at, due_on = edited.get("due_at", task.due_at), edited.get("due_on", task.due_on)
    if due_at is None or due_on is None:
        return
    if command.due_at is not UNSET and command.due_on is not UNSET:
        raise Invalid.at("/due_on", "A task is due at an instant or on a day, not both.")
    named, other = ("due_at", "due_on") if "due_at" in edited else ("due_on", "due_at")
    raise DueTwice(f"This task has {other}. To give it {named} instead, send {other}: null along with it.")


def _changed_custom(asked: dict[str, Any] | None, custom: dict[str, Any]) -> dict[str, Any]:
    """The keys whose values change. None: the key goes."""
    if asked is None:
        return dict.fromkeys(custom)
    changed = {key: value for key, value in asked.items() if differs(value, custom.get(key))}
    fields.custom(merged(custom, changed))
    return changed


def valid_rank(rank: str) -> str:
    """
    Raises:
        Invalid: it is none.
    """
    if not is_rank(rank):
        raise Invalid.at("/rank", "This is no rank. Take it from another task, or name before_id or after_id instead.")
    return rank


def _labels(labels: tuple[str, ...]) -> tuple[LabelId, ...]:
    if not labels:
        return ()
    return fields.each_once([LabelId(UUID(label)) for label in labels], fields.LABELS_MAX, "/labels", "labels")


def _assignees(people: tuple[UserId, ...]) -> tuple[UserId, ...]:
    return fields.each_once(people, fields.ASSIGNEES_MAX, "/assignee_ids", "assignees") if people else ()


def _blockers(blockers: tuple[TaskId, ...], task_id: TaskId) -> tuple[TaskId, ...]:
    if task_id in blockers:
        raise Invalid.at(f"/blocked_by/{blockers.index(task_id)}", "A task cannot block itself.")
    return fields.each_once(blockers, fields.BLOCKERS_MAX, "/blocked_by", "blockers") if blockers else ()


_CLEANED: Final[dict[str, Callable[[Any], Any]]] = {
    "title": fields.title,
    "description": fields.description,
    "priority": lambda priority: priority,
    "labels": _labels,
    "assignee_ids": _assignees,
    "scheduled_at": lambda at: fields.instant(at, "/scheduled_at"),
    "due_at": lambda at: fields.instant(at, "/due_at"),
    "due_on": lambda on: on,
    "estimate": fields.estimate,
    "recurrence": schedule.recurrence,
    "time_zone": schedule.time_zone,
    "reminders": reminders,
}
