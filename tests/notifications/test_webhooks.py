"""Webhooks over a log in memory: what they are told, when it is tried again, and what two processes at once do."""

import asyncio
import json
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webhook.channel import WebhookChannel
from sigdep.http.stamps import utc_now
from sigdep.kernel.channel import Outcome, Postponed, Sent, Undeliverable
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Refused, Stale, Unavailable
from sigdep.kernel.ids import Version, partition_of
from sigdep.kernel.store import AnswerKey
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetWorkspace
from sigdep.notifications.commands.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    RedeliverWebhook,
    ReplayWebhook,
    ResumeWebhook,
    RotateWebhookSecret,
)
from sigdep.notifications.domain.webhook import Webhook
from sigdep.notifications.domain.webhook_delivery import PAUSES
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import (
    FindDueWebhookDeliveries,
    ListWebhookDeliveries,
    WebhookDeliveryView,
)
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, GetWebhook, ListWebhooks, WebhookView
from sigdep.notifications.read_models.webhooks import WEBHOOK_DELIVERIES, WEBHOOK_ROWS
from sigdep.notifications.webhooks.sender import OF_ONE_WEBHOOK_MAX, WebhookSender
from sigdep.notifications.webhooks.telling import WebhookCatchUp, WebhookReactions
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.webhook_ends import LEFT
from sigdep.notifications.writing.webhook_work import LEASE, Begun, Ended, WebhookWork
from sigdep.services.clock import ProcessClock
from sigdep.testing.webhook_sink import WebhookSink
from tests.notifications.reminding_world import Clock
from tests.notifications.stories import ADA, BOB, EVE, HOME, TEAM, identity
from tests.notifications.told import Told
from tests.notifications.world import World

HOOK, OTHER = WebhookId(identity(31)), WebhookId(identity(32))
PLACE = partition_of(TEAM)
SECRET = WebhookSink.secret
FAR = datetime(2200, 1, 1, tzinfo=UTC)
"""After whatever time these stories are told at."""
BUSY = Postponed(reason="The receiver answered 503.")
GONE = Undeliverable(reason="Nobody listens there any more.", target_is_gone=True)


@dataclass
class Counted:
    """WebhookFigures that can be looked at."""

    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    disabled: int = 0

    def called(self, channel: str, seconds: float) -> None:
        assert (channel, seconds >= 0) == ("webhook", True)
        self.calls += 1

    def delivered(self, channel: str, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def webhook_disabled(self) -> None:
        self.disabled += 1


@pytest.fixture
def told(world: World) -> Told:
    """What tasks tell."""
    told = Told()
    calendar = Told()
    world.sources = {"tasks": Source(told, told.heads), "calendar": Source(calendar, calendar.heads)}
    world.write = world.process(alone=True)
    return told


def secret_of(number: int) -> str:
    return f"whsec_{b64encode(bytes([number]) * 32).decode()}"


async def make(world: World, webhook_id: WebhookId = HOOK, **fields: Any) -> WebhookView:
    content: dict[str, Any] = {"url": "https://hooks.example.com/x", "secret": SECRET, "workspace_id": TEAM}
    content = content | {"by": ADA} | fields
    command = CreateWebhook(webhook_id=webhook_id, at=world.now, **content)
    view: WebhookView = (await world.ask(command, command.by)).value
    return view


async def ask(world: World, command: type[Any], by: Any = ADA, **fields: Any) -> Any:
    content: dict[str, Any] = {"webhook_id": HOOK, "by": by, "at": world.now} | fields
    return (await world.ask(command(**content), by)).value


async def hear(world: World, told: Told, *kinds: str, work: WebhookWork | None = None) -> None:
    """Things happen, and are heard of."""
    reactions = WebhookReactions(work or world.write.webhook_work, ProcessClock())
    for kind in kinds or ("TaskCreated",):
        await reactions.react(told.add(kind))


async def catch_up(world: World, clock: Clock | None = None) -> None:
    await world.project()
    await WebhookCatchUp(world.write.webhook_work, world.read, world.sources, clock or ProcessClock()).run_due(FAR)


async def deliveries(world: World, webhook: WebhookId = HOOK) -> list[WebhookDeliveryView]:
    """The oldest first."""
    await world.project()
    query = ListWebhookDeliveries(webhook_id=webhook, limit=200)
    found: list[WebhookDeliveryView] = list((await world.ask(query, ADA)).value.items)
    return found[::-1]


async def only(world: World) -> WebhookDeliveryView:
    (delivery,) = await deliveries(world)
    return delivery


async def begin(world: World, at: datetime, work: WebhookWork | None = None) -> Begun | None:
    begun = await (work or world.write.webhook_work).begin((await only(world)).id, at)
    return begun if isinstance(begun, Begun) else None


async def attempt(world: World, outcome: Outcome, at: datetime, chance: float = 0.0) -> WebhookDeliveryView:
    begun = await begin(world, at)
    assert begun is not None
    await world.write.webhook_work.end(begun, outcome, at, chance)
    return await only(world)


# ── what they are told ──────────────────────────────────────────────────────────────────────────────────


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


# ── what is tried, and when ─────────────────────────────────────────────────────────────────────────────


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


# ── who may, and what is kept ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by, refusal", [(BOB, Forbidden), (EVE, NotFound)])
async def test_nobody_but_administrators_may(world: World, told: Told, by: Any, refusal: type[Exception]) -> None:
    await make(world)
    await hear(world, told)
    delivery = (await only(world)).id
    asked: list[Any] = [
        PauseWebhook,
        ResumeWebhook,
        DeleteWebhook,
        lambda **who: EditWebhook(description="mine", **who),
        lambda **who: RotateWebhookSecret(secret=SECRET, previous_until=world.now, **who),
        lambda **who: ReplayWebhook(after={"tasks": 0}, partition=PLACE, **who),
        lambda **who: RedeliverWebhook(delivery_id=delivery, **who),
        lambda **who: CreateWebhook(url="https://x.example", secret=SECRET, workspace_id=TEAM, **who),
    ]
    for command in asked:
        with pytest.raises(refusal):
            await ask(world, command, by=by)
    for query in (
        GetWebhook(webhook_id=HOOK),
        ListWebhooks(workspace_id=TEAM),
        ListWebhookDeliveries(webhook_id=HOOK),
    ):
        with pytest.raises(refusal):
            await world.ask(query, by)
    for chore in (FindDueWebhookDeliveries(now=world.now, limit=9), FindWebhooksBehind(now=world.now, limit=9)):
        with pytest.raises(Forbidden):
            await world.ask(chore, ADA)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "gopher://example.com"},
        {"event_types": ("tasks",)},
        {"event_types": ("sigdep.tasks.TaskCreated\n",)},
        {"event_types": ("sigdep.tasks.*", "sigdep.task.*")},
        {"event_types": ("sigdep.users.MemberRemoved",)},
        {"event_types": ("sigdep.tasks.T",) * 51},
        {"description": "x" * 201},
    ],
)
async def test_what_cannot_be_is_refused(world: World, told: Told, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await make(world, **fields)
    await make(world)
    with pytest.raises(Invalid):
        await ask(world, EditWebhook, **fields)


async def test_an_id_is_used_once_and_an_edit_of_an_old_state_is_stale(world: World, told: Told) -> None:
    first = await make(world)
    assert first.secret == SECRET
    again = await make(world, secret="whsec_other")
    assert (again.secret, again.version) == (None, 1)
    with pytest.raises(Refused):
        await make(world, workspace_id=HOME)
    await catch_up(world)  # Its progress makes nothing stale.
    command = EditWebhook(webhook_id=HOOK, by=ADA, at=world.now, description="CI")
    assert (await world.ask(command, ADA, if_match=Version(1))).version == 2
    with pytest.raises(Stale):
        await world.ask(EditWebhook(webhook_id=HOOK, by=ADA, at=world.now, description="B"), ADA, if_match=Version(1))
    await ask(world, DeleteWebhook)
    for command_kind in (DeleteWebhook, ResumeWebhook, PauseWebhook):
        with pytest.raises(NotFound):
            await ask(world, command_kind)
    with pytest.raises(Refused):
        await make(world)


async def test_a_secret_signs_for_as_long_as_was_said_also_when_the_next_is_replaced(world: World, told: Told) -> None:
    """Whoever has lost the answer to a rotation rotates once more, and receivers know the first one."""
    await make(world, secret=secret_of(1))
    at = utc_now()
    hours = [at + timedelta(hours=count) for count in range(5)]

    async def rotate(number: int, until: datetime, now: datetime) -> None:
        await ask(world, RotateWebhookSecret, secret=secret_of(number), previous_until=until, at=now)

    async def signing(now: datetime) -> list[str]:
        await hear(world, told)
        delivery = (await deliveries(world))[-1]
        begun = await world.write.webhook_work.begin(delivery.id, now)
        assert isinstance(begun, Begun)
        return list(begun.secrets)

    await rotate(2, hours[2], at)
    await rotate(3, hours[1], at)
    assert await signing(hours[0] + timedelta(minutes=1)) == [secret_of(3), secret_of(2), secret_of(1)]
    with pytest.raises(Refused):
        await rotate(4, hours[3], hours[0] + timedelta(minutes=1))
    assert await signing(hours[1]) == [secret_of(3), secret_of(1)]
    await rotate(4, hours[3], hours[1])
    await rotate(5, hours[1], hours[1])
    assert await signing(hours[1]) == [secret_of(5)]


async def test_twenty_and_no_more(world: World, told: Told) -> None:
    for number in range(20):
        await make(world, WebhookId(identity(100 + number)))
    with pytest.raises(Refused):
        await make(world)
    await ask(world, DeleteWebhook, webhook_id=WebhookId(identity(100)))
    await make(world)
    await world.project()
    assert len((await world.ask(ListWebhooks(workspace_id=TEAM), ADA)).value.items) == 20


async def test_the_secret_is_in_no_read_model(world: World, told: Told) -> None:
    await make(world)
    await ask(world, RotateWebhookSecret, secret=SECRET[:-4] + "bmV3", previous_until=world.now)
    await hear(world, told)
    await world.project()
    for table, key in ((WEBHOOK_ROWS, HOOK), (WEBHOOK_DELIVERIES, (await only(world)).id)):
        row = await world.store.get(world.model_id, table, (key,))
        assert row is not None
        assert b"whsec_" not in bytes(str(row), "utf-8")
        assert SECRET[6:20] not in str(row)


async def test_of_a_workspace_that_was_erased_nothing_is_left_or_sent(world: World, told: Told) -> None:
    await make(world)
    await hear(world, told)
    delivery = await only(world)
    await world.keys.destroy(TEAM)  # type: ignore[arg-type]
    await world.ask(ForgetWorkspace(workspace_id=TEAM, at=world.now), None)
    work = world.process().webhook_work
    assert await work.begin(delivery.id, utc_now()) is None
    await WebhookReactions(work, ProcessClock()).react(told.add())
    await world.project()
    for table, key in ((WEBHOOK_ROWS, HOOK), (WEBHOOK_DELIVERIES, delivery.id)):
        assert await world.store.get(world.model_id, table, (key,)) is None


# ── sending ─────────────────────────────────────────────────────────────────────────────────────────────


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
