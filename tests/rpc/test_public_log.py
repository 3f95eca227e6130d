"""What a context tells others, told across a network: the same promises, and those about the network."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from statistics import median

import grpc
import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch, PublicLog
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Positions
from sigdep.kernel.store import EventLog
from sigdep.rpc.public_log import TYPES_MAX, RemotePublicLog, public_log_handler
from sigdep.services.published_log import PublishedLog
from sigdep.testing.ports import free_port
from sigdep.testing.public_log import OpenPublic, PublicLogContract, hear, publish_notes, texts
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing
from tests.rpc.ways import channel_to, serving

SLOW_SECONDS = 0.25
"""Far more than it takes, and far less than any timer of ours."""


@asynccontextmanager
async def told_by_grpc(log: EventLog) -> AsyncIterator[PublicLog]:
    handler = public_log_handler(PublishedLog(log, publish_notes))
    async with serving({}, handlers=(handler,)) as address, channel_to(address) as channel:
        yield RemotePublicLog(channel)


class TestRemotePublicLog(PublicLogContract):
    @pytest.fixture
    def open_public(self) -> OpenPublic:
        return told_by_grpc


class Broken:
    """A public log that fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        raise self._error
        yield


@pytest.mark.parametrize(
    "error, raised",
    [(LogDamaged("A hole."), LogDamaged), (Unavailable("Away."), Unavailable), (ValueError(), Unavailable)],
)
async def test_what_is_wrong_with_the_log_is_told(error: Exception, raised: type[Exception]) -> None:
    handler = public_log_handler(Broken(error))
    async with serving({}, handlers=(handler,)) as address, channel_to(address) as channel:
        with pytest.raises(raised):
            await hear(RemotePublicLog(channel), 1, {}, EVERY_TYPE)


async def test_who_names_too_much_is_refused() -> None:
    handler = public_log_handler(Broken(AssertionError("It was asked.")))
    async with serving({}, handlers=(handler,)) as address, channel_to(address) as channel:
        with pytest.raises(Unavailable) as raised:
            await hear(RemotePublicLog(channel), 1, {}, [str(number) for number in range(TYPES_MAX + 1)])
        assert isinstance(raised.value.__cause__, grpc.aio.AioRpcError)
        assert raised.value.__cause__.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_owner_that_dies_is_away_and_one_that_is_back_goes_on(postgresql_dsn: str) -> None:
    codec, port = Codec(SAMPLE_EVENTS, MemoryKeyRing()), free_port()
    store = await PostgresEventStore.open(postgresql_dsn, codec, schema="public_log_dies")
    workspace = new_workspace()
    await store.append(writing(workspace, new_stream(), "one"))

    async def serve() -> grpc.aio.Server:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((public_log_handler(PublishedLog(store, publish_notes)),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        return server

    server = await serve()
    async with channel_to(f"127.0.0.1:{port}") as channel:
        published = RemotePublicLog(channel)
        async with aclosing(published.follow({})) as batches:
            place = (await anext(batches)).reached
            await server.stop(None)
            with pytest.raises(Unavailable):
                await anext(batches)
        with pytest.raises(Unavailable):
            await hear(published, 1, place, EVERY_TYPE)
        await store.append(writing(workspace, new_stream(), "two"))
        server = await serve()
        await channel.channel_ready()
        assert texts(await hear(published, 1, place, EVERY_TYPE)) == ["two"]
        await server.stop(None)
    await store.close()


async def test_who_listens_hears_it_without_any_timer(postgresql_dsn: str) -> None:
    store = await PostgresEventStore.open(
        postgresql_dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema="public_log_quick"
    )
    loop, took = asyncio.get_running_loop(), list[float]()
    async with told_by_grpc(store) as published, aclosing(published.follow({})) as batches:
        hearing = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0.3)
        for number in range(50):
            begun = loop.time()
            await store.append(writing(new_workspace(), new_stream(), str(number)))
            async with asyncio.timeout(10):
                assert texts([await hearing]) == [str(number)]
            took.append(loop.time() - begun)
            hearing = asyncio.ensure_future(anext(batches))
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    await store.close()
    assert median(took) < SLOW_SECONDS
