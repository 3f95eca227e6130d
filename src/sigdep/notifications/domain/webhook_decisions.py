"""What may be asked of a webhook, and what follows from it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.kernel.messages import UNSET
from sigdep.notifications.commands.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    ReplayWebhook,
    ResumeWebhook,
    RotateWebhookSecret,
)
from sigdep.notifications.domain.webhook import Webhook, evolve, formers_at
from sigdep.notifications.events.webhooks import (
    WebhookCreated,
    WebhookDeleted,
    WebhookEdited,
    WebhookEvent,
    WebhookMissed,
    WebhookPaused,
    WebhookReplayAsked,
    WebhookResumed,
    WebhookSecretRotated,
)

EVENT_TYPES_MAX: Final = 50
EVENT_TYPE_LENGTH_MAX: Final = 100
DESCRIPTION_LENGTH_MAX: Final = 200
URL_LENGTH_MAX: Final = 2_048

FORMERS_MAX: Final = 2
"""Secrets that were replaced and still sign: whoever has lost the answer to a rotation may rotate once more."""

EVENT_TYPE_PATTERN: Final = r"^sigdep\.[a-z]+\.([A-Z][A-Za-z]*|\*)$"
_EVENT_TYPE: Final = re.compile(EVENT_TYPE_PATTERN, re.ASCII)


class WebhookNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This webhook does not exist, or you are no member of its workspace.")


class TooManySecrets(Refused):
    def __init__(self) -> None:
        super().__init__(
            f"{FORMERS_MAX} secrets before this one sign as well, and receivers may know any of them. Wait until one of"
            " them has ended, or rotate with overlap_hours 0, which ends both."
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
        TooManySecrets.
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
            if command.previous_until > command.at and len(formers_at(webhook, command.at)) >= FORMERS_MAX:
                raise TooManySecrets
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


def is_left_behind(webhook: Webhook, user: UserId, removed_at: datetime) -> bool:
    """Whether it goes on only because of somebody who has left: where it leads may be a place of theirs."""
    return webhook.state == "active" and webhook.kept_by == user and webhook.kept_since <= removed_at


WEBHOOK: Final = Decider[Any, Webhook](
    category="webhook", initial=Webhook(), decide=decide, evolve=evolve, schema="webhook-2"
)


def _evolve_shown(webhook: Webhook, event: WebhookEvent) -> Webhook:
    return replace(evolve(webhook, event), secret="", former=())


SHOWN_WEBHOOK: Final = Decider[Any, Webhook](
    category="webhook", initial=Webhook(), decide=decide, evolve=_evolve_shown, schema="webhook-2"
)
"""As read models keep it: without its secrets, which are sealed in the log and nowhere else."""
