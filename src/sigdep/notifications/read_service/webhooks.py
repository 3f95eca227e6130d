"""Questions about webhooks: those of administrators, and those of whoever delivers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.routes import Listing
from sigdep.kernel.cursors import Paging
from sigdep.kernel.errors import Forbidden
from sigdep.kernel.ids import Version
from sigdep.kernel.read_store import PAGE_ROWS_MAX, All, Compare, Condition, Not, OneOf, Order, Row, Select
from sigdep.kernel.store import EventLog
from sigdep.notifications.domain.webhook import Webhook, webhook_view
from sigdep.notifications.domain.webhook_decisions import SHOWN_WEBHOOK, WebhookNotFound
from sigdep.notifications.domain.webhook_delivery import WebhookDelivery, webhook_delivery_view
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import (
    EndedWebhookDelivery,
    FindDueWebhookDeliveries,
    FindEndedWebhookDeliveries,
    ListWebhookDeliveries,
    WebhookDeliveryPlace,
    WebhookDeliveryView,
)
from sigdep.notifications.queries.webhooks import (
    FindWebhooksBehind,
    GetWebhook,
    ListWebhooks,
    WebhookPlace,
    WebhookView,
)
from sigdep.notifications.read_models.webhooks import WEBHOOK_DELIVERIES, WEBHOOK_ROWS
from sigdep.notifications.read_service.rows import Rows, state_in
from sigdep.rpc.call import Answer, Call

ROLE: Final = "admin"

_PLACE: Final = ("id", "workspace_id")


class Webhooks:
    """Members who are no administrators are refused: addresses of receivers may be secrets."""

    def __init__(self, rows: Rows, log: EventLog) -> None:
        self._rows, self._log = rows, log

    async def get(self, query: GetWebhook, call: Call) -> Answer[WebhookView]:
        webhook = await self._webhook(query.webhook_id, call)
        position = self._rows.reflected(webhook.workspace_id)
        return Answer(value=webhook_view(webhook), version=Version(webhook.version), position=position)

    async def find(self, query: ListWebhooks, call: Call) -> Answer[Listing[WebhookView]]:
        call.caller.require(query.workspace_id, ROLE, "This workspace")
        position = self._rows.reflected(query.workspace_id)
        here, there = Compare("workspace_id", "=", query.workspace_id), OneOf("state", ("active", "paused", "disabled"))
        select = Select(table=WEBHOOK_ROWS, where=All((here, there)), order=(Order("created_at"),), limit=PAGE_ROWS_MAX)
        rows = (await self._rows.select(select)).rows
        return Answer(value=Listing(items=[webhook_view(state_in(row, Webhook)) for row in rows]), position=position)

    async def deliveries(self, query: ListWebhookDeliveries, call: Call) -> Answer[Listing[WebhookDeliveryView]]:
        webhook = await self._webhook(query.webhook_id, call)
        where: list[Condition] = [Compare("webhook_id", "=", query.webhook_id)]
        if query.state:
            where.append(OneOf("state", query.state))
        paging = Paging(query, webhook.id)
        select = Select(
            table=WEBHOOK_DELIVERIES,
            where=All(tuple(where)),
            order=(Order("requested_at", descending=True),),
            limit=query.limit,
        )
        position = self._rows.reflected(webhook.workspace_id)
        page = await self._rows.select(paging.after(select, query.cursor))
        shown = [webhook_delivery_view(state_in(row, WebhookDelivery)) for row in page.rows]
        return Answer(value=Listing(items=shown, next_cursor=paging.cursor(page.next)), position=position)

    async def find_due(self, query: FindDueWebhookDeliveries, call: Call) -> Answer[tuple[WebhookDeliveryPlace, ...]]:
        call.require_nobody()
        due = Compare("due_at", "<=", query.now)
        select = Select(
            table=WEBHOOK_DELIVERIES,
            where=All((due, Not(OneOf("webhook_id", query.but)))) if query.but else due,
            order=(Order("due_at"),),
            limit=query.limit,
            columns=("id", "webhook_id", "due_at"),
        )
        return Answer(value=tuple(_delivery_place(row) for row in (await self._rows.select(select)).rows))

    async def find_ended(
        self, query: FindEndedWebhookDeliveries, call: Call
    ) -> Answer[tuple[EndedWebhookDelivery, ...]]:
        _require_nobody(call)
        select = Select(
            table=WEBHOOK_DELIVERIES,
            where=Compare("ended_at", "<=", query.until),
            order=(Order("ended_at"),),
            limit=query.limit,
            columns=("workspace_id", "ended_at"),
        )
        return Answer(value=tuple(_ended(row) for row in (await self._rows.select(select)).rows))

    async def find_behind(self, query: FindWebhooksBehind, call: Call) -> Answer[tuple[WebhookPlace, ...]]:
        call.require_nobody()
        select = Select(
            table=WEBHOOK_ROWS,
            where=Compare("behind_since", "<=", query.now),
            order=(Order("behind_since"),),
            limit=query.limit,
            columns=_PLACE,
        )
        return Answer(value=tuple(_place(row) for row in (await self._rows.select(select)).rows))

    async def _webhook(self, webhook_id: WebhookId, call: Call) -> Webhook:
        """What a write has returned is there, even where the projector is a moment behind.

        Raises:
            NotFound: there is none, or the caller is no member of its workspace.
            Forbidden: the caller is no administrator of it.
        """
        row = await self._rows.get(WEBHOOK_ROWS, (webhook_id,))
        webhook = await self._folded(webhook_id) if row is None else state_in(row, Webhook)
        if webhook.state == "deleted":
            raise WebhookNotFound
        call.caller.require(webhook.workspace_id, ROLE, "This webhook")
        return webhook

    async def _folded(self, webhook_id: WebhookId) -> Webhook:
        events = (await self._log.read(SHOWN_WEBHOOK.stream(webhook_id))).events
        return SHOWN_WEBHOOK.fold(SHOWN_WEBHOOK.initial, [recorded.event for recorded in events])


def _require_nobody(call: Call) -> None:
    """
    Raises:
        Forbidden: somebody has signed in. These are about all workspaces.
    """
    if call.principal is not None:
        raise Forbidden("Nobody may ask for this: services ask it by themselves.")


def _place(row: Row) -> WebhookPlace:
    identity, workspace = row["id"], row["workspace_id"]
    assert isinstance(identity, UUID)
    assert isinstance(workspace, UUID)
    return WebhookPlace(webhook_id=WebhookId(identity), workspace_id=WorkspaceId(workspace))


def _delivery_place(row: Row) -> WebhookDeliveryPlace:
    identity, webhook, due_at = row["id"], row["webhook_id"], row["due_at"]
    assert isinstance(identity, UUID)
    assert isinstance(webhook, UUID)
    assert isinstance(due_at, datetime)
    return WebhookDeliveryPlace(delivery_id=WebhookDeliveryId(identity), webhook_id=WebhookId(webhook), due_at=due_at)


def _ended(row: Row) -> EndedWebhookDelivery:
    workspace, ended_at = row["workspace_id"], row["ended_at"]
    assert isinstance(workspace, UUID)
    assert isinstance(ended_at, datetime)
    return EndedWebhookDelivery(workspace_id=WorkspaceId(workspace), ended_at=ended_at)
