"""An edit is taken back alone: what was changed since stands, or stands in the way."""

from typing import Any

import pytest

from sigdep.calendar.commands import AnswerInvitation, EditAppointment, RemoveAppointment, RestoreAppointment, UndoEdit
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import Joined
from sigdep.calendar.domain.past_edits import ChangedSince, NothingToUndo
from sigdep.calendar.events.appointments import Attendee
from tests.calendar.stories import DAILY, day
from tests.calendar.world import World

GUEST = "guest@example.org"


async def edit(world: World, appointment: Appointment, **fields: Any) -> Appointment:
    edited: Appointment = (await world.ask(EditAppointment, appointment_id=appointment.id, **fields)).value
    return edited


async def undo(world: World, appointment: Appointment, version: int | None = None) -> Appointment:
    undone: Appointment = (await world.ask(UndoEdit, appointment_id=appointment.id, version=version)).value
    return undone


async def test_the_last_edit_is_undone_first_then_the_one_before(world: World) -> None:
    one = await world.schedule(location="Room 1")
    await edit(world, one, title="Two")
    await edit(world, one, title="Three", location=None)
    assert (await undo(world, one)).title == "Two"
    last = await undo(world, one)
    assert (last.title, last.location) == ("Stand-up", "Room 1")
    with pytest.raises(NothingToUndo):
        await undo(world, one)


async def test_an_edit_in_between_is_undone_without_what_came_after_it(world: World) -> None:
    one = await world.schedule()
    await edit(world, one, title="Two")
    await edit(world, one, location="Room 1")
    undone = await undo(world, one, version=2)
    assert (undone.title, undone.location) == ("Stand-up", "Room 1")


async def test_an_edit_whose_field_was_changed_again_is_not_undone_before_that(world: World) -> None:
    one = await world.schedule()
    await edit(world, one, title="Two")
    await edit(world, one, title="Three")
    with pytest.raises(ChangedSince, match="title"):
        await undo(world, one, version=2)
    await undo(world, one, version=3)
    assert (await undo(world, one, version=2)).title == "Stand-up"


async def test_what_was_undone_is_undone_once_and_can_be_done_again_by_undoing_that(world: World) -> None:
    one = await world.schedule()
    await edit(world, one, title="Two")
    await undo(world, one, version=2)
    assert (await undo(world, one, version=2)).version == 3
    assert (await undo(world, one, version=3)).title == "Two"
    assert (await undo(world, one)).title == "Stand-up"


async def test_undoing_who_is_invited_keeps_the_answers_that_came_since(world: World) -> None:
    one = await world.schedule(attendees=(Attendee(email=GUEST),))
    await edit(world, one, attendees=(Attendee(email=GUEST), Attendee(email="other@example.org")))
    await world.ask(AnswerInvitation, appointment_id=one.id, answer="accepted", email=GUEST)
    assert (await undo(world, one)).attendees == (Attendee(email=GUEST, answer="accepted"),)


async def test_the_trash_and_a_cancelled_occurrence_are_undone(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    await world.ask(RemoveAppointment, appointment_id=one.id, occurrence=day(3))
    await world.ask(RemoveAppointment, appointment_id=one.id)
    assert (await undo(world, one)).trashed_at is None
    assert (await undo(world, one)).changed_occurrences == ()


async def test_a_cut_is_undone_from_either_part_with_what_people_did_to_the_later_one(world: World) -> None:
    whole = await world.schedule(recurrence=DAILY, attendees=(Attendee(email=GUEST),))
    late = {"scope": "following", "occurrence": day(8), "start": day(8, "15:00"), "end": day(8, "15:30")}
    later = await edit(world, whole, title="Afternoon", **late)
    assert (later.continues, later.start, later.title) == (whole.id, day(8, "15:00:00"), "Afternoon")
    await edit(world, later, occurrence=day(10, "15:00:00"), location="Room 1")
    await world.ask(
        AnswerInvitation, appointment_id=later.id, answer="declined", email=GUEST, occurrence=day(11, "15:00:00")
    )
    await edit(world, later, description="Bring cake")
    with pytest.raises(ChangedSince):
        await undo(world, whole)
    await undo(world, later)  # The cake.
    await undo(world, later)  # The room: the last edit of the later part itself.
    joined = await undo(world, later)
    assert (joined.id, joined.recurrence, joined.continued_by) == (whole.id, DAILY, None)
    assert [(one.occurrence, one.answers) for one in joined.changed_occurrences] == [(day(11), {GUEST: "declined"})]
    with pytest.raises(Joined):
        await world.ask(RestoreAppointment, appointment_id=later.id)
    assert (await undo(world, later)).version == joined.version


async def test_an_ended_series_goes_on_with_what_it_had(world: World) -> None:
    whole = await world.schedule(recurrence=DAILY)
    await edit(world, whole, occurrence=day(10), title="Retro")
    ended = (await world.ask(RemoveAppointment, appointment_id=whole.id, scope="following", occurrence=day(8))).value
    assert ended.changed_occurrences == ()
    resumed = await undo(world, whole)
    assert (resumed.recurrence, resumed.changed_occurrences[0].title) == (DAILY, "Retro")


async def test_of_a_new_appointment_there_is_nothing_to_undo(world: World) -> None:
    one = await world.schedule()
    for version in (None, 1, 7):
        with pytest.raises(NothingToUndo):
            await undo(world, one, version)
