"""Answers what comes over the wire with a Service, whatever carries it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Final

import structlog

from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.messages import Command, Query
from sigdep.rpc import wire
from sigdep.rpc.call import Answer, Call, Service
from sigdep.rpc.contract import Message, ServiceContract
from sigdep.rpc.envelopes import AnswerMessage, OutcomesMessage, Questions, fill_answer, fill_problem
from sigdep.rpc.failures import BUG, problem_of
from sigdep.rpc.passports import Gate
from sigdep.telemetry.current import begin_work

BATCH_ITEMS_MAX: Final = 64

ASKS_MAX: Final = 10_000
"""Messages of one service that are being carried out at a time; more are refused, to be sent again later."""

TOGETHER_SECONDS: Final = 0.005
"""So long the quick items of a batch are waited for, to be answered together. The slow ones follow one by one."""

GROUP_BYTES_MAX: Final = 1_048_576
"""Of answers that are sent together; a single one may be larger."""

_log = structlog.get_logger("sigdep.rpc")


class Failed(Exception):
    """A message was refused, or a bug met it."""

    def __init__(self, problem: wire.Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Servicer:
    """One service of this process."""

    def __init__(self, contract: ServiceContract, service: Service, gate: Gate | None = None) -> None:
        """
        Args:
            gate: makes sure who asks. None: the callers' word is believed.
        """
        self.contract = contract
        self.questions = Questions(contract)
        self._service = service
        self._gate = gate
        self._asks = 0

    async def ask(self, kind: Message, asked: Any) -> Any:
        """The answer to one message.

        Raises:
            Failed: the problem says why.
        """
        try:
            message, call = self.questions.open(kind, asked)
            answer = await self._ask(message, call)
            encoded = AnswerMessage()
            fill_answer(answer, encoded)
        except Exception as error:
            raise Failed(self._told(error)) from error
        return encoded

    async def ask_batch(self, batch: Any) -> AsyncGenerator[Any, None]:
        """The outcomes of all items, several at once, as they are ready.

        Raises:
            Failed: there are more than BATCH_ITEMS_MAX.
        """
        if len(batch.items) > BATCH_ITEMS_MAX:
            raise Failed(problem_of(Invalid(f"A batch has at most {BATCH_ITEMS_MAX} items.")))
        waiting = {asyncio.ensure_future(self._outcome(place, item)) for place, item in enumerate(batch.items)}
        if not waiting:
            return
        try:
            done, waiting = await asyncio.wait(waiting, timeout=TOGETHER_SECONDS)
            while True:
                for group in _groups([job.result() for job in done]):
                    yield group
                if not waiting:
                    return
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in waiting:
                job.cancel()

    async def _ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        begin_work(call.request_id, call.traceparent)
        if self._asks >= ASKS_MAX:
            raise Unavailable(f"{self.contract.name} is carrying out {ASKS_MAX:,} messages already.")
        if self._gate is not None:
            call = self._gate.admit(call)
        self._asks += 1
        try:
            return await self._service.ask(message, call)
        finally:
            self._asks -= 1

    async def _outcome(self, place: int, item: Any) -> Any:
        outcomes = OutcomesMessage()
        outcome = outcomes.outcomes.add(item=place)
        try:
            message, call = self.questions.open_item(item)
            fill_answer(await self._ask(message, call), outcome.answer)
        except Exception as error:
            outcome.ClearField("answer")
            fill_problem(self._told(error), outcome.problem)
        return outcomes

    def _told(self, error: Exception) -> wire.Problem:
        """What the caller is told. A bug is told to the log alone."""
        problem = problem_of(error)
        if problem.kind == BUG:
            _log.error("A message met a bug", service=self.contract.name, exc_info=error)
        return problem


def _groups(outcomes: Sequence[Any]) -> Iterator[Any]:
    """Put together as many as may be sent together."""
    group, size = OutcomesMessage(), 0
    for outcome in outcomes:
        octets = outcome.ByteSize()
        if size and size + octets > GROUP_BYTES_MAX:
            yield group
            group, size = OutcomesMessage(), 0
        group.MergeFrom(outcome)
        size += octets
    if size:
        yield group
