"""Names everything that is wrong with a value that does not fit its type. msgspec itself stops at the first fault."""

from collections.abc import Iterator, Mapping
from itertools import islice
from re import Match
from re import compile as pattern
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct, UnsetType, ValidationError

from sigdep.kernel.errors import Fault

FAULTS_MAX: Final = 20
DEPTH_MAX: Final = 32
KEY_LENGTH_SHOWN: Final = 100

_PATH: Final = pattern(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_CONTROL: Final = pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_TYPES: Final = pattern(r"`([a-z]+(?: \| [a-z]+)*)`")
_WORDS: Final = {
    "str": "a string", "int": "a whole number", "float": "a number", "bool": "true or false",
    "null": "null", "object": "an object", "array": "an array", "uuid": "a UUID",
    "datetime": "an instant", "date": "a date",
}  # fmt: skip


def faults_of(value: Any, kind: Any) -> list[Fault]:
    """The faults of plain JSON as a value of the type, at most FAULTS_MAX. Empty: it fits."""
    return list(islice(_faults(value, kind, ""), FAULTS_MAX))


def control_characters_of(value: Any) -> list[Fault]:
    """The strings that hold control characters other than tab, line feed, carriage return and next line."""
    return list(islice(_control_characters(value, "", 0), FAULTS_MAX))


def escaped(key: str) -> str:
    """One step of a pointer (RFC 6901 §3)."""
    return key[:KEY_LENGTH_SHOWN].replace("~", "~0").replace("/", "~1")


def _faults(value: Any, kind: Any, pointer: str) -> Iterator[Fault]:
    """Those of the parts first; where the parts are flawless, those of the whole."""
    kind, whole = _bare(kind), kind
    flawless = True
    for fault in _faults_of_parts(value, kind, pointer):
        flawless = False
        yield fault
    if not flawless:
        return
    try:
        msgspec.convert(value, whole)
    except ValidationError as error:
        yield _fault(error, kind, pointer)


def _faults_of_parts(value: Any, kind: Any, pointer: str) -> Iterator[Fault]:
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Struct):
        if origin.__struct_config__.tag is None:
            yield from _faults_of_fields(value, kind, pointer)
    elif isinstance(value, dict) and origin in (dict, Mapping) and arguments:
        for key, part in value.items():
            if get_origin(_bare(arguments[0])) is Literal:
                yield from _faults(key, arguments[0], f"{pointer}/{escaped(key)}")
            yield from _faults(part, arguments[1], f"{pointer}/{escaped(key)}")
    elif isinstance(value, list) and origin in (list, tuple, set, frozenset) and arguments:
        for index, part in enumerate(value):
            yield from _faults(part, arguments[0], f"{pointer}/{index}")


def _faults_of_fields(value: dict[str, Any], kind: Any, pointer: str) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if (get_origin(kind) or kind).__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                yield Fault(f"{pointer}/{escaped(name)}", f"There is no field {name[:KEY_LENGTH_SHOWN]!r} here.")
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, f"{pointer}/{escaped(name)}")
        elif field.required:
            yield Fault(f"{pointer}/{escaped(name)}", f"{name} is required.")


def _bare(kind: Any) -> Any:
    """The type without its constraints, its alternative names, null and UNSET."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif get_origin(kind) in (Union, UnionType):
            rest = [part for part in get_args(kind) if part not in (type(None), UnsetType)]
            if len(rest) != 1:
                return kind
            kind = rest[0]
        else:
            return kind


def _fault(error: ValidationError, kind: Any, pointer: str) -> Fault:
    said, _, path = str(error).partition(" - at `")
    for name, index in _PATH.findall(path.removesuffix("`").partition("$")[2]):
        if not name and not index:
            break  # Some value of an object: msgspec does not tell under which key.
        pointer += f"/{escaped(name or index)}"
    if said.startswith("Invalid enum value") and get_origin(kind) is Literal:
        said = f"Expected one of {', '.join(map(str, get_args(kind)))}"
    elif said.startswith("Invalid enum value"):
        said = "This is none of the values that are allowed here"
    return Fault(pointer, _TYPES.sub(_in_words, said).rstrip(".") + ".")


def _in_words(found: Match[str]) -> str:
    """`bool | null`: true or false or null. A name that is no type stays as it is."""
    names = found[1].split(" | ")
    return " or ".join(_WORDS[name] for name in names) if all(name in _WORDS for name in names) else found[0]


def _control_characters(value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    if isinstance(value, str):
        if found := _CONTROL.search(value):
            yield Fault(pointer, f"Control characters are not allowed here; this text has U+{ord(found[0]):04X}.")
    elif depth >= DEPTH_MAX:
        return
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _control_characters(part, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _control_characters(key, pointer, depth + 1)
            yield from _control_characters(part, f"{pointer}/{escaped(key)}", depth + 1)
