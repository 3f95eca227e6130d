"""What has happened to one thing, event by event: what each changed, and pages of it by version."""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, Final, Protocol, TypeVar

from sigdep.kernel.cursors import Paging
from sigdep.kernel.json_values import differs
from sigdep.kernel.messages import State
from sigdep.kernel.read_store import Column, Order, Table
from sigdep.kernel.store import RecordedEvent

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


def said_of(recorded: RecordedEvent) -> dict[str, Any]:
    """What every entry says of its event, whatever the thing: all of it but the changes."""
    metadata = recorded.metadata
    return {
        "version": recorded.version,
        "position": recorded.position,
        "event": recorded.type,
        "at": recorded.recorded_at,
        "by": metadata.actor,
        "client": metadata.client,
        "credential_id": metadata.credential,
        "request_id": metadata.request,
        "erased": recorded.event is None,
    }


def field_changes(before: State, after: State, said_elsewhere: Set[str]) -> Iterator[tuple[str, Any, Any]]:
    """Each field that is other JSON than it was: its name, what it was, and what it is."""
    if before is after:
        return
    for field in type(after).__struct_fields__:
        if field in said_elsewhere:
            continue
        was, now = getattr(before, field), getattr(after, field)
        if differs(was, now):
            yield field, was, now


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
