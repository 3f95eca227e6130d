"""What the catalogue of builds says about their tables, and changes by table."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeVar

from sigdep.kernel.read_store import Table

C = TypeVar("C")

SHAPES: Final = 64
"""More than a process has read models: each of them is asked for several times a second."""


def shape_of(tables: Iterable[Table]) -> str:
    """Names the shape of a read model's tables."""
    return _shape_of(tuple(tables))


@lru_cache(SHAPES)
def _shape_of(tables: tuple[Table, ...]) -> str:
    return sha256("\n".join(map(str, tables)).encode()).hexdigest()


def grouped(changes: Iterable[tuple[Table, C]]) -> list[tuple[Table, list[C]]]:
    """What is to be done to each table."""
    groups: dict[str, tuple[Table, list[C]]] = {}
    for table, change in changes:
        groups.setdefault(table.name, (table, []))[1].append(change)
    return list(groups.values())
