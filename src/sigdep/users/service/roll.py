"""Tells other contexts who belongs to a workspace, from the log itself: no read model is waited for."""

from collections.abc import Collection

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.users.service.surroundings import Surroundings


class MemberRoll:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        """Those of the users who are no members of the workspace. Empty: all of them are."""
        place = await self._around.present(self._around.workspaces, workspace)
        return [user_id for user_id in user_ids if user_id not in place.members]
