"""Who waits for whom: keeps the column `blocked` of tasks true, whichever of the two changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.kernel.ids import uuid_of
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Index, Row, Table
from sigdep.tasks.domain.task import Task
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS, assignment_row, is_blocking

WAITING: Final = Table(
    name="waiting",
    columns=(Column("id", "uuid"), Column("workspace_id", "uuid"), Column("tasks", "bytes")),
    key=("id",),
    indexes=(Index(("workspace_id",)),),
)
"""Per task that others wait for: their ids, sixteen bytes each, ascending. No row where nobody waits."""

_ID_BYTES: Final = 16


class _Waiting(msgspec.Struct, frozen=True):
    """As much of a task's document as tells for whom it waits."""

    blocked_by: tuple[TaskId, ...]


_decode: Final = msgspec.json.Decoder(_Waiting).decode


@dataclass(slots=True)
class Change:
    """What a batch did to one task."""

    before: Task | None
    """None: it did not exist."""
    after: Task
    version: int
    """Of its stream."""


Changed = Mapping[TaskId, Change]


async def keep_blocked(changed: Changed, rows: Rows) -> None:
    """Make `blocked` true of every task that the changes touch, themselves and those that wait for them.

    The rows of the changed tasks have been put. Only the outcome of the whole batch counts, so that it does not
    matter where one batch ends and the next begins, nor in which order the streams of a command were stored.
    """
    turned = [task for task, change in changed.items() if is_blocking(change.before) != is_blocking(change.after)]
    ties = [(task, change) for task, change in changed.items() if _blockers(change.before) != change.after.blocked_by]
    tied = {blocker for _, change in ties for blocker in (*_blockers(change.before), *change.after.blocked_by)}
    await rows.fetch(WAITING, [(task,) for task in (turned if not tied else {*turned, *tied})])
    for task, change in ties:
        _tie(task, change, rows)
    waiting = {task for task, change in changed.items() if change.after.blocked_by}
    waiting.update(waiter for task in turned for waiter in _waiters(rows, task))
    await _mark(waiting, changed, rows)


def _blockers(task: Task | None) -> tuple[TaskId, ...]:
    return () if task is None else task.blocked_by


def _tie(task: TaskId, change: Change, rows: Rows) -> None:
    before, after = set(_blockers(change.before)), set(change.after.blocked_by)
    for blocker in before - after:
        _write(rows, blocker, change.after.workspace_id, set(_waiters(rows, blocker)) - {task})
    for blocker in after - before:
        _write(rows, blocker, change.after.workspace_id, {*_waiters(rows, blocker), task})


def _waiters(rows: Rows, blocker: TaskId) -> Iterator[TaskId]:
    row = rows.get(WAITING, (blocker,))
    packed = b"" if row is None else row["tasks"]
    assert isinstance(packed, bytes)
    for start in range(0, len(packed), _ID_BYTES):
        yield TaskId(uuid_of(packed[start : start + _ID_BYTES]))


def _write(rows: Rows, blocker: TaskId, workspace: WorkspaceId, waiters: Iterable[TaskId]) -> None:
    packed = b"".join(sorted(waiter.bytes for waiter in waiters))
    if packed:
        rows.put(WAITING, {"id": blocker, "workspace_id": workspace, "tasks": packed})
    else:
        rows.delete(WAITING, (blocker,))


async def _mark(waiting: Iterable[TaskId], changed: Changed, rows: Rows) -> None:
    tasks = list(waiting)
    if not tasks:
        return
    await rows.fetch(TASKS, [(task,) for task in tasks])
    found = {task: row for task in tasks if (row := rows.get(TASKS, (task,))) is not None}
    blockers = {task: _blockers_of(task, row, changed) for task, row in found.items()}
    await rows.fetch(TASKS, [(blocker,) for blocker in {one for several in blockers.values() for one in several}])
    for task, row in found.items():
        blocked = any(_holds_up(rows.get(TASKS, (blocker,))) for blocker in blockers[task])
        if row["blocked"] != blocked:
            now = {**row, "blocked": blocked}
            rows.put(TASKS, now)
            put_assignments(rows, task, now, _assignees_of(row))


def _blockers_of(task: TaskId, row: Row, changed: Changed) -> tuple[TaskId, ...]:
    if task in changed:
        return changed[task].after.blocked_by
    document = row["document"]
    assert isinstance(document, bytes)
    return _decode(document).blocked_by


def _assignees_of(row: Row) -> Iterator[UUID]:
    assignees = row["assignees"]
    assert isinstance(assignees, frozenset)
    return map(UUID, assignees)


def _holds_up(row: Row | None) -> bool:
    return row is not None and bool(row["open"]) and not row["trashed"]


def put_assignments(rows: Rows, task: TaskId, row: Row, assignees: Iterable[UUID]) -> None:
    """One row for each assignee, made of the task's own row."""
    for assignee in assignees:
        rows.put(ASSIGNMENTS, assignment_row(assignee, task, row))
