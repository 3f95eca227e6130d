"""A service that another process runs, as if it were here."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc
from msgspec.structs import replace

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call
from sigdep.rpc.channel import RETRY_AFTER_SECONDS, ChannelTransport, Transport
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.envelopes import Answers, Questions, problem_from
from sigdep.rpc.failures import RemoteBug, error_of
from sigdep.rpc.gathering import Gatherer, Waiting
from sigdep.rpc.passports import Sign

ANSWER_SECONDS_MAX: Final = 10.0
"""The deadline of a call whose caller sets none."""


class RemoteService:
    """A Service (`rpc/call.py`) on the other side of a channel. The channel belongs to whoever made it.

    What is given up here may still be carried out there: a repeat with the same command id is safe.
    """

    def __init__(
        self,
        contract: ServiceContract,
        transport: Transport,
        *,
        seconds: float = ANSWER_SECONDS_MAX,
        gather: bool = True,
        sign: Sign | None = None,
    ) -> None:
        """
        Args:
            sign: makes the passport of whoever asks. None: the service believes what it is told.
            seconds: the deadline of each call.
            gather: send calls that wait at the same time as one.
        """
        self._contract = contract
        self._transport = transport
        self._seconds = seconds
        self._sign = sign
        self._questions = Questions(contract)
        self._answers = Answers(contract)
        self._gatherer = Gatherer(self._send) if gather else None

    @classmethod
    def over(cls, channel: grpc.aio.Channel, contract: ServiceContract, **options: Any) -> "RemoteService":
        return cls(contract, ChannelTransport(Questions(contract), channel), **options)

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        """Carry out one message.

        Raises:
            SigdepError: the very same that the service raised.
            Unavailable: the service does not answer, or not in time.
            RemoteBug: it failed.
        """
        if self._sign is not None:
            call = replace(call, principal=None, passport=self._sign(call.principal))
        item = self._questions.pack(message, call)
        try:
            async with asyncio.timeout(self._seconds):
                if self._gatherer is None:
                    answer = await self._ask_alone(item)
                else:
                    answer = await self._gatherer.ask(item)
        except TimeoutError:
            told = f"The service {self._contract.name} did not answer within {self._seconds:g} seconds."
            raise Unavailable(told, RETRY_AFTER_SECONDS) from None
        return self._answers.open(answer, type(message))

    async def _ask_alone(self, item: Any) -> Any:
        method, asked = self._questions.alone(item)
        return await self._transport.ask(method, asked, self._seconds)

    async def _send(self, batch: Sequence[Waiting]) -> None:
        if len(batch) == 1:
            _give(batch[0], await self._ask_alone(batch[0].item))
            return
        message = self._questions.Batch(items=[waiting.item for waiting in batch])
        async with aclosing(self._transport.ask_batch(message, self._seconds)) as parts:
            async for outcomes in parts:
                for outcome in outcomes.outcomes:
                    self._settle(outcome, batch)

    def _settle(self, outcome: Any, batch: Sequence[Waiting]) -> None:
        if outcome.item >= len(batch):
            raise RemoteBug(f"{self._contract.name} answered what was not asked.")
        if outcome.HasField("answer"):
            _give(batch[outcome.item], outcome.answer)
        else:
            _refuse(batch[outcome.item], error_of(problem_from(outcome.problem)))

    async def close(self) -> None:
        """Whoever still waits is told that there will be no answer. The channel stays open."""
        if self._gatherer is not None:
            await self._gatherer.close()


def _give(waiting: Waiting, answer: Any) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(answer)


def _refuse(waiting: Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
