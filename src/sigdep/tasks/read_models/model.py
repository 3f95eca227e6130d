"""The read model of the context: tasks, projects, labels and comments, projected together.

They are one, and not four, because a list of tasks asks for all of them at one position, and because reading and
unsealing an event costs more than projecting it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sigdep.kernel.projection import Rows, until_each
from sigdep.kernel.read_store import Compare, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.tasks.domain import label, project, task
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.read_models.comments import CommentModel
from sigdep.tasks.read_models.labels import label_model
from sigdep.tasks.read_models.projects import project_model
from sigdep.tasks.read_models.task_model import TaskModel

REVISION: Final = 1
"""Raise it when a row comes out otherwise and neither the tables nor a domain's SCHEMA show it."""


class TasksReadModel:
    """What `tasks.read` answers from."""

    name: Final = "tasks"

    def __init__(self) -> None:
        self._tasks = TaskModel()
        self._parts = (self._tasks, CommentModel(), project_model(), label_model())
        self.tables: Sequence[Table] = tuple(table for part in self._parts for table in part.tables)
        made_by = f"{REVISION}|{task.SCHEMA}|{project.SCHEMA}|{label.SCHEMA}|{self.tables}"
        self.fingerprint = sha256(made_by.encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        for events, forgotten in until_each(batch, (WorkspaceForgotten,)):
            for part in self._parts:
                await part.project(events, rows)
            if forgotten is not None:
                self._tasks.forget()
                for table in self.tables:
                    rows.delete_where(table, Compare("workspace_id", "=", forgotten.workspace_id))
