"""Contract of a broker with a server: that dies, comes back empty, or to which the connection is cut."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

import pytest

from sigdep.kernel.broker import READ_MESSAGES_MAX, Broker, BrokerPosition, Continuity, Delivery, Message, PositionLost
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position
from sigdep.testing.broker_proxy import Proxy, proxied
from sigdep.testing.broker_servers import BrokerServer
from sigdep.testing.broker_setup import (
    PARTITION,
    WAIT_SECONDS,
    BrokerSetup,
    Opener,
    assert_continuous,
    in_parts,
    messages,
    nothing_more,
    numbers,
    said,
    take,
)

KILLS = 3

SOON_SECONDS = 0.5
"""The patience of a broker that is to give up while the test looks on."""

CUTS = (0.04, 0.3, 0.6, 0.95)
"""Which part of a batch's bodies arrives before the connection is cut."""

BODY_BYTES = 600

SMALL, LARGE = 50, 150
"""Messages of a batch that is cut."""


FOREIGN = READ_MESSAGES_MAX // 2 + 1
"""Messages of each kind that a stranger writes: together they fill several batches."""


class Stranger(Protocol):
    """Somebody else who writes into a partition that the suite uses, PARTITION."""

    async def __call__(self, topic: str, written: Sequence[Mapping[str, str]]) -> None:
        """
        Args:
            written: as an adapter names its parts: `id`, `position`, `follows` and `key`; those that are there.
        """
        ...


def _looking_like_a_message(position: str, follows: str) -> Mapping[str, str]:
    return {"id": "7-9", "position": position, "follows": follows, "key": "note-1"}


class BrokerFaultsContract(BrokerSetup):
    """Asks for a fixture `server`, which runs, and is the tests' own to kill."""

    kills = KILLS

    atomic_batches: tuple[int, ...] = (SMALL, LARGE)
    """Which of these sizes are stored whole or not at all. Of others the first messages may be there alone."""

    @pytest.fixture
    def stranger(self) -> Stranger:
        raise NotImplementedError("The subclass says how somebody else writes there.")

    @pytest.fixture
    async def proxy(self, server: BrokerServer) -> AsyncIterator[Proxy]:
        async with proxied(server.port) as proxy:
            yield proxy

    async def test_what_somebody_else_has_written_is_passed_over(
        self, open_broker: Opener, stranger: Stranger, topic: str
    ) -> None:
        reader = open_broker()
        await open_broker().publish(topic, messages([1, 2]))
        for position, follows in (("", ""), ("hello", "4"), ("5", "hello"), ("-6", "-8"), ("4", "6")):
            await stranger(topic, [_looking_like_a_message(position, follows)] * FOREIGN)
        assert await nothing_more(reader, topic, await reader.last(topic, PARTITION))
        following = asyncio.create_task(take(reader, topic, 4))
        await asyncio.sleep(0.05)
        for part in ([3], [4]):
            await open_broker().publish(topic, messages(part))
            await stranger(topic, [{}])
        taken = await following
        assert numbers(taken) == [1, 2, 3, 4]
        assert numbers(await take(reader, topic, 2, after=taken[1].position)) == [3, 4]
        assert await nothing_more(reader, topic, taken[3].position)

    async def test_killed_while_publishing_and_reading_it_loses_doubles_and_reorders_nothing(
        self, open_broker: Opener, server: BrokerServer, topic: str
    ) -> None:
        publisher, reader = open_broker(), open_broker()
        sent, stop = list[Message](), asyncio.Event()
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def publish() -> None:
            while not stop.is_set():
                batch = messages(range(len(sent) + 1, len(sent) + 21))
                await publisher.publish(topic, batch)
                sent.extend(batch)

        async def read() -> list[Delivery]:
            taken = list[Delivery]()
            async with aclosing(reader.read(topic, PARTITION, None)) as batches:
                async for batch in batches:
                    taken.extend(batch)
                    if end.done() and len(taken) >= end.result():
                        break
            return taken

        publishing, reading = asyncio.create_task(publish()), asyncio.create_task(read())
        for _ in range(self.kills):
            await asyncio.sleep(0.3)
            server.kill()
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.wait_for(publishing, WAIT_SECONDS)
        end.set_result(len(sent) + 1)
        sent += messages([len(sent) + 1])
        await publisher.publish(topic, sent[-1:])
        taken = await asyncio.wait_for(reading, WAIT_SECONDS)
        assert_continuous(taken)
        assert said(taken) == sent
        assert said(await take(open_broker(), topic, len(sent))) == sent

    async def test_away_for_too_long_it_is_unavailable_and_serves_again_when_it_is_back(
        self, open_broker: Opener, server: BrokerServer, topic: str
    ) -> None:
        broker, sent = open_broker(away_seconds_max=SOON_SECONDS), messages(range(1, 11))
        await broker.publish(topic, sent[:5])
        reading = asyncio.create_task(take(broker, topic, 10))
        await asyncio.sleep(0.1)
        server.kill()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(broker.publish(topic, sent[5:]), WAIT_SECONDS)
        with pytest.raises(Unavailable):
            await reading
        with pytest.raises(Unavailable):
            await asyncio.wait_for(broker.last(topic, PARTITION), WAIT_SECONDS)
        with pytest.raises(Unavailable):
            await take(open_broker(away_seconds_max=SOON_SECONDS), topic, 1)
        await asyncio.to_thread(server.start)
        await _until_published(broker, topic, sent[5:])
        assert said(await take(open_broker(), topic, 10)) == sent

    async def test_closing_while_the_server_is_away_ends_what_waits_for_it(
        self, open_broker: Opener, server: BrokerServer, topic: str
    ) -> None:
        broker = open_broker()
        await broker.publish(topic, messages([1]))
        reading = asyncio.create_task(take(broker, topic, 2))
        await asyncio.sleep(0.1)
        server.kill()
        publishing = asyncio.create_task(broker.publish(topic, messages([2])))
        await asyncio.sleep(0.1)
        try:
            await asyncio.wait_for(broker.close(), WAIT_SECONDS)
            with pytest.raises(Unavailable):
                await asyncio.wait_for(publishing, WAIT_SECONDS)
            with pytest.raises(AssertionError, match="ended"):
                await asyncio.wait_for(reading, WAIT_SECONDS)
        finally:
            await asyncio.to_thread(server.start)

    async def test_restarted_empty_it_has_lost_every_position_and_nothing_passes_for_what_is_gone(
        self, open_broker: Opener, server: BrokerServer, topic: str
    ) -> None:
        publisher = open_broker()
        await publisher.publish(topic, messages(range(1, 31)))
        held = await take(publisher, topic, 30)
        reading = asyncio.create_task(take(open_broker(), topic, 31))
        await asyncio.sleep(0.2)
        server.kill()
        server.erase()
        await asyncio.to_thread(server.start)
        # More than there had been, so that there is something again at every place.
        await _until_published(publisher, topic, messages(range(41, 101)))
        with pytest.raises(PositionLost):
            await reading
        for saved in (held[0], held[14], held[-1]):
            with pytest.raises(PositionLost):
                await take(open_broker(), topic, 1, after=saved.position)
        assert numbers(await take(open_broker(), topic, 60)) == list(range(41, 101))

    async def test_a_consumer_with_the_store_at_hand_misses_nothing_when_the_broker_forgets_all(
        self, open_broker: Opener, server: BrokerServer, topic: str
    ) -> None:
        consumer = _Consumer(open_broker(), topic)
        publisher, log = open_broker(), messages(range(1, 301))
        consumer.store = log
        consuming = asyncio.create_task(consumer.run(until=log[-1].position))
        for number, part in enumerate(in_parts(log, 20)):
            if number in {4, 9}:
                server.kill()
                server.erase()
                await asyncio.to_thread(server.start)
            consumer.stored = part[-1].position
            await _until_published(publisher, topic, part)
        await asyncio.wait_for(consuming, WAIT_SECONDS)
        assert consumer.applied == log

    async def test_a_batch_whose_connection_is_cut_is_published_once_all_the_same(
        self, open_broker: Opener, proxy: Proxy, topic: str
    ) -> None:
        publisher, sent = open_broker(port=proxy.port), messages(range(1, SMALL * len(CUTS) + 1))
        await publisher.publish(topic, sent[:1])
        for cut, part in zip(CUTS, in_parts(sent, SMALL), strict=True):
            proxy.cut_requests_after(int(cut * SMALL * BODY_BYTES))
            await publisher.publish(topic, part)
        assert proxy.cuts == len(CUTS)
        taken = await take(open_broker(), topic, len(sent))
        assert said(taken) == sent
        assert await nothing_more(open_broker(), topic, taken[-1].position)

    async def test_a_batch_whose_answer_is_lost_is_published_once_all_the_same(
        self, open_broker: Opener, proxy: Proxy, topic: str
    ) -> None:
        publisher, sent = open_broker(port=proxy.port), messages(range(1, SMALL + 1))
        await publisher.publish(topic, sent[:3])
        proxy.lose_answers_to(sent[-1].body[:8])
        await publisher.publish(topic, sent[3:])
        assert proxy.cuts == 1
        taken = await take(open_broker(), topic, len(sent))
        assert said(taken) == sent
        assert await nothing_more(open_broker(), topic, taken[-1].position)

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    async def test_of_a_batch_that_failed_nothing_is_there_without_what_stands_before_it(
        self, open_broker: Opener, proxy: Proxy, topic: str, size: int
    ) -> None:
        kept = open_broker()
        await kept.publish(topic, messages([1], Partition(60)))
        for number, cut in enumerate(CUTS):
            partition = Partition(number)
            sent = messages(range(1, size + 1), partition)
            publisher = open_broker(port=proxy.port, away_seconds_max=0.0)
            await publisher.publish(topic, messages([2 + number], Partition(60)))
            proxy.cut_requests_after(int(cut * size * BODY_BYTES))
            with suppress(Unavailable):
                await publisher.publish(topic, sent)
            stored = numbers(await _everything(kept, topic, partition))
            assert stored == list(range(1, len(stored) + 1))
            if size in self.atomic_batches:
                assert len(stored) in {0, size}
            await _until_published(publisher, topic, sent)
            assert said(await take(kept, topic, size, partition=partition)) == sent
        assert proxy.cuts == len(CUTS)


class _Consumer:
    """As a projector does it: what was applied and the positions are saved together; the store is asked after a gap."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._broker, self._topic = broker, topic
        self.store: Sequence[Message] = ()
        self.stored = Position(0)
        """How far the store has come."""
        self.applied = list[Message]()
        self._saved: BrokerPosition | None = None
        self._known = Continuity(Position(0))

    async def run(self, until: Position) -> None:
        while self._known.reached != until:
            with suppress(PositionLost, Unavailable):
                await self._follow(until)
                return
            with suppress(Unavailable):
                self._saved = await self._broker.last(self._topic, PARTITION)
                self._read_store()
            await asyncio.sleep(0.01)

    async def _follow(self, until: Position) -> None:
        async with aclosing(self._broker.read(self._topic, PARTITION, self._saved)) as batches:
            async for batch in batches:
                for delivery in batch:
                    if self._known.take(delivery.message):
                        self.applied.append(delivery.message)
                    self._saved = delivery.position
                if self._known.reached == until:
                    return

    def _read_store(self) -> None:
        for message in self.store:
            if message.position <= self.stored and self._known.take(message):
                self.applied.append(message)


async def _until_published(broker: Broker, topic: str, batch: Sequence[Message]) -> None:
    """As a relay does it: again and again."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            with suppress(Unavailable):
                return await broker.publish(topic, batch)
            await asyncio.sleep(0.05)


async def _everything(broker: Broker, topic: str, partition: Partition) -> list[Delivery]:
    """All that a partition holds now."""
    end = await broker.last(topic, partition)
    taken = list[Delivery]()
    while end is not None and (not taken or taken[-1].position != end):
        taken += await take(broker, topic, 1, partition=partition, after=taken[-1].position if taken else None)
    return taken
