"""One attempt at one command: what it works on, and what it asks of others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.appointment_decisions import APPOINTMENT
from sigdep.calendar.domain.calendar import CALENDAR, Calendar
from sigdep.calendar.domain.departure import DEPARTURE, Departure
from sigdep.calendar.domain.feed import FEED, OpenedFeed
from sigdep.calendar.domain.known_uid import KNOWN_UID, KnownUid
from sigdep.calendar.domain.workspace import WORKSPACE, Workspace
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Call
from sigdep.writing.members import Members

S = TypeVar("S", bound=State)


class Surroundings:
    """The aggregates of this context, and what it asks of others."""

    def __init__(self, store: EventStore, *, members: Members, alone: bool) -> None:
        self.store = store
        self.members = members
        self.calendars: Repository[Calendar] = Repository(store, CALENDAR, alone=alone)
        self.appointments: Repository[Appointment] = Repository(store, APPOINTMENT, alone=alone)
        self.feeds: Repository[OpenedFeed] = Repository(store, FEED, alone=alone)
        self.departures: Repository[Departure] = Repository(store, DEPARTURE, alone=alone)
        self.uids: Repository[KnownUid] = Repository(store, KNOWN_UID, alone=alone)
        self.workspaces: Repository[Workspace] = Repository(store, WORKSPACE, alone=alone)

    @property
    def repositories(self) -> tuple[Repository[State], ...]:
        return (  # type: ignore[return-value]  # Whatever they are about.
            *(self.calendars, self.feeds, self.appointments),
            *(self.departures, self.uids, self.workspaces),
        )


@dataclass(slots=True)
class Attempt:
    """Made anew for every attempt, so that it may remember what it has done."""

    around: Surroundings
    unit: UnitOfWork
    call: Call
    repeated: bool = False
    """True: what was to be created had been created by the same request before."""

    @property
    def workspace(self) -> WorkspaceId:
        return self.unit.workspace

    def make_id(self) -> UUID:
        """An id for something new: the command's own, the same in every attempt and every retry."""
        return self.call.command_id

    def match(self, repository: Repository[S], identity: UUID, version: int) -> None:
        """
        Raises:
            Stale: the caller's If-Match names another version.
        """
        if self.call.if_match is not None:
            self.call.match(repository.decider.stream(identity), Version(version))

    def record(self, repository: Repository[S], identity: UUID, events: Iterable[Event]) -> S:
        """Sealed with the workspace's key: erasing the workspace erases them."""
        return self.unit.record(repository, identity, SubjectId(self.workspace), events)
