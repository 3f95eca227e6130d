"""RabbitMQ streams keep the broker's contract."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace
from rstream import schema
from rstream.constants import OffsetType

from sigdep.adapters.rabbitmq import connecting, publisher
from sigdep.adapters.rabbitmq.address import Address
from sigdep.adapters.rabbitmq.broker import RabbitMQBroker
from sigdep.adapters.rabbitmq.connecting import Connection
from sigdep.adapters.rabbitmq.streams import encoded, stored
from sigdep.kernel.broker import AWAY_SECONDS_MAX, BrokerPosition, Delivery, PositionLost
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener, Stranger
from sigdep.testing.broker_servers import START_SECONDS_MAX
from sigdep.testing.broker_setup import PARTITION, in_parts, messages, numbers, said, take
from sigdep.testing.ports import HOST
from sigdep.testing.rabbitmq_server import RabbitMQServer

pytestmark = pytest.mark.timeout(300)  # Some tests start the server several times, and Erlang takes its time for that.


class TestRabbitMQBroker(BrokerContract, BrokerFaultsContract):
    kills = 2  # Each takes as long as Erlang takes to start.

    atomic_batches = ()  # A server that is killed may have stored the first messages of a frame.

    @pytest.fixture
    def opener(self, server: RabbitMQServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> RabbitMQBroker:
            if away_seconds_max == AWAY_SECONDS_MAX:
                away_seconds_max = START_SECONDS_MAX  # On a busy machine, Erlang takes longer than that to start.
            return RabbitMQBroker(
                [f"rabbitmq-stream://guest:guest@{HOST}:{port or server.port}"], away_seconds_max=away_seconds_max
            )

        return open_broker

    @pytest.fixture
    def stranger(self, other: Connection) -> Stranger:
        async def publish(topic: str, written: Sequence[Mapping[str, str]]) -> None:
            publication = await other.declare(f"sigdep.{topic}.{PARTITION}", f"stranger {next(_strangers)}")
            bodies = (_section(parts) for parts in written)
            await other.publish(publication, [schema.Message(n, None, body) for n, body in enumerate(bodies, 1)])
            await publication.confirmed(len(written))

        return publish


_strangers = count(1)


def _section(parts: Mapping[str, str]) -> bytes:
    """AMQP 1.0 of another kind; where there is a number to tell, of our kind, with what is no position of ours."""
    number = parts.get("position", "")
    if not number.isdigit():
        return b"\x00\x53\x75\xa0\x05hello"
    own = replace(messages([1])[0], position=Position(int(number)), follows=Position(10**9))
    return encoded(own)


Open = Callable[..., RabbitMQBroker]


@pytest.fixture
async def opened(server: RabbitMQServer) -> AsyncIterator[Open]:
    """Brokers on the server that are closed when the test is over."""
    async with AsyncExitStack() as stack:

        def another(**options: Any) -> RabbitMQBroker:
            broker = RabbitMQBroker([server.url], **options)
            stack.push_async_callback(broker.close)
            return broker

        yield another


@pytest.fixture
async def other(server: RabbitMQServer) -> AsyncIterator[Connection]:
    """Somebody else at the same server."""
    connection = Connection(Address.parse(server.url))
    await connection.open()
    yield connection
    await connection.close()


def place(position: BrokerPosition | None) -> int:
    """The offset in the stream: of all that was stored, not of what a reader was shown."""
    assert position is not None
    return int(position.split(":")[2])


def places(taken: list[Delivery]) -> list[int]:
    return [place(delivery.position) for delivery in taken]


async def test_two_publishers_of_one_log_store_each_message_once(opened: Open) -> None:
    """Readers would pass over what is there twice: look at what is stored."""
    one, other = opened(), opened()
    sent = messages(range(1, 601), size=100)

    async def publish_all(broker: RabbitMQBroker, batch: int) -> None:
        for part in in_parts(sent, batch):
            await broker.publish("stored_once", part)

    await asyncio.gather(publish_all(one, 7), publish_all(other, 150))
    taken = await take(one, "stored_once", len(sent))
    assert said(taken) == sent
    assert places(taken) == list(range(len(sent)))


async def test_a_server_that_was_killed_still_knows_what_it_has(opened: Open, server: RabbitMQServer) -> None:
    sent = messages(range(1, 41))
    await opened().publish("killed", sent[:30])
    server.kill()
    await asyncio.to_thread(server.start)
    await opened(away_seconds_max=START_SECONDS_MAX).publish("killed", sent[5:30])
    await opened().publish("killed", sent[20:])
    assert places(await take(opened(), "killed", len(sent))) == list(range(len(sent)))


async def test_a_stream_that_is_removed_has_lost_the_position_of_who_was_reading(
    opened: Open, other: Connection
) -> None:
    broker = opened()
    await broker.publish("removed", messages(range(1, 11)))
    reading = asyncio.create_task(take(broker, "removed", 11))
    await asyncio.sleep(0.1)
    await other.ask(schema.Delete, schema.DeleteResponse, stream=f"sigdep.removed.{PARTITION}")
    with pytest.raises(PositionLost):
        await reading
    assert await broker.last("removed", PARTITION) is None
    await broker.publish("removed", messages([11]))
    assert numbers(await take(broker, "removed", 1)) == [11]


async def test_another_message_in_the_same_place_is_not_the_one_that_was_read(opened: Open, other: Connection) -> None:
    """And it is the last one: what comes after it would not show that something is missing."""
    broker = opened()
    await broker.publish("replaced", messages(range(1, 11)))
    position = await broker.last("replaced", PARTITION)
    await other.ask(schema.Delete, schema.DeleteResponse, stream=f"sigdep.replaced.{PARTITION}")
    await broker.publish("replaced", messages(range(21, 31)))
    assert place(await broker.last("replaced", PARTITION)) == place(position)
    with pytest.raises(PositionLost):
        await take(broker, "replaced", 1, after=position)


async def test_what_is_still_under_way_to_who_has_gone_is_not_given_to_who_comes(
    opened: Open, other: Connection
) -> None:
    broker = opened()
    for part in in_parts(messages(range(1, 101), size=20_000), 5):
        await broker.publish("gone", part)
    await broker.publish("come", messages([200]))
    first = schema.OffsetSpec(OffsetType.FIRST)
    for _ in range(5):
        other.unsubscribe(await other.subscribe(f"sigdep.gone.{PARTITION}", first, credit=20))
        come = await other.subscribe(f"sigdep.come.{PARTITION}", first, credit=20)
        [encoded_message] = (await come.next(10)).get_messages()
        assert stored(PARTITION, 0, encoded_message).message == messages([200])[0]
        other.unsubscribe(come)


async def test_what_is_old_is_trimmed_and_who_was_overrun_is_told_so_and_it_is_not_stored_again(opened: Open) -> None:
    broker = opened(kept=timedelta(seconds=1), segment_bytes=20_000)
    early, sent = messages(range(1, 11)), messages(range(11, 231))
    await broker.publish("trimmed", early)
    position = (await take(broker, "trimmed", 10))[0].position
    for wave in (sent[:100], sent[100:200]):  # RabbitMQ looks for what is too old whenever it begins another file.
        for part in in_parts(wave, 20):
            await broker.publish("trimmed", part)
        await asyncio.sleep(1.5)
    await broker.publish("trimmed", sent[200:])  # The file in use may have been empty.
    with pytest.raises(PositionLost):
        await take(broker, "trimmed", 1, after=position)
    last = await broker.last("trimmed", PARTITION)
    await opened().publish("trimmed", early + sent[:-1])
    assert await broker.last("trimmed", PARTITION) == last
    kept = numbers(await take(broker, "trimmed", 20))
    assert kept[0] > 10
    assert kept == list(range(kept[0], kept[0] + len(kept)))


async def test_who_was_overrun_is_told_so_wherever_the_files_end(opened: Open) -> None:
    # With some of these sizes RabbitMQ begins a file with nothing but a note of its own, and then trims all before it.
    async def overrun(size: int) -> None:
        topic, broker = f"ends{size}", opened(kept=timedelta(seconds=1), segment_bytes=20_000)
        early, sent = messages(range(1, 11)), messages(range(11, 11 + 10 * size))
        await broker.publish(topic, early)
        position = (await take(broker, topic, 10))[0].position
        for wave in (sent[: 5 * size], sent[5 * size :]):
            for part in in_parts(wave, size):
                await broker.publish(topic, part)
            await asyncio.sleep(1.5)
        with pytest.raises(PositionLost):
            await take(broker, topic, 1, after=position)
        taking = asyncio.create_task(take(broker, topic, 1, after=await broker.last(topic, PARTITION)))
        await asyncio.sleep(0.5)
        await broker.publish(topic, messages([11 + 10 * size]))
        assert numbers(await taking)[-1] == 11 + 10 * size

    await asyncio.gather(*(overrun(size) for size in range(12, 40, 2)))


async def test_more_readings_than_a_connection_has_numbers_for(opened: Open) -> None:
    broker = opened()
    await broker.publish("crowded", messages([1]))
    readings = [asyncio.create_task(take(broker, "crowded", 2)) for _ in range(connecting.NUMBERS + 10)]
    await asyncio.sleep(0.5)
    await broker.publish("crowded", messages([2]))
    for taken in await asyncio.gather(*readings):
        assert numbers(taken) == [1, 2]


async def test_more_streams_than_a_connection_publishes_to(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "PUBLICATIONS_MAX", 3)
    broker = opened()
    for round_ in (range(1, 4), range(2, 6)):
        for low in range(0, 6, 2):
            batch = [message for number in (low, low + 1) for message in messages(round_, Partition(number))]
            await broker.publish("spread", batch)
    for number in range(6):
        taken = await take(broker, "spread", 5, partition=Partition(number))
        assert numbers(taken) == [1, 2, 3, 4, 5]
        assert places(taken) == [0, 1, 2, 3, 4]


async def test_who_may_not_come_in_is_told_at_once_and_without_the_password(server: RabbitMQServer) -> None:
    broker = RabbitMQBroker([server.url.replace("guest@", "s3cret@")])
    with pytest.raises(Unavailable, match="does not let us in") as refused:
        await asyncio.wait_for(broker.publish("secret", messages([1])), AWAY_SECONDS_MAX / 2)
    assert "s3cret" not in repr(refused.value)
    await broker.close()


async def test_a_server_that_does_not_move_is_given_up_and_taken_up_again(
    opened: Open, server: RabbitMQServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there, and its connections stand, but it says nothing."""
    monkeypatch.setattr(publisher, "ANSWER_SECONDS_MAX", 0.5)
    monkeypatch.setattr(connecting, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(connecting, "SILENCE_SECONDS_MAX", 3.0)
    broker = opened(away_seconds_max=0.0)
    await broker.publish("asleep", messages([1]))
    reading = asyncio.create_task(take(broker, "asleep", 2))
    await asyncio.sleep(0.2)
    with server.asleep():
        with pytest.raises(Unavailable, match="does not confirm"):
            await broker.publish("asleep", messages([2]))
        with pytest.raises(Unavailable):
            await reading
    patient = opened()
    await patient.publish("asleep", messages([2, 3]))
    assert places(await take(patient, "asleep", 3)) == [0, 1, 2]


async def test_of_several_servers_the_one_that_is_there_is_used(server: RabbitMQServer) -> None:
    broker = RabbitMQBroker([f"rabbitmq-stream://guest:guest@{HOST}:1", server.url])
    await broker.publish("several", messages([1, 2]))
    assert numbers(await take(broker, "several", 2)) == [1, 2]
    await broker.close()
