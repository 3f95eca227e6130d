"""What a broker is told and asked: how often, how it ends, how long telling takes."""

from collections.abc import Sequence
from contextlib import aclosing
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from sigdep.gateway.figures import BUCKETS_SECONDS
from sigdep.kernel.broker import Broker, BrokerPosition, Message, Reading
from sigdep.kernel.ids import Partition
from sigdep.telemetry.outcomes import OK, outcome_of

AWAY: Final = "unavailable"


class BrokerFigures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter(
            "sigdep_broker_failures",
            "Calls that failed: the broker was away for too long, or a position was lost.",
            ("topic", "operation", "outcome"),
            registry=registry,
        )
        self.messages = Counter(
            "sigdep_broker_messages", "Messages published or read.", ("topic", "operation"), registry=registry
        )
        self.seconds = Histogram(
            "sigdep_broker_publish_seconds",
            "From a batch to its acknowledgement.",
            ("topic",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )


class MeasuredBroker:
    """A Broker that is counted and timed."""

    def __init__(self, broker: Broker, figures: BrokerFigures) -> None:
        self._broker = broker
        self._figures = figures

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._begin(topic, "publish")
        begun = perf_counter()
        try:
            await self._broker.publish(topic, messages)
        except BaseException as error:
            self._failed(topic, "publish", error)
            raise
        self._figures.seconds.labels(topic).observe(perf_counter() - begun)
        self._figures.messages.labels(topic, "publish").inc(len(messages))

    async def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        self._begin(topic, "read")
        read = self._figures.messages.labels(topic, "read")
        try:
            async with aclosing(self._broker.read(topic, partition, after)) as batches:
                async for batch in batches:
                    read.inc(len(batch))
                    yield batch
        except Exception as error:
            self._failed(topic, "read", error)
            raise

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        self._begin(topic, "last")
        try:
            return await self._broker.last(topic, partition)
        except Exception as error:
            self._failed(topic, "last", error)
            raise

    async def close(self) -> None:
        await self._broker.close()

    def _begin(self, topic: str, operation: str) -> None:
        """The first failure is seen as one only where there was a 0 before it."""
        self._figures.failures.labels(topic, operation, AWAY)

    def _failed(self, topic: str, operation: str, error: BaseException) -> None:
        outcome = outcome_of(error)
        if outcome not in (OK, "cancelled"):
            self._figures.failures.labels(topic, operation, outcome).inc()
