"""What is done when others speak: real events of tasks, as they are published, and as they come over a network."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import MemberRemoved, PublicEvent, UserErased, WorkspaceErased
from sigdep.contracts.ids import TaskId, UserId
from sigdep.contracts.membership import FindByEmail
from sigdep.http.stamps import utc_now
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.messages import Command, Query
from sigdep.notifications.publishing import publish
from sigdep.notifications.reactions import TasksReactions, UsersReactions
from sigdep.notifications.reactions.tasks import EXCERPT_LENGTH_MAX
from sigdep.notifications.reactions.telling import NEWS_FOR
from sigdep.rpc.call import Answer, Call
from sigdep.tasks.commands.tasks import CommentOnTask, EditTask
from sigdep.tasks.domain.task import Task
from sigdep.tasks.publishing import publish as publish_task
from tests.notifications.stories import ADA, BOB, EVE, LATER, NOON, TEAM
from tests.notifications.world import World
from tests.tasks import stories as tasks
from tests.tasks.write_side import World as TasksWorld

BOTH_WAYS = pytest.mark.parametrize("through_json", [False, True])


class Directory:
    """The service `users.write`, of which this is asked alone."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert isinstance(message, FindByEmail)
        known = {"bob@example.org": BOB, "ada@example.org": ADA}
        return Answer(value=tuple(known[email] for email in message.emails if email in known))


class Story:
    """Tasks of the team, and whoever is told of them."""

    def __init__(self, world: World, *, through_json: bool = False) -> None:
        assert (ADA, BOB, EVE, TEAM) == (tasks.ADA, tasks.BOB, tasks.EVE, tasks.TEAM)
        self.world = world
        self.tasks = TasksWorld(now=utc_now())
        self.reactions = TasksReactions(world.write, tasks=self.tasks.service, users=Directory())
        self.through_json = through_json

    async def create(self, **fields: Any) -> Task:
        return await self.tasks.create(workspace_id=TEAM, **fields)

    async def comment(self, task: Task, text: str, by: UserId = ADA) -> None:
        await self.tasks.ask(CommentOnTask, task_id=TaskId(task.id), text=text, by=by)

    async def assign(self, task: Task, *assignees: UserId, by: UserId = ADA) -> None:
        await self.tasks.ask(EditTask, task_id=TaskId(task.id), assignee_ids=assignees, by=by)

    async def published(self) -> list[CloudEvent]:
        told = [publish_task(recorded) for recorded in await self.tasks.events()]
        events = [event for event in told if event is not None]
        if self.through_json:
            events = [msgspec.json.decode(msgspec.json.encode(event), type=CloudEvent) for event in events]
        return [event for event in events if event.type in self.reactions.types]

    async def heard(self) -> None:
        """All that has happened, and all of it once more, as after a crash."""
        for event in (await self.published()) * 2:
            await self.reactions.react(event)

    async def inbox(self, by: UserId = BOB) -> Sequence[tuple[str, str]]:
        """Kinds and titles, the newest first."""
        return [(one.kind, one.title) for one in await self.world.inbox(by)]


@BOTH_WAYS
async def test_who_is_assigned_is_told_once(world: World, *, through_json: bool) -> None:
    story = Story(world, through_json=through_json)
    await story.create(title="With all of us", assignee_ids=(ADA, BOB))
    task = await story.create(title="Later")
    await story.assign(task, BOB)
    await story.assign(task, BOB, ADA)
    await story.assign(task)
    await story.heard()
    assert await story.inbox() == [("task.assigned", "Later"), ("task.assigned", "With all of us")]
    assert await story.inbox(ADA) == []


async def test_who_is_assigned_again_is_told_again(world: World) -> None:
    story = Story(world)
    task = await story.create(assignee_ids=(BOB,))
    await story.assign(task)
    await story.assign(task, BOB)
    await story.heard()
    assert len(await story.inbox()) == 2


async def test_what_one_does_oneself_is_no_news(world: World) -> None:
    story = Story(world)
    task = await story.create(assignee_ids=(ADA,))
    await story.assign(task, BOB, by=BOB)
    await story.comment(task, f"I am @{ADA}")
    await story.heard()
    assert await story.inbox(ADA) == []
    assert await story.inbox(BOB) == [("task.commented", "Buy milk")]


@BOTH_WAYS
async def test_a_comment_tells_those_mentioned_and_those_concerned_each_once(
    world: World, *, through_json: bool
) -> None:
    story = Story(world, through_json=through_json)
    task = await story.create()
    await story.comment(task, f"Ask @{BOB} or @bob@example.org, not @{EVE}")
    await story.comment(task, "All  done.\n" + "x" * EXCERPT_LENGTH_MAX, by=BOB)
    await story.heard()
    assert await story.inbox() == [("task.mentioned", "Buy milk")]
    (told,) = await world.inbox(ADA)
    assert (told.kind, told.by, told.workspace_id, told.link) == ("task.commented", BOB, TEAM, f"/tasks/{task.id}")
    assert told.body.startswith("All done. xxx")
    assert len(told.body) == EXCERPT_LENGTH_MAX
    assert await story.inbox(EVE) == []


async def test_the_title_is_that_of_the_moment(world: World) -> None:
    story = Story(world)
    task = await story.create()
    await story.assign(task, BOB)
    await story.tasks.edit(task, title="Buy bread")
    await story.heard()
    assert await story.inbox() == [("task.assigned", "Buy milk")]


async def test_of_what_happened_long_ago_nobody_is_told(world: World) -> None:
    story = Story(world)
    await story.create(assignee_ids=(BOB,))
    (event,) = await story.published()
    await story.reactions.react(msgspec.structs.replace(event, time=utc_now() - NEWS_FOR - timedelta(seconds=1)))
    assert await story.inbox() == []


async def test_of_an_erased_workspace_nobody_is_told(world: World) -> None:
    story = Story(world)
    task = await story.create()
    await story.comment(task, f"@{BOB}")
    events = await story.published()
    await story.tasks.keys.destroy(SubjectId(TEAM))
    await world.keys.destroy(SubjectId(TEAM))
    reactions = TasksReactions(world.process(), tasks=story.tasks.process()[1], users=Directory())
    for event in events:
        await reactions.react(event)
    assert await world.types() == []


async def test_everything_that_is_told_is_told_to_its_recipient_alone(world: World) -> None:
    story = Story(world)
    await story.create(assignee_ids=(BOB,))
    await story.heard()
    for recorded in await world.events():
        event = publish(recorded)
        assert event is not None
        assert (event.recipientid, event.workspaceid) == (str(BOB), TEAM)
        assert event.type == "sigdep.notifications.NotificationPosted"


@BOTH_WAYS
async def test_what_was_erased_or_left_is_forgotten_once(world: World, *, through_json: bool) -> None:
    facts: list[PublicEvent] = [
        MemberRemoved(workspace_id=TEAM, user_id=BOB, removed_at=LATER),
        WorkspaceErased(workspace_id=TEAM, erased_at=NOON),
        UserErased(user_id=BOB, erased_at=NOON),
    ]
    for number, fact in enumerate(facts * 2):
        event = CloudEvent(
            id=f"1-{number % len(facts)}",
            source="/contexts/users",
            type=f"sigdep.users.{type(fact).__name__}",
            time=NOON,
            data=fact,
        )
        if through_json:
            event = msgspec.json.decode(msgspec.json.encode(event), type=CloudEvent)
        assert event.type in UsersReactions.types
        await UsersReactions(world.process()).react(event)
    assert await world.types() == ["MemberForgotten", "PersonForgotten", "WorkspaceForgotten"]
