"""What is done here when other contexts speak."""

from contextlib import suppress
from typing import Final
from uuid import UUID, uuid5

import msgspec

from sigdep.calendar.commands import EndFeeds, ForgetWorkspace
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import MemberRemoved, WorkspaceErased
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import CommandId
from sigdep.rpc.call import Call, Service

MEMBER_REMOVED: Final = "sigdep.users.MemberRemoved"
WORKSPACE_ERASED: Final = "sigdep.users.WorkspaceErased"

_COMMANDS: Final = UUID("9d2f6a34-0f8b-5c77-8f0e-4a1e6b9d3c52")
"""Namespace (RFC 9562 §5.5) of the ids of commands that follow from events."""


class CalendarReactions:
    """Turns public events of others into our commands. Safe to repeat: an event leads to the same command each time."""

    types: Final = frozenset((WORKSPACE_ERASED, MEMBER_REMOVED))

    def __init__(self, service: Service) -> None:
        self._service = service

    async def react(self, event: CloudEvent) -> None:
        call = Call(
            asked_at=event.time,
            command_id=CommandId(uuid5(_COMMANDS, f"{event.source}#{event.id}")),
            traceparent=event.traceparent,
        )
        if event.type == MEMBER_REMOVED:
            removed = msgspec.convert(event.data, MemberRemoved, from_attributes=True)
            end = EndFeeds(workspace_id=removed.workspace_id, user_id=removed.user_id, at=removed.removed_at)
            with suppress(NotFound):  # It has been erased meanwhile, and its feeds with it.
                await self._service.ask(end, call)
            return
        erased = msgspec.convert(event.data, WorkspaceErased, from_attributes=True)
        await self._service.ask(ForgetWorkspace(workspace_id=erased.workspace_id, at=event.time), call)
