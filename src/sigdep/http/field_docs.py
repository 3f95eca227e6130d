"""The sentences that stand below the fields of a Struct in its source: they describe the fields in the document too."""

import ast
import inspect
from textwrap import dedent

from msgspec import Struct


def field_docs(kind: type[Struct]) -> dict[str, str]:
    """By field, those of its bases included. Empty where there is no source."""
    docs: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        if ancestor is not Struct and issubclass(ancestor, Struct):
            docs |= _own(ancestor)
    return docs


def _own(kind: type[Struct]) -> dict[str, str]:
    try:
        tree = ast.parse(dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return {}
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (text := _text(below)):
            docs[field.target.id] = text
    return docs


def _text(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return inspect.cleandoc(value) if isinstance(value, str) else None
    return None
