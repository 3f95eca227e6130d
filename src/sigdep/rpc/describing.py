"""Describes contracts as protobuf does: messages, fields, services. What has a number keeps it."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Final, NamedTuple

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from msgspec import NODEFAULT, Struct

from sigdep.rpc.call import Call
from sigdep.rpc.contract import FileContract, ServiceContract, StreamContract, camel, snake
from sigdep.rpc.numbering import Numbers, finished
from sigdep.rpc.shapes import Kind, Nested, OneOf, Scalar, Shape, WireType, shapes_of
from sigdep.rpc.wire import SHARED

Message = DescriptorProto
Field = FieldDescriptorProto

CALL: Final = "call"
CLEARED: Final = "cleared"
CLEARED_MEANS: Final = (
    "Names of fields that are null or, if repeated, empty, where leaving them out would say something else."
)

OPTION: Final = "value"
"""The name of every oneof."""

BATCH_METHOD: Final = "AskBatch"

PRESENCE: Final = "proto3_optional"
_MESSAGE: Final = Field.TYPE_MESSAGE

Comments = dict[str, str]
"""By the name of a message or service, or by `<message>.<field>`."""


class Described(NamedTuple):
    file: FileDescriptorProto
    comments: Comments


class Describer:
    """Describes one contract."""

    def __init__(self, contract: FileContract, former: FileDescriptorProto | None) -> None:
        """
        Args:
            former: as the contract has been described so far.
        """
        self._contract = contract
        self._former = {message.name: message for message in former.message_type} if former else {}
        self._structs: list[type[Struct]] = list(contract.structs)
        self._comments: Comments = {}
        shared = () if contract is SHARED else SHARED.structs
        self._shared = {struct: f".{SHARED.package}.{struct.__name__}" for struct in shared}

    def describe(self) -> Described:
        contract = self._contract
        asked: tuple[type[Struct], ...] = ()
        file = FileDescriptorProto(name=contract.path, package=contract.package, syntax="proto3")
        if isinstance(contract, ServiceContract):
            file.dependency.append(SHARED.path)
            asked = contract.messages
            self._structs[:0] = asked
        elif isinstance(contract, StreamContract):
            self._structs[:0] = (contract.asked, contract.answered)
            self._stream(contract, file)
        described = [self._struct(struct, asked=struct in asked) for struct in self._all_structs()]
        if isinstance(contract, ServiceContract):
            described += [self._item(contract), self._batch(contract)]
            self._service(contract, file)
        file.message_type.extend(self._in_former_order(described))
        return Described(file, self._comments)

    def _all_structs(self) -> Iterator[type[Struct]]:
        """While they are described, they bring those that they hold."""
        done = 0
        while done < len(self._structs):
            yield self._structs[done]
            done += 1

    def _in_former_order(self, described: list[Message]) -> list[Message]:
        places = {name: place for place, name in enumerate(self._former)}
        return sorted(described, key=lambda message: places.get(message.name, len(places)))

    # ── messages ────────────────────────────────────────────────────────────────────────────────────────

    def _struct(self, struct: type[Struct], *, asked: bool) -> Message:
        name = struct.__name__
        self._comments[name] = cleandoc(struct.__doc__ or "")
        message, numbers = Message(name=name), Numbers(self._former.get(name))
        if asked:
            call = self._message_field(CALL, self._shared[Call])
            self._comments[f"{name}.{CALL}"] = "Ignored where the message is part of another."
            numbers.give(message, call)
        shapes = shapes_of(struct)
        if any(shape.cleared is not NODEFAULT for shape in shapes):
            self._comments[f"{name}.{CLEARED}"] = CLEARED_MEANS
            numbers.give(message, Field(name=CLEARED, type=Field.TYPE_STRING, label=Field.LABEL_REPEATED))
        for shape in shapes:
            if shape.name in (CALL, CLEARED) and asked:
                raise ValueError(f"{name}.{shape.name}: every message has a field of this name already.")
            numbers.give(message, self._field(message, shape))
        return finished(message)

    def _field(self, message: Message, shape: Shape) -> Field:
        path = f"{message.name}.{shape.name}"
        field = self._value_field(message, shape.name, shape.kind)
        if isinstance(shape.kind, Scalar) and shape.kind.note:
            self._comments[path] = shape.kind.note
        if shape.holds == "many":
            field.label = Field.LABEL_REPEATED
            field.ClearField(PRESENCE)
        elif shape.holds == "map":
            assert shape.key is not None
            self._map_entry(message, field, shape.key.wire)
        return field

    def _value_field(self, message: Message, name: str, kind: Kind) -> Field:
        if isinstance(kind, Scalar):
            return Field(name=name, type=kind.wire, label=Field.LABEL_OPTIONAL, proto3_optional=True)
        if isinstance(kind, Nested):
            return self._message_field(name, self._reference(kind.struct))
        around = self._former.get(message.name, Message())
        former = next((nested for nested in around.nested_type if nested.name == camel(name)), None)
        message.nested_type.append(self._one_of(camel(name), kind, former))
        return self._message_field(name, f".{self._contract.package}.{message.name}.{camel(name)}")

    def _message_field(self, name: str, reference: str) -> Field:
        return Field(name=name, type=_MESSAGE, type_name=reference, label=Field.LABEL_OPTIONAL)

    def _reference(self, struct: type[Struct]) -> str:
        if struct in self._shared:
            return self._shared[struct]
        if struct not in self._structs:
            self._structs.append(struct)
        return f".{self._contract.package}.{struct.__name__}"

    def _map_entry(self, message: Message, field: Field, key: WireType) -> None:
        entry = message.nested_type.add(name=f"{camel(field.name)}Entry")
        entry.options.map_entry = True
        for number, (name, kind) in enumerate((("key", key), ("value", field.type)), 1):
            entry.field.add(name=name, number=number, type=kind, label=Field.LABEL_OPTIONAL)
        field.type, field.label = _MESSAGE, Field.LABEL_REPEATED
        field.ClearField(PRESENCE)
        field.type_name = f".{self._contract.package}.{message.name}.{entry.name}"

    def _one_of(self, name: str, kind: OneOf, former: Message | None) -> Message:
        message, numbers = Message(name=name), Numbers(former)
        message.oneof_decl.add(name=OPTION)
        for option, _, single in kind.options:
            field = self._value_field(message, option, single)
            field.ClearField(PRESENCE)
            field.oneof_index = 0
            numbers.give(message, field)
        return finished(message)

    # ── services ────────────────────────────────────────────────────────────────────────────────────────

    def _item(self, contract: ServiceContract) -> Message:
        self._comments[contract.item] = "One message of a batch."
        kind = OneOf(tuple((snake(struct.__name__), struct, Nested(struct)) for struct in contract.messages))
        return self._one_of(contract.item, kind, self._former.get(contract.item))

    def _batch(self, contract: ServiceContract) -> Message:
        self._comments[contract.batch] = "Messages that have nothing to do with each other, sent together."
        field = Field(name="items", number=1, type=_MESSAGE, label=Field.LABEL_REPEATED)
        field.type_name = f".{contract.package}.{contract.item}"
        return Message(name=contract.batch, field=[field])

    def _service(self, contract: ServiceContract, file: FileDescriptorProto) -> None:
        service = file.service.add(name=contract.service)
        for message in contract.messages:
            service.method.add(
                name=message.__name__,
                input_type=f".{contract.package}.{message.__name__}",
                output_type=f".{SHARED.package}.Answer",
            )
        service.method.add(
            name=BATCH_METHOD,
            input_type=f".{contract.package}.{contract.batch}",
            output_type=f".{SHARED.package}.Outcomes",
            server_streaming=True,
        )
        self._comments[f"{contract.service}.{BATCH_METHOD}"] = (
            "Carries out every item by itself, in no order. The answers come as they are ready, several at once."
        )

    def _stream(self, contract: StreamContract, file: FileDescriptorProto) -> None:
        file.service.add(name=contract.service).method.add(
            name=contract.method,
            input_type=f".{contract.package}.{contract.asked.__name__}",
            output_type=f".{contract.package}.{contract.answered.__name__}",
            server_streaming=True,
        )
