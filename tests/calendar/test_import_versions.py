"""A later version of an event changes what it says otherwise; what was changed here is not lost."""

from typing import Any

from sigdep.calendar.commands import AnswerInvitation, EditAppointment, RemoveAppointment, UndoEdit
from sigdep.calendar.events.appointments import Attendee, Reminder
from sigdep.calendar.queries import Imported
from tests.calendar.importing import Place, counts, moved, weekly
from tests.calendar.stories import TEAM
from tests.ical.samples import calendar


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


async def test_what_was_made_later_counts_where_the_sequence_says_nothing(place: Place) -> None:
    """Google leaves SEQUENCE as it is where a title changes."""

    def version(title: str, modified: int, stamp: int) -> bytes:
        return calendar(f"UID:1\nDTSTAMP:202601{stamp:02}T000000Z\nLAST-MODIFIED:202601{modified:02}T000000Z\n"
                        f"DTSTART:20261201T090000Z\nSUMMARY:{title}")  # fmt: skip

    await place.take(version("First", 3, 5))
    older = await place.take(version("Older", 2, 6))
    assert [one.reason for one in older.skipped] == [
        "The text has an older version of it: LAST-MODIFIED 2026-01-02T00:00:00Z, where ours is 2026-01-03T00:00:00Z."
    ]
    assert "DTSTAMP 2026-01-04" in (await place.take(version("Older", 3, 4))).skipped[0].reason
    assert counts(await place.take(version("First", 3, 9))) == (0, 0, 1, 0), "the same, written again"
    assert counts(await place.take(version("Newer", 4, 4))) == (0, 1, 0, 0)
    assert (await place.one("1"))["title"] == "Newer"


# ── three versions, field by field ──────────────────────────────────────────────────────────────────────


async def edit(place: Place, **fields: Any) -> None:
    await place.ask(EditAppointment, appointment_id=(await place.one())["id"], **({"scope": "all"} | fields))


def told(imported: Imported) -> list[tuple[str, str | None, str | None, str | None, str]]:
    assert imported.conflict_count == len(imported.conflicts)
    return [(one.field, one.occurrence, one.here, one.there, one.taken) for one in imported.conflicts]


async def test_what_each_side_changed_is_there_afterwards(place: Place) -> None:
    await place.take(calendar(weekly(more="LOCATION:Room 3")))
    await edit(place, title="Ours", reminders=(Reminder(before="PT10M"),))
    later = await place.take(calendar(weekly(sequence=2, more="LOCATION:Room 4\nDESCRIPTION:Theirs")))
    assert (counts(later), told(later)) == ((0, 1, 0, 0), [])
    series = await place.one()
    assert (series["title"], series["location"], series["description"]) == ("Ours", "Room 4", "Theirs")
    assert [one["before"] for one in series["reminders"]] == ["PT10M"]
    assert counts(await place.take(calendar(weekly(sequence=2, more="LOCATION:Room 4\nDESCRIPTION:Theirs"))))[2] == 1


async def test_what_both_changed_is_as_there_and_told(place: Place) -> None:
    await place.take(calendar(weekly()))
    await edit(place, title="Ours", location="Here")
    text = calendar(weekly("Theirs", sequence=2))
    would = await place.take(text, call={"dry_run": True})
    later = await place.take(text)
    assert told(later) == told(would) == [("title", None, "Ours", "Theirs", "there")]
    assert later.conflicts[0].uid == "weekly@example.com"
    series = await place.one()
    assert (series["title"], series["location"]) == ("Theirs", "Here")
    await place.ask(UndoEdit, appointment_id=series["id"])
    assert (await place.one())["title"] == "Ours"
    assert counts(await place.take(text)) == (0, 0, 1, 0), "it was undone on purpose"
    await edit(place, title="Ours again")
    assert told(await place.take(calendar(weekly("Theirs", sequence=3)))) == [], "it says nothing new of that"
    assert (await place.one())["title"] == "Ours again"


async def test_a_series_that_moved_here_gets_the_new_rule_of_there(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    await edit(place, start="2026-12-01T11:00", end="2026-12-01T11:30")
    later = await place.take(calendar(weekly(sequence=2).replace("COUNT=6", "COUNT=4"), moved(2)))
    assert (counts(later), told(later)) == ((0, 1, 0, 0), [])
    assert await place.shown() == [
        *("12-01T11:00 Weekly", "12-08T14:00 Weekly, later", "12-15T11:00 Weekly", "12-22T11:00 Weekly"),
    ]
    excluded = weekly(sequence=3, more="X-KEPT:1\nEXDATE;TZID=Europe/Berlin:20261215T090000")
    assert told(await place.take(calendar(excluded.replace("COUNT=6", "COUNT=4"), moved(3)))) == []
    assert "12-15T11:00 Weekly" not in await place.shown()
    both = weekly(sequence=4).replace("T090000", "T080000").replace("T093000", "T083000")
    assert told(await place.take(calendar(both))) == [
        ("start", None, "2026-12-01T11:00:00", "2026-12-01T08:00:00", "there"),
        ("end", None, "2026-12-01T11:30:00", "2026-12-01T08:30:00", "there"),
    ]


async def test_what_both_changed_about_one_occurrence_is_told_by_its_name(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    await edit(place, scope="this", occurrence="2026-12-08T09:00:00", title="Ours", location="Here")
    await edit(place, scope="this", occurrence="2026-12-15T09:00:00", title="Third")
    later = await place.take(calendar(weekly(sequence=2), moved(2).replace("later", "latest")))
    assert told(later) == [("title", "2026-12-08T09:00:00", "Ours", "Weekly, latest", "there")]
    second, third = (await place.one())["changed_occurrences"]
    assert (second["title"], second["location"], third["title"]) == ("Weekly, latest", "Here", "Third")
    gone = weekly(sequence=3, more="X-KEPT:1\nEXDATE;TZID=Europe/Berlin:20261215T090000")
    assert told(await place.take(calendar(gone, moved(3).replace("later", "latest")))) == [
        ("recurrence", "2026-12-15T09:00:00", None, None, "here")
    ]
    assert "12-15T09:00 Third" in await place.shown(), "it goes on beside the others"


async def test_an_occurrence_that_was_cancelled_here_stays_so_and_that_is_told(place: Place) -> None:
    await place.take(calendar(weekly(), moved()))
    await place.ask(
        RemoveAppointment, appointment_id=(await place.one())["id"], scope="this", occurrence="2026-12-08T09:00:00"
    )
    later = await place.take(calendar(weekly(sequence=2), moved(2).replace("later", "latest")))
    assert told(later) == [("cancelled", "2026-12-08T09:00:00", "true", "false", "here")]
    assert "12-08T14:00 Weekly, latest" not in await place.shown()
    cancelled = await place.take(calendar(weekly(sequence=3), moved(3) + "\nSTATUS:CANCELLED"))
    assert told(cancelled) == []


async def test_people_and_their_answers_are_merged_one_by_one(place: Place) -> None:
    def invited(*people: str) -> str:
        return "\n".join(f"ATTENDEE{one}@example.com" for one in people)

    await place.take(calendar(weekly(more=invited(":mailto:a", ":mailto:b", ":mailto:c"))))
    series = await place.one()
    for who in ("a", "b"):
        answer = {"appointment_id": series["id"], "answer": "accepted", "email": f"{who}@example.com"}
        await place.ask(AnswerInvitation, **answer)
    people = [Attendee(email=f"{who}@example.com") for who in ("a", "b", "e")]
    await edit(place, attendees=tuple(people))
    text = invited(":mailto:a", ";PARTSTAT=DECLINED:mailto:b", ":mailto:c", ":mailto:d")
    later = await place.take(calendar(weekly(sequence=2, more=text)))
    found = {one["email"][0]: one["answer"] for one in (await place.one())["attendees"]}
    assert found == {"a": "accepted", "b": "declined", "d": "needs_action", "e": "needs_action"}
    assert told(later) == [
        ("attendees", None, "b@example.com (accepted)", "b@example.com (declined)", "there"),
    ]
    gone = await place.take(calendar(weekly(sequence=3, more=invited(";PARTSTAT=DECLINED:mailto:b"))))
    assert told(gone) == [("attendees", None, "a@example.com (accepted)", None, "there")]
    assert [one["email"][0] for one in (await place.one())["attendees"]] == ["b", "e"]


async def test_of_what_was_made_here_all_that_is_otherwise_there_is_told(place: Place) -> None:
    """There is nothing to compare it with: nobody knows who changed it."""
    there = {"calendar_id": place.calendar.id, "workspace_id": TEAM}
    await place.schedule(**there, uid="1", title="Ours", recurrence=None, location="Here")
    text = "UID:1\nDTSTART;TZID=Europe/Berlin:20261201T090000\nDTEND;TZID=Europe/Berlin:20261201T091500\nSUMMARY:Theirs"
    assert told(await place.take(calendar(text))) == [
        ("title", None, "Ours", "Theirs", "there"),
        ("location", None, "Here", None, "there"),
    ]


async def test_values_that_are_told_are_shortened(place: Place) -> None:
    await place.take(calendar(weekly()))
    await edit(place, description="x" * 60_000)
    (one,) = (await place.take(calendar(weekly(sequence=2, more="DESCRIPTION:" + "y" * 9_000)))).conflicts
    assert (one.here, len(one.there or "")) == ("x" * 199 + "…", 200)
