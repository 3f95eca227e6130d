"""Commands to webhooks: what the administrators of a workspace ask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import Invalid, Refused
from sigdep.kernel.ids import Position, Version, partition_of
from sigdep.kernel.messages import UNSET
from sigdep.kernel.unit_of_work import Outcome
from sigdep.notifications.commands.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    RedeliverWebhook,
    ReplayWebhook,
    RotateWebhookSecret,
    WebhookCommand,
)
from sigdep.notifications.domain import webhook_list
from sigdep.notifications.domain.webhook import Webhook, webhook_view
from sigdep.notifications.domain.webhook_decisions import WebhookNotFound, create, decide
from sigdep.notifications.domain.webhook_delivery import WebhookDelivery, redeliver, webhook_delivery_view
from sigdep.notifications.events.webhooks import WebhookUnlisted
from sigdep.notifications.writing.attempt import Attempt, Surroundings
from sigdep.notifications.writing.hearing import Source
from sigdep.rpc.call import Answer, Call, WorkspacePosition

UrlObjection = Callable[[str], str | None]
"""Why nothing will ever reach a URL, as a sentence. None: nothing is wrong with it as far as can be seen."""

_TYPES: Final = "sigdep."

ROLE: Final = "admin"
"""Whoever makes a webhook sends all that happens in a workspace to wherever they like."""


class WebhookAsks:
    """Carries out what somebody asks of a webhook."""

    def __init__(self, sources: Mapping[str, Source], url_objection: UrlObjection) -> None:
        """
        Args:
            sources: by context: what webhooks are told.
        """
        self._sources, self._url_objection = sources, url_objection

    async def workspace_of(self, around: Surroundings, command: WebhookCommand, call: Call) -> WorkspaceId:
        """
        Raises:
            NotFound: there is no such webhook, or the caller is no member of its workspace.
            Forbidden: the caller is no administrator of it.
        """
        if isinstance(command, CreateWebhook):
            call.caller.require(command.workspace_id, ROLE, "This workspace")
            return command.workspace_id
        webhook = (await around.webhooks.load(around.webhooks.decider.stream(command.webhook_id))).state
        if webhook.version == 0:
            raise WebhookNotFound
        call.caller.require(webhook.workspace_id, ROLE, "This webhook")
        return webhook.workspace_id

    async def heads(self, workspace: WorkspaceId) -> Mapping[str, int]:
        """How far each context's log goes where the workspace stands.

        Raises:
            Unavailable: one of them cannot be asked.
        """
        partition = partition_of(workspace)
        return {name: (await source.heads()).get(partition, Position(0)) for name, source in self._sources.items()}

    def check(self, command: WebhookCommand, workspace: WorkspaceId) -> None:
        """
        Raises:
            Invalid: nothing will ever reach the address; webhooks hear nothing of a type's context; or what is to be
                replayed is another workspace's, or nothing.
        """
        if isinstance(command, CreateWebhook | EditWebhook) and command.url is not UNSET:
            objection = self._url_objection(command.url)
            if objection is not None:
                raise Invalid.at("/url", objection)
        if isinstance(command, CreateWebhook | EditWebhook) and command.event_types is not UNSET:
            self._check_contexts(command.event_types)
        if isinstance(command, ReplayWebhook):
            if command.partition != partition_of(workspace):
                raise Invalid.at("/from", "This position is of another workspace.")
            if not command.after.keys() & self._sources.keys():
                raise Invalid.at("/from", "This is the position of nothing that webhooks are told.")

    def _check_contexts(self, event_types: Sequence[str]) -> None:
        """What is no type at all is said where it is decided."""
        for place, kind in enumerate(event_types):
            context = kind.removeprefix(_TYPES).partition(".")[0]
            if kind.startswith(_TYPES) and context not in self._sources:
                told = " and ".join(sorted(f"{_TYPES}{name}.*" for name in self._sources))
                raise Invalid.at(
                    f"/event_types/{place}", f"Webhooks are told nothing of {context!r}: name some of {told}."
                )

    async def change(self, attempt: Attempt, command: WebhookCommand, heads: Mapping[str, int]) -> None:
        """Decide and record, and say which state the answer shows."""
        match command:
            case CreateWebhook():
                await _create(attempt, command, heads)
            case RedeliverWebhook():
                await _redeliver(attempt, command)
            case _:
                await self._change(attempt, command)

    async def _change(self, attempt: Attempt, command: ChangeWebhook) -> None:
        webhooks, identity = attempt.around.webhooks, command.webhook_id
        webhook = await attempt.unit.load(webhooks, identity)
        attempt.match(webhooks, identity, webhook.version)
        if isinstance(command, DeleteWebhook):
            lists, workspace = attempt.around.webhook_lists, webhook.workspace_id
            await attempt.unit.load(lists, workspace)
            attempt.record(lists, workspace, [WebhookUnlisted(workspace_id=workspace, webhook_id=identity)])
        attempt.record(webhooks, identity, decide(self._told(command), webhook))
        attempt.unit.show(webhooks, identity)

    def _told(self, command: ChangeWebhook) -> ChangeWebhook:
        """Without the places in logs of which webhooks are told nothing: a position of the feed has one in each."""
        if not isinstance(command, ReplayWebhook):
            return command
        return replace(command, after={name: place for name, place in command.after.items() if name in self._sources})


async def _create(attempt: Attempt, command: CreateWebhook, heads: Mapping[str, int]) -> None:
    webhooks, lists, identity = attempt.around.webhooks, attempt.around.webhook_lists, command.webhook_id
    webhook = await attempt.unit.load(webhooks, identity)
    events = create(command, webhook, heads)
    if events:
        listed = await attempt.unit.load(lists, command.workspace_id)
        attempt.record(lists, command.workspace_id, webhook_list.decide(command, listed))
        attempt.record(webhooks, identity, events)
    attempt.unit.show(webhooks, identity)


async def _redeliver(attempt: Attempt, command: RedeliverWebhook) -> None:
    webhook = await attempt.unit.load(attempt.around.webhooks, command.webhook_id)
    if webhook.state == "deleted":
        raise WebhookNotFound
    if webhook.state != "active":
        raise Refused(f"The webhook is {webhook.state}. Resume it first.")
    deliveries = attempt.around.webhook_deliveries
    delivery = await attempt.unit.load(deliveries, command.delivery_id)
    attempt.record(deliveries, command.delivery_id, redeliver(command, delivery))
    attempt.unit.show(deliveries, command.delivery_id)


def answer(command: WebhookCommand, outcome: Outcome, position: WorkspacePosition) -> Answer[Any]:
    """What somebody is shown of what they have asked for."""
    state = outcome.state
    if isinstance(command, RedeliverWebhook):
        assert isinstance(state, WebhookDelivery)
        return Answer(value=webhook_delivery_view(state), position=position)
    assert isinstance(state, Webhook)
    if isinstance(command, DeleteWebhook):
        return Answer(value=None, position=position)
    # Whoever asks for the same once more, under another key or none, does not see the secret of the one that is there.
    made = isinstance(command, CreateWebhook) and (outcome.repeated or state.secret == command.secret)
    new = made or isinstance(command, RotateWebhookSecret)
    view = webhook_view(state, secret=state.secret if new else None)
    return Answer(value=view, version=Version(state.version), position=position, created=made)
