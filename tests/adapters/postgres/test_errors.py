"""Everything that asyncpg can raise has a name of ours."""

import inspect
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import structlog
from asyncpg import exceptions
from asyncpg.exceptions import _base

from sigdep.adapters.postgres import errors
from sigdep.adapters.postgres.errors import Away, NotStorable, OutOfOrder, Taken, translated
from sigdep.kernel.errors import LogDamaged, with_cause


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


SECRET = "Zebediah"


@pytest.fixture
def entries() -> Iterator[list[Any]]:
    """What the log of a service gets."""
    silent_until = dict(errors._silent_until)
    errors._silent_until.clear()
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure()
    with structlog.testing.capture_logs() as kept:
        yield kept
    if before is None:
        structlog.reset_defaults()
    else:
        structlog.configure(**before)
    errors._silent_until.clear()
    errors._silent_until.update(silent_until)


def of_server(kind: type[asyncpg.PostgresError], **fields: str) -> asyncpg.PostgresError:
    error = kind(f"of {SECRET}")
    error.__dict__.update(fields)
    return error


@pytest.mark.parametrize("kind", sorted(set(raised_by_asyncpg()), key=str))
def test_nobody_who_asks_is_told_what_the_driver_says(kind: type[Exception]) -> None:
    ours = translation_of(kind(SECRET))
    assert (SECRET in str(ours)) == isinstance(ours, LogDamaged)  # Of a bug, nobody is told more than its title.
    assert SECRET in with_cause(ours)


def test_operators_are_told_once_in_a_while(entries: list[Any]) -> None:
    for _ in range(3):
        translation_of(asyncpg.InvalidPasswordError("password authentication failed for user"))
        translation_of(ConnectionRefusedError(111, "Connect call failed"))
    assert [(entry["kind"], entry["reason"]) for entry in entries] == [
        ("InvalidPasswordError", "password authentication failed for user"),
        ("ConnectionRefusedError", "[Errno 111] Connect call failed"),
    ]


@pytest.mark.parametrize(
    "error",
    [
        of_server(asyncpg.UniqueViolationError),
        of_server(asyncpg.InvalidTextRepresentationError),
        of_server(asyncpg.DiskFullError, detail=f"Failing row contains ({SECRET})."),
        _base.DataError(f"invalid input: {SECRET}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_content_gets_into_the_log(entries: list[Any], error: Exception) -> None:
    if isinstance(error, asyncpg.DiskFullError):
        error.args = ("could not extend file",)
    translation_of(error)
    assert len(entries) == 1
    assert SECRET not in repr(entries)
