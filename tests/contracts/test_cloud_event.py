"""The envelope of public events: what can be read of one without opening all of it."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Struct, UnsetType

from sigdep.contracts.cloud_event import CloudEvent, place_of, value_of
from sigdep.http.stamps import utc_now


class Renamed(Struct):
    name: str
    color: str | UnsetType | None = UNSET


def envelope(data: Any) -> CloudEvent:
    return CloudEvent(id="7-1234", source="/contexts/test", type="test.Renamed", time=utc_now(), data=data)


def test_an_event_says_where_it_stands_in_the_log_of_its_context() -> None:
    assert place_of(envelope(None)) == (7, 1234)


@pytest.mark.parametrize("data", [Renamed(name="new"), msgspec.to_builtins(Renamed(name="new"))])
def test_a_field_is_read_as_well_from_the_fact_itself_as_from_its_json(data: Any) -> None:
    event = envelope(data)
    assert (value_of(event, "name"), value_of(event, "color"), value_of(event, "unknown")) == ("new", None, None)
