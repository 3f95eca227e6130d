"""What a filter says once it is read: a tree of terms, and the way back to text."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeGuard

from sigdep.kernel.errors import Fault, Invalid

FILTER_CHARACTERS_MAX: Final = 2_000
FILTER_DEPTH_MAX: Final = 20
"""Parentheses and `not` inside one another."""
FILTER_TERMS_MAX: Final = 100
"""Terms in all; each value of an `in (…)` counts as one."""

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

OPERATORS: Final[tuple[Operator, ...]] = ("=", "!=", "<", "<=", ">", ">=")

Flag = Literal["open", "done", "blocked", "overdue", "assigned", "trashed", "archived"]

FLAGS: Final[tuple[Flag, ...]] = ("open", "done", "blocked", "overdue", "assigned", "trashed", "archived")

Thing = Literal[
    "due",
    "scheduled",
    "description",
    "labels",
    "assignees",
    "project",
    "parent",
    "estimate",
    "recurrence",
    "reminders",
]

THINGS: Final[tuple[Thing, ...]] = (
    "due",
    "scheduled",
    "description",
    "labels",
    "assignees",
    "project",
    "parent",
    "estimate",
    "recurrence",
    "reminders",
)

KEYWORDS: Final = frozenset({"and", "or", "not", "in"})


@dataclass(frozen=True, slots=True)
class Value:
    """One value as it was written: a word, several that make one date, or a quoted string."""

    text: str
    quoted: bool = False
    """A quoted `"none"` or `"me"` is a name, and no keyword."""
    column: int = field(default=0, compare=False)
    """Where it stands in the filter, from 1."""
    parameter: str = field(default="filter", compare=False)
    """Where it came from: the filter, or another parameter of the list."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """field operator value"""

    field: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """field in (value, …)"""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class FlagIs:
    """A flag, as in `open`."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class Has:
    """has:thing"""

    thing: Thing


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """Two parts or more, none of which is an And."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two parts or more, none of which is an Or."""

    parts: tuple["Filter", ...]


Filter = Comparison | Membership | FlagIs | Has | Not | And | Or


def fault(column: int, what: str) -> Invalid:
    """What is wrong with a filter, and where: columns count from 1."""
    detail = f"filter, column {column}: {what}"
    return Invalid(detail, (Fault("filter", detail),))


def refused(value: Value, what: str) -> Invalid:
    """What is wrong with a value, and where it stands."""
    if value.parameter == "filter":
        return fault(value.column, what)
    return Invalid.at(value.parameter, f"{value.parameter}: {what}")


def is_flag(word: str) -> TypeGuard[Flag]:
    return word in FLAGS


def is_thing(word: str) -> TypeGuard[Thing]:
    return word in THINGS


def both(parts: list[Filter]) -> Filter:
    """All of the parts, without an And inside an And."""
    if len(parts) == 1:
        return parts[0]
    return And(tuple(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))))


def either(parts: list[Filter]) -> Filter:
    """Any of the parts, without an Or inside an Or."""
    if len(parts) == 1:
        return parts[0]
    return Or(tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))))


def print_filter(tree: Filter) -> str:
    """The filter as text, with no more parentheses than it needs. Reading it again gives the same tree."""
    match tree:
        case Comparison(name, operator, value):
            return f"{name} {operator} {_print_value(value)}"
        case Membership(name, values):
            return f"{name} in ({', '.join(_print_value(value) for value in values)})"
        case FlagIs(flag):
            return flag
        case Has(thing):
            return f"has:{thing}"
        case Not(Membership(name, values)):
            return f"{name} not in ({', '.join(_print_value(value) for value in values)})"
        case Not(part):
            return f"not {_print_inside(part, (And, Or))}"
        case And(parts):
            return " and ".join(_print_inside(part, (Or,)) for part in parts)
        case Or(parts):
            return " or ".join(print_filter(part) for part in parts)


def _print_inside(part: Filter, in_parentheses: tuple[type, ...]) -> str:
    text = print_filter(part)
    return f"({text})" if isinstance(part, in_parentheses) else text


def _print_value(value: Value) -> str:
    if not value.quoted:
        return value.text
    escaped = value.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
