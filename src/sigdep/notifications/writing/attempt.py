"""One attempt at one command: everything that carrying it out may look at or change."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.notifications.domain.delivery import DELIVERY, Delivery
from sigdep.notifications.domain.devices import DEVICES, Devices
from sigdep.notifications.domain.notification import NOTIFICATION, Notification
from sigdep.notifications.domain.oblivion import PERSON, WORKSPACE, Person, Workspace
from sigdep.notifications.domain.preferences import PREFERENCES, Preferences
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.domain.reminder_decisions import REMINDER
from sigdep.notifications.domain.schedule import SCHEDULE, Schedule
from sigdep.notifications.domain.webhook import Webhook
from sigdep.notifications.domain.webhook_decisions import WEBHOOK
from sigdep.notifications.domain.webhook_delivery import WEBHOOK_DELIVERY, WebhookDelivery
from sigdep.notifications.domain.webhook_list import WEBHOOK_LIST, WebhookList
from sigdep.notifications.domain.webhook_records import WEBHOOK_RECORDS, WebhookRecords
from sigdep.rpc.call import Call
from sigdep.writing.members import Members

S = TypeVar("S", bound=State)


class Surroundings:
    """The aggregates of this context, and what it asks of others."""

    def __init__(self, store: EventStore, *, members: Members, alone: bool) -> None:
        self.store = store
        self.members = members
        self.notifications: Repository[Notification] = Repository(store, NOTIFICATION, alone=alone)
        self.deliveries: Repository[Delivery] = Repository(store, DELIVERY, alone=alone)
        self.reminders: Repository[Reminder] = Repository(store, REMINDER, alone=alone)
        self.schedules: Repository[Schedule] = Repository(store, SCHEDULE, alone=alone)
        self.preferences: Repository[Preferences] = Repository(store, PREFERENCES, alone=alone)
        self.devices: Repository[Devices] = Repository(store, DEVICES, alone=alone)
        self.workspaces: Repository[Workspace] = Repository(store, WORKSPACE, alone=alone)
        self.people: Repository[Person] = Repository(store, PERSON, alone=alone)
        self.webhooks: Repository[Webhook] = Repository(store, WEBHOOK, alone=alone)
        self.webhook_lists: Repository[WebhookList] = Repository(store, WEBHOOK_LIST, alone=alone)
        self.webhook_deliveries: Repository[WebhookDelivery] = Repository(store, WEBHOOK_DELIVERY, alone=alone)
        self.webhook_records: Repository[WebhookRecords] = Repository(store, WEBHOOK_RECORDS, alone=alone)

    async def wishes_of(self, user: UserId) -> Preferences:
        """What somebody wants to be told, as it is now: looked at, not held still. Who changes their mind in this
        moment is told as they wanted it a moment ago."""
        return (await self.preferences.latest(self.preferences.decider.stream(user))).state

    @property
    def repositories(self) -> tuple[Repository[State], ...]:
        return (  # type: ignore[return-value]  # To run commands, it does not matter what they are about.
            self.notifications,
            self.deliveries,
            self.reminders,
            self.schedules,
            self.preferences,
            self.devices,
            self.workspaces,
            self.people,
            self.webhooks,
            self.webhook_lists,
            self.webhook_deliveries,
            self.webhook_records,
        )


@dataclass(slots=True)
class Attempt:
    """Made anew for every attempt."""

    around: Surroundings
    unit: UnitOfWork
    call: Call

    @property
    def workspace(self) -> WorkspaceId:
        return self.unit.workspace

    def match(self, repository: Repository[S], identity: UUID, version: int) -> None:
        """
        Raises:
            Stale: the caller's If-Match names another version.
        """
        if self.call.if_match is not None:
            self.call.match(repository.decider.stream(identity), Version(version))

    def record(self, repository: Repository[S], identity: UUID, events: Iterable[Event]) -> S:
        """Sealed with the key of the workspace, or of the person in whose partition this is."""
        return self.unit.record(repository, identity, SubjectId(self.workspace), events)


def own(user: UserId) -> WorkspaceId:
    """Where the streams of a person stand that belong to no workspace: in the partition of their id, by that name."""
    return WorkspaceId(user)
