"""Every event that was ever stored can be read for ever."""

from pathlib import Path

from sigdep.tasks import events
from sigdep.tasks.events.stored import EVENTS
from sigdep.testing.golden import defined_events, golden_faults

GOLDEN = Path(__file__).with_name("golden_events.json")


def test_every_stored_event_has_an_example_and_every_example_can_be_read() -> None:
    assert golden_faults(GOLDEN, EVENTS) == []


def test_the_list_of_events_is_complete() -> None:
    assert defined_events(events) == set(EVENTS)
