"""A log that another service keeps is read as if it were here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count

import grpc
import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.sealed_log import UnsealedLog, decode_rows, encode_rows
from sigdep.kernel.store import RecordedEvent
from sigdep.rpc.log import RemoteLog, log_handler
from sigdep.rpc.server import RpcServer
from sigdep.rpc.streams import PIECE_BYTES_MAX
from sigdep.testing.event_store_setup import everything
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, appending, new_stream, workspace_in, write
from tests.rpc.ways import channel_to

SECONDS_MAX = 10
names = count()


class World:
    """A store, the service that offers its log, and a client of that."""

    async def open(self, dsn: str) -> None:
        self.codec = Codec(SAMPLE_EVENTS, MemoryKeyRing())
        self.store = await PostgresEventStore.open(dsn, self.codec, schema=f"log_{next(names)}")
        self.port = 0
        await self.serve()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.port}")
        self.sealed = RemoteLog(self.channel)
        self.log = UnsealedLog(self.sealed, self.codec)

    async def serve(self) -> None:
        self.server = grpc.aio.server()
        self.server.add_generic_rpc_handlers((log_handler(self.store.sealed),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.server.start()

    async def write(self, *texts: str) -> None:
        for number, text in enumerate(texts):
            workspace = workspace_in(number % 3)
            await self.store.append(appending(workspace, write(workspace, new_stream(), NoteWritten(text=text))))

    async def close(self) -> None:
        await self.channel.close()
        await self.server.stop(None)
        await self.store.close()


@pytest.fixture
async def world(postgresql_dsn: str) -> AsyncIterator[World]:
    made = World()
    await made.open(postgresql_dsn)
    yield made
    await made.close()


async def _take(world: World, events: int) -> list[RecordedEvent]:
    taken: list[RecordedEvent] = []
    async with asyncio.timeout(SECONDS_MAX), aclosing(world.log.follow({})) as batches:  # type: ignore[type-var]
        async for batch in batches:
            taken += batch
            if len(taken) >= events:
                break
    return taken


async def test_what_is_read_from_afar_is_what_is_in_the_store(world: World) -> None:
    await world.write("a", "b", "c", "d")
    here = await everything(world.store)
    # Between partitions there is no order; a stable sort leaves that of each as it came.
    assert sorted([one async for one in _each(world)], key=_partition) == sorted(here, key=_partition)
    assert await world.log.heads() == await world.store.heads()
    stream = here[0].stream
    assert await world.log.read(stream) == await world.store.read(stream)
    assert (await world.log.read(new_stream())).events == []


def _partition(recorded: RecordedEvent) -> int:
    return recorded.partition


async def _each(world: World) -> AsyncIterator[RecordedEvent]:
    reached: dict[int, int] = {}
    while batch := await world.log.read_all(reached, limit=3):  # type: ignore[arg-type]
        for recorded in batch:
            reached[recorded.partition] = recorded.position
            yield recorded


async def test_whoever_follows_hears_of_what_comes_later(world: World) -> None:
    await world.write("before")
    taking = asyncio.create_task(_take(world, 3))
    await asyncio.sleep(0.2)
    await world.write("after", "and after")
    assert sorted(one.event.text for one in await taking) == ["after", "and after", "before"]  # type: ignore[union-attr]


async def test_large_events_come_in_several_pieces(world: World) -> None:
    texts = [f"{number:02d}" + "x" * 60_000 for number in range(40)]
    assert sum(map(len, texts)) > 2 * PIECE_BYTES_MAX
    await world.write(*texts)
    assert sorted(one.event.text for one in await _take(world, 40)) == texts  # type: ignore[union-attr]


async def test_a_service_that_is_away_is_said_to_be_and_found_again(world: World) -> None:
    await world.write("one")
    await world.server.stop(None)
    with pytest.raises(Unavailable):
        await world.log.heads()
    with pytest.raises(Unavailable):
        await _take(world, 1)
    await world.serve()
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                assert await world.log.heads() == await world.store.heads()
                break
            except Unavailable:
                await asyncio.sleep(0.1)
    assert len(await _take(world, 1)) == 1


async def test_a_follower_is_told_when_the_service_goes(world: World) -> None:
    await world.write("one")
    taking = asyncio.create_task(_take(world, 2))
    await asyncio.sleep(0.2)
    await world.server.stop(None)
    with pytest.raises(Unavailable):
        await taking


async def test_a_server_that_stops_waits_for_nobody_who_follows(world: World) -> None:
    """Whose following would never end. What can end is waited for."""
    await world.write("one")
    server = RpcServer({}, handlers=(log_handler(world.store.sealed),))
    async with channel_to(f"127.0.0.1:{await server.start('127.0.0.1:0')}") as channel:
        log, heard = RemoteLog(channel), asyncio.Event()

        async def follow() -> None:
            async with aclosing(log.follow_rows({})) as batches:
                async for _ in batches:
                    heard.set()

        following = [asyncio.create_task(follow()) for _ in range(3)]
        await asyncio.wait_for(heard.wait(), SECONDS_MAX)
        await asyncio.wait_for(server.close(drain_seconds=10 * SECONDS_MAX), SECONDS_MAX)
        for ended in await asyncio.gather(*following, return_exceptions=True):
            assert type(ended) is Unavailable


async def test_following_ends_when_the_log_is_closed(world: World) -> None:
    await world.write("one")
    taking = asyncio.create_task(_take(world, 2))
    await asyncio.sleep(0.2)
    await world.log.close()
    assert len(await taking) == 1


async def test_rows_are_the_same_after_the_journey(world: World) -> None:
    await world.write("a", "b")
    rows = list(await world.store.sealed.next_rows({}, 10))
    assert decode_rows(encode_rows(rows)) == rows
