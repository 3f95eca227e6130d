"""Contract of the event store under load: who tails it misses nothing and sees no hole."""

import asyncio
from collections.abc import Iterable

from sigdep.kernel.ids import Partition, Position, Positions, StreamId
from sigdep.kernel.store import Appended, EventStore, RecordedEvent
from sigdep.testing.event_store_setup import WAIT_SECONDS, EventStoreSetup, OpenReader, outcome
from sigdep.testing.sample_events import new_stream, workspace_in, writing

WRITERS_PER_STORE = 16
ROUNDS = 20


class TailingContract(EventStoreSetup):
    async def test_readers_tailing_busy_writers_skip_nothing_and_see_no_hole(
        self, writers: tuple[EventStore, ...], open_reader: OpenReader
    ) -> None:
        readers = [writers[0], await open_reader(), await open_reader()]
        end: asyncio.Future[Positions] = asyncio.get_running_loop().create_future()
        tails = [asyncio.create_task(tail(reader, end)) for reader in readers for tail in (_poll, _follow)]
        wanted_by_all = [new_stream() for _ in range(ROUNDS)]
        stored = await asyncio.gather(
            *(_write(writer, wanted_by_all) for writer in writers for _ in range(WRITERS_PER_STORE))
        )
        heads = await writers[0].heads()
        assert sum(heads.values()) == sum(stored)
        end.set_result({**heads, Partition(0): Position(heads[Partition(0)] + 1)})
        await writers[0].append(writing(workspace_in(0), new_stream(), "wakes whoever has come to rest"))
        for reached in await asyncio.wait_for(asyncio.gather(*tails), WAIT_SECONDS):
            assert reached == end.result()
        for partition, head in end.result().items():
            report = await writers[0].verify(partition)
            assert (report.events, list(report.faults)) == (head, [])


async def _write(store: EventStore, wanted_by_all: Iterable[StreamId]) -> int:
    """Append to streams of one's own, and to some that only one writer gets. Returns how many events were stored."""
    stored = 0
    for wanted in wanted_by_all:
        own = writing(workspace_in(stored % 2), new_stream(), "a")
        raced = writing(workspace_in(0), wanted, "b", "c")
        for append in (own, raced):
            if isinstance(await outcome(store, append), Appended):
                stored += len(append.writes[0].events)
    return stored


def _advance(reached: dict[Partition, Position], batch: Iterable[RecordedEvent]) -> None:
    """Take in a batch. Each event must be the very next of its partition."""
    for recorded in batch:
        assert recorded.position == reached.get(recorded.partition, 0) + 1
        reached[recorded.partition] = recorded.position


async def _poll(store: EventStore, end: "asyncio.Future[Positions]") -> Positions:
    reached: dict[Partition, Position] = {}
    while not end.done() or reached != end.result():
        _advance(reached, await store.read_all(reached))
        await asyncio.sleep(0.001)
    return reached


async def _follow(store: EventStore, end: "asyncio.Future[Positions]") -> Positions:
    reached: dict[Partition, Position] = {}
    async for batch in store.follow({}):
        _advance(reached, batch)
        if end.done() and reached == end.result():
            break
    return reached
