"""Questions to one process of tasks.read alone, past the gateway."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.ids import CommandId, partition_of
from sigdep.rpc.call import Call, Principal, WorkspacePosition
from sigdep.rpc.channel import open_channel
from sigdep.rpc.client import RemoteService
from sigdep.rpc.passports import Passports
from sigdep.services.distributed.cluster import Cluster
from sigdep.services.server_secrets import load_passport_key
from sigdep.tasks import contract as tasks_contract
from tests.system.person import Person

READY_SECONDS_MAX: Final = 60.0
"""From the death of a process until it serves again, where many tests run at once."""


async def replica_at(cluster: Cluster, address: str, stack: AsyncExitStack) -> RemoteService:
    """It may just be starting again after it was killed."""
    secrets = cluster.postgresql.folder.parent / "secrets"
    passports = Passports(load_passport_key(secrets), issuer="test", now=time.time)
    channel = await stack.enter_async_context(open_channel(address))
    async with asyncio.timeout(READY_SECONDS_MAX):
        await channel.channel_ready()
    service = RemoteService.over(channel, tasks_contract.READ, sign=passports.signer(tasks_contract.READ.name))
    stack.push_async_callback(service.close)
    return service


def owner(person: Person) -> Principal:
    workspace = WorkspaceId(UUID(person.workspace))
    return Principal(user_id=UserId(UUID(person.id)), personal_workspace_id=workspace, roles={workspace: "owner"})


def call_of(principal: Principal, least: WorkspacePosition) -> Call:
    return Call(asked_at=datetime.now(UTC), command_id=CommandId(uuid4()), principal=principal, min_position=least)


async def position_of(cluster: Cluster, workspace: WorkspaceId) -> WorkspacePosition:
    """Of the last event of its partition."""
    connection = await asyncpg.connect(cluster.postgresql.url("tasks_write"))
    try:
        partition = partition_of(workspace)
        head = await connection.fetchval("SELECT max(position) FROM log.event WHERE partition = $1", partition)
        return WorkspacePosition("tasks", partition, head)
    finally:
        await connection.close()
