"""A webhook: where what happens in a workspace is told to a program of others, and what it has missed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, State
from sigdep.notifications.events.webhooks import (
    WebhookCaughtUp,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEdited,
    WebhookEvent,
    WebhookId,
    WebhookMissed,
    WebhookPaused,
    WebhookReplayAsked,
    WebhookResumed,
    WebhookSecretRotated,
)
from sigdep.notifications.queries.webhooks import WebhookView

_HOST: Final = re.compile(r"https?://(\[[^\]/]+\]|[^/:?#]+)")

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


class Behind(Struct, frozen=True, kw_only=True):
    """What came after a place in a context's log is still to be told."""

    after: int
    again: bool = False
    """Also what has been told already: it is a replay."""


class Former(Struct, frozen=True, kw_only=True):
    """A secret that was replaced, and signs until then as well."""

    secret: str
    until: datetime

    def __repr__(self) -> str:
        return f"Former(until {self.until})"


class Webhook(State):
    id: WebhookId = WebhookId(_NOBODY)
    workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    url: str = ""
    event_types: tuple[str, ...] = ()
    description: str = ""
    state: Literal["active", "paused", "disabled", "deleted"] = "deleted"
    why: str | None = None
    secret: str = ""
    former: tuple[Former, ...] = ()
    """The one that was replaced last comes first."""
    begins: Mapping[str, int] = {}
    """By context: what came before is never told by itself."""
    behind: Mapping[str, Behind] = {}
    """By context."""
    created_at: datetime = _NEVER
    created_by: UserId = UserId(_NOBODY)
    kept_by: UserId = UserId(_NOBODY)
    kept_since: datetime = _NEVER
    updated_at: datetime = _NEVER
    version: int = 0
    """Grows with every event but those of its progress, by which nobody's edit becomes stale. 0: it does not exist."""

    def __repr__(self) -> str:
        return f"Webhook({self.id})"


def wants(webhook: Webhook, event_type: str) -> bool:
    """Whether it is to hear of events of this type."""
    kinds = webhook.event_types
    return not kinds or event_type in kinds or f"{event_type.rpartition('.')[0]}.*" in kinds


def secrets_at(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """Those that sign at that time, the one in force first."""
    return (webhook.secret, *(former.secret for former in formers_at(webhook, now)))


def formers_at(webhook: Webhook, now: datetime) -> tuple[Former, ...]:
    """Those that still sign at that time."""
    return tuple(former for former in webhook.former if now < former.until)


def host_of(webhook: Webhook) -> str:
    """By which people recognise it. The rest of its address may be a secret."""
    found = _HOST.match(webhook.url)
    return found[1] if found else ""


def webhook_view(webhook: Webhook, *, secret: str | None = None) -> WebhookView:
    """
    Args:
        secret: shown to whoever has just made it.
    """
    state = webhook.state
    assert state != "deleted"
    return WebhookView(
        id=webhook.id,
        workspace_id=webhook.workspace_id,
        url=webhook.url,
        event_types=webhook.event_types,
        description=webhook.description,
        state=state,
        why=webhook.why,
        catching_up=bool(webhook.behind),
        previous_secret_until=max((former.until for former in webhook.former), default=None),
        created_at=webhook.created_at,
        created_by=webhook.created_by,
        kept_by=webhook.kept_by,
        updated_at=webhook.updated_at,
        version=webhook.version,
        secret=secret,
    )


def evolve(webhook: Webhook, event: WebhookEvent) -> Webhook:
    """The webhook after the event. Never raises: what is in the log has happened."""
    if not isinstance(event, WebhookMissed | WebhookCaughtUp):
        webhook = replace(webhook, version=webhook.version + 1)
    match event:
        case WebhookCreated():
            return _created(webhook, event)
        case WebhookEdited():
            edited = {name: getattr(event, name) for name in ("url", "event_types", "description")}
            fields = {name: value for name, value in edited.items() if value is not UNSET}
            return replace(webhook, updated_at=event.at, **fields)
        case WebhookPaused():
            return replace(webhook, state="paused", updated_at=event.at)
        case WebhookResumed():
            return replace(
                webhook, state="active", why=None, kept_by=event.by, kept_since=event.at, updated_at=event.at
            )
        case WebhookDisabled():
            return replace(webhook, state="disabled", why=event.why, updated_at=event.at)
        case WebhookSecretRotated():
            return _rotated(webhook, event)
        case WebhookMissed():
            return _behind(webhook, {event.context: event.after}, again=False)
        case WebhookReplayAsked():
            return replace(_behind(webhook, event.after, again=True), updated_at=event.at)
        case WebhookCaughtUp():
            return _caught_up(webhook, event)
        case WebhookDeleted():
            return replace(webhook, state="deleted", secret="", former=(), behind={}, updated_at=event.at)


def _created(webhook: Webhook, event: WebhookCreated) -> Webhook:
    created = replace(
        webhook,
        id=event.webhook_id,
        workspace_id=event.workspace_id,
        url=event.url,
        event_types=event.event_types,
        description=event.description,
        state="active",
        secret=event.secret,
        begins=event.begins,
        created_at=event.at,
        created_by=event.by,
        kept_by=event.by,
        kept_since=event.at,
        updated_at=event.at,
    )
    # Whoever hears of events may have passed some over while it was being made.
    return _behind(created, event.begins, again=False)


def _rotated(webhook: Webhook, event: WebhookSecretRotated) -> Webhook:
    """Who leaves the one before no time wants none of them to sign any more: it may be in wrong hands."""
    former: tuple[Former, ...] = (Former(secret=webhook.secret, until=event.previous_until),)
    if event.previous_until > event.at:
        former += formers_at(webhook, event.at)
    return replace(webhook, secret=event.secret, former=former, updated_at=event.at)


def _behind(webhook: Webhook, after: Mapping[str, int], *, again: bool) -> Webhook:
    behind = dict(webhook.behind)
    for context, place in after.items():
        old = behind.get(context, Behind(after=place))
        behind[context] = Behind(after=min(place, old.after), again=again or old.again)
    return replace(webhook, behind=behind)


def _caught_up(webhook: Webhook, event: WebhookCaughtUp) -> Webhook:
    behind = dict(webhook.behind)
    found = behind.pop(event.context, None)
    if found is not None and not event.finished:
        behind[event.context] = replace(found, after=event.reached)
    return replace(webhook, behind=behind)
