"""Events from other calendars: each once, however often they are imported; and what was changed here is not lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from sigdep.calendar.commands import (
    AnswerInvitation,
    ArchiveCalendar,
    CreateCalendar,
    EditAppointment,
    ImportCalendar,
    RemoveAppointment,
    UndoEdit,
)
from sigdep.calendar.domain.calendar import Calendar, CalendarReadOnly
from sigdep.calendar.events.appointments import Reminder
from sigdep.calendar.queries import ExportCalendar, Imported, ListAppointments, ListOccurrences
from sigdep.calendar.writing.imports import ENTRIES_AT_ONCE
from sigdep.calendar.writing.known import UidTaken
from sigdep.calendar.writing.portions import EVENTS_MAX, WAITING_MAX, Portion, Readers, TooMuchAtOnce
from sigdep.contracts.ids import AppointmentId
from sigdep.ical.reading import read
from sigdep.ical.refusals import UnreadableCalendar
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Unavailable
from tests.calendar.stories import ADA, BOB, CY, DAILY, EVE, TEAM
from tests.calendar.world import World
from tests.ical.hostile import HOSTILE
from tests.ical.samples import GOOGLE, SAMPLES, calendar, octets

WEEKLY = """UID:weekly@example.com
SEQUENCE:{sequence}
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20261201T090000
DTEND;TZID=Europe/Berlin:20261201T093000
RRULE:FREQ=WEEKLY;COUNT=6
SUMMARY:{title}
{more}"""
MOVED = """UID:weekly@example.com
SEQUENCE:{sequence}
RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000
DTSTART;TZID=Europe/Berlin:20261208T140000
DTEND;TZID=Europe/Berlin:20261208T143000
SUMMARY:Weekly, later"""


def weekly(title: str = "Weekly", sequence: int = 1, more: str = "X-KEPT:1") -> str:
    return WEEKLY.format(title=title, sequence=sequence, more=more)


def moved(sequence: int = 1) -> str:
    return MOVED.format(sequence=sequence)


class Place(World):
    """With a calendar of the team to import into."""

    calendar: Calendar

    async def open(self) -> "Place":
        await self.start()
        answer = await self.ask(CreateCalendar, name="Imported", workspace_id=TEAM, time_zone="Europe/Berlin")
        self.calendar = answer.value
        return self

    async def take(self, text: bytes, **options: Any) -> Imported:
        answer = await self.ask(ImportCalendar, calendar_id=self.calendar.id, text=text, **options)
        imported: Imported = answer.value
        return imported

    async def kept(self, uid: str | None = None) -> list[dict[str, Any]]:
        return await self.items(ListAppointments(calendar_id=self.calendar.id, uid=uid))

    async def one(self, uid: str = "weekly@example.com") -> dict[str, Any]:
        (found,) = await self.kept(uid)
        return found

    async def shown(self) -> list[str]:
        since, until = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 30, tzinfo=UTC)
        found = await self.items(ListOccurrences(calendar_id=(self.calendar.id,), since=since, until=until))
        return [f"{one['start'][5:16]} {one['title']}" for one in found]

    async def text(self) -> bytes:
        exported = await self.query(ExportCalendar(calendar_id=self.calendar.id))
        content: bytes = exported.content
        return content


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """However slow this machine is."""
    monkeypatch.setattr("sigdep.calendar.write_service.SECONDS_MAX", 600.0)
    return await Place().open()


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.created, imported.updated, imported.unchanged, imported.skipped_count


# ── once and again ──────────────────────────────────────────────────────────────────────────────────────


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


async def test_a_later_version_updates_and_an_older_one_does_not(place: Place) -> None:
    await place.take(calendar(weekly(sequence=2)))
    older = await place.take(calendar(weekly("Older", sequence=1)))
    assert counts(older) == (0, 0, 0, 1)
    assert older.skipped[0].reason == "The text has an older version of it: SEQUENCE 1, where ours is 2."
    assert (await place.one())["title"] == "Weekly"
    assert counts(await place.take(calendar(weekly("Newer", sequence=3)))) == (0, 1, 0, 0)
    assert ((await place.one())["title"], (await place.one())["sequence"]) == ("Newer", 3)
    later = weekly("Newer", sequence=3).replace("T090000", "T100000").replace("T093000", "T103000")
    assert counts(await place.take(calendar(later))) == (0, 1, 0, 0)
    assert (await place.one())["sequence"] == 3, "that of the other calendar, so that its next version is no older one"


async def test_a_dry_run_tells_the_same_and_stores_nothing(place: Place) -> None:
    stored = len(await place.events())
    assert counts(await place.take(octets(GOOGLE), call={"dry_run": True})) == (3, 0, 0, 0)
    assert len(await place.events()) == stored
    assert counts(await place.take(octets(GOOGLE))) == (3, 0, 0, 0)


# ── how much at once ────────────────────────────────────────────────────────────────────────────────────


def many(count: int, more: str = "") -> bytes:
    return calendar(*(f"UID:{n}@example.com\nDTSTART:20260101T090000Z\nSUMMARY:{n}{more}" for n in range(count)))


async def test_more_than_one_request_takes_over_is_refused_before_anything_is_stored(place: Place) -> None:
    stored = len(await place.events())
    with pytest.raises(TooMuchAtOnce, match=r"10,001 events.* 5,000 at most.*Nothing was imported.*\?skip=0"):
        await place.take(many(2 * EVENTS_MAX + 1))
    overridden = [f"UID:1\nRECURRENCE-ID:20260101T{n // 60:02}{n % 60:02}00Z\nDTSTART:20260101T1000Z" for n in range(9)]
    with pytest.raises(TooMuchAtOnce, match="5,010 events"):
        await place.take(many(EVENTS_MAX) + calendar("UID:1\nDTSTART:20260101T000000Z", *overridden))
    assert len(await place.events()) == stored


async def test_ten_thousand_events_are_imported_part_by_part(place: Place) -> None:
    text = many(2 * EVENTS_MAX + 1)
    parts: list[Imported] = []
    skip: int | None = 0
    while skip is not None:
        parts.append(await place.take(text, skip=skip))
        skip = parts[-1].next_skip
    assert [(one.created, one.next_skip) for one in parts] == [(5_000, 5_000), (5_000, 10_000), (1, None)]
    assert {one.event_count for one in parts} == {10_001}
    again = await place.take(text, skip=EVENTS_MAX)
    assert (counts(again), again.next_skip) == ((0, 0, EVENTS_MAX, 0), 2 * EVENTS_MAX), "what is there, is there"


async def test_what_is_wrong_with_the_text_is_told_once(place: Place) -> None:
    text = calendar("UID:x\nDTSTART:never") + many(3)
    assert [(await place.take(text, skip=skip)).skipped_count for skip in (None, 0, 1, 3)] == [1, 1, 0, 0]
    with pytest.raises(Invalid, match="nothing behind 4"):
        await place.take(text, skip=4)


async def test_series_that_take_long_to_find_out_about_are_fewer_in_one_request(place: Place) -> None:
    """What they take is counted before anything is stored."""
    text = many(300, "\nRRULE:FREQ=MINUTELY;INTERVAL=100")
    stored = len(await place.events())
    with pytest.raises(TooMuchAtOnce):
        await place.take(text)
    assert len(await place.events()) == stored
    part = await place.take(text, skip=0)
    assert part.next_skip is not None
    assert 0 < part.created < 150
    ranged = [f"UID:{n}\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY" for n in range(150)]
    ranged += [
        f"UID:{n}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260103T090000Z\nDTSTART:20260103T100000Z" for n in range(150)
    ]
    with pytest.raises(TooMuchAtOnce):
        await place.take(calendar(*ranged))
    weekly_ones = many(EVENTS_MAX, "\nRRULE:FREQ=WEEKLY;BYDAY=MO,TH").replace(b"@example.com", b"@weekly")
    assert (await place.take(weekly_ones)).created == EVENTS_MAX


async def test_a_slow_machine_says_where_to_go_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.calendar.write_service.SECONDS_MAX", 0.0)
    part = await place.take(many(2 * ENTRIES_AT_ONCE))
    assert (part.created, part.next_skip, part.event_count) == (ENTRIES_AT_ONCE, ENTRIES_AT_ONCE, 2 * ENTRIES_AT_ONCE)


async def test_of_texts_that_wait_to_be_read_there_are_few(place: Place) -> None:
    readers = Readers()
    texts = [asyncio.create_task(readers.read(many(50), None)) for _ in range(WAITING_MAX + 3)]
    found = await asyncio.gather(*texts, return_exceptions=True)
    assert sum(isinstance(one, Portion) for one in found) == WAITING_MAX + 1
    assert sum(isinstance(one, Unavailable) for one in found) == 2


async def test_new_ones_are_not_looked_for_and_found_all_the_same(place: Place) -> None:
    """Behind a part that was all new the next is expected to be: what is there already is neither lost nor doubled."""
    known = [f"UID:{n}@example.com\nDTSTART:20260101T090000Z\nSUMMARY:{n}" for n in (150, 203)]
    assert counts(await place.take(calendar(*known))) == (2, 0, 0, 0)
    assert counts(await place.take(many(2 * ENTRIES_AT_ONCE + 5))) == (2 * ENTRIES_AT_ONCE + 3, 0, 2, 0)
    assert len(await place.kept()) == 2 * ENTRIES_AT_ONCE + 5


# ── occurrences ─────────────────────────────────────────────────────────────────────────────────────────


async def test_overrides_become_changed_occurrences_come_and_go(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    assert await place.shown() == [
        *("12-01T09:00 Weekly", "12-08T14:00 Weekly, later", "12-15T09:00 Weekly"),
        *("12-22T09:00 Weekly", "12-29T09:00 Weekly", "01-05T09:00 Weekly"),
    ]
    assert counts(await place.take(calendar(weekly("Again", sequence=2)))) == (0, 1, 0, 0)
    assert (await place.shown())[1] == "12-08T09:00 Again"
    cancelled = moved(3) + "\nSTATUS:CANCELLED"
    assert counts(await place.take(calendar(weekly("Again", sequence=3), cancelled))) == (0, 1, 0, 0)
    assert "12-08T09:00 Again" not in await place.shown()
    assert counts(await place.take(calendar(weekly("Again", sequence=4), moved(4)))) == (0, 1, 0, 0)
    assert (await place.shown())[1] == "12-08T14:00 Weekly, later"


async def test_what_people_changed_here_about_other_occurrences_stays(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    series = await place.one()
    await place.ask(
        EditAppointment, appointment_id=series["id"], occurrence="2026-12-15T09:00:00", title="Ours", scope="this"
    )
    assert counts(await place.take(calendar(weekly(), moved()))) == (0, 0, 1, 0)
    assert counts(await place.take(calendar(weekly("Theirs", sequence=2)))) == (0, 1, 0, 0)
    assert (await place.shown())[:3] == ["12-01T09:00 Theirs", "12-08T09:00 Theirs", "12-15T09:00 Ours"]


async def test_what_people_changed_here_stays_while_the_text_says_the_same(place: Place) -> None:
    await place.take(calendar(weekly()))
    series = await place.one()
    edit: dict[str, Any] = {"title": "Ours", "start": "2026-12-01T10:00", "end": "2026-12-01T10:30"}
    await place.ask(EditAppointment, appointment_id=series["id"], scope="all", **edit)
    assert counts(await place.take(calendar(weekly()))) == (0, 0, 1, 0)
    assert (await place.shown())[0] == "12-01T10:00 Ours"


async def test_answers_that_were_given_here_stay(place: Place) -> None:
    invited = "ATTENDEE;CN=Jane:mailto:jane@example.com"
    await place.take(calendar(weekly(more=invited)))
    series = await place.one()
    answer = {"appointment_id": series["id"], "answer": "accepted", "email": "jane@example.com"}
    await place.ask(AnswerInvitation, **answer)
    assert counts(await place.take(calendar(weekly("Other", sequence=2, more=invited)))) == (0, 1, 0, 0)
    assert (await place.one())["attendees"][0]["answer"] == "accepted"


async def test_an_import_is_undone_as_any_edit(place: Place) -> None:
    await place.take(calendar(weekly()))
    await place.take(calendar(weekly("Newer", sequence=2)))
    await place.ask(UndoEdit, appointment_id=(await place.one())["id"])
    assert (await place.one())["title"] == "Weekly"


async def test_a_series_with_more_changes_than_are_stored_at_once_is_skipped(place: Place) -> None:
    """The first time it is one event; to change all of them takes one for each."""
    many = HOSTILE["as many overrides as are read"]
    assert counts(await place.take(many)) == (1, 0, 0, 0)
    assert counts(await place.take(many)) == (0, 0, 1, 0)
    moved_all = many.replace(b"DTSTART:20260105T100000Z", b"SEQUENCE:1\r\nDTSTART:20260105T110000Z")
    again = await place.take(moved_all + calendar("UID:other\nDTSTART:20260101"))
    assert counts(again) == (1, 0, 0, 1)
    assert again.skipped[0].reason == "More than 1,000 of its occurrences would change at once."


async def test_no_more_is_stored_at_once_than_an_append_takes(place: Place) -> None:
    def series(uid: int, hour: int) -> list[str]:
        days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(600)]
        main = f"UID:{uid}\nSEQUENCE:{hour}\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY"
        changed = [f"UID:{uid}\nRECURRENCE-ID:{day:%Y%m%d}T090000Z\nDTSTART:{day:%Y%m%d}T{hour}0000Z" for day in days]
        return [main, *changed]

    assert counts(await place.take(calendar(*series(1, 10), *series(2, 10)))) == (2, 0, 0, 0)
    assert counts(await place.take(calendar(*series(1, 11), *series(2, 11)))) == (0, 2, 0, 0)


async def test_an_entry_that_no_store_would_take_is_skipped(place: Place) -> None:
    override = "UID:1\nRECURRENCE-ID:2026{:02}{:02}T090000Z\nDTSTART:20260105T100000Z\nDESCRIPTION:" + "é" * 5_000
    days = [override.format(n // 28 + 1, n % 28 + 1) for n in range(120)]
    large = await place.take(calendar("UID:1\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY", *days))
    assert counts(large) == (0, 0, 0, 1)
    assert "larger than" in large.skipped[0].reason


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


# ── this and all that follow ────────────────────────────────────────────────────────────────────────────

FOLLOWING = """UID:weekly@example.com
RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:{original}
DTSTART;TZID=Europe/Berlin:{start}00
DTEND;TZID=Europe/Berlin:{start}45
SUMMARY:{title}"""


def following(original: str, start: str, title: str = "Following") -> str:
    return FOLLOWING.format(original=original, start=start, title=title)


async def test_what_follows_an_occurrence_goes_on_as_a_part_of_its_own(place: Place) -> None:
    """Another day, and an override behind it that says what the first part says."""
    other = "UID:weekly@example.com\nRECURRENCE-ID;TZID=Europe/Berlin:20261229T090000\nSUMMARY:Weekly\n"
    other += "DTSTART;TZID=Europe/Berlin:20261231T100000\nDTEND;TZID=Europe/Berlin:20261231T103000"
    text = calendar(
        weekly().replace("COUNT=6", "COUNT=6;BYDAY=TU"), following("20261215T090000", "20261216T1400"), other
    )
    assert counts(await place.take(text)) == (1, 0, 0, 0)
    shown = await place.shown()
    assert shown == [
        *("12-01T09:00 Weekly", "12-08T09:00 Weekly", "12-16T14:00 Following"),
        *("12-23T14:00 Following", "12-31T10:00 Weekly", "01-06T14:00 Following"),
    ]
    first, part = sorted(await place.kept(), key=lambda one: str(one["start"]))
    assert (first["uid"], first["continued_by"], part["continues"]) == ("weekly@example.com", part["id"], first["id"])
    stored = len(await place.events())
    assert counts(await place.take(text)) == (0, 0, 1, 0), "the same text"
    exported = await place.text()
    assert counts(await place.take(exported)) == (0, 0, 2, 0), "and what becomes of it"
    assert len(await place.events()) == stored
    elsewhere = await Place().open()
    assert counts(await elsewhere.take(exported)) == (2, 0, 0, 0)
    assert await elsewhere.shown() == shown
    later = calendar(weekly("Later", sequence=2), following("20261215T090000", "20261216T1500"))
    assert "change both parts here" in (await place.take(later)).skipped[0].reason


async def test_an_imported_cut_is_undone_as_any(place: Place) -> None:
    await place.take(calendar(weekly(), following("20261215T090000", "20261215T1400")))
    (part,) = [one for one in await place.kept() if one["continues"] is not None]
    await place.ask(UndoEdit, appointment_id=AppointmentId(UUID(part["id"])))
    assert (await place.shown())[1:3] == ["12-08T09:00 Weekly", "12-15T09:00 Weekly"]


@pytest.mark.parametrize(
    "rule, ranges, shown",
    [
        (
            "FREQ=WEEKLY;COUNT=6",
            [following("20261208T090000", "20261208T1000", "A"), following("20261222T090000", "20261221T0800", "B")],
            "01T09 Weekly, 08T10 A, 15T10 A, 21T08 B, 28T08 B, 04T08 B",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=5",
            [following("20261206T090000", "20261207T0900", "A")],
            "01T09 Weekly, 07T09 A, 16T09 A, 21T09 A, 30T09 A",
        ),
        (
            "FREQ=DAILY;COUNT=4",
            [following("20261203T090000", "20261203T0900") + "\nSTATUS:CANCELLED"],
            "01T09 Weekly, 02T09 Weekly",
        ),
        (
            "FREQ=MONTHLY;BYDAY=1TU;COUNT=2",
            [following("20270105T090000", "20270105T1100", "A")],
            "01T09 Weekly, 05T11 A",
        ),
    ],
    ids=["two of them", "days of the week", "the end", "another time"],
)
async def test_parts_have_the_occurrences_of_the_series_that_they_were(
    place: Place, rule: str, ranges: list[str], shown: str
) -> None:
    text = calendar(weekly().replace("FREQ=WEEKLY;COUNT=6", rule), *ranges)
    assert counts(await place.take(text)) == (1, 0, 0, 0)
    assert ", ".join(one[3:8].rstrip(":") + one[11:] for one in await place.shown()) == shown
    assert counts(await place.take(text)) == (0, 0, 1, 0)
    assert counts(await place.take(await place.text())) == (0, 0, len(await place.kept()), 0)


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
        )
    )
    assert counts(imported) == (1, 0, 0, 6)
    reasons = {one.uid: one.reason for one in imported.skipped}
    assert "is no date or time" in reasons["1"]
    assert "not in the file" in reasons["2"]
    assert "too much of a recurrence" in reasons["3"]
    assert "A title" in reasons["4"]
    assert "cannot begin anew where RANGE=THISANDFUTURE" in reasons["5"]
    assert "no member" in reasons["7"]
    assert (await place.one("6"))["title"] == "(untitled)"


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


# ── and out again ───────────────────────────────────────────────────────────────────────────────────────


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
