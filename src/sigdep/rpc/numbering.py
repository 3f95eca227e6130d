"""The numbers of fields, which are what the wire knows them by: given once, never changed."""

from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

NUMBER_MAX: Final = 18_999
"""From 19,000 on some numbers belong to protobuf itself."""


class ContractBroken(Exception):
    """What is described now would not understand those who know the former description."""


class Numbers:
    """Gives the fields of one message their numbers: those that they have had, and to new ones the next."""

    def __init__(self, former: DescriptorProto | None) -> None:
        self._given = {field.name: field.number for field in former.field} if former else {}
        self._next = max(self._given.values(), default=0) + 1

    def give(self, message: DescriptorProto, field: FieldDescriptorProto) -> None:
        number = self._given.get(field.name)
        if number is None:
            number, self._next = self._next, self._next + 1
        if number > NUMBER_MAX:
            raise ContractBroken(f"{message.name} has no number left for {field.name}.")
        field.number = number
        message.field.append(field)


def finished(message: DescriptorProto) -> DescriptorProto:
    """The message with its fields in the order of their numbers, so that new ones come last.

    A field that knows whether it was left out is the one option of a oneof of its own; that is how protobuf
    describes it.
    """
    fields = sorted(message.field, key=lambda field: field.number)
    del message.field[:]
    for field in fields:
        if field.proto3_optional:
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")
        message.field.append(field)
    return message


def check_extends(former: FileDescriptorProto, present: FileDescriptorProto) -> None:
    """
    Raises:
        ContractBroken: something was removed, or has another number or type.
    """
    faults = [
        *_faults_of_messages("", former.message_type, present.message_type),
        *_faults_of_services(former, present),
    ]
    if faults:
        raise ContractBroken(f"{present.name} may only be extended: " + " ".join(faults))


def _faults_of_messages(
    above: str, former: Iterable[DescriptorProto], present: Iterable[DescriptorProto]
) -> Iterator[str]:
    found = {message.name: message for message in present}
    for message in former:
        name = above + message.name
        if message.name not in found:
            yield f"{name} is gone."
            continue
        yield from _faults_of_fields(name, message, found[message.name])
        yield from _faults_of_messages(f"{name}.", message.nested_type, found[message.name].nested_type)


def _faults_of_fields(name: str, former: DescriptorProto, present: DescriptorProto) -> Iterator[str]:
    found = {field.name: field for field in present.field}
    for field in former.field:
        now = found.get(field.name)
        if now is None:
            yield f"{name}.{field.name} is gone."
        elif now.number != field.number:
            yield f"{name}.{field.name} was number {field.number} and is {now.number}."
        elif _type_of(now) != _type_of(field):
            yield f"{name}.{field.name} has another type."


def _type_of(field: FieldDescriptorProto) -> tuple[object, ...]:
    in_a_choice = field.HasField("oneof_index") and not field.proto3_optional
    return field.type, field.type_name, field.label, in_a_choice


def _faults_of_services(former: FileDescriptorProto, present: FileDescriptorProto) -> Iterator[str]:
    found = {
        (service.name, method.name): (method.input_type, method.output_type, method.server_streaming)
        for service in present.service
        for method in service.method
    }
    for service in former.service:
        for method in service.method:
            now = found.get((service.name, method.name))
            if now is None:
                yield f"{service.name}.{method.name} is gone."
            elif now != (method.input_type, method.output_type, method.server_streaming):
                yield f"{service.name}.{method.name} takes or answers another message."
