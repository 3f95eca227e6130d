"""What redis-py and the network raise, in the kernel's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import exceptions

from sigdep.adapters.outages import Away, OutOfOrder

USELESS_TO_REPEAT: Final = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
    exceptions.NoPermissionError,
)

PASSING: Final = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)

PASSING_CODES: Final = ("LOADING", "MISCONF", "OOM", "READONLY", "MASTERDOWN", "BUSY", "NOREPLICAS", "UNBLOCKED")
"""First words of refusals that redis-py, or a script's error, gives no class of their own."""


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes through redis-py goes through this."""
    try:
        yield
    except (exceptions.RedisError, exceptions.RedisClusterException, OSError) as error:
        raise translation(error) from error


def translation(error: Exception) -> Away | OutOfOrder:
    """What we say instead."""
    said = str(error).rstrip(".") or type(error).__name__
    if isinstance(error, USELESS_TO_REPEAT):
        return OutOfOrder(f"Redis does not let us in: {said}. Look at the user and the password in its address.")
    if isinstance(error, (*PASSING, OSError)) or said.startswith(PASSING_CODES):
        return Away(f"Redis cannot answer just now: {said}.")
    return OutOfOrder(f"Redis refuses: {said}.")
