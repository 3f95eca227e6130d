"""POST, PATCH and DELETE below `/api/webhooks`."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Annotated, Any, Final

from msgspec import Meta, field

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.positions import FeedPosition, decode_feed_position
from sigdep.http.routes import Body, Route
from sigdep.http.stamps import new_id
from sigdep.kernel.errors import Invalid, NotFound, Refused, SigdepError
from sigdep.kernel.ids import partition_of
from sigdep.kernel.messages import UNSET, UnsetType
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
from sigdep.notifications.domain.webhook_decisions import (
    DESCRIPTION_LENGTH_MAX,
    EVENT_TYPE_PATTERN,
    EVENT_TYPES_MAX,
    URL_LENGTH_MAX,
)
from sigdep.notifications.events.webhook_deliveries import WebhookDeliveryId
from sigdep.notifications.events.webhooks import WebhookId
from sigdep.notifications.queries.webhook_deliveries import WebhookDeliveryView
from sigdep.notifications.queries.webhooks import WebhookView
from sigdep.rpc.call import Answer, Call, Service, WorkspacePosition

SECRET_BYTES: Final = 32
OVERLAP_HOURS_MAX: Final = 168
OVERLAP_HOURS: Final = 24


def _shown(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


Url = Annotated[str, _shown(format="uri", maxLength=URL_LENGTH_MAX, examples=["https://hooks.example.com/sigdep"])]
EventType = Annotated[str, _shown(pattern=EVENT_TYPE_PATTERN, examples=["sigdep.tasks.TaskCompleted"])]
EventTypes = Annotated[tuple[EventType, ...], _shown(maxItems=EVENT_TYPES_MAX)]
Description = Annotated[str, _shown(maxLength=DESCRIPTION_LENGTH_MAX)]
Place = Annotated[str, Meta(description="A position, as writes, reads and the feed give it.")]


class NewWebhook(Body, frozen=True, kw_only=True):
    url: Url
    """Begins with `https://`, and leads out of this server's own network."""
    id: WebhookId | None = None
    """Your own, so that the request may be repeated. Left out: one is made."""
    workspace_id: WorkspaceId | None = None
    """Left out: your personal workspace."""
    event_types: EventTypes = ()
    """As the feed names them, or `sigdep.tasks.*` for all of a context. Left out: all."""
    description: Description = ""
    """By which you recognise it."""
    since: Place | None = field(default=None, name="from")
    """What came after this position is told as well. Left out: what happens from now on."""


class WebhookEdits(Body, frozen=True, kw_only=True):
    """Changes what it names and nothing else."""

    url: Url | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class Nothing(Body, frozen=True, kw_only=True):
    """There is nothing to be said."""


class Rotation(Body, frozen=True, kw_only=True):
    overlap_hours: Annotated[int, Meta(ge=0, le=OVERLAP_HOURS_MAX)] = OVERLAP_HOURS
    """For how long the secret before signs as well. 0: none but the new one does from now on."""


class Replay(Body, frozen=True, kw_only=True):
    since: Place = field(name="from")
    """What came after it is sent once more, each event under the id that it had."""


class WebhookWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def create(self, call: Call, body: NewWebhook) -> Answer[WebhookView]:
        """The answer shows the secret by which you know that a request is ours: keep it, it is not shown again. A
        request with an `id` of your own may be repeated: the second answers 200, without the secret, and changes
        nothing. For administrators of the workspace, which has at most 20 webhooks."""
        workspace = body.workspace_id or call.caller.personal_workspace_id
        command = CreateWebhook(
            webhook_id=body.id or WebhookId(new_id()),
            workspace_id=workspace,
            url=body.url,
            event_types=body.event_types,
            description=body.description,
            secret=_new_secret(),
            since={} if body.since is None else _places_in(workspace, body.since),
            by=call.caller.user_id,
            at=call.asked_at,
        )
        return await self.service.ask(command, call)

    async def edit(self, call: Call, webhook_id: WebhookId, body: WebhookEdits) -> Answer[WebhookView]:
        """Fields that are not named stay as they are. What is on its way already goes to the new address."""
        command = EditWebhook(
            webhook_id=webhook_id,
            by=call.caller.user_id,
            at=call.asked_at,
            url=body.url,
            event_types=body.event_types,
            description=body.description,
        )
        return await self.service.ask(command, call)

    async def pause(self, call: Call, webhook_id: WebhookId, body: Nothing) -> Answer[WebhookView]:
        """Nothing is sent until you resume it. Then it goes on where it stopped."""
        return await self.service.ask(
            PauseWebhook(webhook_id=webhook_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def resume(self, call: Call, webhook_id: WebhookId, body: Nothing) -> Answer[WebhookView]:
        """Also one that was disabled. It is told what it has missed, beside what happens from now on."""
        return await self.service.ask(
            ResumeWebhook(webhook_id=webhook_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def rotate(self, call: Call, webhook_id: WebhookId, body: Rotation) -> Answer[WebhookView]:
        """The answer shows the new secret, once. Every request carries a signature by it, and by up to two before it,
        each for as long as was said when it was replaced. Refused (409) where that would be three."""
        command = RotateWebhookSecret(
            webhook_id=webhook_id,
            secret=_new_secret(),
            previous_until=call.asked_at + timedelta(hours=body.overlap_hours),
            by=call.caller.user_id,
            at=call.asked_at,
        )
        return await self.service.ask(command, call)

    async def replay(self, call: Call, webhook_id: WebhookId, body: Replay) -> Answer[WebhookView]:
        """Of the webhook's types, and from before it was made too. Receivers that remember ids notice the repeats."""
        found = decode_feed_position(body.since, "/from")
        command = ReplayWebhook(
            webhook_id=webhook_id,
            after=_places(found),
            partition=found.partition,
            by=call.caller.user_id,
            at=call.asked_at,
        )
        return await self.service.ask(command, call)

    async def delete(self, call: Call, webhook_id: WebhookId) -> Answer[None]:
        """Nothing is sent any more, and what was told is not listed any more."""
        return await self.service.ask(
            DeleteWebhook(webhook_id=webhook_id, by=call.caller.user_id, at=call.asked_at), call
        )

    async def redeliver(
        self, call: Call, webhook_id: WebhookId, delivery_id: WebhookDeliveryId, body: Nothing
    ) -> Answer[WebhookDeliveryView]:
        """Under the same id, at once, and with as many attempts as at first. Refused (409) while it is on its way."""
        command = RedeliverWebhook(
            webhook_id=webhook_id, delivery_id=delivery_id, by=call.caller.user_id, at=call.asked_at
        )
        return await self.service.ask(command, call)


def _new_secret() -> str:
    return f"whsec_{b64encode(token_bytes(SECRET_BYTES)).decode()}"


def _places_in(workspace: WorkspaceId, text: str) -> Mapping[str, int]:
    """
    Raises:
        Invalid: it is no position of this workspace.
    """
    found = decode_feed_position(text, "/from")
    if found.partition != partition_of(workspace):
        raise Invalid.at("/from", "This position is of another workspace.")
    return _places(found)


def _places(found: FeedPosition | WorkspacePosition) -> Mapping[str, int]:
    """By context."""
    return dict(found.positions) if isinstance(found, FeedPosition) else {found.context: found.position}


def webhook_write_routes(service: Service) -> Sequence[Route]:
    handlers = WebhookWrites(service)
    all_, one = "/api/webhooks", "/api/webhooks/{webhook_id}"
    return (
        _route("POST", all_, handlers.create, "Make a webhook.", Refused, secret=True),
        _route("PATCH", one, handlers.edit, "Change the fields that are named."),
        _route("POST", f"{one}/pause", handlers.pause, "Send nothing for a while."),
        _route("POST", f"{one}/resume", handlers.resume, "Go on where it stopped."),
        _route("POST", f"{one}/rotate", handlers.rotate, "Replace the secret.", Refused, secret=True),
        _route("POST", f"{one}/replay", handlers.replay, "Send what came after a position once more."),
        _route(
            "POST", f"{one}/deliveries/{{delivery_id}}/redeliver", handlers.redeliver, "Send one once more.", Refused
        ),
        _route("DELETE", one, handlers.delete, "Delete a webhook."),
    )


def _route(
    method: Any, path: str, handle: Any, summary: str, *errors: type[SigdepError], secret: bool = False
) -> Route:
    return Route(
        method=method,
        path=path,
        handle=handle,
        summary=summary,
        tag="webhooks",
        scope="webhooks:write",
        errors=(NotFound, *errors),
        secret=secret,
    )
