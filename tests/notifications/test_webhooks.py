"""Webhooks over a log in memory: who may have them, and what is kept."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from sigdep.http.stamps import utc_now
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Refused, Stale
from sigdep.kernel.ids import Version
from sigdep.notifications.commands.oblivion import ForgetWorkspace
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
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import (
    FindDueWebhookDeliveries,
    ListWebhookDeliveries,
)
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, GetWebhook, ListWebhooks
from sigdep.notifications.read_models.webhooks import WEBHOOK_DELIVERIES, WEBHOOK_ROWS
from sigdep.notifications.webhooks.telling import WebhookReactions
from sigdep.notifications.writing.webhook_work import Begun
from sigdep.services.clock import ProcessClock
from tests.notifications.stories import ADA, BOB, EVE, HOME, TEAM, identity
from tests.notifications.told import Told
from tests.notifications.webhook_stories import (
    HOOK,
    PLACE,
    SECRET,
    ask,
    catch_up,
    deliveries,
    hear,
    make,
    only,
    secret_of,
)
from tests.notifications.world import World


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
