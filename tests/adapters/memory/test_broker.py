"""The model of the broker keeps the port's contract."""

import pytest

from sigdep.adapters.memory.broker import MemoryBroker, MemoryTopics
from sigdep.kernel.broker import AWAY_SECONDS_MAX, PositionLost
from sigdep.testing.broker import BrokerContract, Opener
from sigdep.testing.broker_setup import PARTITION, messages, numbers, take


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def opener(self) -> Opener:
        topics = MemoryTopics()

        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> MemoryBroker:
            return MemoryBroker(topics)

        return open_broker


async def test_a_reader_that_was_overrun_is_told_so() -> None:
    topics = MemoryTopics()
    broker = MemoryBroker(topics)
    await broker.publish("tasks", messages(range(1, 21)))
    early, late = [(await take(broker, "tasks", 20))[place].position for place in (4, 17)]
    topics.trim("tasks", PARTITION, kept=5)
    assert numbers(await take(broker, "tasks", 2, after=late)) == [19, 20]
    assert numbers(await take(broker, "tasks", 5)) == [16, 17, 18, 19, 20]
    with pytest.raises(PositionLost):
        await take(broker, "tasks", 1, after=early)
    topics.trim("tasks", PARTITION, kept=0)
    with pytest.raises(PositionLost):
        await take(broker, "tasks", 1, after=late)
    assert await broker.last("tasks", PARTITION) is None
