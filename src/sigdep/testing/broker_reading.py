"""Contract of reading: from a position on, everything once and in order, in batches of bounded size."""

import asyncio
from contextlib import aclosing

import pytest

from sigdep.kernel.broker import (
    MESSAGE_BYTES_MAX,
    READ_BYTES_MAX,
    READ_MESSAGES_MAX,
    Broker,
    BrokerPosition,
    Continuity,
    PositionLost,
)
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import PARTITIONS, Partition
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

CRASH_AFTER = (1, 7, 64, 255, 256, 257, 400)
"""Messages that a reader works off between its crashes."""

BACKLOG = 5_000

FORGOTTEN_READINGS = 20

NEW_TOPICS = 4

READERS_OF_EACH = 2

SOON_SECONDS_MAX = 10.0
"""For what was published to come to those who have waited for it: seconds on a busy machine, not many of them."""

END_SECONDS_MAX = 2.0
"""For a reading to notice that its broker has been closed."""


class ReadingContract(BrokerSetup):
    async def test_a_reader_waits_for_what_is_not_there_yet(
        self, broker: Broker, open_broker: Opener, topic: str
    ) -> None:
        reading = asyncio.create_task(take(broker, topic, 3))
        await asyncio.sleep(0.05)
        assert not reading.done()
        publisher = open_broker()
        for message in messages([1, 2, 3]):
            await publisher.publish(topic, [message])
        assert numbers(await reading) == [1, 2, 3]

    async def test_who_reads_before_there_is_a_topic_hears_soon_of_what_comes(
        self, open_broker: Opener, topic: str
    ) -> None:
        """As where the services of a new system start, all at once."""
        names = [f"{topic}_{number}" for number in range(NEW_TOPICS)]
        everywhere = [Partition(number) for number in range(PARTITIONS)]
        readers = [(open_broker(), name) for name in names for _ in range(READERS_OF_EACH)]
        readings = [
            asyncio.create_task(take(broker, name, 1, partition=partition))
            for broker, name in readers
            for partition in everywhere
        ]
        await asyncio.sleep(0.05)
        told = [message for partition in everywhere for message in messages([1], partition)]
        publishing = (open_broker().publish(name, told) for name in names)
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(*publishing)
        published = asyncio.get_running_loop().time()
        for taken in await asyncio.gather(*readings):
            assert numbers(taken) == [1]
        late = asyncio.get_running_loop().time() - published
        assert late < SOON_SECONDS_MAX, f"Some heard of it after {late:.1f} s."

    async def test_each_of_many_readers_is_given_everything(self, open_broker: Opener, topic: str) -> None:
        reader, publisher = open_broker(), open_broker()
        readings = [asyncio.create_task(take(reader, topic, 100, partition=Partition(p % 8))) for p in range(24)]
        await asyncio.sleep(0.05)
        for start in range(1, 101, 20):
            await publisher.publish(
                topic, [m for p in range(8) for m in messages(range(start, start + 20), Partition(p))]
            )
        for taken in await asyncio.gather(*readings):
            assert numbers(taken) == list(range(1, 101))

    async def test_a_reader_that_crashes_resumes_at_its_saved_position(
        self, broker: Broker, open_broker: Opener, topic: str
    ) -> None:
        total = sum(CRASH_AFTER)
        for part in in_parts(messages(range(1, total + 1)), 500):
            await broker.publish(topic, part)
        saved, worked_off = None, list[int]()
        for wanted in CRASH_AFTER:
            # It had been given more than it worked off.
            deliveries = (await take(open_broker(), topic, wanted, after=saved))[:wanted]
            worked_off += numbers(deliveries)
            saved = deliveries[-1].position
        assert worked_off == list(range(1, total + 1))
        assert await nothing_more(broker, topic, saved)

    async def test_no_batch_is_empty_or_over_the_limits(self, broker: Broker, topic: str) -> None:
        for part in in_parts(messages(range(1, 2 * READ_MESSAGES_MAX + 2), size=100), 500):
            await broker.publish(topic, part)
        large = messages(range(2 * READ_MESSAGES_MAX + 2, 2 * READ_MESSAGES_MAX + 10), size=MESSAGE_BYTES_MAX)
        await broker.publish(topic, large)
        taken = 0
        async with asyncio.timeout(WAIT_SECONDS), aclosing(broker.read(topic, PARTITION, None)) as batches:
            async for batch in batches:
                taken += len(batch)
                assert 1 <= len(batch) <= READ_MESSAGES_MAX
                assert sum(len(delivery.message.body) for delivery in batch) <= READ_BYTES_MAX
                if taken == 2 * READ_MESSAGES_MAX + 9:
                    break

    async def test_a_slow_reader_misses_nothing_and_holds_nobody_up(self, open_broker: Opener, topic: str) -> None:
        broker, sent = open_broker(), messages(range(1, BACKLOG + 1))
        async with asyncio.timeout(WAIT_SECONDS), aclosing(broker.read(topic, PARTITION, None)) as batches:
            await broker.publish(topic, sent[:1])
            slow = list(await anext(batches))
            for part in in_parts(sent[1:], 500):
                await broker.publish(topic, part)
            quick = await take(broker, topic, BACKLOG)
            while len(slow) < BACKLOG:
                slow += await anext(batches)
                await asyncio.sleep(0.001)
        assert said(slow) == said(quick) == sent

    async def test_last_is_where_to_begin_for_who_wants_only_what_comes(self, broker: Broker, topic: str) -> None:
        assert await broker.last(topic, PARTITION) is None
        await broker.publish(topic, messages(range(1, 11)) + messages(range(1, 5), Partition(3)))
        last = await broker.last(topic, PARTITION)
        assert last == (await take(broker, topic, 10))[-1].position
        assert await nothing_more(broker, topic, last)
        await broker.publish(topic, messages([11]))
        assert numbers(await take(broker, topic, 1, after=last)) == [11]

    async def test_a_gap_ends_the_reading_after_what_came_before_it(self, broker: Broker, topic: str) -> None:
        await broker.publish(topic, messages([1, 2, 3]))
        await broker.publish(topic, messages([5, 6]))  # A broker has lost the fourth.
        taken = list[int]()

        async def read_on() -> None:
            async with aclosing(broker.read(topic, PARTITION, None)) as batches:
                async for batch in batches:
                    taken.extend(numbers(batch))

        with pytest.raises(PositionLost):
            await asyncio.wait_for(read_on(), WAIT_SECONDS)
        assert taken == [1, 2, 3]

    async def test_who_lost_the_position_goes_on_after_the_last_message(self, broker: Broker, topic: str) -> None:
        await broker.publish(topic, messages([1, 2]))
        await broker.publish(topic, messages([4, 5]))
        last = await broker.last(topic, PARTITION)
        known = Continuity(messages([5])[0].position)  # The store said what was missing.
        await broker.publish(topic, messages([6, 7]))
        for delivery in await take(broker, topic, 2, after=last):
            assert known.take(delivery.message)

    async def test_a_position_that_the_broker_does_not_know_is_lost(self, broker: Broker, topic: str) -> None:
        other = f"{topic}_2"
        await broker.publish(other, messages(range(1, 21)))
        await broker.publish(topic, messages(range(101, 111)))
        foreign = [delivery.position for delivery in await take(broker, other, 20)]
        for position in (foreign[4], foreign[-1], BrokerPosition("pigeon:10:5"), BrokerPosition("")):
            with pytest.raises(PositionLost):
                await take(broker, topic, 1, after=position)
        with pytest.raises(PositionLost):
            await take(broker, f"{topic}_3", 1, after=foreign[-1])

    async def test_there_is_no_reading_of_what_cannot_be(self, broker: Broker, topic: str) -> None:
        with pytest.raises(ValueError, match="partition 64"):
            await take(broker, topic, 1, partition=Partition(64))
        with pytest.raises(ValueError, match="topic"):
            await take(broker, "a.>", 1)
        with pytest.raises(ValueError, match="topic"):
            await broker.last("a.>", PARTITION)

    async def test_a_reading_that_is_given_up_leaves_nothing_behind(self, broker: Broker, topic: str) -> None:
        await broker.publish(topic, messages(range(1, 11)))
        for _ in range(FORGOTTEN_READINGS):
            await take(broker, topic, 1)
        reading = asyncio.create_task(take(broker, topic, 99))
        await asyncio.sleep(0.05)
        reading.cancel()
        assert numbers(await take(broker, topic, 10)) == list(range(1, 11))

    async def test_closing_ends_every_reading(self, open_broker: Opener, topic: str) -> None:
        broker, other = open_broker(), open_broker()
        await broker.publish(topic, messages([1]))

        async def read_to_the_end(partition: Partition) -> int:
            return sum([len(batch) async for batch in broker.read(topic, partition, None)])

        readings = [asyncio.create_task(read_to_the_end(Partition(p))) for p in (PARTITION, Partition(1))]
        await take(broker, topic, 1)
        await asyncio.sleep(0.05)
        await broker.close()
        await broker.close()
        assert await asyncio.wait_for(asyncio.gather(*readings), END_SECONDS_MAX) == [1, 0]
        for call in (broker.publish(topic, messages([2])), broker.last(topic, PARTITION), take(broker, topic, 1)):
            with pytest.raises(Unavailable):
                await call
        await other.publish(topic, messages([2]))
        assert_continuous(await take(other, topic, 2))
