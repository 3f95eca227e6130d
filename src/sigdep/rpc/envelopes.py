"""One contract's messages on their way: questions with their calls, answers with what they hold."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import Command, Query
from sigdep.rpc import wire
from sigdep.rpc.call import Answer, Call, Encoded
from sigdep.rpc.contract import Message, ServiceContract, snake
from sigdep.rpc.describing import CALL, OPTION
from sigdep.rpc.mapping import MAPPERS
from sigdep.rpc.messages import message_class

AnswerMessage: Final = message_class(wire.SHARED, "Answer")
OutcomesMessage: Final = message_class(wire.SHARED, "Outcomes")

_encode: Final = msgspec.json.Encoder().encode
_calls: Final = MAPPERS.of(Call)
_answers: Final = MAPPERS.of(wire.Answer)
_problems: Final = MAPPERS.of(wire.Problem)


class Questions:
    """Packs and opens what a service is asked."""

    def __init__(self, contract: ServiceContract) -> None:
        self.contract = contract
        self.Item = message_class(contract, contract.item)
        self.Batch = message_class(contract, contract.batch)
        self.classes = {kind: message_class(contract, kind.__name__) for kind in contract.messages}
        self._options: Mapping[Message, str] = {kind: snake(kind.__name__) for kind in contract.messages}
        self._kinds = {option: kind for kind, option in self._options.items()}
        self._mappers = {kind: MAPPERS.of(kind) for kind in contract.messages}

    def pack(self, message: Command | Query, call: Call) -> Any:
        """An item of a batch.

        Raises:
            TypeError: the service answers no such message.
            Invalid: a value is beyond what the wire can carry.
        """
        kind = type(message)
        if kind not in self._options:
            raise TypeError(f"{self.contract.name} answers no {kind.__name__}.")
        item = self.Item()
        asked = getattr(item, self._options[kind])
        self._mappers[kind].fill(message, asked)
        _calls.fill(call, asked.call)
        return item

    def alone(self, item: Any) -> tuple[str, Any]:
        """The method of the service that answers what an item holds, and what to send to it."""
        option = item.WhichOneof(OPTION)
        return self._kinds[option].__name__, getattr(item, option)

    def open(self, kind: Message, asked: Any) -> tuple[Command | Query, Call]:
        """
        Raises:
            Invalid: something is missing, or of another type.
        """
        if not asked.HasField(CALL):
            raise Invalid.at(f"/{CALL}", "This is required.")
        return self._mappers[kind].read(asked), _calls.read(asked.call)

    def open_item(self, item: Any) -> tuple[Command | Query, Call]:
        """
        Raises:
            Invalid: it holds no message, or something in it is missing or of another type.
            Unavailable: whoever asks knows a message that we do not know yet.
        """
        option = item.WhichOneof(OPTION)
        if option is None and item.ByteSize():
            raise Unavailable(f"This replica of {self.contract.name} is too old for this message.")
        if option is None:
            raise Invalid(f"An item of a batch holds one message of {self.contract.name}.")
        return self.open(self._kinds[option], getattr(item, option))


def fill_answer(answer: Answer[Any], message: Any) -> None:
    value = answer.value
    encoded = value.json if type(value) is Encoded else (None if value is None else _encode(value))
    told = wire.Answer(json=encoded, position=answer.position, version=answer.version, created=answer.created)
    _answers.fill(told, message)


def fill_problem(problem: wire.Problem, message: Any) -> None:
    _problems.fill(problem, message)


class Answers:
    """Opens what a service has answered."""

    def __init__(self, contract: ServiceContract) -> None:
        self._decoders = {kind: msgspec.json.Decoder(type_).decode for kind, type_ in contract.values.items()}

    def open(self, message: Any, kind: Message) -> Answer[Any]:
        told = _answers.read(message)
        value: Any = None
        if told.json is not None:
            decode = self._decoders.get(kind)
            value = Encoded(told.json) if decode is None else decode(told.json)
        version = None if told.version is None else Version(told.version)
        return Answer(value=value, position=told.position, version=version, created=told.created)


def problem_from(message: Any) -> wire.Problem:
    """The problem that a message holds."""
    return _problems.read(message)
