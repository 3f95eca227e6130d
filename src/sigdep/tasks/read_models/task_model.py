"""Follows the streams of tasks: folds each task, and puts its row, its assignees' rows and who waits for it."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TypeGuard, get_args

import msgspec

from sigdep.contracts.ids import TaskId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.domain.task import ABSENT, Task, evolve
from sigdep.tasks.events import TaskCreated, TaskEvent
from sigdep.tasks.read_models.blockers import WAITING, Change, keep_blocked, put_task
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_key, task_row

REMEMBERED_TASKS_MAX: Final = 4_000
"""About 2 kB each."""

_TYPES: Final = frozenset(get_args(TaskEvent))


def is_task_event(event: Event | None) -> TypeGuard[TaskEvent]:
    return type(event) in _TYPES


class TaskModel:
    """One part of the context's read model."""

    tables = (TASKS, ASSIGNMENTS, WAITING)

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Task).decode
        self._remembered: OrderedDict[TaskId, tuple[int, Task]] = OrderedDict()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        """Apply the events of one batch, among which nothing is forgotten."""
        ours = [(recorded, event) for recorded in batch if is_task_event(event := recorded.event)]
        if not ours:
            return
        changed = await self._fold(ours, rows)
        for task, change in changed.items():
            self._put(change, rows)
            self._remember(task, change)
        await keep_blocked(changed, rows)

    def forget(self) -> None:
        """Whatever is remembered may be of a workspace that has been erased."""
        self._remembered.clear()

    async def _fold(self, ours: Sequence[tuple[RecordedEvent, TaskEvent]], rows: Rows) -> dict[TaskId, Change]:
        firsts: dict[TaskId, RecordedEvent] = {}
        for recorded, event in ours:
            firsts.setdefault(event.task_id, recorded)
        found = await self._find(firsts, rows)
        changed: dict[TaskId, Change] = {}
        for recorded, event in ours:
            task = event.task_id
            change = changed.get(task)
            if change is not None:
                change.after = evolve(change.after, event)
                change.version = recorded.version
                continue
            before = found.get(task)
            if before is None and type(event) is not TaskCreated:
                continue  # Its beginning has been erased; this event has only not been yet.
            changed[task] = Change(before, evolve(before or ABSENT, event), recorded.version)
        return changed

    async def _find(self, firsts: dict[TaskId, RecordedEvent], rows: Rows) -> dict[TaskId, Task]:
        """The tasks as they were before the first of their events in this batch."""
        found: dict[TaskId, Task] = {}
        unknown: list[TaskId] = []
        for task, recorded in firsts.items():
            remembered = self._remembered.get(task)
            # What follows the remembered version is what the rows do not have yet: the same bytes, read sooner. After
            # a batch that failed the versions differ, and the row is read.
            if remembered is not None and remembered[0] == recorded.version - 1:
                found[task] = remembered[1]
            elif recorded.version > 1:
                unknown.append(task)
        await rows.fetch(TASKS, [(task,) for task in unknown])
        for task in unknown:
            row = rows.get(TASKS, (task,))
            if row is not None:
                document = row["document"]
                assert isinstance(document, bytes)
                found[task] = self._decode(document)
        return found

    def _put(self, change: Change, rows: Rows) -> None:
        task = change.after
        row = task_row(task, version=change.version, document=self._encode(task), blocked=False)
        put_task(rows, row)
        if change.before is not None:
            for assignee in set(change.before.assignee_ids) - set(task.assignee_ids):
                rows.delete(ASSIGNMENTS, (assignment_key(assignee, task.id),))

    def _remember(self, task: TaskId, change: Change) -> None:
        self._remembered[task] = (change.version, change.after)
        self._remembered.move_to_end(task)
        if len(self._remembered) > REMEMBERED_TASKS_MAX:
            self._remembered.popitem(last=False)
