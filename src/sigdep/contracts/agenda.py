"""What an agenda is made of: every context whose things have a place in time answers for its own."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Query


class AgendaPlace(Struct, frozen=True, kw_only=True, order=True):
    """Where an entry stands. Places have one order, whichever context they are of."""

    starts_at: datetime
    """UTC. Days begin with their first moment in the time zone of the question."""
    thing_id: UUID
    """A task's or an appointment's."""
    occurrence: str = ""
    """Which of a series, as the thing's context names it. Empty: there is one only."""


class FindAgenda(Query):
    """What of a workspace is planned or on at some time of a span, by place."""

    since: datetime
    """UTC."""
    until: datetime
    """UTC, excluded."""
    time_zone: str
    """IANA name: where days begin."""
    workspace_id: WorkspaceId | None = None
    """None: the personal one."""
    after: AgendaPlace | None = None
    """Only what stands behind this place."""
    limit: int = 50


class AgendaEntry(Struct, frozen=True, kw_only=True):
    """One thing, or one of its occurrences."""

    place: AgendaPlace
    ends_at: datetime | None = None
    """UTC. None: it does not last."""
    all_day: bool = False
    document: bytes
    """The thing as its context shows it, as JSON."""


class AgendaPart(Struct, frozen=True, kw_only=True):
    """The entries of one context, in the order of their places."""

    entries: tuple[AgendaEntry, ...]
    more: bool
    """True: more stands behind the last of them."""
