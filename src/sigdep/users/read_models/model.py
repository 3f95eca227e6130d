"""The read model of the context: people, workspaces, credentials and erasures, projected together."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Key, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.users.read_models import credentials, erasures, people, workspaces

REVISION: Final = 1
"""Raise it when a row comes out otherwise and the tables do not show it."""

_CHANGED: Final[tuple[tuple[Table, Callable[[Event], Key | None]], ...]] = (
    (people.PEOPLE, people.key_of),
    (workspaces.WORKSPACES, workspaces.key_of),
    (workspaces.MEMBERSHIPS, workspaces.membership_key_of),
    (credentials.SESSIONS, credentials.key_of),
    (erasures.ERASURES, erasures.key_of),
)
"""Tables some of whose rows must be fetched before an event can change them."""


class UsersReadModel:
    """What `users.read` and the gateway's identities answer from."""

    name: Final = "users"
    tables: Final[Sequence[Table]] = (
        people.PEOPLE,
        workspaces.WORKSPACES,
        workspaces.MEMBERSHIPS,
        workspaces.INVITATIONS,
        credentials.SESSIONS,
        credentials.TOKENS,
        erasures.ERASURES,
        erasures.ERASED,
    )

    def __init__(self) -> None:
        self.fingerprint = sha256(f"{REVISION}|{self.tables}".encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        events = [(recorded, event) for recorded in batch if (event := recorded.event) is not None]
        for table, key_of in _CHANGED:
            await rows.fetch(table, {key for _, event in events if (key := key_of(event)) is not None})
        for recorded, event in events:
            people.project(recorded, event, rows)
            workspaces.project(recorded, event, rows)
            credentials.project(event, rows)
            erasures.project(event, rows)
