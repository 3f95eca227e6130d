"""Whoever follows a log by way of the broker misses nothing and hears nothing twice, whatever the broker does."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from itertools import count

import nats
import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.broker import MemoryBroker, MemoryTopics
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.broker import MESSAGE_BYTES_MAX, Broker, BrokerPosition, Delivery, Message, PositionLost, Reading
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import (
    PARTITIONS,
    CommandId,
    Partition,
    Position,
    Positions,
    StreamId,
    SubjectId,
    Version,
    WorkspaceId,
)
from sigdep.kernel.sealed_log import encode_rows
from sigdep.kernel.signed_rows import NotSigned, SignedRows
from sigdep.services.distributed import brokered_log
from sigdep.services.distributed.brokered_log import LOOK_SECONDS, BrokeredLog
from sigdep.services.distributed.relay import Relay, messages_of
from sigdep.testing.broker_servers import running
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, appending, new_stream, workspace_in, write
from tests.conftest import missing_servers_skip

SECONDS_MAX = 20
TOPIC = "notes"
KEY = bytes(range(32))
names = count()


class Asked:
    """A SealedLog that counts how often it was asked for rows."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._log = store.sealed
        self.questions = 0

    async def heads(self) -> Positions:
        return await self._log.heads()

    async def stream_rows(self, stream: StreamId, after: Version, until: Version | None) -> Sequence[StoredRow]:
        return await self._log.stream_rows(stream, after, until)

    async def next_rows(self, after: Positions, limit: int) -> Sequence[StoredRow]:
        self.questions += 1
        return await self._log.next_rows(after, limit)

    def follow_rows(self, after: Positions):  # type: ignore[no-untyped-def]
        return self._log.follow_rows(after)

    async def close(self) -> None:
        """The store is not ours."""


class Unruly(MemoryBroker):
    """Gives each batch again and again, and out of order."""

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        dice = random.Random(partition)
        kept: list[Delivery] = []
        async with aclosing(super().read(topic, partition, after)) as batches:
            async for batch in batches:
                kept += batch
                shuffled = list(batch) + dice.sample(kept, min(3, len(kept)))
                dice.shuffle(shuffled)
                yield shuffled


class World:
    def __init__(self, store: PostgresEventStore) -> None:
        self.store = store
        self.log = Asked(store)
        self.topics = MemoryTopics()
        self.relaying: asyncio.Task[None] | None = None

    async def relay(self, broker: Broker | None = None) -> None:
        """Return once it follows the log: what is older is not its business."""
        relay = Relay(TOPIC, self.store.sealed, broker or MemoryBroker(self.topics), KEY)
        self.relaying = asyncio.create_task(relay.run())
        async with asyncio.timeout(SECONDS_MAX):
            while relay.fault() is not None:
                await asyncio.sleep(0.01)

    async def stop_relay(self) -> None:
        assert self.relaying is not None
        self.relaying.cancel()
        with suppress(asyncio.CancelledError):
            await self.relaying

    async def write(self, number: int) -> None:
        async def one() -> None:
            workspace = workspace_in(random.randrange(5))
            await self.store.append(appending(workspace, write(workspace, new_stream(), NoteWritten(text="x"))))

        await asyncio.gather(*(one() for _ in range(number)))


class Follower:
    def __init__(self, world: World, broker: Broker | None = None, after: Positions | None = None) -> None:
        self.rows: list[StoredRow] = []
        self._log = BrokeredLog(TOPIC, world.log, broker or MemoryBroker(world.topics), KEY)
        self._job = asyncio.create_task(self._follow(after or {}))

    async def _follow(self, after: Positions) -> None:
        async with aclosing(self._log.follow_rows(after)) as batches:
            async for rows in batches:
                self.rows += rows

    async def until(self, number: int) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while len(self.rows) < number:
                await asyncio.sleep(0.01)

    async def stop(self) -> list[StoredRow]:
        """Nothing came twice, and nothing out of its order."""
        self._job.cancel()
        with suppress(asyncio.CancelledError):
            await self._job
        reached: dict[Partition, Position] = {}
        for row in self.rows:
            assert row.position == reached.get(row.partition, 0) + 1
            reached[row.partition] = row.position
        return self.rows


@pytest.fixture
async def world(postgresql_dsn: str) -> AsyncIterator[World]:
    codec = Codec(SAMPLE_EVENTS, MemoryKeyRing())
    store = await PostgresEventStore.open(postgresql_dsn, codec, schema=f"following_{next(names)}")
    made = World(store)
    yield made
    if made.relaying is not None:
        await made.stop_relay()
    await store.close()


async def test_the_broker_brings_what_happens_and_the_log_is_hardly_asked(world: World) -> None:
    await world.write(5)
    await world.relay()
    follower = Follower(world)
    await follower.until(5)
    await asyncio.sleep(0.3)  # It has asked once for each partition that it began to read.
    begun, before = asyncio.get_running_loop().time(), world.log.questions
    for _ in range(40):
        await world.write(3)
    await follower.until(125)
    seconds = asyncio.get_running_loop().time() - begun
    assert len(await follower.stop()) == 125
    assert world.log.questions - before <= 2 * seconds / LOOK_SECONDS + 2


async def test_a_relay_that_was_dead_publishes_what_it_missed(world: World) -> None:
    await world.relay()
    await world.write(10)
    follower = Follower(world)
    await follower.until(10)
    known = set(world.topics.logs)
    await world.stop_relay()
    await world.write(10)
    await world.relay()
    await follower.until(20)
    await world.write(10)
    await follower.until(30)
    assert len(await follower.stop()) == 30
    heads = await world.store.heads()
    async with asyncio.timeout(SECONDS_MAX):
        for topic, partition in known:  # Of the others the broker knows no end to go on from; followers read the log.
            while world.topics.logs[topic, partition][-1].position < heads[partition]:
                await asyncio.sleep(0.01)
    published = [message for log in world.topics.logs.values() for message in log]
    assert len({message.id for message in published}) == len(published)


async def test_without_a_relay_the_log_itself_is_asked_every_second(world: World) -> None:
    follower = Follower(world)
    await world.write(7)
    await follower.until(7)
    await world.write(7)
    await follower.until(14)
    assert len(await follower.stop()) == 14


async def test_a_broker_that_comes_back_empty_has_lost_nothing(world: World) -> None:
    await world.relay()
    follower = Follower(world)
    for _ in range(10):
        await world.write(5)
        world.topics.logs.clear()
    await follower.until(50)
    late = Follower(world)
    await late.until(50)
    assert len(await follower.stop()) == len(await late.stop()) == 50


async def test_repeated_and_shuffled_messages_change_nothing(world: World) -> None:
    await world.relay()
    follower = Follower(world, Unruly(world.topics))
    for _ in range(15):
        await world.write(7)
        await asyncio.sleep(0.01)
    await follower.until(105)
    assert len(await follower.stop()) == 105


async def test_several_relays_of_one_log_are_as_good_as_one(world: World) -> None:
    await world.relay()
    others = [Relay(TOPIC, world.store.sealed, MemoryBroker(world.topics), KEY) for _ in range(3)]
    relaying = [asyncio.create_task(other.run()) for other in others]
    follower = Follower(world)
    for _ in range(10):
        await world.write(6)
    await follower.until(60)
    for job in relaying:
        job.cancel()
    await asyncio.gather(*relaying, return_exceptions=True)
    assert len(await follower.stop()) == 60


async def test_a_follower_goes_on_from_where_it_was(world: World) -> None:
    await world.relay()
    await world.write(20)
    first = Follower(world)
    await first.until(20)
    reached = {row.partition: row.position for row in await first.stop()}
    await world.write(5)
    second = Follower(world, after=reached)
    await second.until(5)
    await asyncio.sleep(0.2)
    second._job.cancel()
    assert all(row.position > reached.get(row.partition, 0) for row in second.rows)
    assert len(second.rows) == 5


# ── what somebody else writes into the broker ────────────────────────────────────────────────────────────


class Forger:
    """Publishes, by the broker's own rules, what stands at the next position of every partition before it is there."""

    def __init__(self, world: World, broker: Broker | None = None) -> None:
        self._world, self._broker = world, broker or MemoryBroker(world.topics)

    async def publish(self, body: Callable[[StoredRow], bytes]) -> None:
        heads = await self._world.store.heads()
        forged = [
            _message(heads.get(Partition(part), Position(0)), Partition(part), body) for part in range(PARTITIONS)
        ]
        await self._broker.publish(TOPIC, forged)


def _message(head: Position, partition: Partition, body: Callable[[StoredRow], bytes]) -> Message:
    row = replace(_row(head + 1, b"forged"), partition=partition)
    return Message(
        id=f"{partition}-{row.position}",
        partition=partition,
        position=row.position,
        follows=head,
        key=row.stream,
        body=body(row),
    )


def _unsigned(row: StoredRow) -> bytes:
    return encode_rows([row])


def _signed_with_another_key(row: StoredRow) -> bytes:
    return SignedRows(bytes(32), TOPIC).encode([row])


def _of_another_topic(row: StoredRow) -> bytes:
    return SignedRows(KEY, "others").encode([row])


def _damaged(row: StoredRow) -> bytes:
    body = bytearray(SignedRows(KEY, TOPIC).encode([row]))
    body[-1] ^= 1
    return bytes(body)


def _nothing_like_rows(_row: StoredRow) -> bytes:
    return b"hello"


@pytest.mark.parametrize(
    "body",
    [_unsigned, _signed_with_another_key, _of_another_topic, _damaged, _nothing_like_rows],
    ids=lambda f: f.__name__,
)
async def test_what_no_relay_has_written_is_passed_over_and_nothing_is_missed(
    world: World, body: Callable[[StoredRow], bytes]
) -> None:
    await world.write(10)
    await world.relay()
    follower = Follower(world)
    await follower.until(10)
    forger = Forger(world)
    for round_ in range(1, 4):
        await forger.publish(body)
        await asyncio.sleep(0.05)
        await world.write(10)
        await follower.until(10 + 10 * round_)
    rows = await follower.stop()
    assert len(rows) == 40
    assert all(row.type == "NoteWritten" and row.payload != b"forged" for row in rows)


async def test_a_real_broker_into_which_others_write_costs_time_and_nothing_else(world: World) -> None:
    with missing_servers_skip(), running(NatsServer) as server:
        async with AsyncExitStack() as stack:
            ours, theirs = NatsBroker([server.url]), NatsBroker([server.url])
            for broker in (ours, theirs):
                stack.push_async_callback(broker.close)
            await world.write(20)
            await world.relay(ours)
            follower, forger = Follower(world, ours), Forger(world, theirs)
            await follower.until(20)
            for round_, body in enumerate((_unsigned, _damaged, _nothing_like_rows), 1):
                await forger.publish(body)
                client = await stack.enter_async_context(await nats.connect(server.url))
                for partition in range(PARTITIONS):
                    await client.jetstream().publish(f"sigdep.{TOPIC}.{partition}", b"hello")
                await world.write(20)
                await follower.until(20 + 20 * round_)
            rows = await follower.stop()
            await world.stop_relay()
            world.relaying = None
    assert len(rows) == 80
    assert all(row.payload != b"forged" for row in rows)


async def test_a_stranger_is_named_in_the_log_and_does_not_fill_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.write(5)
    await world.relay()
    follower = Follower(world)
    await follower.until(5)
    for _ in range(20):
        await Forger(world).publish(_unsigned)
        await world.write(5)
    await follower.until(105)
    await follower.stop()
    assert capsys.readouterr().out.count("no relay has signed") == 1


def test_what_is_signed_cannot_be_read_once_it_was_altered() -> None:
    signed, row = SignedRows(KEY, TOPIC), _row(1, b"a")
    body = signed.encode([row])
    assert signed.decode(body) == [row]
    for place in range(len(body)):
        altered = bytearray(body)
        altered[place] ^= 1
        with pytest.raises(NotSigned):
            signed.decode(bytes(altered))


class Failing(MemoryBroker):
    """Raises, once, what nobody has foreseen, in each reading that has begun."""

    def __init__(self, topics: MemoryTopics) -> None:
        super().__init__(topics)
        self.failures, self.brought = 0, 0

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        async with aclosing(super().read(topic, partition, after)) as batches:
            async for batch in batches:
                if self.failures < PARTITIONS:
                    self.failures += 1
                    raise KeyError("Sigdep-Id")
                self.brought += len(batch)
                yield batch


async def test_a_broker_that_fails_in_an_unforeseen_way_is_read_again(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokered_log, "RETRY_SECONDS", 0.05)
    await world.relay()
    await world.write(5)
    broker = Failing(world.topics)
    follower = Follower(world, broker)
    await follower.until(5)
    written = 5
    async with asyncio.timeout(SECONDS_MAX):
        while broker.failures < PARTITIONS:
            await world.write(5)
            written += 5
            await asyncio.sleep(0.05)
    await world.write(30)
    await follower.until(written + 30)
    async with asyncio.timeout(SECONDS_MAX):
        while broker.brought < 30:  # Of what was published after the last failure, at least.
            await world.write(1)
            await asyncio.sleep(0.05)
    await follower.stop()
    logged = capsys.readouterr().out
    assert "which is a bug" in logged
    assert logged.count("Traceback") == 1


class Losing(MemoryBroker):
    """Its last position cannot be gone on from."""

    def __init__(self, topics: MemoryTopics) -> None:
        super().__init__(topics)
        self.readings = 0

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        self.readings += 1
        raise PositionLost("It is gone.")
        yield ()


async def test_a_position_that_is_lost_again_at_once_is_no_reason_to_spin(world: World) -> None:
    broker = Losing(world.topics)
    follower = Follower(world, broker)
    await world.write(5)
    await follower.until(5)
    await asyncio.sleep(0.5)
    await follower.stop()
    assert broker.readings <= 3 * PARTITIONS


# ── what the relay publishes ─────────────────────────────────────────────────────────────────────────────


def test_a_row_that_no_broker_takes_shows_as_a_gap() -> None:
    rows = [_row(1, b"a"), _row(2, b"b" * MESSAGE_BYTES_MAX), _row(3, b"c")]
    ((first, third),) = messages_of(rows, {}, SignedRows(KEY, TOPIC))
    assert (first.position, first.follows) == (1, 0)
    assert (third.position, third.follows) == (3, 2)


def test_batches_keep_to_the_limits_and_each_message_follows_on_the_last() -> None:
    rows = [_row(number, b"x" * 100_000) for number in range(1, 201)]
    batches = messages_of(rows, {}, SignedRows(KEY, TOPIC))
    assert len(batches) > 1
    flat: list[Message] = [message for batch in batches for message in batch]
    assert [message.follows for message in flat] == list(range(200))


def _row(position: int, payload: bytes) -> StoredRow:
    return StoredRow(
        Partition(7), Position(position), 1, WorkspaceId(uuid7()), StreamId(f"note-{uuid7()}"), Version(1),
        CommandId(uuid7()), "NoteWritten", 1, payload, b"{}", SubjectId(uuid7()), None,
    )  # fmt: skip
