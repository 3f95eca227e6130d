"""Webhooks over a log in memory: what they are told."""

import pytest

from sigdep.http.stamps import utc_now
from sigdep.kernel.channel import Sent
from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.notifications.commands.webhooks import (
    PauseWebhook,
    ReplayWebhook,
    ResumeWebhook,
)
from sigdep.notifications.domain.webhook import Webhook
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhooks import GetWebhook, ListWebhooks
from sigdep.notifications.webhooks.telling import WebhookReactions
from sigdep.services.clock import ProcessClock
from tests.notifications.stories import ADA, BOB, HOME, TEAM
from tests.notifications.told import Told
from tests.notifications.webhook_stories import HOOK, OTHER, PLACE, ask, attempt, catch_up, deliveries, hear, make
from tests.notifications.world import World


async def test_it_is_told_once_of_what_happens_after_it_was_made(world: World, told: Told) -> None:
    before = told.add()
    await make(world)
    reactions = WebhookReactions(world.write.webhook_work, ProcessClock())
    event = told.add("TaskCompleted")
    for heard in (before, event, event):
        await reactions.react(heard)
    assert [one.event_type for one in await deliveries(world)] == ["sigdep.tasks.TaskCompleted"]


@pytest.mark.parametrize(
    "kinds, heard",
    [
        ((), ["TaskCreated", "TaskCompleted"]),
        (("sigdep.tasks.*",), ["TaskCreated", "TaskCompleted"]),
        (("sigdep.tasks.TaskCompleted", "sigdep.calendar.*"), ["TaskCompleted"]),
        (("sigdep.calendar.*",), []),
    ],
)
async def test_it_hears_of_its_types_alone(world: World, told: Told, kinds: tuple[str, ...], heard: list[str]) -> None:
    await make(world, event_types=kinds)
    await hear(world, told, "TaskCreated", "TaskCompleted")
    assert [one.event_type.rpartition(".")[2] for one in await deliveries(world)] == heard


async def test_it_hears_nothing_of_other_workspaces_or_of_what_is_for_one_recipient(world: World, told: Told) -> None:
    await make(world)
    reactions = WebhookReactions(world.write.webhook_work, ProcessClock())
    await reactions.react(told.add(workspace=HOME))
    await reactions.react(told.add(recipient=str(BOB)))
    assert await deliveries(world) == []
    assert "WebhookDeliveryRequested" not in await world.types()


async def test_what_was_passed_over_while_it_was_being_made_is_told(world: World, told: Told) -> None:
    """The event came after the heads were asked for, and was heard of before the webhook was there."""
    await make(world)
    told.add("TaskCompleted")
    await catch_up(world)
    assert [one.event_type for one in await deliveries(world)] == ["sigdep.tasks.TaskCompleted"]
    assert not (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.catching_up


@pytest.mark.parametrize("count", [1, 39, 40, 41, 100, 101, 250])
async def test_all_that_was_missed_is_told_however_much_it_is(world: World, told: Told, count: int) -> None:
    await make(world)
    await ask(world, PauseWebhook)
    await hear(world, told, *["TaskCreated"] * count)
    assert await deliveries(world) == []
    await ask(world, ResumeWebhook)
    await catch_up(world)
    (webhook,) = (await world.ask(ListWebhooks(workspace_id=TEAM), ADA)).value.items
    assert webhook.catching_up  # As far as it was projected before.
    await world.project()
    types = await world.types()
    assert types.count("WebhookDeliveryRequested") == count
    assert not (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.catching_up
    await catch_up(world)
    assert await world.types() == types


async def test_a_replay_repeats_what_was_told_and_adds_what_was_not(world: World, told: Told) -> None:
    told.add("TaskEdited")
    await make(world)
    await hear(world, told)
    await attempt(world, Sent(), utc_now())
    await ask(world, ReplayWebhook, after={"tasks": 0}, partition=PLACE)
    await catch_up(world)
    found = {one.event_type.rpartition(".")[2]: one for one in await deliveries(world)}
    assert {name: one.state for name, one in found.items()} == {"TaskCreated": "waiting", "TaskEdited": "waiting"}
    assert found["TaskCreated"].attempts == 1
    with pytest.raises(Invalid):
        await ask(world, ReplayWebhook, after={"users": 0}, partition=PLACE)
    with pytest.raises(Invalid):
        await ask(world, ReplayWebhook, after={"tasks": 0}, partition=PLACE + 1)


async def test_a_replay_from_a_position_of_the_feed_comes_to_its_end(world: World, told: Told) -> None:
    """Such a position has a place in every log: also in those of which webhooks are told nothing."""
    told.add()
    await make(world)
    await ask(world, ReplayWebhook, after={"tasks": 0, "users": 0, "notifications": 3}, partition=PLACE)
    await catch_up(world)
    await world.project()
    assert not (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.catching_up
    assert len(await deliveries(world)) == 1


async def test_one_that_missed_what_nobody_tells_any_more_comes_to_its_end(world: World, told: Told) -> None:
    told.add()
    await make(world)
    await ask(world, ReplayWebhook, after={"tasks": 0}, partition=PLACE)
    world.sources = {}
    await catch_up(world)
    await world.project()
    assert not (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.catching_up


@pytest.mark.parametrize("error", [Unavailable("It is away."), RuntimeError("A bug.")])
async def test_one_that_cannot_catch_up_does_not_keep_another_waiting(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    told.add()
    work = world.write.webhook_work
    for webhook in (HOOK, OTHER):
        await make(world, webhook)
        await ask(world, ReplayWebhook, webhook_id=webhook, after={"tasks": 0}, partition=PLACE)
    found = work.webhook

    async def fails_for_the_first(webhook_id: WebhookId) -> Webhook:
        if webhook_id == HOOK:
            raise error
        return await found(webhook_id)

    monkeypatch.setattr(work, "webhook", fails_for_the_first)
    await catch_up(world)
    assert len(await deliveries(world, OTHER)) == 1
    monkeypatch.undo()
    await catch_up(world)
    assert len(await deliveries(world)) == 1
