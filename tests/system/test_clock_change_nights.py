"""The nights in which clocks change, in three zones: each event and each reminder at its instant (RFC 5545 §3.3.5)."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sigdep.testing.running_server import running_server
from tests.system.person import JSON, Person, signed_up
from tests.system.reminder_sink import scheduled
from tests.system.test_moved_clock import clock, move

__all__ = ["clock"]

BEFORE: Final = timedelta(minutes=15)


class Night(NamedTuple):
    """A series that happens on the day before, in the night of the change, and on the day after."""

    zone: str
    start: str
    """On the wall, on the first of the three days."""
    instants: tuple[str, str, str]
    """A time that is left out has the offset before the gap; one that comes twice is the first."""


BERLIN_SPRING = Night(
    "Europe/Berlin", "2027-03-27T02:30:00", ("2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z")
)
BERLIN_AUTUMN = Night(
    "Europe/Berlin", "2027-10-30T02:30:00", ("2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z")
)
NEW_YORK_SPRING = Night(
    "America/New_York", "2027-03-13T02:30:00", ("2027-03-13T07:30:00Z", "2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z")
)
NEW_YORK_AUTUMN = Night(
    "America/New_York", "2027-11-06T01:30:00", ("2027-11-06T05:30:00Z", "2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z")
)
# The clocks of Lord Howe change by half an hour.
LORD_HOWE_AUTUMN = Night(
    "Australia/Lord_Howe",
    "2027-04-03T01:45:00",
    ("2027-04-02T14:45:00Z", "2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"),
)
LORD_HOWE_SPRING = Night(
    "Australia/Lord_Howe",
    "2027-10-02T02:15:00",
    ("2027-10-01T15:45:00Z", "2027-10-02T15:45:00Z", "2027-10-03T15:15:00Z"),
)
NIGHTS: Final = {
    "2027-03-08T00:00:00Z": (BERLIN_SPRING, NEW_YORK_SPRING, LORD_HOWE_AUTUMN),
    "2027-09-30T00:00:00Z": (LORD_HOWE_SPRING,),
    "2027-10-20T00:00:00Z": (BERLIN_AUTUMN, NEW_YORK_AUTUMN),
}
"""By a time from which all of them are within the horizon of reminders."""


async def add(person: Person, night: Night) -> JSON:
    start = datetime.fromisoformat(night.start)
    event = {
        "title": night.zone,
        "time_zone": night.zone,
        "start": night.start,
        "end": (start + timedelta(minutes=30)).isoformat(),
        "recurrence": {"rules": ["FREQ=DAILY;COUNT=3"]},
        "reminders": [{"before": "PT15M"}],
    }
    return await person.write("POST", "/api/events", event)


def instants(night: Night) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in night.instants]


@pytest.mark.parametrize("night", [night for nights in NIGHTS.values() for night in nights], ids=str)
async def test_each_event_is_at_its_instant_and_lasts_as_long_as_it_should(ada: Person, night: Night) -> None:
    event = await add(ada, night)
    span = {"from": "2027-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}
    listed = await ada.items("/api/events", calendar_id=event["calendar_id"], **span)
    assert [datetime.fromisoformat(one["starts_at"]) for one in listed] == instants(night)
    assert {_lasts(one) for one in listed} == {timedelta(minutes=30)}
    first = datetime.fromisoformat(night.start)
    for number, instant in enumerate(instants(night)):
        name = (first + timedelta(days=number)).isoformat()
        one = await ada.read(f"/api/events/{event['id']}/occurrences/{name}")
        assert datetime.fromisoformat(one["starts_at"]) == instant


def _lasts(one: JSON) -> timedelta:
    return datetime.fromisoformat(one["ends_at"]) - datetime.fromisoformat(one["starts_at"])


@pytest.mark.timeout(600)
async def test_each_reminder_is_due_before_its_instant(clock: Path) -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            due: list[datetime] = []
            for now, nights in NIGHTS.items():
                move(clock, round((datetime.fromisoformat(now) - datetime.now(UTC)).total_seconds()))
                await ada.sign_in()  # Their session ended when the clock leapt.
                for night in nights:
                    await add(ada, night)
                    due += [instant - BEFORE for instant in instants(night)]
                await scheduled(ada, len(due))
            found = await ada.items("/api/reminders", after="")
            assert sorted(datetime.fromisoformat(one["due_at"]) for one in found) == sorted(due)
            assert {datetime.fromisoformat(one["starts_at"]) for one in found} == {one + BEFORE for one in due}
            await _told_in_time(ada, clock)


async def _told_in_time(ada: Person, clock: Path) -> None:
    """In the night of Berlin's autumn: not at the first half past two minus an hour, and not at the second."""
    first = datetime.fromisoformat(BERLIN_AUTUMN.instants[1]) - BEFORE
    move(clock, round((first - timedelta(seconds=2) - datetime.now(UTC)).total_seconds()))
    await ada.sign_in()
    async with asyncio.timeout(120):
        while True:
            found = await ada.items("/api/reminders", after="")
            (one,) = [one for one in found if datetime.fromisoformat(one["due_at"]) == first]
            if one["state"] == "fired":
                break
            await asyncio.sleep(0.2)
    assert datetime.fromisoformat(one["fired_at"]) >= first
