"""What webhooks were told long ago leaves the list, and nothing else: in small batches, and the same by a replay."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.channel import Postponed, Sent
from sigdep.kernel.read_store import Order, Row, Select
from sigdep.notifications.commands.webhooks import CreateWebhook, RedeliverWebhook
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import ListWebhookDeliveries, WebhookDeliveryView
from sigdep.notifications.read_models.webhooks import WEBHOOK_DELIVERIES
from sigdep.notifications.webhooks import records
from sigdep.notifications.webhooks.records import WebhookRecordsKeeper
from sigdep.notifications.webhooks.telling import WebhookReactions
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.webhook_work import Begun
from sigdep.testing.webhook_sink import WebhookSink
from tests.notifications.reminding_world import Clock
from tests.notifications.stories import ADA, HOME, NOON, TEAM, identity
from tests.notifications.told import Told
from tests.notifications.world import World

HOOK, OTHER = WebhookId(identity(31)), WebhookId(identity(32))
KEPT = timedelta(days=30)
HOUR = timedelta(hours=1)


@pytest.fixture
async def told(world: World) -> Told:
    told = Told()
    world.sources = {"tasks": Source(told, told.heads)}
    world.write = world.process(alone=True)
    for webhook, workspace in ((HOOK, TEAM), (OTHER, HOME)):
        command = CreateWebhook(
            webhook_id=webhook,
            workspace_id=workspace,
            url="https://hooks.example.com/x",
            secret=WebhookSink.secret,
            by=ADA,
            at=world.now,
        )
        await world.ask(command, ADA)
    return told


async def deliver(world: World, told: Told, at: datetime, *, workspace: WorkspaceId = TEAM, sent: bool = True) -> None:
    """Something happens, a webhook hears of it, and takes it, or is busy."""
    clock = Clock(at)
    before = {one.id for one in await listed(world, HOOK if workspace == TEAM else OTHER)}
    await WebhookReactions(world.write.webhook_work, clock).react(told.add(workspace=workspace))
    (new,) = [one for one in await listed(world, HOOK if workspace == TEAM else OTHER) if one.id not in before]
    await attempt(world, new, at, sent=sent)


async def attempt(world: World, delivery: WebhookDeliveryView, at: datetime, *, sent: bool = True) -> None:
    begun = await world.write.webhook_work.begin(delivery.id, at)
    assert isinstance(begun, Begun)
    outcome = Sent() if sent else Postponed(reason="The receiver answered 503.")
    await world.write.webhook_work.end(begun, outcome, at, 0.0)


async def listed(world: World, webhook: WebhookId = HOOK) -> Sequence[WebhookDeliveryView]:
    await world.project()
    items: Sequence[WebhookDeliveryView] = (
        await world.ask(ListWebhookDeliveries(webhook_id=webhook, limit=200), ADA)
    ).value.items
    return items


def keeper(world: World) -> WebhookRecordsKeeper:
    return WebhookRecordsKeeper(world.write.webhook_records_work, world.read, Clock(), KEPT)


async def rows_of(world: World) -> Sequence[Row]:
    order = (Order("requested_at"),)
    return (await world.store.select(world.model_id, Select(table=WEBHOOK_DELIVERIES, order=order, limit=200))).rows


async def replayed(world: World, path: Path, batch_events: int) -> Sequence[Row]:
    """The rows that the whole log comes to, read from its beginning."""
    store = await SqliteReadStore.open(path / f"again-{batch_events}.db")
    again = World(store, log=world.log, keys=world.keys)
    await again.start()
    await again.project(batch_events)
    rows = await rows_of(again)
    await store.close()
    return rows


async def test_what_ended_long_ago_leaves_the_list_and_stays_in_the_log(world: World, told: Told) -> None:
    await deliver(world, told, NOON)
    await deliver(world, told, NOON, sent=False)
    await deliver(world, told, NOON, workspace=HOME)
    await deliver(world, told, NOON + HOUR)
    assert await keeper(world).run_due(NOON + KEPT - HOUR) == 0
    assert await keeper(world).run_due(NOON + KEPT) == 2
    (late, waiting) = await listed(world)
    assert (late.state, waiting.state) == ("sent", "waiting")
    assert late.finished_at == NOON + HOUR
    assert await listed(world, OTHER) == []
    assert (await world.types()).count("WebhookDeliveryRequested") == 4
    assert await keeper(world).run_due(NOON + KEPT) == 0


async def test_it_goes_in_batches_and_a_look_that_comes_too_soon_does_nothing(
    world: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "EXPIRED_AT_ONCE", 3)
    for number in range(8):
        await deliver(world, told, NOON + timedelta(seconds=number))
    found = []
    for _ in range(4):
        found.append(await keeper(world).run_due(NOON + 2 * KEPT))
        await keeper(world).run_due(NOON + 2 * KEPT)  # Before the reading side has seen what the first has stored.
        await world.project()
    assert found == [3, 3, 2, 0]
    assert (await world.types()).count("WebhookRecordsExpired") == 3


@pytest.mark.parametrize("batch_events", [1, 7, 1_000])
async def test_a_replay_comes_to_the_same_rows(world: World, told: Told, tmp_path: Path, batch_events: int) -> None:
    for number in range(4):
        await deliver(world, told, NOON + number * HOUR)
    (*_, first) = await listed(world)
    await keeper(world).run_due(NOON + KEPT + HOUR)
    assert len(await listed(world)) == 2
    again = RedeliverWebhook(webhook_id=HOOK, delivery_id=first.id, by=ADA, at=NOON + KEPT + 2 * HOUR)
    await world.ask(again, ADA)
    (back, *_) = await listed(world)
    assert (back.id, back.state) == (first.id, "waiting")
    await attempt(world, back, NOON + KEPT + 2 * HOUR)
    (back, *_) = await listed(world)
    assert (back.state, back.attempts, [one.attempt for one in back.tried]) == ("sent", 2, [2])
    assert await replayed(world, tmp_path, batch_events) == await rows_of(world)
