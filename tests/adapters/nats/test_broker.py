"""NATS JetStream keeps the broker's contract."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import nats
import pytest

from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.nats.reader import PartitionReader
from sigdep.adapters.nats.streams import FOLLOWS, ID, KEY, POSITION
from sigdep.kernel.broker import AWAY_SECONDS_MAX, READ_MESSAGES_MAX, Bookmark, PositionLost
from sigdep.kernel.ids import Partition
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener, Stranger
from sigdep.testing.broker_faults import LARGE
from sigdep.testing.broker_setup import PARTITION, in_parts, messages, numbers, said, take
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.ports import HOST


class TestNatsBroker(BrokerContract, BrokerFaultsContract):
    atomic_batches = (LARGE,)  # Small ones go by a window.

    @pytest.fixture
    def opener(self, server: NatsServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> NatsBroker:
            return NatsBroker([f"nats://{HOST}:{port or server.port}"], away_seconds_max=away_seconds_max)

        return open_broker

    @pytest.fixture
    async def stranger(self, server: NatsServer) -> AsyncIterator[Stranger]:
        client = await nats.connect(server.url)

        async def publish(topic: str, written: Sequence[Mapping[str, str]]) -> None:
            names = {"id": ID, "position": POSITION, "follows": FOLLOWS, "key": KEY}
            for parts in written:
                headers = {names[name]: value for name, value in parts.items()}
                await client.jetstream().publish(f"sigdep.{topic}.{PARTITION}", b"hello", headers=headers)

        yield publish
        await client.close()


async def test_a_stream_that_is_removed_has_lost_the_position_of_who_was_reading(server: NatsServer) -> None:
    broker = NatsBroker([server.url])
    await broker.publish("removed", messages(range(1, 11)))
    reading = asyncio.create_task(take(broker, "removed", 11))
    await asyncio.sleep(0.1)
    client = await nats.connect(server.url)
    await client.jetstream().delete_stream("sigdep_removed")
    await client.close()
    with pytest.raises(PositionLost):
        await reading
    await broker.publish("removed", messages([11]))
    assert numbers(await take(broker, "removed", 1)) == [11]
    await broker.close()


async def test_a_reading_that_is_given_up_leaves_no_consumer_on_the_server(server: NatsServer) -> None:
    broker = NatsBroker([server.url])
    await broker.publish("given_up", messages(range(1, 11)))
    for _ in range(5):
        await take(broker, "given_up", 10)
    client = await nats.connect(server.url)
    async with asyncio.timeout(5):
        while (await client.jetstream().stream_info("sigdep_given_up")).state.consumer_count:
            await asyncio.sleep(0.01)
    await client.close()
    await broker.close()


async def test_what_somebody_else_stores_in_between_costs_no_message(server: NatsServer) -> None:
    """A window foresees sequences. This makes what it foresaw untrue."""
    one, other = NatsBroker([server.url]), NatsBroker([server.url])
    ours, theirs = messages(range(1, 201)), messages(range(1, 201), Partition(1))
    for own, foreign in zip(in_parts(ours, 20), in_parts(theirs, 20), strict=True):
        await one.publish("between", own)
        await other.publish("between", foreign)
    assert said(await take(one, "between", 200)) == ours
    assert said(await take(one, "between", 200, partition=Partition(1))) == theirs
    await one.close()
    await other.close()


async def test_two_publishers_of_one_log_store_each_message_once(server: NatsServer) -> None:
    """Readers would pass over what is there twice: look at what is stored."""
    one, other = NatsBroker([server.url]), NatsBroker([server.url])
    sent = messages(range(1, 601), size=100)

    async def publish_all(broker: NatsBroker, batch: int) -> None:
        for part in in_parts(sent, batch):
            await broker.publish("stored_once", part)

    await asyncio.gather(publish_all(one, 7), publish_all(other, 150))
    client = await nats.connect(server.url)
    assert (await client.jetstream().stream_info("sigdep_stored_once")).state.messages == len(sent)
    await client.close()
    await one.close()
    await other.close()


async def test_a_long_backlog_is_read_by_one_consumer(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, open_consumer = list[PartitionReader](), PartitionReader._open

    async def counted(reader: PartitionReader, after: Bookmark | None) -> None:
        opened.append(reader)
        await open_consumer(reader, after)

    monkeypatch.setattr(PartitionReader, "_open", counted)
    broker, sent = NatsBroker([server.url]), messages(range(1, 4 * READ_MESSAGES_MAX + 2), size=10)
    for part in in_parts(sent, 500):
        await broker.publish("backlog", part)
    assert said(await take(broker, "backlog", len(sent))) == sent
    assert len(opened) == 1
    await broker.close()
