"""The ways to a service: the object itself, servicers in this process, and gRPC over loopback."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import time
from typing import Any, Final

import grpc

from sigdep.rpc.call import Service
from sigdep.rpc.channel import open_channel
from sigdep.rpc.client import RemoteService
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.in_process import InProcessTransport
from sigdep.rpc.passports import Passports
from sigdep.rpc.server import RpcServer

Way = Callable[[ServiceContract, Service], AbstractAsyncContextManager[Service]]


@asynccontextmanager
async def the_object_itself(contract: ServiceContract, service: Service) -> AsyncIterator[Service]:
    yield service


@asynccontextmanager
async def in_process(contract: ServiceContract, service: Service) -> AsyncIterator[Service]:
    remote = RemoteService(contract, InProcessTransport(contract, service))
    yield remote
    await remote.close()


@asynccontextmanager
async def serving(services: Mapping[ServiceContract, Service], **options: Any) -> AsyncIterator[str]:
    """A server on a free port of loopback. Yields its address."""
    server = RpcServer(services, **options)
    port = await server.start("127.0.0.1:0")
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.close(drain_seconds=0.2)


@asynccontextmanager
async def channel_to(address: str, **options: Any) -> AsyncIterator[grpc.aio.Channel]:
    channel = open_channel(address, **options)
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def over_loopback(
    contract: ServiceContract,
    service: Service,
    *,
    gather: bool = True,
    seconds: float = 10,
    passports: Passports | None = None,
) -> AsyncIterator[Service]:
    async with serving({contract: service}, passports=passports) as address, channel_to(address) as channel:
        sign = None if passports is None else passports.signer(contract.name)
        remote = RemoteService.over(channel, contract, gather=gather, seconds=seconds, sign=sign)
        yield remote
        await remote.close()


@asynccontextmanager
async def one_by_one(contract: ServiceContract, service: Service) -> AsyncIterator[Service]:
    async with over_loopback(contract, service, gather=False) as remote:
        yield remote


@asynccontextmanager
async def with_passports(contract: ServiceContract, service: Service) -> AsyncIterator[Service]:
    passports = Passports(b"shared by all services of a system", issuer="gateway", now=time)
    async with over_loopback(contract, service, passports=passports) as remote:
        yield remote


WAYS: Final[Mapping[str, Way]] = {
    "the object itself": the_object_itself,
    "in process": in_process,
    "gRPC": over_loopback,
    "gRPC, one by one": one_by_one,
    "gRPC, with passports": with_passports,
}
