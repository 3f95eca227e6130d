"""What follows an occurrence and is different in another calendar: a later part of the series here."""

from typing import Any
from uuid import UUID

import pytest

from sigdep.calendar.commands import EditAppointment, RemoveAppointment, UndoEdit
from sigdep.contracts.ids import AppointmentId
from tests.calendar.importing import Place, counts, following, moved, weekly
from tests.ical.samples import calendar


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


async def parts(place: Place) -> list[dict[str, Any]]:
    return sorted(await place.kept(), key=lambda one: str(one["start"]))


async def test_a_later_version_changes_the_parts_that_it_has(place: Place) -> None:
    await place.take(calendar(weekly(), following("20261215T090000", "20261215T1400")))
    first, part = await parts(place)
    await place.ask(EditAppointment, appointment_id=UUID(part["id"]), location="Here")
    await place.ask(
        EditAppointment, appointment_id=UUID(part["id"]), occurrence="2026-12-22T14:00:00", scope="this", title="Ours"
    )
    text = calendar(weekly("Later", sequence=2), following("20261215T090000", "20261215T1500", "Following, later"))
    later = await place.take(text)
    assert (counts(later), later.conflicts) == ((0, 1, 0, 0), [])
    assert (await place.shown())[1:4] == ["12-08T09:00 Later", "12-15T15:00 Following, later", "12-22T15:00 Ours"]
    assert [(one["id"], one["location"]) for one in await parts(place)] == [(first["id"], None), (part["id"], "Here")]
    assert counts(await place.take(text)) == (0, 0, 1, 0)
    assert counts(await place.take(await place.text())) == (0, 0, 2, 0)
    moved = [one.replace("T090000", "T080000").replace("T093000", "T083000") for one in (weekly("Later", sequence=3),)]
    moved.append(following("20261215T080000", "20261215T1400", "Following, later"))
    assert counts(await place.take(calendar(*moved))) == (0, 1, 0, 0)
    assert (await place.shown())[1:4] == ["12-08T08:00 Later", "12-15T14:00 Following, later", "12-22T14:00 Ours"]
    assert len(await parts(place)) == 2


async def test_a_new_range_cuts_the_series_and_is_undone_as_any_cut(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    await place.ask(
        EditAppointment,
        appointment_id=(await place.one())["id"],
        occurrence="2026-12-22T09:00:00",
        title="Ours",
    )
    text = calendar(weekly(sequence=2), moved(2), following("20261215T090000", "20261216T1000"))
    later = await place.take(text)
    assert (counts(later), later.conflicts) == ((0, 1, 0, 0), [])
    assert await place.shown() == [
        *("12-01T09:00 Weekly", "12-08T14:00 Weekly, later", "12-16T10:00 Following"),
        *("12-23T10:00 Ours", "12-30T10:00 Following", "01-06T10:00 Following"),
    ]
    _, part = await parts(place)
    await place.ask(UndoEdit, appointment_id=AppointmentId(UUID(part["id"])))
    assert (await place.shown())[2:4] == ["12-15T09:00 Weekly", "12-22T09:00 Ours"]
    assert counts(await place.take(text)) == (0, 0, 1, 0), "it was undone on purpose"
    again = calendar(weekly("New", sequence=3), moved(3), following("20261215T090000", "20261216T1000"))
    assert (await place.take(again)).conflicts == []
    assert (await place.shown())[2:4] == ["12-15T09:00 New", "12-22T09:00 Ours"]
    other = calendar(weekly("New", sequence=4), moved(4), following("20261215T090000", "20261216T1100"))
    kept = await place.take(other)
    assert (counts(kept), [(one.field, one.occurrence, one.taken) for one in kept.conflicts]) == (
        (0, 0, 1, 0),
        [("recurrence", "2026-12-15T09:00:00", "here")],
    )
    assert (await place.take(other)).conflicts == [], "it was told"


async def test_a_range_that_is_gone_leaves_two_parts_that_say_the_same(place: Place) -> None:
    await place.take(calendar(weekly(), following("20261215T090000", "20261215T1400")))
    assert counts(await place.take(calendar(weekly(sequence=2)))) == (0, 1, 0, 0)
    fresh = await Place().open()
    await fresh.take(calendar(weekly(sequence=2)))
    assert await place.shown() == await fresh.shown()
    assert counts(await place.take(calendar(weekly("Newer", sequence=3)))) == (0, 1, 0, 0)
    assert {one[12:] for one in await place.shown()} == {"Newer"}


async def test_a_series_that_people_have_cut_here_gets_what_is_new_in_both_parts(place: Place) -> None:
    """Before, the first part had all occurrences again, beside those of the second."""
    await place.take(calendar(weekly()))
    there = {"appointment_id": (await place.one())["id"], "occurrence": "2026-12-22T09:00:00"}
    await place.ask(EditAppointment, **there, scope="following", start="2026-12-22T10:00", end="2026-12-22T10:30")
    later = await place.take(calendar(weekly("Newer", sequence=2)))
    assert (counts(later), later.conflicts) == ((0, 1, 0, 0), [])
    assert await place.shown() == [
        *("12-01T09:00 Newer", "12-08T09:00 Newer", "12-15T09:00 Newer"),
        *("12-22T10:00 Newer", "12-29T10:00 Newer", "01-05T10:00 Newer"),
    ]
    assert counts(await place.take(await place.text())) == (0, 0, 2, 0)


async def test_a_part_in_the_trash_stays_there_and_that_is_told(place: Place) -> None:
    await place.take(calendar(weekly(), following("20261215T090000", "20261215T1400")))
    _, part = await parts(place)
    await place.ask(RemoveAppointment, appointment_id=UUID(part["id"]))
    text = calendar(weekly("Newer", sequence=2), following("20261215T090000", "20261215T1500"))
    later = await place.take(text)
    assert [(one.field, one.occurrence, one.taken) for one in later.conflicts] == [
        ("trashed_at", "2026-12-15T14:00:00", "here")
    ]
    assert await place.shown() == ["12-01T09:00 Newer", "12-08T09:00 Newer"]


async def test_a_part_of_which_nothing_is_left_is_put_into_the_trash_and_comes_back(place: Place) -> None:
    ranged = following("20261215T090000", "20261215T1400")
    await place.take(calendar(weekly(), ranged))
    _, part = await parts(place)
    await place.ask(EditAppointment, appointment_id=UUID(part["id"]), title="Ours")
    short = weekly(sequence=2).replace("COUNT=6", "COUNT=2")
    shorter = await place.take(calendar(short))
    assert [(one.field, one.taken) for one in shorter.conflicts] == [("trashed_at", "there")]
    assert await place.shown() == ["12-01T09:00 Weekly", "12-08T09:00 Weekly"]
    await place.take(calendar(weekly(sequence=3), ranged.replace("UID:", "SEQUENCE:3\nUID:")))
    assert len(await place.shown()) == 6


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
