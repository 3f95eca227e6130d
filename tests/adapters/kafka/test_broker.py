"""Apache Kafka keeps the broker's contract."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import chain, repeat
from typing import Any, Final
from unittest.mock import AsyncMock

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.metadata import MetadataRequest

from sigdep.adapters.kafka import topics
from sigdep.adapters.kafka.broker import KafkaBroker
from sigdep.adapters.kafka.connecting import Connection, Connections
from sigdep.adapters.kafka.errors import NO_SUCH_TOPIC
from sigdep.adapters.kafka.topics import LOOK_SECONDS_MAX, MAKE_SECONDS_MAX
from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.kernel.broker import AWAY_SECONDS_MAX, BrokerPosition, PositionLost
from sigdep.kernel.ids import PARTITIONS, Partition
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener, Stranger
from sigdep.testing.broker_proxy import Proxy, proxied
from sigdep.testing.broker_setup import PARTITION, WAIT_SECONDS, in_parts, messages, numbers, said, take
from sigdep.testing.kafka_server import KafkaServer
from sigdep.testing.ports import HOST

pytestmark = pytest.mark.timeout(400)  # Seconds. The first test of all fetches Kafka.

RESTART_SECONDS_MAX: Final = 60.0
"""A Kafka that was killed takes five seconds to serve again, and more where other tests run: that is not what these
tests are about."""


class TestKafkaBroker(BrokerContract, BrokerFaultsContract):
    kills = 2  # Each takes as long as Java takes to start.

    @pytest.fixture
    def opener(self, server: KafkaServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> KafkaBroker:
            if away_seconds_max == AWAY_SECONDS_MAX:
                away_seconds_max = RESTART_SECONDS_MAX
            return KafkaBroker([(HOST, port or server.port)], away_seconds_max=away_seconds_max)

        return open_broker

    @pytest.fixture
    async def stranger(self, server: KafkaServer) -> AsyncIterator[Stranger]:
        producer = AIOKafkaProducer(bootstrap_servers=f"{HOST}:{server.port}")
        await producer.start()

        async def send(topic: str, written: Sequence[Mapping[str, str]]) -> None:
            for parts in written:
                headers = [(f"sigdep-{name}", value.encode()) for name, value in parts.items() if name != "key"]
                await producer.send(f"sigdep_{topic}", b"hello", partition=PARTITION, headers=headers)
            await producer.flush()

        yield send
        await producer.stop()

    @pytest.fixture
    async def proxy(self, server: KafkaServer) -> AsyncIterator[Proxy]:
        async with proxied(server.behind_proxy_port, at=server.proxy_port) as proxy:
            yield proxy


@pytest.fixture
async def admin(server: KafkaServer) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{server.port}")
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def open_broker(server: KafkaServer) -> AsyncIterator[Callable[..., KafkaBroker]]:
    async with AsyncExitStack() as opened:

        def another(port: int | None = None) -> KafkaBroker:
            broker = KafkaBroker([(HOST, port or server.port)], away_seconds_max=RESTART_SECONDS_MAX)
            opened.push_async_callback(broker.close)
            return broker

        yield another


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[type]:
    """How often Kafka is asked for what."""
    counts, ask = Counter[type](), Connection.ask

    async def counted(connection: Connection, request: Any) -> Any:
        counts[type(request)] += 1
        return await ask(connection, request)

    monkeypatch.setattr(Connection, "ask", counted)
    return counts


async def end_of(server: KafkaServer, topic: str) -> int:
    """The offset that the next record gets: readers pass over what is there twice, this does not."""
    consumer = AIOKafkaConsumer(bootstrap_servers=f"{HOST}:{server.port}")
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(f"sigdep_{topic}", PARTITION)])
    await consumer.stop()
    return int(next(iter(ends.values())))


async def trim(admin: Any, topic: str, before: int) -> None:
    """As retention does it to what is old."""
    await admin.delete_records({TopicPartition(f"sigdep_{topic}", PARTITION): RecordsToDelete(before_offset=before)})


async def ends_of(broker: KafkaBroker, topic: str) -> Sequence[BrokerPosition | None]:
    """Of all partitions, asked for at once, as who follows a topic does it."""
    async with asyncio.timeout(WAIT_SECONDS):
        return await asyncio.gather(*(broker.last(topic, Partition(number)) for number in range(PARTITIONS)))


async def test_a_topic_that_is_missing_is_made_once_and_waited_for_patiently(
    open_broker: Callable[..., KafkaBroker], asked: Counter[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks again and again takes from the server the time in which it would get ready."""
    describe, hidden = Connections.describe, iter(range(4))

    async def described_late(connections: Connections, names: Sequence[str]) -> Sequence[Any]:
        if next(hidden, None) is None:
            return await describe(connections, names)
        return [(NO_SUCH_TOPIC, name, False, []) for name in names]

    monkeypatch.setattr(Connections, "describe", described_late)
    assert set(await ends_of(open_broker(), "made_once")) == {None}
    assert asked[CreateTopicsRequest] == 1
    assert asked[MetadataRequest] < MAKE_SECONDS_MAX / LOOK_SECONDS_MAX


async def test_whoever_waits_for_the_leaders_of_one_topic_asks_together(
    open_broker: Callable[..., KafkaBroker], asked: Counter[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_broker().publish("led_soon", messages([1]))
    asked.clear()
    not_yet = chain([Away("Not yet.")] * 3, repeat(None))
    monkeypatch.setattr(topics, "_check_served", AsyncMock(side_effect=not_yet))
    assert len(await ends_of(open_broker(), "led_soon")) == PARTITIONS
    assert 4 < asked[MetadataRequest] < PARTITIONS / 4


async def test_two_publishers_of_one_log_store_each_message_once(
    server: KafkaServer, open_broker: Callable[..., KafkaBroker]
) -> None:
    sent = messages(range(1, 601), size=100)

    async def publish_all(broker: KafkaBroker, batch: int) -> None:
        for part in in_parts(sent, batch):
            await broker.publish("stored_once", part)

    await asyncio.gather(publish_all(open_broker(), 7), publish_all(open_broker(), 7), publish_all(open_broker(), 150))
    assert await end_of(server, "stored_once") == len(sent)
    assert said(await take(open_broker(), "stored_once", len(sent))) == sent


async def test_what_was_stored_although_nobody_heard_of_it_is_not_stored_again(
    server: KafkaServer, open_broker: Callable[..., KafkaBroker]
) -> None:
    async with proxied(server.behind_proxy_port, at=server.proxy_port) as proxy:
        broker, sent = open_broker(server.proxy_port), messages(range(1, 41))
        await broker.publish("unheard", sent[:1])
        for start in range(1, 40, 13):
            proxy.lose_answers_to(sent[start].body[:8])
            await broker.publish("unheard", sent[start : start + 13])
        assert proxy.cuts == 3
    assert await end_of(server, "unheard") == len(sent)


async def test_a_topic_that_is_removed_has_lost_the_position_of_who_was_reading(
    admin: Any, open_broker: Callable[..., KafkaBroker]
) -> None:
    broker = open_broker()
    await broker.publish("removed", messages(range(1, 11)))
    reading = asyncio.create_task(take(broker, "removed", 11))
    await asyncio.sleep(0.1)
    await admin.delete_topics(["sigdep_removed"])
    with pytest.raises(PositionLost):
        await reading
    await broker.publish("removed", messages([11]))
    assert numbers(await take(broker, "removed", 1)) == [11]


async def test_where_nothing_or_something_else_stands_now_a_position_is_lost_at_once(
    admin: Any, open_broker: Callable[..., KafkaBroker]
) -> None:
    """Not only once the next message shows the gap."""
    broker = open_broker()
    await broker.publish("reborn", messages([1, 2, 3]))
    _, second, third = await take(broker, "reborn", 3)
    await admin.delete_topics(["sigdep_reborn"])
    await broker.publish("reborn", messages([4, 5]))
    for lost in (second, third):
        with pytest.raises(PositionLost):
            await take(broker, "reborn", 1, after=lost.position)


async def test_who_was_overrun_by_retention_is_told_so(admin: Any, open_broker: Callable[..., KafkaBroker]) -> None:
    broker = open_broker()
    await broker.publish("trimmed", messages(range(1, 101)))
    taken = await take(broker, "trimmed", 100)
    await trim(admin, "trimmed", 60)
    assert numbers(await take(broker, "trimmed", 40))[0] == 61
    for lost in (taken[0], taken[58], taken[59]):
        with pytest.raises(PositionLost):
            await take(broker, "trimmed", 1, after=lost.position)
    assert numbers(await take(broker, "trimmed", 39, after=taken[60].position))[0] == 62


async def test_a_partition_of_which_nothing_is_left_takes_what_comes(
    server: KafkaServer, admin: Any, open_broker: Callable[..., KafkaBroker]
) -> None:
    """Its server remembers the numbers of who wrote there, which nobody can read any more."""
    broker = open_broker()
    await broker.publish("emptied", messages(range(1, 11)))
    await trim(admin, "emptied", 10)
    assert await broker.last("emptied", PARTITION) is None
    await open_broker().publish("emptied", messages(range(11, 21)))
    await broker.publish("emptied", messages(range(15, 31)))
    assert numbers(await take(broker, "emptied", 20)) == list(range(11, 31))
    assert await end_of(server, "emptied") == 30


async def test_what_somebody_else_has_written_is_passed_over(
    server: KafkaServer, open_broker: Callable[..., KafkaBroker]
) -> None:
    broker = open_broker()
    await broker.publish("shared", messages([1, 2]))
    stranger = AIOKafkaProducer(bootstrap_servers=f"{HOST}:{server.port}")
    await stranger.start()
    await stranger.send_and_wait("sigdep_shared", b"hello", partition=PARTITION)
    await stranger.stop()
    for part in ([3], [4]):
        await open_broker().publish("shared", messages(part))
    taken = await take(broker, "shared", 4)
    assert numbers(taken) == [1, 2, 3, 4]
    assert numbers(await take(broker, "shared", 2, after=taken[1].position)) == [3, 4]


async def test_a_topic_of_another_number_of_partitions_is_refused_in_a_sentence(
    admin: Any, open_broker: Callable[..., KafkaBroker]
) -> None:
    await admin.create_topics([NewTopic("sigdep_narrow", num_partitions=3, replication_factor=1)])
    with pytest.raises(OutOfOrder, match="sigdep_narrow has 3 partitions, and must have 64"):
        await open_broker().publish("narrow", messages([1]))


async def test_a_reading_that_is_given_up_leaves_no_connection_behind(
    server: KafkaServer, open_broker: Callable[..., KafkaBroker]
) -> None:
    async with proxied(server.behind_proxy_port, at=server.proxy_port) as proxy:
        broker = open_broker(server.proxy_port)
        await broker.publish("given_up", messages(range(1, 11)))
        before = proxy.sessions
        for _ in range(5):
            await take(broker, "given_up", 10)
        async with asyncio.timeout(WAIT_SECONDS):
            while proxy.sessions > before:
                await asyncio.sleep(0.01)
