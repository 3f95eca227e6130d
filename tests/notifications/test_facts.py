"""What is read of the events of others is what their owners store: every example of theirs can be read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from sigdep.calendar.events.stored import EVENTS as CALENDAR_EVENTS
from sigdep.contracts import events as public
from sigdep.contracts.events import PublicEvent
from sigdep.kernel.messages import Event
from sigdep.notifications.reactions import CalendarReactions, TasksReactions
from sigdep.notifications.reactions.calendar import Fact
from sigdep.tasks.events.stored import EVENTS as TASK_EVENTS

TESTS = Path(__file__).parents[1]
OWNERS: dict[str, tuple[type[Event], ...]] = {"tasks": TASK_EVENTS, "calendar": CALENDAR_EVENTS}


def facts() -> Iterator[Any]:
    kinds = (public.TaskCreated, public.TaskEdited, public.TaskCommented, *get_args(Fact))
    for kind in kinds:
        owner = "tasks" if kind.__name__.startswith("Task") else "calendar"
        yield pytest.param(owner, kind, id=kind.__name__)


@pytest.mark.parametrize("owner, fact", list(facts()))
def test_what_is_read_of_an_event_is_what_its_owner_stores(owner: str, fact: type[PublicEvent]) -> None:
    (kind,) = (event for event in OWNERS[owner] if event.__name__ == fact.__name__)
    ours = {field.name: field for field in msgspec.structs.fields(fact)}
    theirs = {field.name: field for field in msgspec.structs.fields(kind)}
    assert ours.keys() <= theirs.keys()
    for name, field in ours.items():
        assert field.required <= theirs[name].required, f"{name} may be missing."
    examples = json.loads((TESTS / owner / "golden_events.json").read_text())[fact.__name__]
    for example in examples.values():
        stored = msgspec.convert(example, kind)
        read = msgspec.to_builtins(msgspec.convert(msgspec.to_builtins(stored), fact))
        for name, value in read.items():
            if name != "attendees":  # Of whom only the users are read.
                assert value == msgspec.to_builtins(stored)[name]


def test_every_event_that_is_heard_of_is_one_that_its_owner_has() -> None:
    for reactions, events, prefix in (
        (TasksReactions, TASK_EVENTS, "sigdep.tasks."),
        (CalendarReactions, CALENDAR_EVENTS, "sigdep.calendar."),
    ):
        assert reactions.types <= {prefix + event.__name__ for event in events}
