"""The names and shapes of stored events, held to a file that only ever grows.

The file holds, for each event type and schema version that was ever stored, one example as plain JSON:
`{"TaskCompleted": {"1": {"task_id": "…"}}}`. Every one of them must stay readable for ever.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import msgspec

from sigdep.kernel.codec import upcast
from sigdep.kernel.messages import Event

Examples = Mapping[str, Mapping[str, Any]]
"""Event type → schema version → content."""


def golden_faults(file: Path, events: Iterable[type[Event]]) -> list[str]:
    """What is wrong between a golden file and the event types of a context; a right one gives []."""
    return list(_faults(json.loads(file.read_text()), {event.__name__: event for event in events}))


def defined_events(package: ModuleType) -> set[type[Event]]:
    """The event types that the files of a context's `events` define."""
    files = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    found = {kind for file in files for kind in vars(file).values() if isinstance(kind, type)}
    names = {file.__name__ for file in files}
    return {kind for kind in found if issubclass(kind, Event) and kind.__module__ in names}


def _faults(examples: Examples, kinds: Mapping[str, type[Event]]) -> Iterator[str]:
    for name, kind in kinds.items():
        if str(kind.schema_version) not in examples.get(name, {}):
            yield f"{name} {kind.schema_version} has no example: add one before the first such event is stored."
    for name, versions in examples.items():
        if name not in kinds:
            yield f"{name} is gone from the code, but such events are stored for ever."
            continue
        for version, content in versions.items():
            yield from _unreadable(kinds[name], int(version), content)


def _unreadable(kind: type[Event], version: int, content: dict[str, Any]) -> Iterator[str]:
    try:
        event = msgspec.convert(upcast(kind, version, content), kind)
    except (msgspec.ValidationError, KeyError) as error:
        yield f"{kind.__name__} {version} cannot be read any more: {error}."
        return
    # A field that was renamed, where the new one has a default, would be lost without a word.
    if version == kind.schema_version and (lost := set(content) - set(msgspec.to_builtins(event))):
        yield f"{kind.__name__} {version} has lost {', '.join(sorted(lost))}."
