"""What every context may ask about who belongs to a workspace. `users.write` answers, from its log itself."""

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query


class FindStrangers(Query):
    """Those of the users who are no members of the workspace."""

    workspace_id: WorkspaceId
    user_ids: tuple[UserId, ...]


class FindByEmail(Query):
    """Those of the workspace's members who have one of the addresses, whatever its case."""

    workspace_id: WorkspaceId
    emails: tuple[str, ...]


class FindContact(Query):
    """Where a person can be reached. One who is not there, or was erased: NotFound."""

    user_id: UserId


class Contact(Struct, frozen=True, kw_only=True):
    """As it is now: to be used at once, and kept nowhere."""

    email: str
    name: str
    time_zone: str
    """IANA."""
    locale: str
    """BCP 47."""
