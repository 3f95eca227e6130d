"""The commands of this context, carried out: who may ask, what is decided, what is stored, what is answered."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import Outcome, UnitOfWork
from sigdep.notifications.commands.inbox import MarkAllRead, NotificationCommand, TellPeople
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.commands.people import (
    ChangePreferences,
    DeclineEmails,
    PostDigest,
    RegisterDevice,
    RemoveDevice,
    Unsubscribe,
)
from sigdep.notifications.commands.reminders import SnoozeReminder
from sigdep.notifications.commands.webhooks import WebhookCommand
from sigdep.notifications.domain.devices import Devices, device_id, device_view
from sigdep.notifications.domain.preferences import Preferences, view
from sigdep.notifications.domain.telling import News, digest_news
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.people import DeclinedKind
from sigdep.notifications.writing.access import WriteCommand, workspace_of
from sigdep.notifications.writing.attempt import Attempt, Surroundings, own
from sigdep.notifications.writing.forgetting import forget
from sigdep.notifications.writing.hearing import Source
from sigdep.notifications.writing.inbox import change_notification, mark_all, unread_of
from sigdep.notifications.writing.people import change_devices, change_preferences
from sigdep.notifications.writing.snoozing import snooze
from sigdep.notifications.writing.telling import tell_person
from sigdep.notifications.writing.unsubscribing import UnsubscribeTokens
from sigdep.notifications.writing.webhook_ends import disable_left_behind
from sigdep.notifications.writing.webhook_records import WebhookRecordsWork
from sigdep.notifications.writing.webhook_work import WebhookWork
from sigdep.notifications.writing.webhooks import UrlObjection, WebhookAsks, answer
from sigdep.rpc.call import Answer, Call, Service, WorkspacePosition
from sigdep.writing.carrying_out import Done, answered_before, done_before, execute
from sigdep.writing.erased import erased_is_not_found
from sigdep.writing.members import Members

CONTEXT: Final = "notifications"

RECIPIENTS_AT_ONCE: Final = 20
"""People who are told with one append: with all their devices they stay far below what one takes."""

_OF_NEWS: Final = frozenset(News.__struct_fields__) & frozenset(TellPeople.__struct_fields__)


class NotificationsWrite:
    """A Service (`rpc/call.py`) of every command in `commands.py`."""

    def __init__(
        self,
        store: EventStore,
        *,
        members: Members,
        read: Service,
        sources: Mapping[str, Source],
        url_objection: UrlObjection,
        tokens: UnsubscribeTokens,
        alone: bool,
    ) -> None:
        """
        Args:
            read: the reading side of this context.
            sources: by context: what webhooks are told.
            url_objection: says what is wrong with the address of a webhook.
            tokens: of the links in e-mails.
            alone: no other process writes to this store.
        """
        self.around = self._around = Surroundings(store, members=members, alone=alone)
        self.executor = self._executor = Executor(store, self._around.repositories)
        self._read, self.tokens = read, tokens
        self._webhook_asks = WebhookAsks(sources, url_objection)
        self.webhook_work = WebhookWork(self._around, self._executor)
        self.webhook_records_work = WebhookRecordsWork(self._around, self._executor)
        """What is done for webhooks by whoever runs beside this service."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        if not isinstance(message, WriteCommand):
            raise TypeError(f"notifications.write carries out no {type(message).__name__}.")
        with erased_is_not_found():
            outcome = await self._answered(message, call)
            if outcome is None:
                outcome = await self._carry_out(message, call)
            return self._answer(message, outcome, call)

    async def _answered(self, command: WriteCommand, call: Call) -> Outcome | None:
        """What an earlier request led to. A webhook is its workspace's, all else is the caller's own."""
        if not isinstance(command, WebhookCommand):
            return await answered_before(self._executor, call)
        done: Done[Attempt] | None = await done_before(self._executor, call)
        return None if done is None else done.outcome

    async def _carry_out(self, command: WriteCommand, call: Call) -> Outcome:
        if isinstance(command, WebhookCommand):
            return await self._ask_webhook(command, call)
        if isinstance(command, Unsubscribe):
            return await self._unsubscribe(command, call)
        workspace = await workspace_of(self._around, command, call)
        match command:
            case TellPeople():
                return await self._tell(command, call)
            case PostDigest():
                return await self._post_digest(command, workspace, call)
            case MarkAllRead():
                return await self._mark_all(command, workspace, call)
            case ForgetMember():
                return await self._forget_member(command, call)
            case ForgetWorkspace() | ForgetPerson():
                return await self._execute(workspace, call, lambda attempt: forget(self._around, attempt.unit, command))
            case _:
                return await self._execute(workspace, call, lambda attempt: self._change(attempt, command))

    async def _forget_member(self, command: ForgetMember, call: Call) -> Outcome:
        """Their webhooks apart: those of a workspace that was erased cannot be written to, and need not be."""
        workspace, part = command.workspace_id, replace(call, command_id=_part_of(call.command_id, 1))
        with suppress(KeyDestroyed):
            await self._execute(workspace, part, lambda attempt: disable_left_behind(attempt, command))
        return await self._execute(workspace, call, lambda attempt: forget(self._around, attempt.unit, command))

    async def _change(
        self,
        attempt: Attempt,
        command: NotificationCommand | SnoozeReminder | ChangePreferences | RegisterDevice | RemoveDevice,
    ) -> None:
        """Decide and record, and say which state the answer shows."""
        around, show = self._around, attempt.unit.show
        if isinstance(command, ChangePreferences):
            show(around.preferences, await change_preferences(attempt, command))
        elif isinstance(command, RegisterDevice | RemoveDevice):
            show(around.devices, await change_devices(attempt, command))
        elif isinstance(command, SnoozeReminder):
            show(around.reminders, await snooze(attempt, command))
        else:
            show(around.notifications, await change_notification(attempt, command))

    async def _unsubscribe(self, command: Unsubscribe, call: Call) -> Outcome:
        """Whoever has the token may, signed in or not."""
        user, kind = self.tokens.read(command.token)
        decline = DeclineEmails(user_id=user, kind=kind, at=command.at)

        async def work(attempt: Attempt) -> None:
            attempt.unit.show(self._around.preferences, await change_preferences(attempt, decline))

        return await self._execute(own(user), replace(call, if_match=None), work)

    async def _ask_webhook(self, command: WebhookCommand, call: Call) -> Outcome:
        asks = self._webhook_asks
        workspace = await asks.workspace_of(self._around, command, call)
        asks.check(command, workspace)
        heads = await asks.heads(workspace)
        return await self._execute(workspace, call, lambda attempt: asks.change(attempt, command, heads))

    async def _tell(self, command: TellPeople, call: Call) -> Outcome:
        """Some people after the other: each is told once, however often this begins anew."""
        strangers = await self._around.members.are_members(command.workspace_id, command.recipients)
        recipients = [user for user in dict.fromkeys(command.recipients) if user not in strangers]
        news = News(**{name: getattr(command, name) for name in _OF_NEWS})
        outcome = await self._tell_some(news, recipients[:RECIPIENTS_AT_ONCE], call)
        for start in range(RECIPIENTS_AT_ONCE, len(recipients), RECIPIENTS_AT_ONCE):
            part = replace(call, command_id=_part_of(call.command_id, start))
            outcome = await self._tell_some(news, recipients[start : start + RECIPIENTS_AT_ONCE], part)
        return outcome

    async def _tell_some(self, news: News, recipients: Sequence[Any], call: Call) -> Outcome:
        async def tell(attempt: Attempt) -> None:
            for recipient in recipients:
                await tell_person(attempt, news, recipient)

        return await self._execute(news.workspace_id, call, tell)

    async def _post_digest(self, command: PostDigest, workspace: WorkspaceId, call: Call) -> Outcome:
        """First it is told, which happens once whatever comes between; then it is noted that it was."""
        if command.title:
            news = digest_news(command)
            part = replace(call, command_id=_part_of(call.command_id, 1))
            await self._tell_some(news, [command.user_id], part)

        async def note(attempt: Attempt) -> None:
            await change_preferences(attempt, command)

        return await self._execute(workspace, call, note)

    async def _mark_all(self, command: MarkAllRead, workspace: WorkspaceId, call: Call) -> Outcome:
        """Workspace by workspace: whoever is interrupted in between asks again, and the rest is marked."""
        marking = replace(call, answer_key=None)
        async for by_workspace in unread_of(self._read, command, call):
            for number, (place, unread) in enumerate(by_workspace.items()):
                if place in call.caller.roles:
                    part = replace(marking, command_id=_part_of(call.command_id, number))
                    await self._execute(place, part, _marking(command, unread))

        async def nothing(_attempt: Attempt) -> None:
            """The idempotency key is kept where the person's own things are."""

        return await self._execute(workspace, call, nothing)

    async def _execute(self, workspace: WorkspaceId, call: Call, perform: Any) -> Outcome:
        async def work(unit: UnitOfWork) -> None:
            await perform(Attempt(self._around, unit, call))

        return await execute(self._executor, workspace, work, call)

    def _answer(self, command: WriteCommand, outcome: Outcome, call: Call) -> Answer[Any]:
        position = WorkspacePosition(CONTEXT, outcome.partition, outcome.position)
        if not outcome.shown:
            return Answer(value=None, position=position)
        if isinstance(command, WebhookCommand):
            return answer(command, outcome, position)
        match command:
            case ChangePreferences():
                preferences: Preferences = outcome.state
                shown = view(preferences, time_zone=call.caller.time_zone)
                return Answer(value=shown, version=outcome.version, position=position)
            case RegisterDevice():
                devices: Devices = outcome.state
                registered = device_id(command.channel, command.target)
                (device,) = (device for device in devices.devices if device.id == registered)
                return Answer(
                    value=device_view(device),
                    position=position,
                    created=device.registered_at == call.asked_at and not call.dry_run,
                )
            case RemoveDevice():
                return Answer(value=None, position=position)
            case Unsubscribe():
                return Answer(value=DeclinedKind(kind=self.tokens.read(command.token).kind))
            case _:
                return Answer(value=outcome.state, version=outcome.version, position=position)


def _marking(command: MarkAllRead, unread: Sequence[NotificationId]) -> Any:
    async def mark(attempt: Attempt) -> None:
        await mark_all(attempt, command, unread)

    return mark


def _part_of(command_id: CommandId, number: int) -> CommandId:
    """The id of one append of several that one command leads to: the same when it is repeated."""
    return CommandId(uuid5(command_id, str(number)))
