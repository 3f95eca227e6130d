"""Pages of what has happened to one thing, by version."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

from sigdep.kernel.cursors import Paging
from sigdep.kernel.read_store import Column, Order, Table

_BY_VERSION: Final = (Order("version"),)
_VERSIONS: Final = Table(name="versions", columns=(Column("version", "integer"),), key=("version",))
"""Stored nowhere: cursors are places in it."""


class Entry(Protocol):
    @property
    def version(self) -> int: ...


class Asked(Protocol):
    @property
    def newest_first(self) -> bool: ...
    @property
    def cursor(self) -> str | None: ...
    @property
    def limit(self) -> int: ...


E = TypeVar("E", bound=Entry)


def page_of(history: Iterable[E], asked: Asked, paging: Paging) -> tuple[Sequence[E], str | None]:
    """The entries of the page, and the cursor of the next one if there is one.

    Args:
        history: all of it, oldest first.

    Raises:
        Invalid: the cursor is broken, or of another question.
    """
    entries = list(history)
    if asked.newest_first:
        entries.reverse()
    if asked.cursor is not None:
        last: int
        (last,) = paging.place(asked.cursor, _VERSIONS, _BY_VERSION)  # type: ignore[assignment]  # As the table says.
        entries = [one for one in entries if (one.version < last if asked.newest_first else one.version > last)]
    shown = entries[: asked.limit]
    return shown, paging.cursor((shown[-1].version,) if len(shown) < len(entries) else None)
