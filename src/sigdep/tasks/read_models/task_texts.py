"""The texts of tasks, for a search index: the same words as those of the table of tasks, by a follower of their own."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sigdep.kernel.messages import UNSET
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Compare, Key, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.tasks import TaskCreated, TaskEdited

REVISION: Final = 1
"""Raise it when an entry comes out otherwise, or when `kernel.words` finds other words in it."""

TEXTS: Final = Table(
    name="texts",
    columns=(
        Column("workspace_id", "uuid"),
        Column("id", "uuid"),
        Column("position", "integer"),
        Column("title", "text"),
        Column("description", "text"),
    ),
    key=("workspace_id", "id"),
    search=("title", "description"),
)
"""Those in the trash too: which tasks a list leaves out, the table of tasks knows."""


class TaskTexts:
    """A ReadModel. Only events that change a text change a row, and so most batches change none."""

    name: Final = "task_texts"
    tables: Sequence[Table] = (TEXTS,)

    def __init__(self) -> None:
        self.fingerprint = sha256(f"{REVISION}|{self.tables}".encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        await rows.fetch(TEXTS, {_key(recorded, event): None for recorded, event in _edits(batch)}.keys())
        for recorded in batch:
            match recorded.event:
                case TaskCreated() as event:
                    _put(rows, _key(recorded, event), recorded, event.title, event.description)
                case TaskEdited() as event if _changes_text(event):
                    _edit(rows, recorded, event)
                case WorkspaceForgotten(workspace_id=workspace):
                    rows.delete_where(TEXTS, Compare("workspace_id", "=", workspace))
                case _:
                    pass


def _edits(batch: Sequence[RecordedEvent]) -> list[tuple[RecordedEvent, TaskEdited]]:
    return [
        (recorded, event)
        for recorded in batch
        if isinstance(event := recorded.event, TaskEdited) and _changes_text(event)
    ]


def _changes_text(event: TaskEdited) -> bool:
    return event.title is not UNSET or event.description is not UNSET


def _key(recorded: RecordedEvent, event: TaskCreated | TaskEdited) -> Key:
    return recorded.workspace, event.task_id


def _edit(rows: Rows, recorded: RecordedEvent, event: TaskEdited) -> None:
    before = rows.get(TEXTS, _key(recorded, event))
    if before is None:
        return  # Its beginning has been erased, and this has only not been yet.
    title = before["title"] if event.title is UNSET else event.title
    description = before["description"] if event.description is UNSET else event.description
    _put(rows, _key(recorded, event), recorded, title, description)


def _put(rows: Rows, key: Key, recorded: RecordedEvent, title: object, description: object) -> None:
    assert isinstance(title, str)
    assert description is None or isinstance(description, str)
    workspace, task = key
    rows.put(
        TEXTS,
        {
            "workspace_id": workspace,
            "id": task,
            "position": recorded.position,
            "title": title,
            "description": description,
        },
    )
