"""Follows the streams of tasks: folds each task, and puts its row, its assignees' rows and who waits for it."""

from collections.abc import Sequence
from typing import Final, TypeGuard, get_args

import msgspec

from sigdep.contracts.ids import TaskId
from sigdep.kernel.folded_states import FoldedStates
from sigdep.kernel.ids import StreamId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.domain.task import ABSENT, Task, evolve
from sigdep.tasks.events.tasks import TaskCreated, TaskEvent
from sigdep.tasks.read_models.blockers import WAITING, Change, keep_blocked, put_assignments
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_key, assignments_differ, task_row

Streams = dict[StreamId, list[tuple[RecordedEvent, TaskEvent]]]

_TYPES: Final = frozenset(get_args(TaskEvent))


def is_task_event(event: Event | None) -> TypeGuard[TaskEvent]:
    return type(event) in _TYPES


class TaskModel:
    """One part of the context's read model."""

    tables = (TASKS, ASSIGNMENTS, WAITING)

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._states = FoldedStates[Task, TaskEvent](TASKS, Task, lambda event: event.task_id)

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        """Apply the events of one batch, among which nothing is forgotten."""
        streams = _streams(batch)
        if not streams:
            return
        found = await self._states.before(streams, rows)
        changed: dict[TaskId, Change] = {}
        for stream, events in streams.items():
            change = _fold(found.get(stream), events)
            if change is not None:
                changed[change.after.id] = change
                self._put(change, rows)
                self._states.remember(stream, change.version, change.after)
        await keep_blocked(changed, rows)

    def forget(self) -> None:
        """Whatever is remembered may be of a workspace that has been erased."""
        self._states.forget()

    def _put(self, change: Change, rows: Rows) -> None:
        before, task = change.before, change.after
        row = task_row(task, version=change.version, document=self._encode(task), blocked=False)
        rows.put(TASKS, row)
        if before is None:
            put_assignments(rows, task.id, row, task.assignee_ids)
        elif task.blocked_by or before.blocked_by or assignments_differ(before, task):
            put_assignments(rows, task.id, row, task.assignee_ids)
            for assignee in set(before.assignee_ids) - set(task.assignee_ids):
                rows.delete(ASSIGNMENTS, (assignment_key(assignee, task.id),))


def _streams(batch: Sequence[RecordedEvent]) -> Streams:
    """The events of tasks, by stream. (By its name: an id takes ten times as long to hash.)"""
    streams: Streams = {}
    for recorded in batch:
        event = recorded.event
        if is_task_event(event):
            streams.setdefault(recorded.stream, []).append((recorded, event))
    return streams


def _fold(before: Task | None, events: Sequence[tuple[RecordedEvent, TaskEvent]]) -> Change | None:
    """What the events made of a task. None: its beginning has been erased, and these have only not been yet."""
    task = before
    for _, event in events:
        if task is not None or type(event) is TaskCreated:
            task = evolve(task or ABSENT, event)
    return None if task is None else Change(before, task, events[-1][0].version)
