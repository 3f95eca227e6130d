"""Forgets what those must not see any more who have left, and all that was erased."""

from typing import Final

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import MemberRemoved, UserErased, WorkspaceErased
from sigdep.kernel.messages import Command
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.reactions.telling import call_after, fact_of
from sigdep.rpc.call import Service

USERS: Final = "sigdep.users."


class UsersReactions:
    """Safe to repeat: what is forgotten is forgotten."""

    types: Final = frozenset(USERS + name for name in ("MemberRemoved", "WorkspaceErased", "UserErased"))

    def __init__(self, service: Service) -> None:
        self._service = service

    async def react(self, event: CloudEvent) -> None:
        await self._service.ask(_command(event), call_after(event, "forget"))


def _command(event: CloudEvent) -> Command:
    match event.type.removeprefix(USERS):
        case "MemberRemoved":
            removed = fact_of(event, MemberRemoved)
            return ForgetMember(
                workspace_id=removed.workspace_id,
                user_id=removed.user_id,
                removed_at=removed.removed_at,
                removed_by=removed.removed_by,
                at=event.time,
            )
        case "WorkspaceErased":
            return ForgetWorkspace(workspace_id=fact_of(event, WorkspaceErased).workspace_id, at=event.time)
        case _:
            return ForgetPerson(user_id=fact_of(event, UserErased).user_id, at=event.time)
