"""What an appointment was at one version, for whoever tells people of it."""

from typing import Any

import msgspec
import pytest

from sigdep.calendar.commands import EditAppointment
from sigdep.calendar.events.appointments import Attendee
from sigdep.calendar.publishing import publish
from sigdep.contracts.events import AppointmentEdited
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import Forbidden, NotFound
from tests.calendar.stories import ADA, BOB, TEAM
from tests.calendar.world import World


async def test_the_answer_is_that_of_the_version_whatever_came_later() -> None:
    world = await World().start()
    plan = await world.schedule(title="Plan", workspace_id=TEAM, attendees=(Attendee(user_id=ADA),))
    both: Any = (Attendee(user_id=ADA), Attendee(user_id=BOB), Attendee(email="x@example.org"))
    await world.ask(EditAppointment, appointment_id=plan.id, title="The plan", attendees=both)
    await world.ask(EditAppointment, appointment_id=plan.id, title="A plan", attendees=())
    then = (await world.write.ask(FindThing(thing_id=plan.id, version=2), internal_call())).value
    assert then == ThingThen(
        workspace_id=TEAM, title="The plan", created_by=ADA, people=(ADA, BOB), people_before=(ADA,)
    )
    with pytest.raises(Forbidden):
        await world.write.ask(FindThing(thing_id=plan.id, version=2), world.call())
    with pytest.raises(NotFound):
        await world.write.ask(FindThing(thing_id=ADA, version=1), internal_call())
    edits = [publish(recorded) for recorded in await world.events() if recorded.type == "AppointmentEdited"]
    assert edits
    for event in edits:
        assert event is not None
        assert msgspec.convert(msgspec.to_builtins(event.data), AppointmentEdited).appointment_id == plan.id
