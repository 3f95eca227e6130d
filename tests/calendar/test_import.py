"""Events from other calendars: each once, however often they are imported; and what makes no sense is skipped."""

import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.calendar.commands import (
    ArchiveCalendar,
    CreateCalendar,
    EditAppointment,
    ImportCalendar,
    RemoveAppointment,
)
from sigdep.calendar.domain.calendar import CalendarReadOnly
from sigdep.calendar.events.uids import EntryImported
from sigdep.calendar.publishing import publish
from sigdep.calendar.writing.imports import ENTRIES_AT_ONCE
from sigdep.calendar.writing.known import UidTaken
from sigdep.calendar.writing.portions import NothingReadable
from sigdep.contracts.ids import AppointmentId
from sigdep.ical.refusals import UnreadableCalendar
from sigdep.kernel.errors import Forbidden, NotFound
from tests.calendar.importing import Place, counts, many, moved, weekly
from tests.calendar.stories import BOB, CY, EVE, TEAM
from tests.ical.samples import GOOGLE, SAMPLES, calendar, octets


@pytest.mark.parametrize("name", SAMPLES)
async def test_the_same_text_once_more_changes_nothing(place: Place, name: str) -> None:
    first = await place.take(octets(SAMPLES[name]))
    stored = len(await place.events())
    second = await place.take(octets(SAMPLES[name]))
    assert first.created > 0
    assert counts(second) == (0, 0, first.created, first.skipped_count)
    assert len(await place.events()) == stored


async def test_what_is_imported_has_its_fields_and_its_occurrences(place: Place) -> None:
    imported = await place.take(octets(GOOGLE))
    assert counts(imported) == (3, 0, 0, 0)
    assert [one.detail for one in imported.repaired] == ["UNTIL was read as DTSTART demands it."]
    series = await place.one("7kukuqrfedlm2f9t@google.com")
    assert (series["title"], series["location"], series["sequence"]) == ("Stand-up 🚀", "Raum 3", 2)
    assert (series["start"], series["end"]) == ("2026-03-02T09:00:00", "2026-03-02T09:30:00")
    assert series["recurrence"]["rules"] == ["FREQ=WEEKLY;UNTIL=20260601T215959Z;BYDAY=MO,WE;WKST=SU"]
    assert series["recurrence"]["excluded_dates"] == ["2026-03-09T09:00:00"]
    assert [(one["email"], one["role"], one["answer"]) for one in series["attendees"]] == [
        ("jane@example.com", "required", "accepted"),
        ("john@example.com", "optional", "needs_action"),
    ]
    assert [one["before"] for one in series["reminders"]] == ["PT10M"]
    (changed,) = series["changed_occurrences"]
    assert (changed["occurrence"], changed["start"]) == ("2026-03-11T09:00:00", "2026-03-11T10:00:00")
    holiday = await place.one("0holiday@google.com")
    assert (holiday["all_day"], holiday["busy"], holiday["end"]) == (True, False, "2026-05-02")


async def test_a_dry_run_tells_the_same_and_stores_nothing(place: Place) -> None:
    stored = len(await place.events())
    assert counts(await place.take(octets(GOOGLE), call={"dry_run": True})) == (3, 0, 0, 0)
    assert len(await place.events()) == stored
    assert counts(await place.take(octets(GOOGLE))) == (3, 0, 0, 0)


async def test_what_another_calendar_said_is_kept_to_be_compared_and_told_to_nobody(place: Place) -> None:
    await place.take(calendar(weekly("Secret")))
    (recorded,) = [one for one in await place.events() if one.type == "EntryImported"]
    assert isinstance(recorded.event, EntryImported)
    assert "SUMMARY:Secret\r\n" in recorded.event.text
    event = publish(recorded)
    assert event is not None
    assert event.data == replace(recorded.event, text="")


# ── by its UID ──────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_made_here_under_a_uid_is_found_by_it(place: Place) -> None:
    """Also by an id that a client has chosen, and among many that are new."""
    there = {"calendar_id": place.calendar.id, "workspace_id": TEAM}
    made = await place.schedule(**there, uid="weekly@example.com", appointment_id=AppointmentId(uuid7()))
    found = await place.take(calendar(weekly("Theirs"), moved()))
    assert counts(found) == (0, 1, 0, 0)
    series = await place.one()
    assert (series["id"], series["title"]) == (str(made.id), "Theirs")
    assert counts(await place.take(calendar(weekly("Theirs"), moved()))) == (0, 0, 1, 0)
    await place.schedule(**there, uid="150@example.com")
    assert counts(await place.take(many(2 * ENTRIES_AT_ONCE))) == (2 * ENTRIES_AT_ONCE - 1, 1, 0, 0)
    assert len(await place.kept("150@example.com")) == 1
    other = (await place.ask(CreateCalendar, name="Other", workspace_id=TEAM)).value
    again = await place.ask(ImportCalendar, calendar_id=other.id, text=calendar(weekly()))
    assert again.value.created == 1, "a UID is that of one calendar"


async def test_another_calendar_may_have_a_copy_of_what_was_made_here(place: Place) -> None:
    """Its UID is its id, by which it is found wherever it was moved; in a calendar where it never was it is new."""
    made = await place.schedule(calendar_id=place.calendar.id, workspace_id=TEAM)
    text = await place.text()
    other = (await place.ask(CreateCalendar, name="Other", workspace_id=TEAM)).value
    copied = await place.ask(ImportCalendar, calendar_id=other.id, text=text)
    assert counts(copied.value) == (1, 0, 0, 0)
    assert counts((await place.ask(ImportCalendar, calendar_id=other.id, text=text)).value) == (0, 0, 1, 0)
    third = (await place.ask(CreateCalendar, name="Third", workspace_id=TEAM)).value
    await place.ask(EditAppointment, appointment_id=made.id, calendar_id=third.id)
    assert "another calendar" in (await place.take(text)).skipped[0].reason


async def test_a_calendar_has_a_uid_once(place: Place) -> None:
    there = {"calendar_id": place.calendar.id, "workspace_id": TEAM}
    await place.take(calendar(weekly()))
    with pytest.raises(UidTaken, match="has an event with this uid"):
        await place.schedule(**there, uid="weekly@example.com")
    chosen = AppointmentId(uuid7())
    made = await place.schedule(**there, uid="mine@example.com", appointment_id=chosen)
    again = await place.schedule(**there, uid="mine@example.com", appointment_id=chosen)
    assert (again.id, again.version) == (made.id, 1), "the same request may come again"
    with pytest.raises(UidTaken):
        await place.schedule(**there, uid="mine@example.com")
    await place.ask(RemoveAppointment, appointment_id=made.id)
    assert "in the trash" in (await place.take(calendar("UID:mine@example.com\nDTSTART:20260101"))).skipped[0].reason
    await place.schedule(**there, uid="mine@example.com")
    assert counts(await place.take(calendar("UID:mine@example.com\nDTSTART:20260101"))) == (0, 1, 0, 0)


# ── what is skipped ─────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_in_the_trash_here_stays_there(place: Place) -> None:
    await place.take(calendar(weekly()))
    await place.ask(RemoveAppointment, appointment_id=(await place.one())["id"])
    again = await place.take(calendar(weekly()))
    assert counts(again) == (0, 0, 0, 1)
    assert "in the trash" in again.skipped[0].reason


async def test_what_was_moved_to_another_calendar_here_stays_there(place: Place) -> None:
    await place.take(calendar(weekly()))
    other = (await place.ask(CreateCalendar, name="Other", workspace_id=TEAM)).value
    await place.ask(EditAppointment, appointment_id=(await place.one())["id"], calendar_id=other.id)
    again = await place.take(calendar(weekly("Newer", sequence=9)))
    assert "another calendar" in again.skipped[0].reason


async def test_each_entry_that_makes_no_sense_is_skipped_with_a_sentence(place: Place) -> None:
    imported = await place.take(
        calendar(
            "UID:1\nDTSTART:nonsense",
            "UID:2\nRECURRENCE-ID:20260101T090000Z\nDTSTART:20260101T090000Z",
            "UID:3\nDTSTART:20260101T090000Z\nRRULE:FREQ=SECONDLY",
            f"UID:4\nDTSTART:20260101T090000Z\nSUMMARY:{'x' * 501}",
            "UID:5\nDTSTART:20260131T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=9",
            "UID:5\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260430T090000Z\nDTSTART:20260501T090000Z",
            "UID:6\nDTSTART:20260101T090000Z",
            f"UID:7\nDTSTART:20260101T090000Z\nATTENDEE:urn:uuid:{EVE}",
            "UID:8\nDTSTART;VALUE=DATE:16040229\nRRULE:FREQ=YEARLY",
            "UID:9\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=3",
            "UID:9\nRECURRENCE-ID:20260102T090000Z\nDTSTART:22010102T090000Z",
        )
    )
    assert counts(imported) == (1, 0, 0, 8)
    reasons = {one.uid: one.reason for one in imported.skipped}
    assert "is no date or time" in reasons["1"]
    assert "not in the file" in reasons["2"]
    assert "too much of a recurrence" in reasons["3"]
    assert "A title" in reasons["4"]
    assert "cannot begin anew where RANGE=THISANDFUTURE" in reasons["5"]
    assert "no member" in reasons["7"]
    assert reasons["8"] == "It starts in the year 1604, and events have years between 1900 and 2200."
    assert "the year 2201" in reasons["9"]
    assert (await place.one("6"))["title"] == "(untitled)"


async def test_a_text_of_which_nothing_makes_sense_is_refused(place: Place) -> None:
    with pytest.raises(NothingReadable, match=r"^The only event of this text cannot be .*no date or time"):
        await place.take(calendar("UID:1\nDTSTART:nonsense"))
    many_dates = ",".join(["20260102T090000Z"] * 10_000)
    excluded = f"UID:2\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY\nEXDATE:{many_dates}"
    text = calendar(*(f"UID:{n}\nDTSTART;TZID=Mars/Olympus:20260101T090000" for n in range(30)), excluded)
    with pytest.raises(NothingReadable, match=r"^None of the 31 events of this text can be imported") as refused:
        await place.take(text)
    assert len(refused.value.faults) == 20
    assert counts(await place.take(calendar())) == (0, 0, 0, 0), "an empty calendar is one"
    assert counts(await place.take(text + calendar("UID:3\nDTSTART:20260101"))) == (1, 0, 0, 31)


async def test_a_text_that_is_no_calendar_is_refused(place: Place) -> None:
    for text in (b"", b"Hello", b"BEGIN:VCALENDAR\r\n", b"\xff\xfe"):
        with pytest.raises(UnreadableCalendar):
            await place.take(text)


async def test_who_may_import(place: Place) -> None:
    assert counts(await place.take(calendar(weekly()), by=BOB)) == (1, 0, 0, 0)
    with pytest.raises(Forbidden):
        await place.take(calendar(weekly("Cy's", sequence=9)), by=CY)
    with pytest.raises(NotFound):
        await place.take(calendar(weekly("Eve's", sequence=9)), by=EVE)
    await place.ask(ArchiveCalendar, calendar_id=place.calendar.id)
    for text in (calendar(weekly("Later", sequence=9)), calendar()):
        with pytest.raises(CalendarReadOnly):
            await place.take(text)


async def test_an_attendee_who_is_a_user_answers_for_themselves(place: Place) -> None:
    await place.take(calendar(weekly(more=f"ATTENDEE;PARTSTAT=ACCEPTED:urn:uuid:{BOB}")))
    (attendee,) = (await place.one())["attendees"]
    assert (attendee["user_id"], attendee["answer"]) == (str(BOB), "needs_action")
