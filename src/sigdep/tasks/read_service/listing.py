"""From the parameters of a list of tasks to one condition."""

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from sigdep.kernel.errors import Invalid
from sigdep.recurrence.zones import zone_named
from sigdep.tasks.filter.fields import FIELDS
from sigdep.tasks.filter.parser import parse
from sigdep.tasks.filter.syntax import (
    Comparison,
    Filter,
    FlagIs,
    Membership,
    Not,
    Operator,
    Value,
    both,
)
from sigdep.tasks.filter.values import checked
from sigdep.tasks.queries import ListTasks

VALUES_MAX: Final = 50
"""Of one parameter."""

_LISTS: Final = (
    ("status", "status"),
    ("priority", "priority"),
    ("project_id", "project"),
    ("parent_id", "parent"),
    ("label", "label"),
    ("assignee_id", "assignee"),
)
"""Parameters that take several values, and the fields of the filter language that they ask for."""

_BOUNDS: Final[tuple[tuple[str, str, Operator], ...]] = (
    ("due_before", "due", "<"),
    ("due_after", "due", ">"),
    ("scheduled_before", "scheduled", "<"),
    ("scheduled_after", "scheduled", ">"),
)


def tree_of(query: ListTasks) -> Filter:
    """All that the parameters ask for, said in the filter language.

    Raises:
        Invalid: a value makes no sense; names its parameter.
    """
    terms = [*_terms(query)]
    if query.filter is not None:
        terms.append(parse(query.filter))
    return both(terms)


def _terms(query: ListTasks) -> Iterator[Filter]:
    for parameter, field in _LISTS:
        values = [_value(parameter, field, text) for text in _given(query, parameter)]
        if len(values) == 1:
            yield Comparison(field, "=", values[0])
        elif values:
            yield Membership(field, tuple(values))
    for parameter, field, operator in _BOUNDS:
        text = getattr(query, parameter)
        if text is not None:
            yield Comparison(field, operator, _value(parameter, field, text))
    if query.q is not None:
        yield Comparison("text", "=", Value(query.q, quoted=True, parameter="q"))
    if query.open is not None:
        yield FlagIs("open") if query.open else Not(FlagIs("open"))
    if query.blocked is not None:
        yield FlagIs("blocked") if query.blocked else Not(FlagIs("blocked"))


def _given(query: ListTasks, parameter: str) -> Sequence[str]:
    given: Sequence[str] = getattr(query, parameter)
    if len(given) > VALUES_MAX:
        raise Invalid.at(parameter, f"{parameter} takes at most {VALUES_MAX} values.")
    return given


def _value(parameter: str, field: str, text: str) -> Value:
    return checked(FIELDS[field], Value(text.strip(), parameter=parameter))


def zone_of(name: str) -> ZoneInfo:
    """
    Raises:
        Invalid: there is no such time zone.
    """
    try:
        return zone_named(name)
    except Invalid as error:
        raise Invalid.at("time_zone", error.detail) from None
