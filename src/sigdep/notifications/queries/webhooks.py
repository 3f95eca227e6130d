"""What can be asked about webhooks, and the shapes of those answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.webhooks import WebhookId

WebhookStanding = Literal["active", "paused", "disabled"]


class GetWebhook(Query):
    webhook_id: WebhookId


class ListWebhooks(Query):
    """All of one workspace, the oldest first."""

    workspace_id: WorkspaceId


class FindWebhooksBehind(Query):
    """Some active webhooks that are to be told what has happened before. Asked by the writing side."""

    now: datetime
    limit: int


class WebhookView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program of others that is told what happens in a workspace."""

    id: WebhookId
    workspace_id: WorkspaceId
    url: str
    event_types: Sequence[str]
    """As the feed names them, or all of a context: `sigdep.tasks.*`. Empty: all."""
    description: str
    state: WebhookStanding
    why: str | None
    """Why it is disabled."""
    catching_up: bool
    """true: it is being told what it has missed, or what is replayed. While it is not active, that waits."""
    previous_secret_until: datetime | None
    """Until then signatures are made with secrets before it as well."""
    created_at: datetime
    created_by: UserId
    kept_by: UserId
    """Who made it, or resumed it last. They are told when it is disabled; when they leave the workspace, it is."""
    updated_at: datetime
    version: int
    secret: str | None = None
    """Shown once: in the answer that made it."""


class WebhookPlace(Struct, frozen=True, kw_only=True):
    webhook_id: WebhookId
    workspace_id: WorkspaceId
