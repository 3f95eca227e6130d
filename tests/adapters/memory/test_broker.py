"""The model of the broker keeps the port's contract."""

import re
from pathlib import Path

import pytest

from sigdep.adapters.memory.broker import MemoryBroker, MemoryTopics
from sigdep.kernel import broker as port
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


def test_the_reference_tells_the_limits() -> None:
    documented = (Path(__file__).parents[3] / "docs/reference/brokers.md").read_text()
    for limit in (
        port.PUBLISH_MESSAGES_MAX,
        port.PUBLISH_BYTES_MAX,
        port.MESSAGE_BYTES_MAX,
        port.READ_MESSAGES_MAX,
        port.READ_BYTES_MAX,
    ):
        assert re.search(rf"\b{limit:,}\b", documented)
    assert f"for {port.AWAY_SECONDS_MAX:.0f} seconds" in documented
