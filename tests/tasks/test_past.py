"""What a task was at one version, for whoever tells people of it."""

import pytest

from sigdep.contracts.ids import TaskId
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.kernel.ids import SubjectId
from tests.tasks.stories import ADA, BOB, TEAM
from tests.tasks.write_side import World


async def test_the_answer_is_that_of_the_version_whatever_came_later(world: World) -> None:
    task = await world.create("Buy milk", workspace_id=TEAM)
    await world.edit(task, assignee_ids=(BOB,), title="Buy bread")
    await world.edit(task, assignee_ids=(), title="Buy cake")
    then = (await world.service.ask(FindThing(thing_id=task.id, version=2), internal_call())).value
    assert then == ThingThen(workspace_id=TEAM, title="Buy bread", created_by=ADA, people=(BOB,), people_before=())
    later = (await world.process()[1].ask(FindThing(thing_id=task.id, version=3), internal_call())).value
    assert (later.title, later.people, later.people_before) == ("Buy cake", (), (BOB,))
    first = (await world.service.ask(FindThing(thing_id=task.id, version=1), internal_call())).value
    assert (first.title, first.people, first.people_before) == ("Buy milk", (), ())


async def test_nobody_asks_it_and_nothing_is_said_of_what_is_not_there_or_erased(world: World) -> None:
    task = await world.create(workspace_id=TEAM)
    question = FindThing(thing_id=task.id, version=1)
    with pytest.raises(Forbidden):
        await world.service.ask(question, world.call())
    with pytest.raises(NotFound):
        await world.service.ask(FindThing(thing_id=TaskId(ADA), version=1), internal_call())
    await world.keys.destroy(SubjectId(TEAM))
    with pytest.raises(NotFound):
        await world.service.ask(question, internal_call())
