"""Carries out what nobody has asked for: it follows from what has happened, or from the time."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from sigdep.contracts.ids import WorkspaceId
from sigdep.http.stamps import internal_call, new_id
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.notifications.writing.attempt import Attempt, Surroundings
from sigdep.rpc.call import Call


async def execute_unasked(
    around: Surroundings,
    executor: Executor,
    workspace: WorkspaceId,
    at: datetime,
    perform: Callable[[Attempt], Awaitable[None]],
) -> None:
    """Store what `perform` records, all or nothing. Nothing is stored for a workspace that has been erased."""
    call: Call = replace(internal_call(), asked_at=at, command_id=CommandId(new_id()))

    async def work(unit: UnitOfWork) -> None:
        await perform(Attempt(around, unit, call))

    with suppress(KeyDestroyed):
        await executor.execute(workspace, call.command_id, work, metadata=call.metadata)
