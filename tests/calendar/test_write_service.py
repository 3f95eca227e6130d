"""Who may ask, what a command rests on, and what is answered when it comes twice."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from uuid_utils.compat import uuid7

from sigdep.calendar.commands import (
    AnswerInvitation,
    ArchiveCalendar,
    CreateCalendar,
    EditAppointment,
    EditCalendar,
    ForgetWorkspace,
    RemoveAppointment,
    RestoreAppointment,
    ScheduleAppointment,
    TrashCalendar,
    UndoEdit,
)
from sigdep.calendar.domain.appointment_decisions import AppointmentExists
from sigdep.calendar.domain.calendar import CalendarReadOnly, default_calendar
from sigdep.calendar.events.appointments import Attendee
from sigdep.calendar.events.oblivion import WorkspaceForgotten
from sigdep.calendar.publishing import publish
from sigdep.calendar.queries import ListCalendars, ListOccurrences
from sigdep.calendar.reactions import CalendarReactions
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import WorkspaceErased
from sigdep.contracts.ids import AppointmentId, CalendarId, UserId
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Stale
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.store import AnswerKey
from tests.calendar.stories import ADA, BOB, CY, DAILY, EVE, HOME, NOON, TEAM, WORK, day
from tests.calendar.world import ROLES, World


async def calendar(world: World, name: str = "Work", **fields: Any) -> CalendarId:
    made: CalendarId = (await world.ask(CreateCalendar, name=name, **fields)).value.id
    return made


async def test_without_a_calendar_it_is_in_the_default_one_which_is_made_once(world: World) -> None:
    first, second = await world.schedule(), await world.schedule()
    assert first.calendar_id == second.calendar_id == default_calendar(HOME)
    types = ["CalendarCreated", "AppointmentScheduled", "AppointmentScheduled"]
    assert [one.type for one in await world.events()] == types
    (made,) = await world.items(ListCalendars())
    assert (made["name"], made["default"], made["time_zone"]) == ("Calendar", True, "UTC")


async def test_without_a_zone_it_is_in_that_of_its_calendar(world: World) -> None:
    tokyo = await calendar(world, time_zone="Asia/Tokyo")
    one = (await world.ask(ScheduleAppointment, title="x", start="2026-12-01T09:00", calendar_id=tokyo)).value
    assert one.time_zone == "Asia/Tokyo"
    floating = await world.schedule(time_zone=None)
    assert floating.time_zone is None


async def test_an_all_day_event_that_gets_a_time_gets_the_zone_of_its_calendar(world: World) -> None:
    tokyo = await calendar(world, time_zone="Asia/Tokyo")
    one = (await world.ask(ScheduleAppointment, title="x", start="2026-12-01", calendar_id=tokyo)).value
    timed: dict[str, Any] = {"start": "2026-12-01T09:00", "end": "2026-12-01T10:00"}
    assert (await world.ask(EditAppointment, appointment_id=one.id, **timed)).value.time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("by", [BOB, CY, EVE])
async def test_strangers_find_nothing(world: World, by: UserId) -> None:
    one = await world.schedule(recurrence=DAILY)
    for kind, fields in changes_of(one.id):
        with pytest.raises(NotFound):
            await world.ask(kind, by=by, appointment_id=one.id, **fields)
    with pytest.raises(NotFound):
        await world.ask(EditCalendar, by=by, calendar_id=one.calendar_id, name="Mine")
    with pytest.raises(Invalid):
        await world.ask(ScheduleAppointment, by=by, title="x", start="2026-12-01", calendar_id=one.calendar_id)


def changes_of(_: AppointmentId) -> list[tuple[Any, dict[str, Any]]]:
    return [
        (EditAppointment, {"title": "x"}),
        (EditAppointment, {"title": "x", "scope": "following", "occurrence": day(8)}),
        (RemoveAppointment, {}),
        (RestoreAppointment, {}),
        (UndoEdit, {}),
        (AnswerInvitation, {"answer": "accepted"}),
        (AnswerInvitation, {"answer": "accepted", "email": "guest@example.org"}),
    ]


async def test_who_may_only_look_changes_nothing_but_their_own_answer(world: World) -> None:
    guest = Attendee(email="guest@example.org")
    one = await world.schedule(recurrence=DAILY, workspace_id=TEAM, attendees=(guest,))
    for kind, fields in changes_of(one.id):
        with pytest.raises(Forbidden):
            await world.ask(kind, by=CY, appointment_id=one.id, **fields)
    await world.ask(EditAppointment, appointment_id=one.id, attendees=(Attendee(user_id=CY), guest))
    answered = (await world.ask(AnswerInvitation, by=CY, appointment_id=one.id, answer="accepted")).value
    assert answered.attendees[0].answer == "accepted"


async def test_a_whole_calendar_goes_out_of_sight_by_an_admin_only(world: World) -> None:
    team = await calendar(world, workspace_id=TEAM)
    with pytest.raises(Forbidden):
        await world.ask(TrashCalendar, by=BOB, calendar_id=team)
    await world.ask(TrashCalendar, calendar_id=team)


async def test_what_is_in_an_archived_calendar_is_not_changed(world: World) -> None:
    work = await calendar(world)
    one = await world.schedule(calendar_id=work)
    other = await world.schedule()
    await world.ask(ArchiveCalendar, calendar_id=work)
    with pytest.raises(CalendarReadOnly):
        await world.ask(EditAppointment, appointment_id=one.id, title="x")
    with pytest.raises(CalendarReadOnly):
        await world.ask(EditAppointment, appointment_id=other.id, calendar_id=work)
    with pytest.raises(CalendarReadOnly):
        await world.schedule(calendar_id=work)


async def test_an_appointment_stays_in_its_workspace(world: World) -> None:
    one = await world.schedule()
    team = await calendar(world, workspace_id=TEAM)
    for elsewhere in (team, WORK):
        with pytest.raises(Invalid) as refused:
            await world.ask(EditAppointment, appointment_id=one.id, calendar_id=elsewhere)
        assert refused.value.faults[0].pointer == "/calendar_id"


async def test_only_members_are_invited_and_answer_themselves(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await world.schedule(workspace_id=TEAM, attendees=(Attendee(user_id=BOB), Attendee(user_id=EVE)))
    assert [fault.pointer for fault in refused.value.faults] == ["/attendees/1"]
    with pytest.raises(Invalid) as refused:
        await world.schedule(workspace_id=TEAM, attendees=(Attendee(user_id=BOB, answer="accepted"),))
    assert [fault.pointer for fault in refused.value.faults] == ["/attendees/0/answer"]
    await world.schedule(workspace_id=TEAM, attendees=(Attendee(user_id=ADA, answer="accepted"),))


async def test_the_same_request_may_come_again_with_an_id_of_ones_own(world: World) -> None:
    identity = AppointmentId(uuid7())
    first = await world.ask(ScheduleAppointment, appointment_id=identity, title="x", start="2026-12-01T09:00")
    await world.ask(EditAppointment, appointment_id=identity, title="y")
    again = await world.ask(ScheduleAppointment, appointment_id=identity, title="x", start="2026-12-01T09:00")
    assert (first.created, again.created, again.value.title) == (True, False, "y")
    with pytest.raises(AppointmentExists):
        await world.ask(ScheduleAppointment, appointment_id=identity, title="z", start="2026-12-01T09:00")


async def test_a_cut_that_comes_twice_by_its_key_is_made_once(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    key = {"answer_key": AnswerKey(caller=ADA, key="k", fingerprint=sha256(b"cut").digest())}
    asked: dict[str, Any] = {"appointment_id": one.id, "scope": "following", "occurrence": day(8), "title": "Later"}
    first = await world.ask(EditAppointment, call=key, **asked)
    again = await world.ask(EditAppointment, call=key, **asked)
    assert first.value == again.value
    assert len(await world.appointments()) == 2


async def test_a_kept_answer_is_not_for_somebody_who_was_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROLES, BOB, {**ROLES[BOB], TEAM: "member"})
    asked: dict[str, Any] = {
        "by": BOB,
        "call": {"answer_key": AnswerKey(caller=BOB, key="k", fingerprint=sha256(b"create").digest())},
        "name": "Shifts",
        "workspace_id": TEAM,
    }
    first = await world.ask(CreateCalendar, **asked)
    assert await world.ask(CreateCalendar, **asked) == first
    del ROLES[BOB][TEAM]
    with pytest.raises(NotFound):
        await world.ask(CreateCalendar, **asked)


async def test_a_stale_version_changes_nothing(world: World) -> None:
    one = await world.schedule()
    await world.ask(EditAppointment, appointment_id=one.id, title="Two")
    with pytest.raises(Stale):
        await world.ask(EditAppointment, call={"if_match": Version(1)}, appointment_id=one.id, title="Three")


async def test_a_dry_run_answers_what_would_happen_and_stores_nothing(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    count = len(await world.events())
    fields: dict[str, Any] = {"scope": "following", "occurrence": day(8), "title": "Later"}
    dry = await world.ask(EditAppointment, call={"dry_run": True}, appointment_id=one.id, **fields)
    assert (dry.value.title, dry.created) == ("Later", False)
    assert len(await world.events()) == count


async def test_others_hear_of_each_event_with_its_content(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    (recorded,) = [each for each in await world.events() if each.type == "AppointmentScheduled"]
    event = publish(recorded)
    assert event is not None
    told = msgspec.json.decode(msgspec.json.encode(event))
    assert (told["source"], told["type"]) == ("/contexts/calendar", "sigdep.calendar.AppointmentScheduled")
    assert (told["subject"], told["data"]["recurrence"]["rules"]) == (f"appointment-{one.id}", ["FREQ=DAILY"])


async def test_an_erased_workspace_is_forgotten_once_however_often_one_hears_of_it(world: World) -> None:
    await world.schedule(workspace_id=TEAM)
    await world.schedule()
    assert len(await world.items(ListOccurrences(workspace_id=TEAM, since=NOON))) == 1
    await world.keys.destroy(SubjectId(TEAM))
    event = CloudEvent(
        id="3-17",
        source="/contexts/users",
        type="sigdep.users.WorkspaceErased",
        time=NOON,
        data=WorkspaceErased(workspace_id=TEAM, erased_at=NOON),
    )
    for _ in range(2):
        await CalendarReactions(world.write).react(event)
    forgotten = [one.event for one in await world.events() if isinstance(one.event, WorkspaceForgotten)]
    assert forgotten == [WorkspaceForgotten(workspace_id=TEAM, at=NOON)]
    assert await world.items(ListOccurrences(workspace_id=TEAM, since=NOON)) == []
    assert len(await world.items(ListOccurrences(since=NOON))) == 1


async def test_nobody_asks_for_a_workspace_to_be_forgotten(world: World) -> None:
    call = world.call()
    with pytest.raises(Forbidden):
        await world.write.ask(ForgetWorkspace(workspace_id=HOME, at=NOON), call)
