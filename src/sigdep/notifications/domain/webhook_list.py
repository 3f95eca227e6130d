"""Which webhooks a workspace has."""

from typing import Any, Final

from msgspec.structs import replace

from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import State
from sigdep.notifications.commands.webhooks import CreateWebhook
from sigdep.notifications.events.webhooks import WebhookId, WebhookListed, WebhookListEvent, WebhookUnlisted

WEBHOOKS_MAX: Final = 20
"""Of one workspace: each event is recorded for each of them."""


class WebhookList(State):
    webhook_ids: tuple[WebhookId, ...] = ()


def decide(command: CreateWebhook, webhooks: WebhookList) -> list[WebhookListEvent]:
    """
    Raises:
        Refused: there are as many as there may be.
    """
    if command.webhook_id in webhooks.webhook_ids:
        return []
    if len(webhooks.webhook_ids) >= WEBHOOKS_MAX:
        raise Refused(f"A workspace has at most {WEBHOOKS_MAX} webhooks. Delete one that is not needed any more.")
    return [WebhookListed(workspace_id=command.workspace_id, webhook_id=command.webhook_id)]


def evolve(webhooks: WebhookList, event: WebhookListEvent) -> WebhookList:
    """Never raises: what is in the log has happened."""
    others = tuple(one for one in webhooks.webhook_ids if one != event.webhook_id)
    match event:
        case WebhookListed():
            return replace(webhooks, webhook_ids=(*others, event.webhook_id))
        case WebhookUnlisted():
            return replace(webhooks, webhook_ids=others)


WEBHOOK_LIST: Final = Decider[Any, WebhookList](
    category="webhooks", initial=WebhookList(), decide=decide, evolve=evolve, schema="webhooks-1"
)
"""Taken from it by whoever deletes one: see `writing/webhooks.py`."""
