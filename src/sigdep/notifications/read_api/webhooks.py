"""GET below `/api/webhooks`."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.read_parameters import Cursor, Limit
from sigdep.http.routes import PAGE_ITEMS, Listing, Parameters, Route
from sigdep.kernel.errors import NotFound
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import (
    ListWebhookDeliveries,
    WebhookDeliveryStanding,
    WebhookDeliveryView,
)
from sigdep.notifications.queries.webhooks import GetWebhook, ListWebhooks, WebhookView
from sigdep.rpc.call import Answer, Call, Encoded, Service


class WebhooksParameters(Parameters, frozen=True, kw_only=True):
    workspace_id: WorkspaceId | None = None
    """Left out: your personal workspace."""


class DeliveriesParameters(Parameters, frozen=True, kw_only=True):
    state: tuple[WebhookDeliveryStanding, ...] = ()
    """Several: any of them. Left out: all."""
    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS


class WebhookReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def find(self, call: Call, query: WebhooksParameters) -> Answer[Listing[WebhookView] | Encoded]:
        """All of them, at most 20, the oldest first, without their secrets. For administrators of the workspace."""
        workspace = query.workspace_id or call.caller.personal_workspace_id
        return await self.service.ask(ListWebhooks(workspace_id=workspace), call)

    async def get(self, call: Call, webhook_id: WebhookId) -> Answer[WebhookView | Encoded]:
        """Without its secret. For administrators of its workspace."""
        return await self.service.ask(GetWebhook(webhook_id=webhook_id), call)

    async def deliveries(
        self, call: Call, webhook_id: WebhookId, query: DeliveriesParameters
    ) -> Answer[Listing[WebhookDeliveryView] | Encoded]:
        """What was requested last comes first, with the attempts of each."""
        question = ListWebhookDeliveries(
            webhook_id=webhook_id, state=query.state, cursor=query.cursor, limit=query.limit
        )
        return await self.service.ask(question, call)


def webhook_read_routes(service: Service) -> Sequence[Route]:
    handlers = WebhookReads(service)
    return (
        _route("/api/webhooks", handlers.find, "List the webhooks of a workspace."),
        _route("/api/webhooks/{webhook_id}", handlers.get, "Get a webhook."),
        _route("/api/webhooks/{webhook_id}/deliveries", handlers.deliveries, "List what a webhook was told."),
    )


def _route(path: str, handle: Any, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handle=handle,
        summary=summary,
        tag="webhooks",
        scope="webhooks:read",
        errors=(NotFound,),
    )
