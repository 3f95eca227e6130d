"""What people want to be told, and where they can be reached.

Streams `preferences-<user id>` and `devices-<user id>`, in the partition of their id. Fields that may be left out say
nothing: a change names what it changed and nothing else, and None says that a field was cleared. Instants are UTC.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, NewType
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType
from sigdep.notifications.events.inbox import Kind

DeviceId = NewType("DeviceId", UUID)
"""Made of the channel and the address in it: registering the same device again gives the same id."""

Channel = Literal["email", "fcm", "web_push"]
"""The ways out to a person. The inbox is none of them: everything is there."""


class QuietHours(Struct, frozen=True, kw_only=True):
    """From one time on the wall to another, over midnight where the second is the earlier one."""

    start: str
    """`22:00`."""
    end: str
    """`07:00`."""
    urgent_passes: bool = False
    """What is urgent goes out all the same."""


class PreferencesChanged(Event):
    """Some of these have a new value. Sealed with the key of its person."""

    user_id: UserId
    workspace_id: WorkspaceId
    """The personal one, in which their digest is posted."""
    at: datetime
    time_zone: str | UnsetType = UNSET
    channels: Mapping[Kind, Mapping[Channel, bool]] | UnsetType = UNSET
    """Those that changed, and no others."""
    quiet_hours: QuietHours | UnsetType | None = UNSET
    digest_at: str | UnsetType | None = UNSET
    """The time on the wall at which they want it. None: never."""
    due_soon: str | UnsetType | None = UNSET
    """How long before a task is due they want to be told, as in `PT1H`. None: never."""


class DigestPosted(Event):
    """The digest of a day has been made, or there was nothing to tell: none of it and of earlier days follows."""

    user_id: UserId
    on: date
    at: datetime


class LeadApplied(Event):
    """What was scheduled of tasks that are due is scheduled as long before as they want."""

    user_id: UserId
    lead: str
    at: datetime


class Unsubscribed(Event):
    """They have followed the link in an e-mail: none of that kind goes to their address any more."""

    user_id: UserId
    kind: Kind
    at: datetime


PreferencesEvent = PreferencesChanged | DigestPosted | LeadApplied | Unsubscribed


class DeviceRegistered(Event):
    """Sealed with the key of its person. A device that registers again may have a new name or new keys."""

    user_id: UserId
    device_id: DeviceId
    channel: Channel
    target: Mapping[str, str]
    """`{"token"}` of FCM; `{"endpoint", "p256dh", "auth"}` of Web Push (RFC 8291 §3)."""
    name: str | None
    at: datetime


class DeviceRemoved(Event):
    """`gone`: its channel said that nothing will ever reach it again."""

    user_id: UserId
    device_id: DeviceId
    gone: bool
    at: datetime


DevicesEvent = DeviceRegistered | DeviceRemoved
