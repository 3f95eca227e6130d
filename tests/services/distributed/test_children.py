"""A process that speaks gRPC starts others, as another user too, and none of them dies on the way."""

import asyncio
import os
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import sigdep  # noqa: F401  It says to gRPC that it shall leave child processes alone.

CHILDREN = 100
CALLERS = 8
NOBODY = 65_534


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root starts processes as somebody else.")
async def test_children_are_left_alone() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        calling = [asyncio.create_task(_call_for_ever(channel)) for _ in range(CALLERS)]
        ended = [await _child() for _ in range(CHILDREN)]
        for one in calling:
            one.cancel()
    await server.stop(None)
    assert ended == [(0, b"")] * CHILDREN


async def _call_for_ever(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    while True:
        with pytest.raises(grpc.aio.AioRpcError):  # It has no such service, and says so.
            await stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=5)


async def _child() -> tuple[int | None, bytes]:
    """Its status, and what it has said."""
    child = await asyncio.create_subprocess_exec(
        "true", user=NOBODY, group=NOBODY, extra_groups=[], stderr=asyncio.subprocess.PIPE
    )
    _, said = await child.communicate()
    return child.returncode, said
