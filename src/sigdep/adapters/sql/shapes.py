"""What the catalogue of builds says about their tables, and changes by table."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TypeVar

from sigdep.kernel.read_store import Table

C = TypeVar("C")


def shape_of(tables: Iterable[Table]) -> str:
    """Names the shape of a read model's tables."""
    return sha256("\n".join(map(str, tables)).encode()).hexdigest()


def grouped(changes: Iterable[tuple[Table, C]]) -> list[tuple[Table, list[C]]]:
    """What is to be done to each table."""
    groups: dict[str, tuple[Table, list[C]]] = {}
    for table, change in changes:
        groups.setdefault(table.name, (table, []))[1].append(change)
    return list(groups.values())
