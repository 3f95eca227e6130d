"""Questions to the tables: which table a list of tasks is walked in, in what order, and what is left out."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.conditions import ONE_OF_VALUES_MAX
from sigdep.kernel.read_store import All, Any, Compare, Condition, Contains, Matches, Not, OneOf, Order, Select, Table
from sigdep.tasks.filter.compile import References
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_models.task_rows import ASSIGNMENTS, TASKS

_SORT_COLUMNS: Final = {"due_at": "due"}

_ASSIGNMENT_ORDERS: Final = frozenset({"due", "rank"})

_ASSIGNMENT_COLUMNS: Final = frozenset(column.name for column in ASSIGNMENTS.columns)


def order_of(sort: str) -> tuple[Order, ...]:
    """From `-updated_at` to the column and its direction."""
    name = sort.removeprefix("-")
    return (Order(_SORT_COLUMNS.get(name, name), descending=sort != name),)


def leaves_out_hidden(query: ListTasks, needed: References) -> bool:
    """Whether the tasks of archived projects stay out: unless they are asked for in one way or another."""
    named = "project" in needed.fields or "archived" in needed.flags
    return not (query.archived or query.trashed or named)


def task_question(
    query: ListTasks, workspace: WorkspaceId, asked: Condition, needed: References, hidden: Sequence[UUID]
) -> Select:
    """The question for one page of ids (and documents, where the table has them)."""
    parts: list[Condition] = [Compare("workspace_id", "=", workspace)]
    if query.trashed is not None or "trashed" not in needed.flags:
        parts.append(Compare("trashed", "=", query.trashed is True))
    parts.extend(_conjuncts(asked))
    parts.extend(Not(OneOf("project_id", tuple(some))) for some in batches_of(hidden))
    order = order_of(query.sort)
    table, where = _cheapest(parts, order)
    columns = ("id",) if table is ASSIGNMENTS else ("id", "document")
    return Select(table=table, where=All(tuple(where)), order=order, limit=query.limit, columns=columns)


def batches_of(hidden: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(hidden), ONE_OF_VALUES_MAX):
        yield hidden[start : start + ONE_OF_VALUES_MAX]


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """What must all hold."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _cheapest(parts: Sequence[Condition], order: tuple[Order, ...]) -> tuple[Table, Sequence[Condition]]:
    """One person's tasks are walked among that person's alone, where the table of assignments knows enough."""
    if order[0].column in _ASSIGNMENT_ORDERS:
        for place, part in enumerate(parts):
            if isinstance(part, Contains) and part.column == "assignees" and part.value is not None:
                rest = [*parts[:place], *parts[place + 1 :]]
                if all(columns_of(one) <= _ASSIGNMENT_COLUMNS for one in rest):
                    return ASSIGNMENTS, [Compare("assignee_id", "=", UUID(part.value)), *rest]
    return TASKS, parts


_ANY_WORDS: Final = frozenset({"words of a text"})


def columns_of(condition: Condition) -> frozenset[str]:
    """Whatever a row must have for the condition to be decided."""
    match condition:
        case All(parts) | Any(parts):
            return frozenset().union(*map(columns_of, parts))
        case Not(part):
            return columns_of(part)
        case Matches():
            return _ANY_WORDS
        case _:
            return frozenset({condition.column})
