"""Presence as one gateway knows it by itself."""

from collections.abc import Collection, Mapping

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.http.presence import NOBODY, PRESENT_USERS_MAX, Changed, Present


class LocalPresence:
    """Of this process alone."""

    def __init__(self) -> None:
        self._here: dict[WorkspaceId, dict[UserId, None]] = {}
        """In the order in which they came."""
        self._listeners: list[Changed] = []

    def enter(self, workspace: WorkspaceId, user: UserId) -> None:
        self._here.setdefault(workspace, {})[user] = None
        self._tell(workspace)

    def leave(self, workspace: WorkspaceId, user: UserId) -> None:
        here = self._here.get(workspace, {})
        if user not in here:
            return
        del here[user]
        if not here:
            del self._here[workspace]
        self._tell(workspace)

    async def present(self, workspaces: Collection[WorkspaceId]) -> Mapping[WorkspaceId, Present]:
        return {workspace: self._present(workspace) for workspace in workspaces}

    def listen(self, changed: Changed) -> None:
        self._listeners.append(changed)

    def _present(self, workspace: WorkspaceId) -> Present:
        here = self._here.get(workspace)
        return NOBODY if here is None else Present(tuple(here)[:PRESENT_USERS_MAX], len(here))

    def _tell(self, workspace: WorkspaceId) -> None:
        for changed in self._listeners:
            changed(workspace)
