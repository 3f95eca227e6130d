"""Turns a filter into a condition on the columns of the task read model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from sigdep.contracts.ids import UserId
from sigdep.kernel.read_store import (
    All,
    Any,
    Compare,
    Condition,
    Contains,
    IsNull,
    Matches,
    OneOf,
)
from sigdep.kernel.read_store import Not as IsNot
from sigdep.tasks.filter.dates import EARLIEST, Clock, Span, span_of
from sigdep.tasks.filter.fields import FIELDS, PRIORITIES, suggestion
from sigdep.tasks.filter.syntax import (
    And,
    Comparison,
    Filter,
    Flag,
    FlagIs,
    Has,
    Membership,
    Not,
    Operator,
    Or,
    Thing,
    Value,
    refused,
)
from sigdep.tasks.filter.times import TIME_COLUMNS, compared, within
from sigdep.tasks.filter.values import NUMBER, is_id, is_me, is_none
from sigdep.tasks.read_models.task_rows import OPEN, folded

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the words of a filter refer to: whose it is, when and where, and what is called what."""

    clock: Clock
    me: UserId
    labels: Mapping[str, Sequence[str]]
    """Ids by name, the name folded for comparison (`folded`)."""
    projects: Mapping[str, Sequence[UUID]]
    numbers: Mapping[int, UUID]
    """Task ids by number."""
    archived: Sequence[UUID] = ()
    """The projects that are archived or in the trash."""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All that there is of a kind ("label", "project"), to suggest one where a name is unknown."""


@dataclass(frozen=True, slots=True)
class References:
    """What has to be looked up before a filter can be compiled."""

    labels: frozenset[str]
    """Folded names."""
    projects: frozenset[str]
    """Folded names."""
    numbers: frozenset[int]
    flags: frozenset[Flag]
    fields: frozenset[str]


def references(tree: Filter) -> References:
    values = list(_values(tree))
    return References(
        labels=frozenset(folded(v.text) for kind, v in values if kind == "label" and _is_name(v)),
        projects=frozenset(folded(v.text) for kind, v in values if kind == "project" and _is_name(v)),
        numbers=frozenset(
            int(found[1])
            for kind, v in values
            if kind == "parent" and not is_id(v.text) and (found := NUMBER.fullmatch(v.text))
        ),
        flags=frozenset(_flags(tree)),
        fields=frozenset(field for field, _ in values),
    )


def _values(tree: Filter) -> Iterator[tuple[str, Value]]:
    match tree:
        case Comparison(field, _, value):
            yield field, value
        case Membership(field, values):
            for value in values:
                yield field, value
        case Not(part):
            yield from _values(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _values(part)
        case FlagIs() | Has():
            pass


def _flags(tree: Filter) -> Iterator[Flag]:
    match tree:
        case FlagIs(flag):
            yield flag
        case Not(part):
            yield from _flags(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _flags(part)
        case Comparison() | Membership() | Has():
            pass


def _is_name(value: Value) -> bool:
    return not is_none(value) and not is_id(value.text)


def compile_filter(tree: Filter, scope: Scope) -> Condition:
    """
    Raises:
        Invalid: a name that the filter uses does not exist, or a date lies beyond the calendar.
    """
    match tree:
        case Comparison(field, operator, value):
            return _comparison(field, operator, value, scope)
        case Membership("status", values):
            return status_in([value.text for value in values])
        case Membership(field, values):
            return Any(tuple(_comparison(field, "=", value, scope) for value in values))
        case FlagIs(flag):
            return _flag(flag, scope)
        case Has(thing):
            return _HAS[thing]
        case Not(part):
            return IsNot(compile_filter(part, scope))
        case And(parts):
            return All(tuple(compile_filter(part, scope) for part in parts))
        case Or(parts):
            return Any(tuple(compile_filter(part, scope) for part in parts))


def _comparison(field: str, operator: Operator, value: Value, scope: Scope) -> Condition:
    """`!=` is "not =": a task without a project is in no project that one can name."""
    if operator == "!=":
        return IsNot(_comparison(field, "=", value, scope))
    if FIELDS[field].kind == "time":
        return _time(field, operator, value, scope)
    if field == "priority":
        return Compare("priority", operator, PRIORITIES.index(value.text))
    if field == "number":
        return Compare("number", operator, _number(value))
    return _EQUALS[field](value, scope)


# ── equality ────────────────────────────────────────────────────────────────────────────────────────────


def status_in(statuses: Sequence[str]) -> Condition:
    """With the flag beside it that the indexes begin with, where it is the same for all."""
    parts: list[Condition] = [Compare("open", "=", is_open) for is_open in {status in OPEN for status in statuses}]
    named = OneOf("status", tuple(statuses)) if len(statuses) > 1 else Compare("status", "=", statuses[0])
    return All((*parts, named)) if len(parts) == 1 else named


def _label(value: Value, scope: Scope) -> Condition:
    if is_none(value):
        return IsNot(_HAS["labels"])
    if is_id(value.text):
        return Contains("labels", value.text.lower())
    return Any(tuple(Contains("labels", one) for one in _named("label", value, scope.labels, scope)))


def _project(value: Value, scope: Scope) -> Condition:
    if is_none(value):
        return IsNull("project_id")
    if is_id(value.text):
        return Compare("project_id", "=", UUID(value.text))
    return OneOf("project_id", tuple(_named("project", value, scope.projects, scope)))


def _named(kind: str, value: Value, known: Mapping[str, Sequence[T]], scope: Scope) -> Sequence[T]:
    found = known.get(folded(value.text))
    if not found:
        near = suggestion(value.text, scope.names.get(kind, ()))
        raise refused(value, f'no {kind} is called "{value.text}".{near}')
    return found


def _assignee(value: Value, scope: Scope) -> Condition:
    if is_none(value):
        return IsNot(_HAS["assignees"])
    return Contains("assignees", str(scope.me) if is_me(value) else value.text)


def _parent(value: Value, scope: Scope) -> Condition:
    if is_none(value):
        return IsNull("parent_id")
    if is_id(value.text):
        return Compare("parent_id", "=", UUID(value.text))
    number = _number(value)
    if number not in scope.numbers:
        raise refused(value, f"there is no task T-{number} in this workspace.")
    return Compare("parent_id", "=", scope.numbers[number])


def _number(value: Value) -> int:
    found = NUMBER.fullmatch(value.text)
    if found is None:
        raise refused(value, f'"{value.text}" is not a task\'s number as in T-42.')
    return int(found[1])


_EQUALS: Final[Mapping[str, Callable[[Value, Scope], Condition]]] = {
    "status": lambda value, _: status_in([value.text]),
    "title": lambda value, _: Compare("title_folded", "=", folded(value.text)),
    "text": lambda value, _: Matches(value.text),
    "label": _label,
    "project": _project,
    "assignee": _assignee,
    "parent": _parent,
}


# ── flags ───────────────────────────────────────────────────────────────────────────────────────────────

_HAS: Final[Mapping[Thing, Condition]] = {
    "due": IsNot(IsNull("due")),
    "scheduled": IsNot(IsNull("scheduled_at")),
    "description": Compare("described", "=", True),
    "labels": Contains("labels", None),
    "assignees": Contains("assignees", None),
    "project": IsNot(IsNull("project_id")),
    "parent": IsNot(IsNull("parent_id")),
    "estimate": Compare("estimated", "=", True),
    "recurrence": Compare("recurring", "=", True),
    "reminders": Compare("reminding", "=", True),
}


def _flag(flag: Flag, scope: Scope) -> Condition:
    match flag:
        case "open":
            return Compare("open", "=", True)
        case "done":
            return status_in(["done"])
        case "blocked":
            return Compare("blocked", "=", True)
        case "overdue":
            return All((Compare("open", "=", True), within("due", Span(EARLIEST, scope.clock.now), scope.clock)))
        case "assigned":
            return _HAS["assignees"]
        case "trashed":
            return Compare("trashed", "=", True)
        case "archived":
            return OneOf("project_id", tuple(scope.archived))


def _time(field: str, operator: Operator, value: Value, scope: Scope) -> Condition:
    if is_none(value):
        if operator != "=":
            raise refused(value, '"none" can only be compared with "=" or "!=".')
        return IsNull(TIME_COLUMNS[field])
    span = span_of(value.text, scope.clock)
    if span is None:
        raise refused(value, f'"{value.text}" lies beyond the calendar.')
    return within(field, compared(operator, span), scope.clock)
