"""What others hear, and what is done when others speak."""

import msgspec
import pytest

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import WorkspaceErased
from sigdep.kernel.ids import SubjectId
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.publishing import PRIVATE, publish
from sigdep.tasks.reactions import TasksReactions
from tests.tasks.stories import ADA, NOON, TEAM
from tests.tasks.write_side import World


async def test_an_event_is_told_with_its_content_and_its_place(world: World) -> None:
    task = await world.create("Buy milk", priority="high")
    (recorded,) = await world.events()
    event = publish(recorded)
    assert event is not None
    told = msgspec.json.decode(msgspec.json.encode(event))
    assert (told["specversion"], told["source"], told["type"]) == ("1.0", "/contexts/tasks", "sigdep.tasks.TaskCreated")
    assert (told["subject"], told["streamversion"], told["workspaceid"]) == (
        f"task-{task.id}",
        1,
        str(task.workspace_id),
    )
    assert (told["actorid"], told["id"]) == (str(ADA), f"{recorded.partition}-{recorded.position}")
    assert (told["data"]["title"], told["data"]["priority"], told["data"]["number"]) == ("Buy milk", "high", 1)
    assert msgspec.json.decode(msgspec.json.encode(event), type=CloudEvent).id == event.id


async def test_what_only_helps_to_decide_is_not_told(world: World) -> None:
    task = await world.create()
    await world.create(parent_id=task.id)
    await world.label()
    told = [recorded.type for recorded in await world.events() if publish(recorded) is not None]
    assert sorted(told) == ["LabelCreated", "TaskCreated", "TaskCreated"]
    assert {recorded.type for recorded in await world.events()} - set(told) <= {kind.__name__ for kind in PRIVATE}


async def test_what_was_erased_is_not_told(world: World) -> None:
    await world.create(workspace_id=TEAM)
    await world.keys.destroy(SubjectId(TEAM))
    assert [publish(recorded) for recorded in await world.events()] == [None]


@pytest.mark.parametrize("through_json", [False, True])
async def test_an_erased_workspace_is_forgotten_once_however_often_one_hears_of_it(
    world: World, through_json: bool
) -> None:
    event = CloudEvent(
        id="3-17",
        source="/contexts/users",
        type="sigdep.users.WorkspaceErased",
        time=NOON,
        data=WorkspaceErased(workspace_id=TEAM, erased_at=NOON),
    )
    if through_json:
        event = msgspec.json.decode(msgspec.json.encode(event), type=CloudEvent)
    for _ in range(2):
        await TasksReactions(world.process()[1]).react(event)
    assert [recorded.event for recorded in await world.events()] == [WorkspaceForgotten(workspace_id=TEAM, at=NOON)]


def test_of_all_that_others_say_only_erased_workspaces_are_heard(world: World) -> None:
    """What is not among these types is not even sent: `tests/services/test_reactor.py`."""
    assert TasksReactions(world.service).types == {"sigdep.users.WorkspaceErased"}
