"""The wire without a network: every message is put into bytes and out of them again, and nothing else is different."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from sigdep.rpc.call import Service
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.envelopes import AnswerMessage, OutcomesMessage
from sigdep.rpc.failures import details_of, error_of, problem_in
from sigdep.rpc.servicer import Failed, Servicer


class InProcessTransport:
    """A Transport to a service of this very process. Its messages have no deadline: whoever asks has."""

    def __init__(self, contract: ServiceContract, service: Service) -> None:
        self._servicer = Servicer(contract, service)
        self._kinds = {kind.__name__: kind for kind in contract.messages}

    async def ask(self, method: str, asked: Any, seconds: float) -> Any:
        kind = self._kinds[method]
        received = self._servicer.questions.classes[kind].FromString(asked.SerializeToString())
        try:
            answer = await self._servicer.ask(kind, received)
        except Failed as failed:
            raise _raised_by(failed) from None
        return AnswerMessage.FromString(answer.SerializeToString())

    async def ask_batch(self, batch: Any, seconds: float) -> AsyncGenerator[Any, None]:
        received = self._servicer.questions.Batch.FromString(batch.SerializeToString())
        try:
            async with aclosing(self._servicer.ask_batch(received)) as parts:
                async for outcomes in parts:
                    yield OutcomesMessage.FromString(outcomes.SerializeToString())
        except Failed as failed:
            raise _raised_by(failed) from None


def _raised_by(failed: Failed) -> Exception:
    problem = problem_in(details_of(failed.problem))
    assert problem is not None
    return error_of(problem)
