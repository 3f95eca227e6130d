"""What may stand behind the `?` of the routes that read."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
from sigdep.http.read_parameters import OneParameters, PageParameters
from sigdep.http.routes import Parameters

Workspace = Annotated[WorkspaceId, Meta(description="Left out: the personal one.")]
Instant = Annotated[datetime, Meta(tz=True)]


class OccurrenceParameters(OneParameters, frozen=True, kw_only=True):
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class OccurrenceListParameters(PageParameters, frozen=True, kw_only=True):
    since: Instant | None = field(name="from", default=None)
    """Left out: now."""
    until: Instant | None = field(name="to", default=None)
    """Excluded. Left out: 31 days later."""
    calendar_id: tuple[CalendarId, ...] = ()
    """Several: all of them, which are in one workspace. Left out: those of the workspace that are not archived."""
    workspace_id: WorkspaceId | None = None
    """Left out: that of the calendar; without one, the personal one."""
    q: Annotated[str, Meta(max_length=500)] | None = None
    """Words, each of which must begin a word of the title, the description or the location."""
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class BusyParameters(Parameters, frozen=True, kw_only=True):
    since: Instant = field(name="from")
    until: Instant = field(name="to")
    """Excluded."""
    user_ids: tuple[UserId, ...] = ()
    """Left out: yourself."""
    time_zone: str | None = None
    """IANA name: from where days and floating times are seen. Left out: that of your profile."""


class CalendarListParameters(PageParameters, frozen=True, kw_only=True):
    workspace_id: Workspace | None = None
    archived: bool | None = None
    """Left out: both."""
    trashed: bool = False
    """true: what is in the trash."""


class KeptParameters(PageParameters, frozen=True, kw_only=True):
    uid: str | None = None
    trashed: bool = False
    """true: what is in the trash."""
