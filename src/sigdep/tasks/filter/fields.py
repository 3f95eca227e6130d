"""The fields that a filter can name: what values each takes, and how it may be compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from sigdep.tasks.filter.syntax import OPERATORS, Operator

Kind = Literal["status", "priority", "time", "title", "text", "label", "project", "person", "task", "number"]

STATUSES: Final = ("open", "in_progress", "done", "cancelled")
PRIORITIES: Final = ("none", "low", "medium", "high", "urgent")
"""From the least: their places are the numbers that a read model keeps."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: Kind
    operators: tuple[Operator, ...]
    """`:` stands for `=` everywhere."""
    expects: str
    """The end of the sentence "expected …"."""


_EQUALITY: Final[tuple[Operator, ...]] = ("=", "!=")
_DAY: Final = "a date as in 2026-12-01, tomorrow, friday, +3d, next week or end of month"
_MOMENT: Final = f"{_DAY}, or an instant as in 2026-12-01T09:00:00Z"

FIELDS: Final = {
    field.name: field
    for field in (
        Field("status", "status", _EQUALITY, "open, in_progress, done or cancelled"),
        Field("priority", "priority", OPERATORS, "none, low, medium, high or urgent"),
        Field("due", "time", OPERATORS, _MOMENT),
        Field("scheduled", "time", OPERATORS, _MOMENT),
        Field("created", "time", OPERATORS, _MOMENT),
        Field("updated", "time", OPERATORS, _MOMENT),
        Field("completed", "time", OPERATORS, _MOMENT),
        Field("title", "title", _EQUALITY, 'the whole title in quotation marks; for words in it, write text:"…"'),
        Field("text", "text", _EQUALITY, "words to look for"),
        Field("label", "label", _EQUALITY, "a label's name or id, or none"),
        Field("project", "project", _EQUALITY, "a project's name or id, or none"),
        Field("assignee", "person", _EQUALITY, "me, a user's id, or none"),
        Field("parent", "task", _EQUALITY, "a task's number as in T-42, its id, or none"),
        Field("number", "number", OPERATORS, "a task's number as in T-42"),
    )
}


def suggestion(word: str, known: Iterable[str]) -> str:
    """` Did you mean "…"?`, or nothing where nothing is near."""
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
