"""The values that a field takes, in the one form that a tree keeps."""

import re
from dataclasses import replace
from typing import Final
from uuid import UUID

from sigdep.tasks.filter import dates
from sigdep.tasks.filter.fields import PRIORITIES, STATUSES, Field, suggestion
from sigdep.tasks.filter.syntax import Value, refused

NUMBER: Final = re.compile(r"(?:[tT]-)?(\d{1,15})", re.ASCII)


def checked(field: Field, value: Value) -> Value:
    """The value in the form that a tree keeps.

    Raises:
        Invalid: the field takes no such value.
    """
    found = _canonical(field, value)
    if found is None:
        near = _nearest(field, value.text)
        raise refused(value, f'expected {field.expects}, found "{value.text}".{near}')
    return found


def _canonical(field: Field, value: Value) -> Value | None:
    lower = replace(value, text=value.text.lower())
    match field.kind:
        case "status":
            return lower if lower.text in STATUSES else None
        case "priority":
            return lower if lower.text in PRIORITIES else None
        case "time":
            return lower if is_none(lower) or dates.is_time(lower.text) else None
        case "person":
            return lower if is_none(lower) or is_me(lower) or is_id(lower.text) else None
        case "task":
            return lower if is_none(lower) or is_id(lower.text) else shown_number(value)
        case "number":
            return shown_number(value)
        case "title" | "text" | "label" | "project":
            return value


def shown_number(value: Value) -> Value | None:
    """A task's number in the form in which it is shown."""
    found = NUMBER.fullmatch(value.text)
    return replace(value, text=f"T-{int(found[1])}") if found else None


def is_none(value: Value) -> bool:
    """The field is empty. (A priority of none is a priority.)"""
    return not value.quoted and value.text.lower() == "none"


def is_me(value: Value) -> bool:
    return not value.quoted and value.text.lower() == "me"


def _nearest(field: Field, text: str) -> str:
    match field.kind:
        case "status":
            return suggestion(text, STATUSES)
        case "priority":
            return suggestion(text, PRIORITIES)
        case "time":
            return suggestion(text.partition(" ")[0], dates.WORDS)
        case _:
            return ""


def is_id(text: str) -> bool:
    """True for a UUID in its usual form."""
    if len(text) != 36:
        return False
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
