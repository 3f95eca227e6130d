"""What has happened to webhooks, and which of them a workspace has.

Streams `webhook-<webhook id>` and `webhooks-<workspace id>`, in their workspace. A change names what it changed and
nothing else. Instants are UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NewType
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType

WebhookId = NewType("WebhookId", UUID)


class WebhookCreated(Event):
    """A program of others is to be told what happens in a workspace."""

    webhook_id: WebhookId
    workspace_id: WorkspaceId
    url: str
    event_types: tuple[str, ...]
    """As envelopes name them, or all of a context: `sigdep.tasks.*`. None named: all."""
    description: str
    secret: str
    """By which the receiver knows us (Standard Webhooks)."""
    begins: Mapping[str, int]
    """By context: the place in its log after which events are told."""
    by: UserId
    at: datetime


class WebhookEdited(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime
    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET


class WebhookPaused(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime


class WebhookResumed(Event):
    """Also one that was disabled. It goes on where it stopped, and is kept by whoever asked for this."""

    webhook_id: WebhookId
    by: UserId
    at: datetime


class WebhookDisabled(Event):
    """Its receiver has not taken something until the last attempt, or says that nobody listens there any more; or
    whoever kept it has left the workspace."""

    webhook_id: WebhookId
    why: str
    at: datetime


class WebhookSecretRotated(Event):
    """Until then what is sent is signed with the one before as well."""

    webhook_id: WebhookId
    secret: str
    previous_until: datetime
    by: UserId
    at: datetime


class WebhookMissed(Event):
    """While it was not active something happened after this place in a context's log: that is told when it is again."""

    webhook_id: WebhookId
    context: str
    after: int
    at: datetime


class WebhookReplayAsked(Event):
    """What came after these places, by context, is to be told once more."""

    webhook_id: WebhookId
    after: Mapping[str, int]
    by: UserId
    at: datetime


class WebhookCaughtUp(Event):
    """What it had missed, or what is replayed, has been told up to there."""

    webhook_id: WebhookId
    context: str
    reached: int
    finished: bool
    at: datetime


class WebhookDeleted(Event):
    webhook_id: WebhookId
    by: UserId
    at: datetime


WebhookEvent = (
    WebhookCreated
    | WebhookEdited
    | WebhookPaused
    | WebhookResumed
    | WebhookDisabled
    | WebhookSecretRotated
    | WebhookMissed
    | WebhookReplayAsked
    | WebhookCaughtUp
    | WebhookDeleted
)


class WebhookListed(Event):
    workspace_id: WorkspaceId
    webhook_id: WebhookId


class WebhookUnlisted(Event):
    workspace_id: WorkspaceId
    webhook_id: WebhookId


WebhookListEvent = WebhookListed | WebhookUnlisted
