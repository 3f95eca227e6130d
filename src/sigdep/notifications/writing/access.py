"""In which workspace a command is carried out, and whether its caller may ask for it there."""

from typing import TypeAlias

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.notifications.commands.inbox import MarkAllRead, NotificationCommand, ReturnNotification, TellPeople
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.commands.people import (
    ChangePreferences,
    DevicesCommand,
    PostDigest,
    RegisterDevice,
    RemoveDevice,
    Unsubscribe,
)
from sigdep.notifications.commands.reminders import SnoozeReminder
from sigdep.notifications.commands.webhooks import WebhookCommand
from sigdep.notifications.domain.notification import NotificationNotFound
from sigdep.notifications.domain.reminder_decisions import ReminderNotFound
from sigdep.notifications.writing.attempt import Surroundings, own
from sigdep.rpc.call import Call

PersonalCommand: TypeAlias = (
    TellPeople
    | NotificationCommand
    | SnoozeReminder
    | MarkAllRead
    | ChangePreferences
    | PostDigest
    | DevicesCommand
    | ForgetWorkspace
    | ForgetMember
    | ForgetPerson
)
"""What is about one person, or follows from what others have done. Webhooks have rules of their own."""

WriteCommand: TypeAlias = PersonalCommand | Unsubscribe | WebhookCommand

Unasked: TypeAlias = TellPeople | ReturnNotification | PostDigest | ForgetWorkspace | ForgetMember | ForgetPerson
"""Follows from what others have done, or from the time."""


async def workspace_of(around: Surroundings, command: PersonalCommand, call: Call) -> WorkspaceId:
    """
    Raises:
        NotFound: the notification does not exist, is somebody else's, or is of a workspace that the caller has left.
        Forbidden: nobody may ask for this, or only for themselves.
    """
    if isinstance(command, Unasked) and call.principal is not None:
        raise Forbidden("Nobody may ask for this: it follows from what others have done, or from the time.")
    match command:
        case TellPeople() | ForgetWorkspace() | ForgetMember():
            return command.workspace_id
        case ForgetPerson() | PostDigest():
            return own(command.user_id)
        case MarkAllRead():
            _require_self(command.by, call)
            if command.workspace_id is not None:
                call.caller.require(command.workspace_id, "viewer", "This workspace")
            return own(command.by)
        case ChangePreferences() | RegisterDevice():
            _require_self(command.user_id, call)
            return own(command.user_id)
        case RemoveDevice():
            if call.principal is not None:  # One that is gone is removed by whoever could not reach it: by nobody.
                _require_self(command.user_id, call)
            return own(command.user_id)
        case SnoozeReminder():
            return await _of_reminder(around, command, call)
        case _:
            return await _of_notification(around, command, call)


def _require_self(user: UserId, call: Call) -> None:
    if call.caller.user_id != user:
        raise Forbidden("These are somebody else's.")


async def _of_notification(around: Surroundings, command: NotificationCommand, call: Call) -> WorkspaceId:
    found = await around.notifications.load(around.notifications.decider.stream(command.notification_id))
    notification = found.state
    if notification.version == 0:
        raise NotificationNotFound
    if not isinstance(command, ReturnNotification):
        if notification.recipient_id != call.caller.user_id:
            raise NotificationNotFound
        try:
            call.caller.require(notification.workspace_id, "viewer", "This notification")
        except NotFound:
            raise NotificationNotFound from None
    return notification.workspace_id


async def _of_reminder(around: Surroundings, command: SnoozeReminder, call: Call) -> WorkspaceId:
    reminder = (await around.reminders.load(around.reminders.decider.stream(command.reminder_id))).state
    is_theirs = reminder.user_id == call.caller.user_id == command.by
    if not is_theirs or reminder.workspace_id not in call.caller.roles:
        raise ReminderNotFound
    return reminder.workspace_id
