"""Looks up what the names and numbers in a filter stand for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Compare,
    Condition,
    OneOf,
    Select,
    Table,
)
from sigdep.reading.views import View
from sigdep.tasks.filter.compile import References, Scope
from sigdep.tasks.filter.dates import Clock
from sigdep.tasks.read_models.labels import LABELS
from sigdep.tasks.read_models.projects import PROJECTS
from sigdep.tasks.read_models.task_rows import TASKS

HIDDEN_PROJECTS_MAX: Final = 10_000
"""Archived ones and those in the trash, of one workspace."""


async def scope_of(needed: References, workspace: WorkspaceId, view: View, *, clock: Clock, me: UserId) -> Scope:
    """All that a filter refers to. A name that does not exist is missing, and others are there to suggest."""
    labels = await _by_name(view, LABELS, workspace, needed.labels)
    projects = await _by_name(view, PROJECTS, workspace, needed.projects)
    return Scope(
        clock=clock,
        me=me,
        labels={name: [str(one) for one in ids] for name, ids in labels.items()},
        projects=projects,
        numbers=await _by_number(view, workspace, needed.numbers),
        archived=await hidden_projects(view, workspace) if "archived" in needed.flags else (),
        names={
            "label": await _some_names(view, LABELS, workspace) if needed.labels - labels.keys() else (),
            "project": await _some_names(view, PROJECTS, workspace) if needed.projects - projects.keys() else (),
        },
    )


def lacks(scope: Scope, needed: References) -> bool:
    """Whether something was not found, be it that it does not exist or that it is not yet seen here."""
    missing = (needed.labels - scope.labels.keys(), needed.projects - scope.projects.keys())
    return any(missing) or bool(needed.numbers - scope.numbers.keys())


async def _by_name(
    view: View, table: Table, workspace: WorkspaceId, names: frozenset[str]
) -> Mapping[str, Sequence[UUID]]:
    """Ids by folded name. Several projects may have one name."""
    found: dict[str, list[UUID]] = {}
    if names:
        where = All((_in(workspace), Compare("trashed", "=", False), OneOf("name_folded", tuple(names))))
        select = Select(table=table, where=where, limit=PAGE_ROWS_MAX, columns=("id", "name_folded"))
        for row in (await view.select(select)).rows:
            found.setdefault(str(row["name_folded"]), []).append(_id(row["id"]))
    return found


async def _some_names(view: View, table: Table, workspace: WorkspaceId) -> Sequence[str]:
    where = All((_in(workspace), Compare("trashed", "=", False)))
    select = Select(table=table, where=where, limit=PAGE_ROWS_MAX, columns=("name_folded",))
    return [str(row["name_folded"]) for row in (await view.select(select)).rows]


async def _by_number(view: View, workspace: WorkspaceId, numbers: frozenset[int]) -> Mapping[int, UUID]:
    if not numbers:
        return {}
    where = All((_in(workspace), OneOf("number", tuple(numbers))))
    found = await view.select(Select(table=TASKS, where=where, limit=PAGE_ROWS_MAX, columns=("id", "number")))
    return {int(str(row["number"])): _id(row["id"]) for row in found.rows}


async def hidden_projects(view: View, workspace: WorkspaceId) -> Sequence[UUID]:
    """The projects whose tasks leave the lists that do not ask for them.

    Raises:
        Invalid: there are too many to leave out.
    """
    found: list[UUID] = []
    where = All((_in(workspace), Compare("hidden", "=", True)))
    select = Select(table=PROJECTS, where=where, limit=PAGE_ROWS_MAX, columns=("id",))
    while True:
        page = await view.select(select)
        found.extend(_id(row["id"]) for row in page.rows)
        if page.next is None:
            return found
        if len(found) >= HIDDEN_PROJECTS_MAX:
            raise Invalid.at(
                "archived",
                f"More than {HIDDEN_PROJECTS_MAX:,} projects of this workspace are archived: ask with archived=true, "
                "or name the projects that you want.",
            )
        select = Select(table=PROJECTS, where=where, limit=PAGE_ROWS_MAX, columns=("id",), after=page.next)


def _in(workspace: WorkspaceId) -> Condition:
    return Compare("workspace_id", "=", workspace)


def _id(value: Any) -> UUID:
    assert isinstance(value, UUID)
    return value
