"""What every context may ask about who belongs to a workspace. `users.write` answers, from its log itself."""

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query


class FindStrangers(Query):
    """Those of the users who are no members of the workspace."""

    workspace_id: WorkspaceId
    user_ids: tuple[UserId, ...]
