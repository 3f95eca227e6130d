"""What is asked of preferences and devices.

`at` is stamped at the edge, from the call. A field that is UNSET is left as it is; None clears it.
"""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.notifications.events.inbox import Kind, NotificationId
from sigdep.notifications.events.people import Channel, DeviceId, QuietHours


class Choice(Struct, frozen=True, kw_only=True):
    """Whether a person wants things of one kind told by one way."""

    kind: Kind
    channel: Channel
    wanted: bool


class ChangePreferences(Command):
    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one."""
    at: datetime
    time_zone: str | UnsetType = UNSET
    choices: tuple[Choice, ...] = ()
    """Changes those that it names."""
    quiet_hours: QuietHours | UnsetType | None = UNSET
    digest_at: str | UnsetType | None = UNSET
    due_soon: str | UnsetType | None = UNSET


class PostDigest(Command):
    """The digest of a day, for whoever wants one. Asked by nobody but a job."""

    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one."""
    on: date
    title: str
    """Empty: there is nothing to tell, and nothing is posted."""
    at: datetime
    items: tuple[NotificationId, ...] = ()
    """What it tells of, the newest first."""
    more: int = 0
    """So many more there are."""


class ApplyLead(Command):
    """What was scheduled of tasks that are due is scheduled by this lead. Asked by nobody but a job."""

    user_id: UserId
    lead: str
    at: datetime


class Unsubscribe(Command):
    """No more e-mails of one kind to one person: those whom the token names. Asked by whoever has it."""

    token: str
    at: datetime


class DeclineEmails(Command):
    """What a token says that is one."""

    user_id: UserId
    kind: Kind
    at: datetime


PreferencesCommand = ChangePreferences | PostDigest | ApplyLead | DeclineEmails


class RegisterDevice(Command):
    user_id: UserId
    channel: Channel
    target: Mapping[str, str]
    at: datetime
    name: str | None = None


class RemoveDevice(Command):
    user_id: UserId
    device_id: DeviceId
    at: datetime
    gone: bool = False
    """Its channel says that nothing will ever reach it again."""


DevicesCommand = RegisterDevice | RemoveDevice
