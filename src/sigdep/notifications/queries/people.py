"""What can be asked about preferences and devices, and the shapes of those answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from sigdep.contracts.ids import UserId
from sigdep.kernel.messages import Query
from sigdep.notifications.events.inbox import Kind
from sigdep.notifications.events.people import Channel, DeviceId, QuietHours


class FindLeadsBehind(Query):
    """Some people who want to be told of tasks sooner or later than it is scheduled. Asked by a job."""

    now: datetime
    limit: int


class LeadBehind(Struct, frozen=True, kw_only=True):
    user_id: UserId
    lead: str
    """What they want."""
    version: int


class GetPreferences(Query):
    pass


class ListDevices(Query):
    pass


class GetPushKey(Query):
    pass


class PreferencesView(Struct, frozen=True, kw_only=True):
    """What somebody is told, by which ways, and when they want quiet."""

    channels: Mapping[Kind, Mapping[Channel, bool]]
    """By each way, of each kind. Everything is in the inbox, whatever is said here."""
    time_zone: str
    """IANA. In it the times below are meant."""
    quiet_hours: QuietHours | None
    """When nothing goes out: it waits until they are over. The inbox does not."""
    digest_at: str | None
    """At what time a digest of the day comes, as in `07:30`. null: none does."""
    due_soon: str | None
    """How long before a task is due you are told, as in `PT1H`, where the task has no reminders of its own. null: you
    are not."""
    version: int


class DeclinedKind(Struct, frozen=True, kw_only=True):
    """Of which kind a person gets no e-mails any more."""

    kind: Kind


class DeviceView(Struct, frozen=True, kw_only=True):
    """Where something can be pushed to, without the secrets of that."""

    id: DeviceId
    channel: Channel
    name: str | None
    registered_at: datetime


class DeviceList(Struct, frozen=True, kw_only=True):
    """All devices of one person, in the order in which they registered."""

    items: Sequence[DeviceView]


class PushKey(Struct, frozen=True, kw_only=True):
    """By what browsers and push services know this server."""

    application_server_key: str | None
    """For `pushManager.subscribe`. null: nothing is pushed to browsers."""
