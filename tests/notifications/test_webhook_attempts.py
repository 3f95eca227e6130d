"""Webhooks over a log in memory: what is tried and when, and what two processes at once do."""

import asyncio
import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from sigdep.http.stamps import utc_now
from sigdep.kernel.channel import Postponed, Sent
from sigdep.kernel.errors import NotFound, Refused
from sigdep.notifications.commands.oblivion import ForgetMember
from sigdep.notifications.commands.webhooks import (
    PauseWebhook,
    RedeliverWebhook,
    ReplayWebhook,
    ResumeWebhook,
)
from sigdep.notifications.domain.webhook_delivery import PAUSES
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.queries.webhook_deliveries import (
    WebhookDeliveryView,
)
from sigdep.notifications.queries.webhooks import GetWebhook, WebhookView
from sigdep.notifications.writing.webhook_ends import LEFT
from sigdep.notifications.writing.webhook_work import LEASE, Begun, Ended
from tests.notifications.stories import ADA, BOB, TEAM, identity
from tests.notifications.told import Told
from tests.notifications.webhook_stories import (
    BUSY,
    GONE,
    HOOK,
    OTHER,
    PLACE,
    ask,
    attempt,
    begin,
    catch_up,
    deliveries,
    hear,
    make,
    only,
)
from tests.notifications.world import World


async def test_the_pauses_grow_and_the_last_failure_disables_it_and_tells_who_made_it(world: World, told: Told) -> None:
    await make(world, description="CI")
    await catch_up(world)
    await hear(world, told)
    at = (await only(world)).requested_at
    for number, pause in enumerate(PAUSES[1:], start=1):
        assert await begin(world, at - timedelta(milliseconds=1)) is None
        delivery = await attempt(world, BUSY, at)
        assert (delivery.state, delivery.attempts, delivery.why) == ("waiting", number, BUSY.reason)
        assert delivery.next_at == at + pause
        at = delivery.next_at
    delivery = await attempt(world, BUSY, at)
    assert (delivery.state, delivery.attempts, delivery.next_at) == ("failed", 10, None)
    assert [one.outcome for one in delivery.tried] == ["failed"] * 10
    webhook: WebhookView = (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value
    assert (webhook.state, webhook.why) == ("disabled", BUSY.reason)
    (notice,) = await world.inbox(ADA)
    assert (notice.kind, notice.title) == ("webhook.disabled", "The webhook CI is disabled")
    await ask(world, ResumeWebhook)
    await catch_up(world)
    assert (await only(world)).state == "waiting"


async def test_one_that_is_gone_is_disabled_at_once(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    assert (await attempt(world, GONE, utc_now())).state == "failed"
    assert (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.state == "disabled"
    assert len(await world.inbox(ADA)) == 1


async def test_whoever_has_left_is_not_told(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    begun = await begin(world, utc_now())
    assert begun is not None
    roles = world.roles[ADA].pop(TEAM)
    await world.write.webhook_work.end(begun, GONE, utc_now(), 0.0)
    world.roles[ADA][TEAM] = roles
    await world.project()
    assert (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.state == "disabled"
    assert await world.inbox(ADA) == []


async def test_who_is_removed_leaves_no_webhook_that_goes_on(world: World, told: Told) -> None:
    """Where it leads may be a place of theirs. Whoever resumes it keeps it from then on."""
    world.roles[BOB][TEAM] = "admin"
    await make(world, by=BOB, description="Bob's")
    await make(world, OTHER)
    await hear(world, told)
    left = ForgetMember(workspace_id=TEAM, user_id=BOB, removed_at=world.now, removed_by=ADA, at=world.now)
    del world.roles[BOB][TEAM]
    call = world.call(None)
    await world.write.ask(left, call)
    await world.write.ask(left, call)  # As a reaction that begins anew does.
    await world.ask(left, None)
    await hear(world, told, "TaskCompleted")
    waiting = (await deliveries(world))[0]
    assert await world.write.webhook_work.begin(waiting.id, utc_now()) == Ended("suppressed")
    webhook: WebhookView = (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value
    assert (webhook.state, webhook.why) == ("disabled", LEFT)
    assert len(await deliveries(world, OTHER)) == 2
    (notice,) = await world.inbox(ADA)
    assert (notice.kind, notice.title) == ("webhook.disabled", "The webhook Bob's is disabled")
    resumed = await ask(world, ResumeWebhook)
    assert (resumed.kept_by, resumed.created_by) == (ADA, BOB)
    await catch_up(world)
    assert {one.state for one in await deliveries(world)} == {"waiting"}
    assert len(await deliveries(world)) == 2
    await world.ask(replace(left, removed_at=utc_now()), None)  # Bob came back, and has left again.
    assert (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.state == "active"


async def test_who_left_and_came_back_keeps_what_they_made_since(world: World, told: Told) -> None:
    removed_at = world.now - timedelta(seconds=1)
    world.roles[BOB][TEAM] = "admin"
    await make(world, by=BOB)
    await world.ask(ForgetMember(workspace_id=TEAM, user_id=BOB, removed_at=removed_at, at=world.now), None)
    await world.project()
    assert (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.state == "active"


async def test_pauses_are_spread_and_a_receiver_may_ask_for_more_up_to_a_day(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    at = (await only(world)).requested_at
    delivery = await attempt(world, BUSY, at, chance=1.0)
    assert delivery.next_at == at + 1.1 * PAUSES[1]
    at = delivery.next_at
    delivery = await attempt(world, Postponed(reason="Busy.", after_seconds=10_000), at)
    assert delivery.next_at == at + timedelta(seconds=10_000)
    at = delivery.next_at
    delivery = await attempt(world, Postponed(reason="Busy.", after_seconds=10**9), at)
    assert delivery.next_at == at + timedelta(days=1)


async def test_of_two_processes_one_has_it_until_its_lease_is_over(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    here, there = world.process().webhook_work, world.process().webhook_work
    now, delivery = utc_now(), (await only(world)).id
    both = await asyncio.gather(here.begin(delivery, now), there.begin(delivery, now))
    assert sum(one is not None for one in both) == 1
    assert await begin(world, now + LEASE - timedelta(milliseconds=1), there) is None
    second = await begin(world, now + LEASE, there)
    assert second is not None
    assert second.number == 2
    first = next(one for one in both if isinstance(one, Begun))
    assert second.message.key == first.message.key
    await here.end(first, BUSY, now + LEASE, 0.0)  # It comes too late to say that it failed,
    assert [one.outcome for one in (await only(world)).tried] == ["in_doubt", "under_way"]
    await here.end(first, Sent(), now + LEASE, 0.0)  # and not to say that it arrived.
    assert (await only(world)).state == "sent"
    await there.end(second, BUSY, now + LEASE, 0.0)
    assert (await only(world)).state == "sent"


async def test_what_has_no_result_ten_times_is_given_up(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    now = utc_now()
    for number in range(10):
        assert await begin(world, now + number * LEASE) is not None
    assert await begin(world, now + 10 * LEASE) is None
    assert (await only(world)).state == "failed"
    assert (await world.ask(GetWebhook(webhook_id=HOOK), ADA)).value.state == "disabled"


async def test_another_process_that_remembers_it_as_active_sends_nothing_while_it_is_paused(
    world: World, told: Told
) -> None:
    await make(world)
    await hear(world, told, "TaskCreated")
    world.write, other = world.process(), world.process().webhook_work
    assert (await other.webhook(HOOK)).state == "active"
    await ask(world, PauseWebhook)
    assert await begin(world, utc_now(), other) is None
    delivery = await only(world)
    assert (delivery.state, delivery.why) == ("suppressed", "paused")
    await hear(world, told, "TaskCompleted", work=other)
    await ask(world, ResumeWebhook)
    await catch_up(world)
    assert {one.state for one in await deliveries(world)} == {"waiting"}
    assert len(await deliveries(world)) == 2


async def test_another_process_that_remembers_it_as_paused_tells_it_once_it_goes_on(world: World, told: Told) -> None:
    await make(world)
    await ask(world, PauseWebhook)
    world.write, other = world.process(), world.process().webhook_work
    await hear(world, told, "TaskCreated", work=other)
    await ask(world, ResumeWebhook)
    await catch_up(world)
    await hear(world, told, "TaskCompleted", work=other)
    assert [one.event_type.rpartition(".")[2] for one in await deliveries(world)] == ["TaskCreated", "TaskCompleted"]


async def test_another_process_that_remembers_no_webhooks_tells_one_that_was_made_elsewhere(
    world: World, told: Told
) -> None:
    world.write, other = world.process(), world.process().webhook_work
    await make(world)
    await hear(world, told, "TaskCreated", work=other)  # It knows the list with one,
    await make(world, OTHER)
    await hear(world, told, "TaskCompleted", work=other)  # and hears of the second.
    assert [one.event_type for one in await deliveries(world, OTHER)] == ["sigdep.tasks.TaskCompleted"]


async def test_a_replay_that_is_asked_for_while_it_catches_up_is_not_lost(world: World, told: Told) -> None:
    for _ in range(5):
        told.add()
    await make(world)
    work = world.write.webhook_work
    as_it_was = await work.webhook(HOOK)
    await ask(world, ReplayWebhook, after={"tasks": 2}, partition=PLACE)
    now = await work.catch_up(as_it_was, "tasks", (), 5, finished=True, at=utc_now())
    assert (now.behind["tasks"].after, now.behind["tasks"].again) == (2, True)
    await catch_up(world)
    assert len(await deliveries(world)) == 3
    await ask(world, ReplayWebhook, after={"tasks": 0}, partition=PLACE)
    as_it_was = await work.webhook(HOOK)
    await ask(world, PauseWebhook)
    now = await work.catch_up(as_it_was, "tasks", (), 5, finished=True, at=utc_now())
    assert now.behind["tasks"].after == 0


async def test_redelivery(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    delivery = await only(world)
    with pytest.raises(Refused):
        await ask(world, RedeliverWebhook, delivery_id=delivery.id, at=utc_now())
    await attempt(world, Sent(), utc_now())
    again: WebhookDeliveryView = await ask(world, RedeliverWebhook, delivery_id=delivery.id, at=utc_now())
    assert (again.state, again.attempts) == ("waiting", 1)
    begun = await begin(world, utc_now())
    assert begun is not None
    assert json.loads(begun.message.document)["data"] == {"title": "Buy milk"}
    for wrong in (WebhookDeliveryId(identity(99)), WebhookDeliveryId(HOOK)):
        with pytest.raises(NotFound):
            await ask(world, RedeliverWebhook, delivery_id=wrong)
    await make(world, OTHER)
    with pytest.raises(NotFound):
        await ask(world, RedeliverWebhook, webhook_id=OTHER, delivery_id=delivery.id)
