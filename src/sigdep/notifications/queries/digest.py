"""What can be asked about digests, by the writing side and on behalf of nobody."""

from datetime import date, datetime

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query


class FindDigestsDue(Query):
    """Some people whose digest is due."""

    now: datetime
    limit: int


class FindDigestItems(Query):
    """What a digest that goes out says beside its title, line by line.

    No digest holds it: it is from all workspaces of a person, and must be gone where one of them is erased.
    """

    user_id: UserId


class DigestDue(Struct, frozen=True, kw_only=True):
    """Somebody's digest, as it would be now."""

    user_id: UserId
    workspace_id: WorkspaceId
    """Their personal one."""
    on: date
    title: str
    """Empty: there is nothing to tell."""
