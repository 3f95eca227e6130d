"""The hot view of this context: the open tasks of a person in a workspace, not in the trash, by due date."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sigdep.kernel.hot_views import HotChanges, HotRow, Placing
from sigdep.kernel.ids import WorkspaceId, uuid_of
from sigdep.kernel.read_store import Changes, Compare, Condition, Row, Table
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS

FACTS: Final = frozenset({"due", "due_at", "due_on", "project_id"})
"""The columns of `ASSIGNMENTS` that a row of the view answers for, beside those that are the same in all of them."""

_ON: Final = b"D"
_ID_OCTETS: Final = 16


def hot_changes(changes: Changes) -> HotChanges:
    """What a batch of the read model `tasks` does to the view."""
    forgotten = frozenset(_workspaces(changes.delete_where))
    left: dict[UUID, set[UUID]] = {}
    for table, (key, *_) in changes.delete:
        if table is ASSIGNMENTS:
            assert isinstance(key, bytes)
            left.setdefault(uuid_of(key[_ID_OCTETS:]), set()).add(uuid_of(key[:_ID_OCTETS]))
    placings = [_placing(row, left) for table, row in changes.put if table is TASKS]
    return HotChanges(placings=placings, forgotten=forgotten)


def _workspaces(delete_where: Iterable[tuple[Table, Condition]]) -> Iterable[WorkspaceId]:
    for _, where in delete_where:
        match where:
            case Compare("workspace_id", "=", UUID() as workspace):
                yield WorkspaceId(workspace)
            case _:
                continue


def _placing(row: Row, left: dict[UUID, set[UUID]]) -> Placing:
    workspace, task, assignees = row["workspace_id"], row["id"], row["assignees"]
    assert isinstance(workspace, UUID)
    assert isinstance(task, UUID)
    assert isinstance(assignees, frozenset)
    assigned = frozenset(map(UUID, assignees))
    people = assigned if row["open"] and not row["trashed"] else frozenset()
    others = (assigned | left.get(task, set())) - people
    return Placing(workspace=WorkspaceId(workspace), row=hot_row(row), people=people, others=frozenset(others))


def hot_row(row: Row) -> HotRow:
    """
    Args:
        row: the columns FACTS, `id` and `document`.
    """
    task, due, project, document = row["id"], row["due"], row["project_id"], row["document"]
    assert isinstance(task, UUID)
    assert due is None or isinstance(due, datetime)
    assert isinstance(document, bytes)
    facts = b"" if row["due_on"] is None else _ON
    if isinstance(project, UUID):
        facts += project.bytes
    return HotRow(id=task, time=due, facts=facts, document=document)


def facts_of(row: HotRow) -> Row:
    """The columns FACTS: a task is due on a date, at its end in UTC, or at an instant."""
    is_on = len(row.facts) % _ID_OCTETS == 1
    day = row.time.date() if is_on and row.time is not None else None
    project = row.facts[is_on:]
    return {
        "due": row.time,
        "due_at": None if is_on else row.time,
        "due_on": day,
        "project_id": uuid_of(project) if project else None,
    }
