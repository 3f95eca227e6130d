"""What asyncpg and the network raise, in the kernel's words.

Away              ask again: the connection is lost, or the server busy or starting
OutOfOrder        asking again will not help: an operator must mend the database or its settings
NotStorable       the data themselves are refused
Taken             the same, because something else has their place
LogDamaged        the database has found its own files damaged
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from asyncpg import exceptions

from sigdep.kernel.errors import Invalid, LogDamaged, Unavailable

Translated = Unavailable | Invalid | LogDamaged


class Away(Unavailable):
    """The database cannot answer just now. The outcome may be unknown; asking again is safe and may help."""


class OutOfOrder(Unavailable):
    """The database refuses for a reason that asking again does not mend."""


class NotStorable(Invalid):
    """The database refuses the data themselves."""


class Taken(NotStorable):
    """Something else is where the data should be: somebody may have been faster."""


UNIQUE_VIOLATION: Final = "23505"

DATA_CLASSES: Final = frozenset({"21", "22", "23", "44", "54"})
"""SQLSTATE classes: cardinality, data, integrity and check violations, program limits."""

PASSING_CLASSES: Final = frozenset({"08", "25", "40", "53", "55", "57", "58", "72"})
"""Connection, transaction state (a standby that is not promoted yet), rollback, resources, locks, operator, system."""

UNUSABLE: Final = (
    exceptions.ClientConfigurationError,
    exceptions.UnsupportedClientFeatureError,
    exceptions.UnsupportedServerFeatureError,
)
"""What asyncpg raises about settings and servers before anything is sent."""

DAMAGED_STATES: Final = frozenset({"XX001", "XX002"})
"""Data or index corrupted."""


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes through asyncpg goes through this."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise translation(error) from error


def translation(error: Exception) -> Translated:
    """What we say instead."""
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(error.sqlstate or "", error)
    if isinstance(error, UNUSABLE):
        return OutOfOrder(f"The database cannot be used as it is configured: {error}.")
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return NotStorable(f"The database cannot hold this: {error}.")
    return Away(f"The database cannot be reached: {str(error) or type(error).__name__}.")


def _by_state(state: str, error: Exception) -> Translated:
    if state in DAMAGED_STATES:
        return LogDamaged(f"The database has found its files damaged: {error}.")
    if state == UNIQUE_VIOLATION:
        return Taken(f"The database has this already: {error}.")
    if state[:2] in DATA_CLASSES:
        return NotStorable(f"The database cannot hold this: {error}.")
    if state[:2] in PASSING_CLASSES:
        return Away(f"The database cannot answer just now: {error}.")
    return OutOfOrder(f"The database is out of order ({state}): {error}. Its operator must look.")
