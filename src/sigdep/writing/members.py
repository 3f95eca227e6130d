"""Who belongs to a workspace, as write services ask for it."""

from collections.abc import Collection
from typing import Protocol

from sigdep.contracts.ids import UserId, WorkspaceId


class Members(Protocol):
    """Who belongs to a workspace, asked of the context of users."""

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        """Those of the users who are no members of the workspace. Empty: all of them are."""
        ...
