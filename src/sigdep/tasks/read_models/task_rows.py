"""The rows of tasks: the task as JSON, and a column for whatever a list can filter or sort by."""

from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

from sigdep.kernel.ids import text_of
from sigdep.kernel.read_store import Column, Index, Row, Table, Value
from sigdep.kernel.words import fold
from sigdep.tasks.domain.task import SCHEMA, Task
from sigdep.tasks.events.tasks import Priority, Status

OPEN: Final[frozenset[Status]] = frozenset({"open", "in_progress"})

PRIORITY_NUMBERS: Final[dict[Priority, int]] = {"none": 0, "low": 1, "medium": 2, "high": 3, "urgent": 4}

_END_OF_DAY: Final = time(23, 59, 59, 999999, tzinfo=UTC)

TASKS: Final = Table(
    name="tasks",
    columns=(
        Column("id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("version", "integer"),
        Column("document", "bytes"),
        Column("number", "integer"),
        Column("project_id", "uuid"),
        Column("parent_id", "uuid"),
        Column("status", "text"),
        Column("open", "boolean"),
        Column("trashed", "boolean"),
        Column("blocked", "boolean"),
        Column("described", "boolean"),
        Column("estimated", "boolean"),
        Column("recurring", "boolean"),
        Column("reminding", "boolean"),
        Column("priority", "integer"),
        Column("due", "instant"),
        Column("due_at", "instant"),
        Column("due_on", "date"),
        Column("scheduled_at", "instant"),
        Column("created_at", "instant"),
        Column("updated_at", "instant"),
        Column("completed_at", "instant"),
        Column("rank", "text"),
        Column("title", "text"),
        Column("title_folded", "text"),
        Column("description", "text"),
        Column("labels", "set"),
        Column("assignees", "set"),
    ),
    key=("id",),
    # Each begins with what every list says: whose it is, and most often whether it asks for the trash.
    indexes=(
        Index(("workspace_id", "trashed", "open", "due")),
        Index(("workspace_id", "trashed", "open", "scheduled_at")),
        Index(("workspace_id", "trashed", "due")),
        Index(("workspace_id", "trashed", "rank")),
        Index(("workspace_id", "trashed", "created_at")),
        Index(("workspace_id", "trashed", "updated_at")),
        Index(("workspace_id", "trashed", "priority")),
        Index(("workspace_id", "number")),
        Index(("workspace_id", "project_id", "trashed", "rank")),
        Index(("workspace_id", "parent_id", "trashed", "rank")),
    ),
    search=("title", "description"),
    documents=SCHEMA,
)

_SHARED: Final = (
    "workspace_id",
    "project_id",
    "parent_id",
    "status",
    "open",
    "trashed",
    "blocked",
    "priority",
    "due",
    "due_at",
    "due_on",
    "scheduled_at",
    "rank",
)
"""What is asked about one's own tasks, and does not change with every edit."""

ASSIGNMENTS: Final = Table(
    name="assignments",
    columns=(
        Column("assignment", "bytes"),
        Column("assignee_id", "uuid"),
        Column("id", "uuid"),
        *(Column(name, kind) for name in _SHARED if (kind := TASKS.kind(name))),
    ),
    key=("assignment",),
    indexes=(
        Index(("workspace_id",)),
        Index(("assignee_id", "workspace_id", "trashed", "open", "due")),
        Index(("assignee_id", "workspace_id", "trashed", "rank")),
    ),
)
"""One row for each task and person: "my tasks" by date or by rank is a walk along one index, however many others have
tasks in the same workspace. `id` is the task's; `assignment` is both ids in one, so that an index of one person's tasks
ends with the whole key, and so gives a total order."""


def due_of(task: Task) -> datetime | None:
    """What lists are sorted by: the instant, or the end of the date, in UTC."""
    return task.due_at if task.due_on is None else end_of(task.due_on)


def end_of(day: date) -> datetime:
    return datetime.combine(day, _END_OF_DAY)


def task_row(task: Task, *, version: int, document: bytes, blocked: bool) -> dict[str, Value]:
    """The row of a task in `TASKS`."""
    return {
        "id": task.id,
        "workspace_id": task.workspace_id,
        "version": version,
        "document": document,
        "number": task.number,
        "project_id": task.project_id,
        "parent_id": task.parent_id,
        "status": task.status,
        "open": task.status in OPEN,
        "trashed": task.trashed_at is not None,
        "blocked": blocked,
        "described": bool(task.description),
        "estimated": task.estimate is not None,
        "recurring": task.recurrence is not None,
        "reminding": bool(task.reminders),
        "priority": PRIORITY_NUMBERS[task.priority],
        "due": due_of(task),
        "due_at": task.due_at if task.due_on is None else None,
        "due_on": task.due_on,
        "scheduled_at": task.scheduled_at,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "completed_at": task.completed_at,
        "rank": task.rank,
        "title": task.title,
        "title_folded": folded(task.title),
        "description": task.description,
        "labels": frozenset(map(text_of, task.labels)),
        "assignees": frozenset(map(text_of, task.assignee_ids)),
    }


def assignment_key(assignee: UUID, task: UUID) -> bytes:
    return assignee.bytes + task.bytes


def assignment_row(assignee: UUID, task: UUID, row: Row) -> Row:
    """The row of one assignee in `ASSIGNMENTS`, made of the task's own."""
    assigned: dict[str, Value] = {name: row[name] for name in _SHARED}
    assigned["assignment"] = assignment_key(assignee, task)
    assigned["assignee_id"] = assignee
    assigned["id"] = task
    return assigned


def assignments_differ(before: Task, after: Task) -> bool:
    """Whether the rows of a task's assignees are other rows now. (`blocked` is looked after elsewhere.)"""
    return (
        before.assignee_ids != after.assignee_ids
        or before.status != after.status
        or before.rank != after.rank
        or before.priority != after.priority
        or before.due_at != after.due_at
        or before.due_on != after.due_on
        or before.scheduled_at != after.scheduled_at
        or before.trashed_at != after.trashed_at
        or before.project_id != after.project_id
        or before.parent_id != after.parent_id
    )


def is_blocking(task: Task | None) -> bool:
    """Whether a task holds up those that wait for it: while it is open, and not in the trash."""
    return task is not None and task.status in OPEN and task.trashed_at is None


def folded(text: str) -> str:
    """A name as it is compared: without case and accents."""
    return text.lower() if text.isascii() else fold(text)
