"""A webhook: where what happens in a workspace is told to a program of others, and what it has missed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET, State
from sigdep.notifications.commands import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    ReplayWebhook,
    ResumeWebhook,
    RotateWebhookSecret,
)
from sigdep.notifications.events import (
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
from sigdep.notifications.queries import WebhookView

EVENT_TYPES_MAX: Final = 50
EVENT_TYPE_LENGTH_MAX: Final = 100
DESCRIPTION_LENGTH_MAX: Final = 200
URL_LENGTH_MAX: Final = 2_048

EVENT_TYPE_PATTERN: Final = r"^sigdep\.[a-z]+\.([A-Z][A-Za-z]*|\*)$"
_EVENT_TYPE: Final = re.compile(EVENT_TYPE_PATTERN, re.ASCII)

_HOST: Final = re.compile(r"https?://(\[[^\]/]+\]|[^/:?#]+)")

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


class Behind(Struct, frozen=True, kw_only=True):
    """What came after a place in a context's log is still to be told."""

    after: int
    again: bool = False
    """Also what has been told already: it is a replay."""


class Webhook(State):
    id: WebhookId = WebhookId(_NOBODY)
    workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    url: str = ""
    event_types: tuple[str, ...] = ()
    description: str = ""
    state: Literal["active", "paused", "disabled", "deleted"] = "deleted"
    why: str | None = None
    secret: str = ""
    previous_secret: str = ""
    previous_until: datetime | None = None
    begins: Mapping[str, int] = {}
    """By context: what came before is never told by itself."""
    behind: Mapping[str, Behind] = {}
    """By context."""
    created_at: datetime = _NEVER
    created_by: UserId = UserId(_NOBODY)
    updated_at: datetime = _NEVER
    version: int = 0
    """Grows with every event but those of its progress, by which nobody's edit becomes stale. 0: it does not exist."""

    def __repr__(self) -> str:
        return f"Webhook({self.id})"


class WebhookNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This webhook does not exist, or you are no member of its workspace.")


def wants(webhook: Webhook, event_type: str) -> bool:
    """Whether it is to hear of events of this type."""
    kinds = webhook.event_types
    return not kinds or event_type in kinds or f"{event_type.rpartition('.')[0]}.*" in kinds


def secrets_at(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """Those that sign at that time, the one in force first."""
    if webhook.previous_until is not None and now < webhook.previous_until:
        return (webhook.secret, webhook.previous_secret)
    return (webhook.secret,)


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
        previous_secret_until=webhook.previous_until,
        created_at=webhook.created_at,
        created_by=webhook.created_by,
        updated_at=webhook.updated_at,
        version=webhook.version,
        secret=secret,
    )


def create(command: CreateWebhook, webhook: Webhook, heads: Mapping[str, int]) -> list[WebhookEvent]:
    """
    Args:
        heads: by context, how far its log goes: what comes after is told, and what comes after `since`.

    Raises:
        Refused: the id is in use.
        Invalid.
    """
    if webhook.version:
        if webhook.workspace_id != command.workspace_id or webhook.state == "deleted":
            raise Refused("A webhook with this id exists, or did.")
        return []  # Asked twice, made once.
    _check(command)
    begins = {**heads, **{context: after for context, after in command.since.items() if context in heads}}
    return [
        WebhookCreated(
            webhook_id=command.webhook_id,
            workspace_id=command.workspace_id,
            url=command.url,
            event_types=tuple(dict.fromkeys(command.event_types)),
            description=command.description,
            secret=command.secret,
            begins=begins,
            by=command.by,
            at=command.at,
        )
    ]


def _check(command: CreateWebhook | EditWebhook) -> None:
    if command.event_types is not UNSET:
        if len(command.event_types) > EVENT_TYPES_MAX:
            raise Invalid.at("/event_types", f"A webhook names at most {EVENT_TYPES_MAX} types of events.")
        for place, kind in enumerate(command.event_types):
            if len(kind) > EVENT_TYPE_LENGTH_MAX or not _EVENT_TYPE.fullmatch(kind):
                raise Invalid.at(
                    f"/event_types/{place}",
                    "A type is named as in sigdep.tasks.TaskCompleted, or sigdep.tasks.* for all.",
                )
    if command.description is not UNSET and len(command.description) > DESCRIPTION_LENGTH_MAX:
        raise Invalid.at("/description", f"A description has at most {DESCRIPTION_LENGTH_MAX} characters.")


def decide(command: ChangeWebhook, webhook: Webhook) -> list[WebhookEvent]:
    """
    Raises:
        WebhookNotFound, Invalid.
    """
    if webhook.state == "deleted":
        raise WebhookNotFound
    who: Any = {"webhook_id": webhook.id, "by": command.by, "at": command.at}
    match command:
        case EditWebhook():
            return _edit(command, webhook)
        case PauseWebhook():
            return [WebhookPaused(**who)] if webhook.state == "active" else []
        case ResumeWebhook():
            return [] if webhook.state == "active" else [WebhookResumed(**who)]
        case RotateWebhookSecret():
            if command.secret == webhook.secret:
                return []
            return [WebhookSecretRotated(secret=command.secret, previous_until=command.previous_until, **who)]
        case ReplayWebhook():
            return [WebhookReplayAsked(after=command.after, **who)] if command.after else []
        case DeleteWebhook():
            return [WebhookDeleted(**who)]


def _edit(command: EditWebhook, webhook: Webhook) -> list[WebhookEvent]:
    _check(command)
    changed: dict[str, Any] = {}
    for name in ("url", "event_types", "description"):
        value = getattr(command, name)
        if value is not UNSET and value != getattr(webhook, name):
            changed[name] = value
    return [WebhookEdited(webhook_id=webhook.id, by=command.by, at=command.at, **changed)] if changed else []


def miss(webhook: Webhook, context: str, position: int, at: datetime) -> list[WebhookEvent]:
    """It is not active, and is not told of the event at that position: unless it is known already."""
    behind = webhook.behind.get(context)
    if behind is not None and behind.after < position:
        return []
    return [WebhookMissed(webhook_id=webhook.id, context=context, after=position - 1, at=at)]


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
            return replace(webhook, state="active", why=None, updated_at=event.at)
        case WebhookDisabled():
            return replace(webhook, state="disabled", why=event.why, updated_at=event.at)
        case WebhookSecretRotated():
            return replace(
                webhook,
                secret=event.secret,
                previous_secret=webhook.secret,
                previous_until=event.previous_until,
                updated_at=event.at,
            )
        case WebhookMissed():
            return _behind(webhook, {event.context: event.after}, again=False)
        case WebhookReplayAsked():
            return replace(_behind(webhook, event.after, again=True), updated_at=event.at)
        case WebhookCaughtUp():
            return _caught_up(webhook, event)
        case WebhookDeleted():
            return replace(webhook, state="deleted", secret="", previous_secret="", behind={}, updated_at=event.at)


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
        updated_at=event.at,
    )
    # Whoever hears of events may have passed some over while it was being made.
    return _behind(created, event.begins, again=False)


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


WEBHOOK: Final = Decider[Any, Webhook](
    category="webhook", initial=Webhook(), decide=decide, evolve=evolve, schema="webhook-1"
)


def _evolve_shown(webhook: Webhook, event: WebhookEvent) -> Webhook:
    return replace(evolve(webhook, event), secret="", previous_secret="")


SHOWN_WEBHOOK: Final = Decider[Any, Webhook](
    category="webhook", initial=Webhook(), decide=decide, evolve=_evolve_shown, schema="webhook-1"
)
"""As read models keep it: without its secrets, which are sealed in the log and nowhere else."""
