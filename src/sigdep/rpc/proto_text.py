"""Writes a description as the `.proto` file that every tool reads."""

from collections.abc import Iterator, Sequence
from textwrap import indent, wrap
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    ServiceDescriptorProto,
)

from sigdep.rpc.describing import Comments, Described

_WIDTH: Final = 110
_INDENT: Final = "  "
_NAMES: Final = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_DOUBLE: "double",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
}


def proto_text(described: Described) -> str:
    file, comments = described
    own = f".{file.package}."
    parts = [
        "// Generated from the types in src/sigdep by `python -m sigdep.rpc.generate`. Numbers never change.",
        'syntax = "proto3";',
        f"package {file.package};",
        *(["\n".join(f'import "{path}";' for path in file.dependency)] if file.dependency else []),
        *(_service(service, comments) for service in file.service),
        *(_message(message, comments, own) for message in file.message_type),
    ]
    return "\n\n".join(parts) + "\n"


def _service(service: ServiceDescriptorProto, comments: Comments) -> str:
    methods = []
    for method in service.method:
        stream = "stream " if method.server_streaming else ""
        # By their full names: a method is called like the message that it takes.
        line = f"rpc {method.name}({method.input_type[1:]}) returns ({stream}{method.output_type[1:]});"
        methods.append(_comment(comments.get(f"{service.name}.{method.name}", "")) + line)
    return _block(f"service {service.name}", methods)


def _message(message: DescriptorProto, comments: Comments, own: str) -> str:
    """
    Args:
        own: what the names of the same package begin with.
    """
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    inner = [_message(nested, comments, own) for nested in message.nested_type if nested.name not in entries]
    choice = [field for field in message.field if _in_choice(field)]
    lines = [
        _comment(comments.get(f"{message.name}.{field.name}", "")) + _field(field, entries, own)
        for field in message.field
        if field not in choice
    ]
    if choice:
        lines.append(_block(f"oneof {message.oneof_decl[0].name}", [_field(field, entries, own) for field in choice]))
    return _comment(comments.get(message.name, "")) + _block(f"message {message.name}", [*inner, *lines])


def _field(field: FieldDescriptorProto, entries: dict[str, DescriptorProto], own: str) -> str:
    name = _NAMES.get(field.type) or field.type_name.removeprefix(own).removeprefix(".")
    entry = entries.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map<{_NAMES[key.type]}, {_NAMES[value.type]}> {field.name} = {field.number};"
    label = ""
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        label = "repeated "
    elif field.proto3_optional:
        label = "optional "
    return f"{label}{name} {field.name} = {field.number};"


def _in_choice(field: FieldDescriptorProto) -> bool:
    return field.HasField("oneof_index") and not field.proto3_optional


def _block(head: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"{head} {{}}"
    return f"{head} {{\n" + indent("\n".join(lines), _INDENT) + "\n}"


def _comment(text: str) -> str:
    return "".join(f"// {line}".rstrip() + "\n" for line in _lines(text))


def _lines(text: str) -> Iterator[str]:
    for paragraph in text.splitlines():
        yield from wrap(paragraph, _WIDTH) or [""]
