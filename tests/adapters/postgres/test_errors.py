"""Everything that asyncpg can raise has a name of ours."""

import inspect
from collections.abc import Iterator

import asyncpg
import pytest
from asyncpg import exceptions
from asyncpg.exceptions import _base

from sigdep.adapters.postgres.errors import Away, NotStorable, OutOfOrder, Taken, translated
from sigdep.kernel.errors import LogDamaged


def raised_by_asyncpg() -> Iterator[type[Exception]]:
    """Every exception class of the driver. Warnings are not raised."""
    for module in (exceptions, _base):
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, Exception) and not issubclass(found, Warning):
                yield found


def translation_of(error: Exception) -> Exception:
    with pytest.raises((Away, OutOfOrder, NotStorable, LogDamaged)) as caught, translated():
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("kind", sorted(set(raised_by_asyncpg()), key=str))
def test_no_exception_of_the_driver_gets_through(kind: type[Exception]) -> None:
    assert str(translation_of(kind("of the driver"))).endswith(".")


@pytest.mark.parametrize(
    "error, ours",
    [
        (ConnectionRefusedError(), Away),
        (ConnectionResetError(), Away),
        (TimeoutError(), Away),
        (OSError("no route"), Away),
        (asyncpg.ConnectionDoesNotExistError("lost"), Away),
        (asyncpg.CannotConnectNowError("starting"), Away),
        (asyncpg.AdminShutdownError("stopping"), Away),
        (asyncpg.CrashShutdownError("crashed"), Away),
        (asyncpg.TooManyConnectionsError("full"), Away),
        (asyncpg.DiskFullError("full"), Away),
        (asyncpg.LockNotAvailableError("locked"), Away),
        (asyncpg.QueryCanceledError("slow"), Away),
        (asyncpg.DeadlockDetectedError("both"), Away),
        (asyncpg.SerializationError("again"), Away),
        (asyncpg.ReadOnlySQLTransactionError("standby"), Away),
        (asyncpg.InterfaceError("connection is closed"), Away),
        (asyncpg.CharacterNotInRepertoireError("NUL"), NotStorable),
        (asyncpg.UniqueViolationError("twice"), Taken),
        (asyncpg.ProgramLimitExceededError("long"), NotStorable),
        (asyncpg.DataError("no number"), NotStorable),
        (_base.DataError("no number"), NotStorable),
        (asyncpg.InvalidPasswordError("no"), OutOfOrder),
        (asyncpg.InvalidCatalogNameError("no such database"), OutOfOrder),
        (asyncpg.InsufficientPrivilegeError("no"), OutOfOrder),
        (asyncpg.UndefinedFunctionError("no"), OutOfOrder),
        (asyncpg.exceptions.ClientConfigurationError("no"), OutOfOrder),
        (asyncpg.InternalServerError("bug"), OutOfOrder),
        (asyncpg.DataCorruptedError("page"), LogDamaged),
        (asyncpg.IndexCorruptedError("page"), LogDamaged),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_who_must_do_what_is_told_apart(error: Exception, ours: type[Exception]) -> None:
    assert type(translation_of(error)) is ours


def test_a_bug_of_ours_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        _ = 1 // 0
