"""Who belongs to a workspace, and who people are: the questions that contexts ask of `users.write`.

What its service can be asked besides is nobody else's business: this knows these messages of its contract alone.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.membership import Contact, FindByEmail, FindContact, FindStrangers
from sigdep.http.stamps import internal_call
from sigdep.rpc.call import Service
from sigdep.rpc.contract import ServiceContract

MEMBERSHIP: Final = ServiceContract(
    name="users.write", messages=(FindStrangers,), values={FindStrangers: tuple[UserId, ...]}
)

PEOPLE: Final = ServiceContract(
    name="users.write",
    messages=(FindStrangers, FindByEmail, FindContact),
    values={FindStrangers: tuple[UserId, ...], FindByEmail: tuple[UserId, ...], FindContact: Contact},
)
"""For whoever tells people of things: who is meant by an address, and where somebody can be reached."""


class RemoteMembers:
    """Members, as the contexts know them who ask."""

    def __init__(self, users: Service) -> None:
        """
        Args:
            users: answers MEMBERSHIP, or more.
        """
        self._users = users

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        """Those of the users who are no members of the workspace. Empty: all of them are."""
        if not user_ids:
            return ()
        query = FindStrangers(workspace_id=workspace, user_ids=tuple(user_ids))
        strangers: Sequence[UserId] = (await self._users.ask(query, internal_call())).value
        return strangers
