"""What tests of webhooks are made of: webhooks in a workspace, and what becomes of their deliveries."""

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sigdep.kernel.channel import Outcome, Postponed, Undeliverable
from sigdep.kernel.ids import partition_of
from sigdep.notifications.commands.webhooks import (
    CreateWebhook,
)
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import (
    ListWebhookDeliveries,
    WebhookDeliveryView,
)
from sigdep.notifications.queries.webhooks import WebhookView
from sigdep.notifications.webhooks.telling import WebhookCatchUp, WebhookReactions
from sigdep.notifications.writing.webhook_work import Begun, WebhookWork
from sigdep.services.clock import ProcessClock
from sigdep.testing.webhook_sink import WebhookSink
from tests.notifications.reminding_world import Clock
from tests.notifications.stories import ADA, TEAM, identity
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
