"""Tells other contexts who belongs to a workspace and who they are, from the log: no read model is waited for."""

from collections.abc import Collection, Sequence

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.membership import Contact
from sigdep.kernel.errors import Invalid
from sigdep.users.domain.addresses import normalised
from sigdep.users.domain.user import UserNotFound
from sigdep.users.service.surroundings import Surroundings


class MemberRoll:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def are_members(self, workspace: WorkspaceId, user_ids: Collection[UserId]) -> Collection[UserId]:
        """Those of the users who are no members of the workspace. Empty: all of them are."""
        place = await self._around.present(self._around.workspaces, workspace)
        return [user_id for user_id in user_ids if user_id not in place.members]

    async def with_emails(self, workspace: WorkspaceId, emails: Collection[str]) -> Sequence[UserId]:
        """The members of the workspace who have one of the addresses, in the order of these."""
        around = self._around
        place = await around.present(around.workspaces, workspace)
        found: dict[UserId, None] = {}
        for email in emails:
            try:
                email_id = around.opaque.email_id(normalised(email))
            except Invalid:
                continue  # Nobody has what is no address.
            owner = (await around.present(around.emails, email_id)).user_id
            if owner is not None and owner in place.members:
                found[owner] = None
        return tuple(found)

    async def contact(self, user_id: UserId) -> Contact:
        """
        Raises:
            UserNotFound: there is no such person, or they are erased.
        """
        person = await self._around.present(self._around.users, user_id)
        if person.status != "active":
            raise UserNotFound
        return Contact(email=person.email, name=person.name, time_zone=person.time_zone, locale=person.locale)
