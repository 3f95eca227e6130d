"""Errors cross the wire: of the same class, with the same fields, and bugs without a word."""

import gc
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from structlog.testing import capture_logs

from sigdep.http.problems import KINDS as HTTP_KINDS
from sigdep.kernel.errors import (
    Fault,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    Refused,
    SigdepError,
    Stale,
    StreamBusy,
    TooMany,
    Unauthenticated,
    Unavailable,
    WrongExpectedVersion,
)
from sigdep.kernel.ids import StreamId, Version
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import EventTooLarge
from sigdep.rpc.call import Answer, Call
from sigdep.rpc.failures import FAULTS_MAX, KINDS, RemoteBug, error_of, problem_of
from sigdep.tasks.commands.tasks import CompleteTask
from sigdep.tasks.contract import WRITE
from sigdep.tasks.domain.subtasks import TooDeep
from tests.rpc.ways import Way, in_process, one_by_one, over_loopback
from tests.tasks.stories import ADA, MILK, NOON
from tests.tasks.write_side import World

ROOT = Path(__file__).parents[2]
STREAM = StreamId(f"task-{MILK}")
ERRORS: Sequence[SigdepError] = (
    NotFound("Not here."),
    Unauthenticated("Who are you?"),
    Forbidden("Not you."),
    Invalid("Wrong: ünïcödé ✓, and\na second line."),
    Invalid("Twice.", [Fault("/title", "Too long."), Fault("/due_at", "Too late.")]),
    KeyReused("Used.", [Fault("Idempotency-Key", "Used.")]),
    Refused("Not now."),
    WrongExpectedVersion(STREAM, Version(3), Version(4)),
    Stale(STREAM, Version(0), Version(2**40)),
    TooMany("Slower.", 12.25),
    Unavailable("Away.", 3.5),
    StreamBusy("Busy."),
    KeyDestroyed("Erased."),
    EventTooLarge("Too large."),
    TooDeep(),
)


class Raising:
    """A service that always fails, and in one way."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        raise self._error


async def refusal_of(way: Way, error: BaseException) -> Any:
    async with way(WRITE, Raising(error)) as service:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one it is, is the question.
            await service.ask(CompleteTask(task_id=MILK, by=ADA, at=NOON), World().call())
    return raised.value


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_error_is_raised_again_as_it_was(way: Way, error: SigdepError) -> None:
    received = await refusal_of(way, error)
    assert type(received) is type(error)
    assert str(received) == str(error)
    assert vars(received) == vars(error)


def test_every_kind_of_failure_has_been_sent() -> None:
    assert set(KINDS) <= {type(error) for error in ERRORS}


def test_both_tables_of_failures_name_the_same_kinds() -> None:
    ours = {kind.error for kind in HTTP_KINDS if kind.error.__module__.startswith("sigdep.kernel")}
    assert set(KINDS) == ours


def test_the_reference_tells_the_status_of_every_kind() -> None:
    rows = [line.split("|")[1:3] for line in (ROOT / "docs/reference/grpc.md").read_text().splitlines() if "|" in line]
    told = {kind: codes for kinds, codes in rows for kind in re.findall("`([A-Z][A-Za-z]+)`", kinds)}
    assert {kind.__name__: f" `{code.name}` " for kind, code in KINDS.items()}.items() <= told.items()


def test_an_error_that_this_process_does_not_know_is_one_of_its_kind() -> None:
    class TooEarly(Refused):
        """Known to nobody else."""

    problem = problem_of(TooEarly("Wait."))
    del TooEarly
    gc.collect()
    received = error_of(problem)
    assert type(received) is Refused
    assert str(received) == "Wait."


async def test_more_faults_than_fit_into_a_status_are_cut_off(way: Way) -> None:
    error = Invalid("Much.", [Fault(f"/tasks/{number}", "x" * 200) for number in range(FAULTS_MAX + 50)])
    received = await refusal_of(way, error)
    assert type(received) is Invalid
    assert received.faults[:FAULTS_MAX] == error.faults[:FAULTS_MAX]


@pytest.mark.parametrize("way", [in_process, over_loopback, one_by_one])
@pytest.mark.parametrize("bug", [KeyError("secret"), SigdepError("secret"), ZeroDivisionError("secret")])
async def test_a_bug_is_told_to_the_log_and_to_nobody_else(way: Way, bug: BaseException) -> None:
    with capture_logs() as logs:
        received = await refusal_of(way, bug)
    assert type(received) is RemoteBug
    assert "secret" not in str(received)
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert logs[0]["exc_info"] is bug
    assert problem_of(bug).code == StatusCode.INTERNAL.value[0]


def test_two_errors_of_one_name_are_not_taken_for_each_other() -> None:
    first = type("Twin", (Refused,), {})
    second = type("Twin", (Refused,), {})
    assert type(error_of(problem_of(first("One.")))) is Refused
    assert second is not first
