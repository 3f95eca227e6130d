"""What is done here when other contexts speak."""

from typing import Final
from uuid import UUID, uuid5

import msgspec

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import WorkspaceErased
from sigdep.kernel.ids import CommandId
from sigdep.rpc.call import Call, Service
from sigdep.tasks.commands.oblivion import ForgetWorkspace

WORKSPACE_ERASED: Final = "sigdep.users.WorkspaceErased"

_COMMANDS: Final = UUID("51f3d1c4-1c5e-5d0e-9d53-0b1f0d1c7a61")
"""Namespace (RFC 9562 §5.5) of the ids of commands that follow from events."""


class TasksReactions:
    """Turns public events of others into our commands. Safe to repeat: an event leads to the same command each time."""

    types: Final = frozenset((WORKSPACE_ERASED,))

    def __init__(self, service: Service) -> None:
        self._service = service

    async def react(self, event: CloudEvent) -> None:
        erased = msgspec.convert(event.data, WorkspaceErased, from_attributes=True)
        call = Call(
            asked_at=event.time,
            command_id=CommandId(uuid5(_COMMANDS, f"{event.source}#{event.id}")),
            traceparent=event.traceparent,
        )
        await self._service.ask(ForgetWorkspace(workspace_id=erased.workspace_id, at=event.time), call)
