"""What every part of the broker's contract suite stands on: brokers on one server, topics of one's own, messages."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from itertools import count
from typing import Protocol, runtime_checkable

import pytest

from sigdep.kernel.broker import AWAY_SECONDS_MAX, Broker, BrokerPosition, Continuity, Delivery, Message
from sigdep.kernel.ids import Partition, Position, StreamId

WAIT_SECONDS = 90.0
"""Longer than any promise of the suite should take to come true, on a machine so busy that a server starts in 30."""

QUIET_SECONDS = 0.3
"""For so long nothing more must come where nothing more is due."""

PARTITION = Partition(7)

_topic_numbers = count(1)


@runtime_checkable
class Opener(Protocol):
    """Gives another broker on the server of the present test. The suite closes it."""

    def __call__(self, *, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> Broker:
        """`port`: of a proxy before the server, on the loopback. None: the server's own."""
        ...


class BrokerSetup:
    """Fixtures of the suite. A subclass gives `opener`."""

    @pytest.fixture
    def opener(self) -> Opener:
        raise NotImplementedError("The subclass says how its broker is opened.")

    @pytest.fixture
    async def open_broker(self, opener: Opener) -> AsyncIterator[Opener]:
        """Brokers that are closed when the test is over."""
        async with AsyncExitStack() as opened:

            def another(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> Broker:
                broker = opener(port=port, away_seconds_max=away_seconds_max)
                opened.push_async_callback(broker.close)
                return broker

            yield another

    @pytest.fixture
    def broker(self, open_broker: Opener) -> Broker:
        return open_broker()

    @pytest.fixture
    def topic(self) -> str:
        return f"topic_{next(_topic_numbers)}"


def messages(
    numbers: Iterable[int], partition: Partition = PARTITION, *, follows: int | None = None, size: int = 600
) -> list[Message]:
    """Messages that follow on each other. Every second event of their log was private: positions have holes."""
    made = list[Message]()
    for number in numbers:
        before = 2 * (number - 1) if follows is None else follows
        made.append(
            Message(
                id=f"{partition}-{number}",
                partition=partition,
                position=Position(2 * number),
                follows=Position(made[-1].position if made else before),
                key=StreamId(f"note-{number % 5}"),
                body=f"{number}:".encode().ljust(size, b"\x00"),
            )
        )
    return made


async def take(
    broker: Broker,
    topic: str,
    wanted: int,
    *,
    after: BrokerPosition | None = None,
    partition: Partition = PARTITION,
) -> list[Delivery]:
    """The next deliveries, as many as wanted or a few more of their batch."""
    taken = list[Delivery]()
    async with asyncio.timeout(WAIT_SECONDS), aclosing(broker.read(topic, partition, after)) as batches:
        async for batch in batches:
            taken.extend(batch)
            if len(taken) >= wanted:
                return taken
    raise AssertionError(f"The reading ended after {len(taken)} messages.")


async def nothing_more(
    broker: Broker, topic: str, after: BrokerPosition | None, partition: Partition = PARTITION
) -> bool:
    """Whether nothing comes for a while."""
    try:
        async with asyncio.timeout(QUIET_SECONDS), aclosing(broker.read(topic, partition, after)) as batches:
            async for _ in batches:
                return False
    except TimeoutError:
        return True
    return False


def said(deliveries: Iterable[Delivery]) -> list[Message]:
    return [delivery.message for delivery in deliveries]


def numbers(deliveries: Iterable[Delivery]) -> list[int]:
    """What `messages` was given."""
    return [int(delivery.message.body.split(b":")[0]) for delivery in deliveries]


def in_parts(whole: Sequence[Message], size: int) -> Iterable[Sequence[Message]]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def assert_continuous(deliveries: Iterable[Delivery]) -> None:
    """Nothing twice, nothing missing, in order."""
    continuity = Continuity(None)
    for delivery in deliveries:
        assert continuity.take(delivery.message), f"{delivery.message.id} came again."
