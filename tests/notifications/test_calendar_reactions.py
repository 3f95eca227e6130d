"""What attendees hear of what others do with appointments."""

from collections.abc import Mapping
from typing import Any

import pytest

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import UserId
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.http.stamps import utc_now
from sigdep.kernel.errors import NotFound
from sigdep.kernel.messages import Command, Query
from sigdep.notifications.reactions import CalendarReactions
from sigdep.rpc.call import Answer, Call
from tests.notifications.stories import ADA, BOB, EVE, TEAM, identity
from tests.notifications.world import World

MEETING = identity(71)
CAROL = UserId(identity(3))
MORNING = "2026-12-01T09:00:00"

Told = Mapping[UserId, str]
"""The kind of the one notification that each has."""


class Calendar:
    """The service `calendar.write`, of which this is asked alone: who attended before an event, and after it."""

    def __init__(self, before: tuple[UserId, ...], after: tuple[UserId, ...]) -> None:
        self._before, self._after = before, after

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert message == FindThing(thing_id=MEETING, version=4)
        if not self._after and not self._before:
            raise NotFound("It has been erased.")
        then = ThingThen(
            workspace_id=TEAM, title="Plan", created_by=ADA, people=self._after, people_before=self._before
        )
        return Answer(value=then)


def happened(kind: str, **fields: Any) -> CloudEvent:
    return CloudEvent(
        id="3-21",
        source="/contexts/calendar",
        type=f"sigdep.calendar.{kind}",
        time=utc_now(),
        subject=f"appointment-{MEETING}",
        data={"appointment_id": str(MEETING), "by": str(ADA), "at": "2026-11-22T12:00:00Z", **fields},
        workspaceid=TEAM,
        streamversion=4,
    )


async def hear(world: World, event: CloudEvent, before: tuple[UserId, ...], after: tuple[UserId, ...]) -> Told:
    world.roles[CAROL] = {TEAM: "viewer"}
    reactions = CalendarReactions(world.write, calendar=Calendar(before, after))
    assert event.type in reactions.types
    for _ in range(2):
        await reactions.react(event)
    told: dict[UserId, str] = {}
    for person in (ADA, BOB, CAROL, EVE):
        for one in await world.inbox(person):
            assert person not in told
            assert (one.title, one.link, one.by) == ("Plan", f"/events/{MEETING}", ADA)
            told[person] = one.kind
    return told


INVITED, CHANGED, CANCELLED = "event.invited", "event.changed", "event.cancelled"
WITH_BOB = [{"user_id": str(BOB), "answer": "needs_action"}, {"user_id": None, "email": "x@example.org"}]


@pytest.mark.parametrize(
    "event, before, after, told",
    [
        (happened("AppointmentScheduled", title="Plan"), (), (ADA, BOB, EVE), {BOB: INVITED}),
        (happened("AppointmentScheduled", continues=str(identity(70))), (), (BOB,), {BOB: CHANGED}),
        (happened("AppointmentEdited", attendees=WITH_BOB), (), (BOB,), {BOB: INVITED}),
        (happened("AppointmentEdited", attendees=[]), (BOB, CAROL), (CAROL,), {BOB: CANCELLED}),
        (happened("AppointmentEdited", start=MORNING), (BOB,), (BOB,), {BOB: CHANGED}),
        (happened("AppointmentEdited", location=None), (BOB,), (BOB,), {BOB: CHANGED}),
        (
            happened("AppointmentEdited", start=MORNING, attendees=WITH_BOB),
            (CAROL,),
            (CAROL, BOB),
            {BOB: INVITED, CAROL: CHANGED},
        ),
        (happened("AppointmentEdited", status="cancelled"), (BOB,), (BOB,), {BOB: CANCELLED}),
        (happened("AppointmentEdited", title="Plan", color="#123456"), (BOB,), (BOB,), {}),
        (happened("OccurrenceEdited", occurrence=MORNING, location="Here"), (BOB,), (BOB,), {BOB: CHANGED}),
        (happened("OccurrenceEdited", occurrence=MORNING, attendees=WITH_BOB), (CAROL,), (CAROL,), {BOB: INVITED}),
        (happened("OccurrenceEdited", occurrence=MORNING, title="Plan"), (BOB,), (BOB,), {}),
        (happened("OccurrenceCancelled", occurrence=MORNING), (BOB,), (BOB,), {BOB: CANCELLED}),
        (happened("SeriesEnded", occurrence=MORNING), (BOB,), (BOB,), {BOB: CHANGED}),
        (happened("SeriesEnded", occurrence=MORNING, continued_by=str(identity(72))), (BOB,), (BOB,), {}),
        (happened("AppointmentTrashed"), (BOB,), (BOB,), {BOB: CANCELLED}),
        (happened("AppointmentTrashed"), (), (), {}),
    ],
)
async def test_attendees_hear_what_matters_to_who_means_to_be_there(
    world: World, event: CloudEvent, before: tuple[UserId, ...], after: tuple[UserId, ...], told: Told
) -> None:
    assert await hear(world, event, before, after) == told


async def test_what_is_told_of_one_occurrence_leads_there(world: World) -> None:
    await hear(world, happened("OccurrenceCancelled", occurrence=MORNING), (BOB,), (BOB,))
    (one,) = await world.inbox()
    assert one.thing is not None
    assert (one.thing.kind, one.thing.id, one.thing.occurrence) == ("appointment", MEETING, MORNING)
