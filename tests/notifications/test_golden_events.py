"""Every event that was ever stored can be read for ever."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from sigdep.kernel.messages import Event
from sigdep.notifications import events
from sigdep.notifications.events.stored import EVENTS
from sigdep.testing.golden import golden_faults

GOLDEN = Path(__file__).with_name("golden_events.json")


def test_every_stored_event_has_an_example_and_every_example_can_be_read() -> None:
    assert golden_faults(GOLDEN, EVENTS) == []


def test_the_list_of_events_is_complete() -> None:
    files = [import_module(f"{events.__name__}.{found.name}") for found in iter_modules(events.__path__)]
    defined = {
        kind
        for file in files
        if not file.__name__.endswith(".stored")
        for kind in vars(file).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    }
    assert defined == set(EVENTS)
