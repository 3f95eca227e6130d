"""Webhooks that send over HTTP: what arrives, and what does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from random import Random

import pytest

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webhook.channel import WebhookChannel
from sigdep.http.stamps import utc_now
from sigdep.kernel.errors import NotFound
from sigdep.kernel.store import AnswerKey
from sigdep.notifications.commands.webhooks import (
    CreateWebhook,
    PauseWebhook,
    ResumeWebhook,
)
from sigdep.notifications.webhooks.sender import OF_ONE_WEBHOOK_MAX, WebhookSender
from sigdep.notifications.webhooks.telling import WebhookReactions
from sigdep.services.clock import ProcessClock
from sigdep.testing.webhook_sink import WebhookSink
from tests.notifications.reminding_world import Clock
from tests.notifications.stories import BOB, TEAM
from tests.notifications.told import Told
from tests.notifications.webhook_stories import (
    FAR,
    HOOK,
    OTHER,
    SECRET,
    Counted,
    ask,
    begin,
    catch_up,
    deliveries,
    hear,
    make,
    only,
)
from tests.notifications.world import World


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    sink = WebhookSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def channel() -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(Outgoing(AddressRules.parse("127.0.0.0/8")))
    yield channel
    await channel.close()


async def test_what_is_due_arrives_once_with_two_senders_at_it(
    world: World, told: Told, sink: WebhookSink, channel: WebhookChannel
) -> None:
    await make(world, url=sink.url)
    await hear(world, told, *["TaskCreated"] * 30)
    await world.project()
    senders = [
        WebhookSender(process.webhook_work, world.read, channel, ProcessClock(), Counted(), Random(1))
        for process in (world.process(), world.process())
    ]
    for _ in range(10):
        await asyncio.gather(*(sender.begin_due(utc_now()) for sender in senders))
        await asyncio.gather(*(sender.settle() for sender in senders))
        await world.project()
    assert sorted(sink.records.keys) == sorted(str(one.id) for one in await deliveries(world))
    assert sink.records.faults == []
    assert {json.loads(one.raw[1])["source"] for one in sink.records.arrived} == {"/contexts/tasks"}


async def test_what_comes_of_each_is_counted(
    world: World, told: Told, sink: WebhookSink, channel: WebhookChannel
) -> None:
    await make(world, url=sink.url)
    counted = Counted()
    sender = WebhookSender(world.write.webhook_work, world.read, channel, ProcessClock(), counted, Random(1))

    async def send(at: datetime) -> None:
        await world.project()
        await sender.begin_due(at)
        await sender.settle()

    await hear(world, told)
    await world.project()
    due_at = (await only(world)).requested_at
    await send(due_at + timedelta(seconds=7))
    assert (sender.found, sender.overdue_seconds) == (1, 7)
    sink.answer_status = 503
    await hear(world, told)
    await send(utc_now())
    await send(utc_now())
    assert (sender.found, sender.overdue_seconds) == (0, 0)
    await hear(world, told)
    await hear(world, told)
    await world.project()
    first, second = [one.id for one in await deliveries(world) if not one.attempts]
    sink.answer_status = 410
    await send(utc_now())
    assert counted.calls == 4
    assert counted.outcomes == {"sent": 1, "postponed": 1, "failed": 2}
    assert counted.disabled == 1
    assert {first, second} == {one.id for one in await deliveries(world) if one.state == "failed"}
    await send(FAR)
    assert counted.outcomes == {"sent": 1, "postponed": 1, "failed": 2}


async def test_attempts_and_leases_go_by_the_clock_that_all_who_send_share(
    world: World, told: Told, sink: WebhookSink, channel: WebhookChannel
) -> None:
    await make(world, url=sink.url)
    await hear(world, told, "TaskCreated")
    await world.project()
    ahead = utc_now() + timedelta(hours=5)
    sender = WebhookSender(world.write.webhook_work, world.read, channel, Clock(ahead), Counted())
    await sender.begin_due(ahead)
    await sender.settle()
    await world.project()
    (one,) = await deliveries(world)
    assert (one.state, one.finished_at, [attempt.at for attempt in one.tried]) == ("sent", ahead, [ahead])


async def test_what_is_told_is_due_by_the_clock_that_all_who_hear_share(world: World, told: Told) -> None:
    ahead = utc_now() + timedelta(hours=5)
    await make(world)
    await WebhookReactions(world.write.webhook_work, Clock(ahead)).react(told.add())
    assert (await only(world)).requested_at == ahead
    await ask(world, PauseWebhook)
    await hear(world, told)
    await ask(world, ResumeWebhook)
    await catch_up(world, Clock(ahead + timedelta(hours=1)))
    assert [one.requested_at - ahead for one in await deliveries(world)] == [timedelta(0), timedelta(hours=1)]


async def test_one_that_is_silent_does_not_hold_up_another(
    world: World, told: Told, sink: WebhookSink, channel: WebhookChannel
) -> None:
    silent = WebhookSink()
    await silent.start()
    silent.records.trouble = "silent"
    await make(world, url=silent.url)
    await hear(world, told, *["TaskCreated"] * 250)
    await make(world, OTHER, url=sink.url)
    await hear(world, told, "TaskCompleted")
    await world.project()
    sender = WebhookSender(world.write.webhook_work, world.read, channel, ProcessClock(), Counted())
    try:
        async with asyncio.timeout(60):
            while not sink.records.arrived:
                await sender.begin_due(utc_now())
                await asyncio.sleep(0.02)
        assert silent.records.asked <= OF_ONE_WEBHOOK_MAX
    finally:
        await silent.stop()
        await sender.close()


async def test_what_was_under_way_when_it_stopped_is_tried_again_under_the_same_id(
    world: World, told: Told, sink: WebhookSink, channel: WebhookChannel
) -> None:
    sink.records.trouble = "silent"
    await make(world, url=sink.url)
    await hear(world, told)
    await world.project()
    sender = WebhookSender(world.write.webhook_work, world.read, channel, ProcessClock(), Counted())
    assert await sender.begin_due(utc_now()) == 1
    await sink.records.was_asked.wait()
    await sender.close()
    delivery = await only(world)
    assert delivery.state == "attempting"
    assert delivery.next_at is not None
    begun = await begin(world, delivery.next_at)
    assert begun is not None
    assert (begun.number, begun.message.key) == (2, str(delivery.id))


async def test_a_kept_answer_is_not_for_somebody_who_was_removed(world: World) -> None:
    key = AnswerKey(caller=BOB, key="once", fingerprint=b"x" * 32)
    world.roles[BOB][TEAM] = "owner"
    create = CreateWebhook(
        webhook_id=HOOK, by=BOB, at=world.now, url="https://hooks.example.com/x", secret=SECRET, workspace_id=TEAM
    )
    first = await world.ask(create, answer_key=key)
    assert await world.ask(create, answer_key=key) == first
    del world.roles[BOB][TEAM]
    with pytest.raises(NotFound):
        await world.ask(create, answer_key=key)
