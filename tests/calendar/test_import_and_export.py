"""What was imported is exported with all that it said; what was exported is imported without a change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sigdep.calendar.commands import (
    AnswerInvitation,
    EditAppointment,
    RemoveAppointment,
)
from sigdep.calendar.events.appointments import Reminder
from sigdep.calendar.queries import ListOccurrences
from sigdep.ical.reading import read
from tests.calendar.importing import Place, counts, following, moved, weekly
from tests.calendar.stories import ADA, DAILY, TEAM
from tests.ical.samples import GOOGLE, SAMPLES, calendar, octets


@pytest.mark.parametrize("name", ["google", "apple", "outlook"])
async def test_what_was_imported_is_exported_with_all_that_it_said(place: Place, name: str) -> None:
    await place.take(octets(SAMPLES[name]))
    before = {entry.uid: entry for entry in read(octets(SAMPLES[name])).calendar.entries}
    after = {entry.uid: entry for entry in read(await place.text()).calendar.entries}
    assert after.keys() == before.keys()
    for uid, entry in before.items():
        main, other = entry.main, after[uid].main
        assert main is not None
        assert other is not None
        for field in ("lines", "components", "parameters", "attendees", "alarms", "organizer", "categories", "start"):
            assert getattr(other, field) == getattr(main, field), field
        for field in ("rules", "extra", "excluded", "summary", "description", "location", "url", "transparent"):
            assert getattr(other, field) == getattr(main, field), field
        assert len(after[uid].overrides) == len(entry.overrides)


@pytest.mark.parametrize("name", SAMPLES)
async def test_an_export_once_imported_changes_nothing(place: Place, name: str) -> None:
    await place.take(octets(SAMPLES[name]))
    text = await place.text()
    stored = len(await place.events())
    again = await place.take(text)
    assert counts(again) == (0, 0, len(await place.kept()), 0)
    assert len(await place.events()) == stored


def said(text: bytes) -> list[str]:
    """Without when it was written."""
    lines = text.decode().replace("\r\n ", "").split("\r\n")
    return [one for one in lines if not one.startswith(("DTSTAMP:", "CREATED:", "LAST-MODIFIED:"))]


RANGED = calendar(weekly(), moved(), following("20261215T090000", "20261216T1400"))


@pytest.mark.parametrize("name", [*SAMPLES, "ranged"])
async def test_an_export_imported_elsewhere_is_exported_as_the_same(place: Place, name: str) -> None:
    await place.take(RANGED if name == "ranged" else octets(SAMPLES[name]))
    text = await place.text()
    elsewhere = await Place().open()
    assert (await elsewhere.take(text)).skipped == []
    again = await elsewhere.text()
    assert sorted(said(again)) == sorted(said(text))


async def test_what_was_made_here_is_exported_and_imported_without_a_change(place: Place) -> None:
    made = await place.schedule(
        calendar_id=place.calendar.id,
        workspace_id=TEAM,
        recurrence=DAILY,
        color="#1e90ff",
        reminders=(Reminder(before="PT10M"),),
        description="One\nTwo, three; four",
    )
    await place.ask(EditAppointment, appointment_id=made.id, occurrence="2026-12-03T09:00:00", title="Third")
    await place.ask(RemoveAppointment, appointment_id=made.id, occurrence="2026-12-04T09:00:00")
    text = await place.text()
    assert b"COLOR:dodgerblue\r\n" in text
    assert b"EXDATE;TZID=Europe/Berlin:20261204T090000\r\n" in text
    assert b"X-WR-CALNAME:Imported\r\n" in text
    stored = len(await place.events())
    assert counts(await place.take(text)) == (0, 0, 1, 0)
    assert len(await place.events()) == stored
    assert [one["title"] for one in await place.kept()] == ["Stand-up"]


async def test_an_alarm_displays_the_title_as_it_is_now(place: Place) -> None:
    """DESCRIPTION of an alarm that displays is no empty text (RFC 5545 §3.6.6), and no change when it comes back."""
    alarm = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nDESCRIPTION:Weekly\nEND:VALARM"
    await place.take(calendar(weekly(more=alarm)))
    series = await place.one()
    await place.ask(EditAppointment, appointment_id=series["id"], scope="all", title="Changed")
    text = await place.text()
    assert b"ACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:Changed\r\n" in text
    assert not any("VALARM" in line for line in series["extra_properties"])
    assert counts(await place.take(text)) == (0, 0, 1, 0)


async def test_what_begins_when_the_clocks_leap_lasts_as_long_as_in_any_other_night(place: Place) -> None:
    """RFC 5545 §3.3.5: the offset before the gap. From 2:30 to 3:30 is an hour, there and a week later."""
    line = "DTSTART;TZID=Europe/Berlin:20270328T023000\nDTEND;TZID=Europe/Berlin:20270328T0{}000\nSUMMARY:{}"
    weekly_one = "UID:1\nRRULE:FREQ=WEEKLY;COUNT=2\n" + line.format(33, "Weekly")
    await place.take(calendar(weekly_one, "UID:2\n" + line.format(31, "Short")))
    since, until = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 30, tzinfo=UTC)
    query = ListOccurrences(calendar_id=(place.calendar.id,), since=since, until=until)
    shown = [(one["title"], one["starts_at"], one["ends_at"], one["start"][11:16]) for one in await place.items(query)]
    assert sorted(shown) == [
        ("Short", "2027-03-28T01:30:00Z", "2027-03-28T02:10:00Z", "03:30"),
        ("Weekly", "2027-03-28T01:30:00Z", "2027-03-28T02:30:00Z", "03:30"),
        ("Weekly", "2027-04-04T00:30:00Z", "2027-04-04T01:30:00Z", "02:30"),
    ]
    text = await place.text()
    assert b"DTSTART;TZID=Europe/Berlin:20270328T023000\r\nDURATION:PT1H\r\n" in text
    assert counts(await place.take(text)) == (0, 0, 2, 0)


async def test_a_title_never_becomes_another_property(place: Place) -> None:
    await place.take(calendar(weekly("One\\nATTENDEE:mailto:evil@example.com")))
    made = {"title": "Two", "description": "x\r\nATTENDEE:mailto:evil@example.com", "start": "2026-12-01T09:00"}
    await place.schedule(calendar_id=place.calendar.id, workspace_id=TEAM, end=None, **made)
    for entry in read(await place.text()).calendar.entries:
        assert entry.main is not None
        assert entry.main.attendees == ()


async def test_an_answer_is_no_change_of_what_is_kept_beside_it(place: Place) -> None:
    await place.take(octets(GOOGLE))
    series = await place.one("7kukuqrfedlm2f9t@google.com")
    answer = {"appointment_id": series["id"], "email": "john@example.com", "answer": "declined"}
    await place.ask(AnswerInvitation, **answer)
    text = await place.text()
    assert b"PARTSTAT=DECLINED" in text
    assert counts(await place.take(text)) == (0, 0, 3, 0)


async def test_an_edit_here_is_what_is_exported(place: Place) -> None:
    await place.take(octets(GOOGLE))
    series = await place.one("7kukuqrfedlm2f9t@google.com")
    edits: dict[str, Any] = {"title": "Changed", "reminders": (Reminder(before="PT1H"),), "attendees": ()}
    await place.ask(EditAppointment, appointment_id=series["id"], scope="all", **edits)
    entry = next(one for one in read(await place.text()).calendar.entries if one.uid == series["uid"])
    assert entry.main is not None
    assert (entry.main.summary, entry.main.attendees) == ("Changed", ())
    assert [one.trigger.seconds for one in entry.main.alarms if one.trigger] == [3600]
    assert "CLASS:PRIVATE" in entry.main.lines
    assert entry.main.organizer is not None
    assert series["created_by"] == str(ADA)
