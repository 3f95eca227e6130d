"""What asyncpg and the network raise, in the kernel's words.

Away              ask again: the connection is lost, or the server busy or starting
OutOfOrder        asking again will not help: an operator must mend the database or its settings
NotStorable       the data themselves are refused
Taken             the same, because something else has their place
LogDamaged        the database has found its own files damaged
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import structlog
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


SILENT_SECONDS: Final = 10.0
"""After an error of one kind, the log has no other of that kind for so long."""

_silent_until: Final[dict[str, float]] = {}
"""By the driver's kinds of errors, of which there are some two hundred."""

_log = structlog.get_logger("sigdep.postgres")


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes through asyncpg goes through this."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise translation(error) from error


def translation(error: Exception) -> Translated:
    """What we say instead: to whoever asked, and so nothing of hosts, users and statements. The log has the reason."""
    _tell_operators(error)
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(error.sqlstate or "", error)
    if isinstance(error, UNUSABLE):
        return OutOfOrder("The database cannot be used as it is configured. Its operator must look.")
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return NotStorable("The database cannot hold this.")
    return Away("The database cannot be reached.")


def _by_state(state: str, error: Exception) -> Translated:
    if state in DAMAGED_STATES:
        return LogDamaged(f"The database has found its files damaged: {error}.")
    if state == UNIQUE_VIOLATION:
        return Taken("The database has this already.")
    if state[:2] in DATA_CLASSES:
        return NotStorable("The database cannot hold this.")
    if state[:2] in PASSING_CLASSES:
        return Away("The database cannot answer just now.")
    return OutOfOrder("The database is out of order. Its operator must look.")


def _tell_operators(error: Exception) -> None:
    """Each kind once in a while: a database that is away is asked many times a second.

    A command has no log. It says the cause itself, see `with_cause`.
    """
    kind, now = type(error).__name__, time.monotonic()
    if structlog.is_configured() and now >= _silent_until.get(kind, 0.0):
        _silent_until[kind] = now + SILENT_SECONDS
        _log.warning("the database refuses", kind=kind, state=getattr(error, "sqlstate", None), reason=_reason(error))


def _reason(error: Exception) -> str | None:
    """None: what refuses data quotes them. So do the details that follow the first line."""
    if isinstance(error, asyncpg.PostgresError):
        return None if (error.sqlstate or "")[:2] in DATA_CLASSES else str(error.args[0]).partition("\n")[0]
    return None if isinstance(error, ValueError) and not isinstance(error, UNUSABLE) else str(error)
