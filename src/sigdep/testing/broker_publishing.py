"""Contract of publishing: order, repeats, several publishers, limits."""

import asyncio

import pytest
from msgspec.structs import replace

from sigdep.kernel.broker import (
    MESSAGE_BYTES_MAX,
    PUBLISH_BYTES_MAX,
    PUBLISH_MESSAGES_MAX,
    Broker,
    PublishTooLarge,
)
from sigdep.kernel.ids import PARTITIONS, Partition, Position, StreamId
from sigdep.testing.broker_setup import (
    PARTITION,
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

LOG = 1_200
"""Messages that two publishers both have to publish."""


class PublishingContract(BrokerSetup):
    async def test_what_was_published_is_read_as_it_was_and_in_order(self, broker: Broker, topic: str) -> None:
        sent = messages(range(1, 301))
        sent[7] = replace(sent[7], id="T-7/u:%#<>*.", key=StreamId("n" * 256), body=b"")
        sent[8] = replace(sent[8], body=bytes(range(256)))
        for part in in_parts(sent, 100):
            await broker.publish(topic, part)
        assert said(await take(broker, topic, len(sent))) == sent

    async def test_partitions_and_topics_do_not_mix(self, broker: Broker, topic: str) -> None:
        first, last = Partition(0), Partition(PARTITIONS - 1)
        low, high = messages(range(1, 31), first), messages(range(101, 131), last)
        mixed = [message for pair in zip(low, high, strict=True) for message in pair]
        await broker.publish(topic, mixed)
        await broker.publish(f"{topic}_2", messages(range(1, 4), first))
        assert said(await take(broker, topic, len(low), partition=first)) == low
        assert said(await take(broker, topic, len(high), partition=last)) == high
        assert numbers(await take(broker, f"{topic}_2", 3, partition=first)) == [1, 2, 3]

    async def test_publishing_again_stores_nothing_twice(self, broker: Broker, open_broker: Opener, topic: str) -> None:
        sent = messages(range(1, 41))
        await broker.publish(topic, sent[:20])
        await broker.publish(topic, sent[:20])
        await open_broker().publish(topic, sent[5:30])
        await broker.publish(topic, sent[10:40])
        taken = await take(broker, topic, len(sent))
        assert said(taken) == sent
        assert await nothing_more(broker, topic, taken[-1].position)

    async def test_what_one_partition_has_already_is_left_out_of_a_batch_for_several(
        self, broker: Broker, topic: str
    ) -> None:
        old, new = messages(range(1, 6), Partition(1)), messages(range(1, 6), Partition(2))
        await broker.publish(topic, old)
        await broker.publish(topic, old[3:] + new)
        assert said(await take(broker, topic, 5, partition=Partition(1))) == old
        assert said(await take(broker, topic, 5, partition=Partition(2))) == new

    async def test_two_publishers_of_one_log_double_and_reorder_nothing(
        self, broker: Broker, open_broker: Opener, topic: str
    ) -> None:
        sent = messages(range(1, LOG + 1), size=100)

        async def publish_all(publisher: Broker, batch: int) -> None:
            for part in in_parts(sent, batch):
                await publisher.publish(topic, part)

        await asyncio.gather(publish_all(broker, 37), publish_all(open_broker(), 50))
        taken = await take(broker, topic, LOG)
        assert_continuous(taken)
        assert said(taken) == sent

    async def test_calls_are_served_in_the_order_in_which_they_were_made(self, broker: Broker, topic: str) -> None:
        sent = messages(range(1, 201))
        await asyncio.gather(*(broker.publish(topic, part) for part in in_parts(sent, 3)))
        assert said(await take(broker, topic, len(sent))) == sent

    async def test_an_empty_batch_changes_nothing(self, broker: Broker, topic: str) -> None:
        await broker.publish(topic, [])
        assert await broker.last(topic, PARTITION) is None

    async def test_a_batch_at_the_limits_is_stored(self, broker: Broker, topic: str) -> None:
        many = messages(range(1, PUBLISH_MESSAGES_MAX + 1), size=100)
        await broker.publish(topic, many)
        assert said(await take(broker, topic, len(many))) == many
        large = messages(range(1, 9), Partition(2), size=MESSAGE_BYTES_MAX)
        large.extend(messages([9], Partition(2), size=PUBLISH_BYTES_MAX - 8 * MESSAGE_BYTES_MAX))
        await broker.publish(topic, large)
        assert said(await take(broker, topic, len(large), partition=Partition(2))) == large

    async def test_what_is_over_the_limits_is_refused_whole(self, broker: Broker, topic: str) -> None:
        fits = messages([1])
        for batch in (
            messages(range(1, PUBLISH_MESSAGES_MAX + 2), size=10),
            messages(range(1, 10), size=MESSAGE_BYTES_MAX),
            fits + messages([2], size=MESSAGE_BYTES_MAX + 1),
        ):
            with pytest.raises(PublishTooLarge):
                await broker.publish(topic, batch)
        assert await broker.last(topic, PARTITION) is None

    async def test_a_batch_out_of_order_is_a_bug_and_stores_nothing(self, broker: Broker, topic: str) -> None:
        one, two, three = messages([1, 2, 3])
        for batch in ([two, one], [one, one], [one, three], [replace(one, follows=one.position)]):
            with pytest.raises(ValueError, match="does not follow"):
                await broker.publish(topic, batch)
        with pytest.raises(ValueError, match="partition 64"):
            await broker.publish(topic, [replace(one, partition=Partition(PARTITIONS))])
        with pytest.raises(ValueError, match="does not follow"):
            await broker.publish(topic, [replace(one, follows=Position(-1))])
        for wrong in ("", "é", "two words", "line\n", "k" * 257):
            for batch in ([replace(one, id=wrong)], [replace(one, key=StreamId(wrong))]):
                with pytest.raises(ValueError, match="called"):
                    await broker.publish(topic, batch)
        for name in ("", "Tasks", "a.b", "a*", "a b", "1a", "a" * 41):
            with pytest.raises(ValueError, match="topic"):
                await broker.publish(name, [one])
        assert await broker.last(topic, PARTITION) is None
